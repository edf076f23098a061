"""ncnn, and its own form of a network."""
