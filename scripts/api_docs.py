"""Build the pages of the Python interface from its docstrings, with pdoc.

    python scripts/api_docs.py site

Names that a package loads when they are first asked for are loaded here, since pdoc shows what is there.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pdoc

MODULES = (
    "colorizer",
    "colorizer.colorizer",
    "colorizer.settings",
    "colorizer.errors",
    "colorizer.one_call",
    "colorizer.guidance",
    "colorizer.guidance.session",
    "colorizer.media",
    "colorizer.networks",
    "colorizer.networks.distribution",
    "colorizer.film",
    "colorizer.evaluate",
    "colorizer.metrics",
)


def main() -> None:
    """Write the pages into the folder that is named."""
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    for name in MODULES:
        module = importlib.import_module(name)
        for each in getattr(module, "__all__", ()):
            setattr(module, each, getattr(module, each))
    pdoc.render.configure(docformat="numpy")
    pdoc.pdoc(*MODULES, output_directory=Path(sys.argv[1]))


if __name__ == "__main__":
    main()
