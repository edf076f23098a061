"""File names from clients, made safe for headers, ZIP entries, messages, and the folders of any system.

They are never opened. Python's own `Path` is not asked, since what counts as a separator must not depend on the system.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Container
from urllib.parse import quote

DEFAULT_NAME = "picture"

MAX_LENGTH = 120
"""Characters, and by far less than the 255 bytes that file systems take for `LATIN` and most other scripts."""

_MAX_BYTES = 200
_FORBIDDEN = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f]')
_DEVICES = {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(10))}
"""Names that Windows opens as devices, whatever their suffix."""

_HIDDEN_CATEGORIES = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
"""What cannot be seen, or changes how the rest is read, such as the mark that turns writing around."""


def clean_name(name: str) -> str:
    """The last part of a name, without what any system forbids or what deceives the eye.

    Returns
    -------
    str
        Never empty, a path, or a device.
    """
    last = re.split(r"[/\\]", name)[-1]
    seen = "".join(c for c in unicodedata.normalize("NFC", last) if unicodedata.category(c) not in _HIDDEN_CATEGORIES)
    safe = _FORBIDDEN.sub("_", " ".join(seen.split())).strip(". ")
    stem, suffix = split_suffix(safe)
    stem = _shortened(stem, suffix).rstrip(". ") or DEFAULT_NAME
    if stem.split(".")[0].strip().lower() in _DEVICES:
        stem = f"_{stem}"
    return stem + suffix


def split_suffix(name: str) -> tuple[str, str]:
    """Stem and suffix, which is short and plain or none at all."""
    stem, dot, suffix = name.rpartition(".")
    return (stem, dot + suffix) if stem and re.fullmatch(r"[A-Za-z0-9]{1,8}", suffix) else (name, "")


def unique_name(name: str, taken: Container[str]) -> str:
    """The name, or with a number where it is taken, whatever the case of its letters."""
    if name.casefold() not in taken:
        return name
    stem, suffix = split_suffix(name)
    number = 2
    while f"{stem}-{number}{suffix}".casefold() in taken:
        number += 1
    return f"{stem}-{number}{suffix}"


def attachment(name: str) -> str:
    """The value of Content-Disposition for a cleaned name (RFC 6266, RFC 8187): what was sent is to be saved."""
    plain = "".join(c if c.isascii() and c.isprintable() and c not in '"\\%;=' else "_" for c in name)
    if plain == name:
        return f'attachment; filename="{plain}"'
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def _shortened(stem: str, suffix: str) -> str:
    stem = stem[: MAX_LENGTH - len(suffix)]
    return stem.encode()[: _MAX_BYTES - len(suffix)].decode(errors="ignore")
