"""Files that lie at servers and in object stores, through fsspec: read, put whole, listed, told apart."""
