"""Pictures in files: reading, writing, and what belongs to them besides their pixels. Knows nothing of networks.

The options are there at once; what decodes and encodes is loaded when it is first asked for.

>>> from pathlib import Path
>>> from tempfile import TemporaryDirectory
>>> import numpy as np
>>> from colorizer.media import Output, Picture, read_picture, write_picture
>>> wedge = np.tile(np.linspace(0, 65535, 96).astype(np.uint16), (64, 1))
>>> with TemporaryDirectory() as folder:
...     notes = write_picture(Path(folder, "wedge.png"), Picture(wedge, None, "PNG"))
...     back = read_picture(Path(folder, "wedge.png"))
...     losses = write_picture(Path(folder, "wedge.jpg"), back, Output(quality=90))
>>> bool((back.pixels == wedge).all()), back.format, back.depth
(True, 'PNG', dtype('uint16'))
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from colorizer.media.options import Output

if TYPE_CHECKING:
    from colorizer.media.formats import READABLE_SUFFIXES, SUFFIXES, colored_suffix, suffix_by_content
    from colorizer.media.metadata.xmp import Mark
    from colorizer.media.picture import DEFAULT_MAX_PIXELS, Metadata, Picture
    from colorizer.media.read import Document, decode_document, decode_picture, open_document, read_picture
    from colorizer.media.write import (
        encode_document,
        encode_picture,
        result_format,
        target_format,
        write_document,
        write_picture,
    )

_HOMES = {
    "formats": ("READABLE_SUFFIXES", "SUFFIXES", "colored_suffix", "suffix_by_content"),
    "picture": ("DEFAULT_MAX_PIXELS", "Metadata", "Picture"),
    "read": ("Document", "decode_document", "decode_picture", "open_document", "read_picture"),
    "write": ("encode_document", "encode_picture", "result_format", "target_format", "write_document", "write_picture"),
    "metadata.xmp": ("Mark",),
}

__all__ = [
    "DEFAULT_MAX_PIXELS",
    "READABLE_SUFFIXES",
    "SUFFIXES",
    "Document",
    "Mark",
    "Metadata",
    "Output",
    "Picture",
    "colored_suffix",
    "decode_document",
    "decode_picture",
    "encode_document",
    "encode_picture",
    "open_document",
    "read_picture",
    "result_format",
    "suffix_by_content",
    "target_format",
    "write_document",
    "write_picture",
]


def __getattr__(name: str) -> Any:
    for home, names in _HOMES.items():
        if name in names:
            return getattr(importlib.import_module(f"{__name__}.{home}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
