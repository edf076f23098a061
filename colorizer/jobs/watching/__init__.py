"""Watching a folder: what arrives is coloured, once it is complete."""
