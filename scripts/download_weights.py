"""`python scripts/download_weights.py [NAME] [options]` is `colorize weights download`, from a checkout too."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path


def main() -> None:
    """Run the command; options as `colorize weights download --help` has them."""
    if importlib.util.find_spec("colorizer") is None:
        sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    try:
        from colorizer.cli import main as colorize
    except ModuleNotFoundError as error:
        sys.exit(f"download_weights: {error.name} is not installed; install the project first: pip install .")
    colorize(["weights", "download", *sys.argv[1:]])


if __name__ == "__main__":
    main()
