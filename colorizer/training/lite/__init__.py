"""`lite`, the network that is built in: how it is put together, how it learns colours as classes, and its files."""
