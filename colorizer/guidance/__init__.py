"""What people say about colours: hints at places, references, palettes, and proposals to choose from.

A hint is a place and its colour. It is a measurement of the network's error there, and `field` says how far such an
error goes: along the object, and to what looks alike. The values (`Hint`, `Guidance`) know nothing of networks or
arrays; the rest is loaded when it is first asked for.

>>> from colorizer.guidance import Guidance, Hint, from_json, to_json
>>> red_dress = Hint([(0.42, 0.61)], "#b03028")
>>> guidance = Guidance([red_dress, Hint([(0.1, 0.1), (0.3, 0.1)], "keep")])
>>> from_json(to_json(guidance)).guidance == guidance
True
"""

from __future__ import annotations

from colorizer.guidance.files import from_json, read_guidance, to_json, write_guidance
from colorizer.guidance.hints import Guidance, Hint, Reference
from colorizer.guidance.notation import parse_hint

__all__ = ["Guidance", "Hint", "Reference", "from_json", "parse_hint", "read_guidance", "to_json", "write_guidance"]
