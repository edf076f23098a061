"""Descriptors of networks: what one says (`model`), as JSON (`reading`, `schema.json`), and by family (`rules`)."""
