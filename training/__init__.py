"""How `lite` is made: the network, the photographs, what is done to them, and the loop. Needs PyTorch.

`scripts/train_lite.py` is the door, docs/training.md says what was tried and what came of it.
"""
