"""Jobs: which pictures, where to, and what became of each."""
