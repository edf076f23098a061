"""Networks that one trains on one's own photographs: what they are, what they learn from, the loop, and what comes out.

`catalog` says which there are, and `run.train` trains one. PyTorch is imported where a network is built and nowhere
before: what only tells of networks needs none.
"""
