"""Networks that a descriptor describes: what they are fed, in which scale, and what their answer means; all as data."""
