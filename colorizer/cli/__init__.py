"""The command `colorize`: parses, calls the library, and turns errors into exit statuses. Holds no logic."""

from colorizer.cli.main import main

__all__ = ["main"]
