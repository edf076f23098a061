"""The trials of scripts/benchmark.py."""
