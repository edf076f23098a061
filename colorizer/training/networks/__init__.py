"""The networks themselves, in PyTorch: one module for the networks of one paper, and the encoders that some borrow."""
