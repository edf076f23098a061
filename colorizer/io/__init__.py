"""Bytes and the machine: whole files, locks, the cache, cores and memory."""
