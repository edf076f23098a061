"""Colour for black-and-white photographs.

In one line: `colorizer.colorize("in.jpg", "out.jpg")`, or an image of Pillow's, an array, or a file's bytes; each comes
back as what it was. For many pictures with settings of one's own there is a class:

>>> import numpy as np
>>> from colorizer import Colorizer
>>> grey = np.tile(np.linspace(0, 255, 96).astype(np.uint8), (64, 1))  # or what OpenCV or Pillow has read
>>> colored = Colorizer().colorize(grey)  # BGR as OpenCV has it, or order="rgb"
>>> colored.shape, colored.dtype
((64, 96, 3), dtype('uint8'))

`Colorizer` takes `Settings`; everything that can go wrong by a user's hand is a `ColorizerError`. Both networks and
engines load when the first `Colorizer` is made, so that importing this package costs next to nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from colorizer.errors import ColorizerError
from colorizer.settings import Settings

if TYPE_CHECKING:
    from colorizer.colorizer import Colorizer
    from colorizer.one_call import colorize

__version__ = "0.1.0"
__all__ = ["Colorizer", "ColorizerError", "Settings", "__version__", "colorize"]


def __getattr__(name: str) -> Any:
    if name == "Colorizer":
        from colorizer.colorizer import Colorizer

        return Colorizer
    if name == "colorize":
        from colorizer.one_call import colorize

        return colorize
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
