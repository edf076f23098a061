"""From photographs in files to what a network sees and what it should answer; nothing of PyTorch."""
