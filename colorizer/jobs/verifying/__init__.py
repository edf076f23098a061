"""Verifying: whether results are all there, unchanged, and made from and by what is said of them."""
