"""Colour itself: CIE Lab, the gamut, and pictures strip by strip; knows nothing of networks or files."""
