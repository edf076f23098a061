"""Hints on the pictures of the page, tried on what the network has said already.

Sessions of the last few pictures are kept in memory, each with a reduced copy of its picture (see
`colorizer.guidance.session`), so that a preview while somebody moves a hint takes a fraction of a second.
"""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from colorizer.colorizer import Colorizer
from colorizer.guidance import Guidance, to_json
from colorizer.guidance.asked import Said
from colorizer.guidance.placing import in_fractions
from colorizer.guidance.session import Session
from colorizer.networks.descriptor.model import Spreading
from colorizer.networks.distribution import Distribution
from colorizer.settings import Settings
from colorizer.web.coloring import Preview
from colorizer.web.references import Sent

Floats = npt.NDArray[np.float32]

MAX_SESSIONS = 4
"""Of pictures that somebody works on, reduced or at full size; others are made again when they are asked for."""


def as_object(guidance: Guidance, references: Iterable[tuple[str, Sent]] = ()) -> dict[str, Any]:
    """Guidance as JSON has it, and references by the names they were sent with."""
    content: dict[str, Any] = json.loads(to_json(guidance))
    named = [{"file": sent.name, "as": role} for role, sent in references]
    return content | ({"references": named} if named else {})


@dataclass(frozen=True)
class LateNetwork:
    """A network that is loaded when it is asked, as few hints need it; see `colorizer.guidance.asked.Asked`."""

    model: str
    spreading: Spreading
    load: Callable[[], Colorizer]
    temperature: float | None = None  # of the annealed mean; None: the model's

    def said(self, pixels: npt.NDArray[Any]) -> Said:
        """What the network says of a picture, at the temperature.

        Raises
        ------
        ColorizerError
            The network cannot be loaded, or fails.
        """
        found = self.load().said(pixels)
        if found.distribution is None or self.temperature is None:
            return found
        return replace(found, ab=found.distribution.ab(self.temperature), temperature=self.temperature)

    def fed(self, pixels: npt.NDArray[Any], planes: Callable[[tuple[int, int]], Floats]) -> Floats:
        """What it says that is fed hints.

        Raises
        ------
        ColorizerError
            The network cannot be loaded, or fails.
        """
        return self.load().fed(pixels, planes)


class Sessions:
    """Sessions of pictures, by what they depend on; the least recently used is dropped first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[Any, ...], Session] = OrderedDict()

    def of(
        self,
        key: str,
        preview: Preview,
        network: LateNetwork,
        values: Mapping[str, Any],
        pixels: npt.NDArray[np.uint8] | None = None,
    ) -> Session:
        """The session of a picture.

        Parameters
        ----------
        key
            The picture's id, and whatever tells one coloring of it from another.
        preview
            What is kept of it.
        network
            That said it.
        values
            Temperature, saturation and strength, as a query has them.
        pixels
            At the size to work at; None: reduced, as is kept.
        """
        temperature, settings = _as_asked(preview, values)
        name = (key, temperature, settings.saturation, settings.strength)
        with self._lock:
            if name in self._kept:
                self._kept.move_to_end(name)
                return self._kept[name]
        session = session_of(np.load(preview.proxy) if pixels is None else pixels, preview, network, values)
        with self._lock:
            self._kept[name] = session
            while len(self._kept) > MAX_SESSIONS:
                self._kept.popitem(last=False)
        return session


def session_of(
    pixels: npt.NDArray[np.uint8], preview: Preview, network: LateNetwork, values: Mapping[str, Any]
) -> Session:
    """A session of a picture at any size, by what the network has said; see `Sessions.of`."""
    temperature, settings = _as_asked(preview, values)
    asked = replace(network, temperature=temperature)
    return Session(pixels, _said(preview, network.model, temperature), settings, asked)


def _as_asked(preview: Preview, values: Mapping[str, Any]) -> tuple[float | None, Settings]:
    settings = Settings(saturation=values.get("saturation", 1.0), strength=values.get("strength", 1.0))
    return values.get("temperature") or preview.temperature, settings


def for_preview(guidance: Guidance, preview: Preview) -> Guidance:
    """What is said of the first page, with places that hold for a reduced copy."""
    return in_fractions(guidance.of_page(1), (preview.height, preview.width))


def _said(preview: Preview, model: str, temperature: float | None) -> Said:
    predicted = np.load(preview.predicted)
    if preview.centres is None or temperature is None:
        return Said(model, predicted, None)
    distribution = Distribution(predicted, preview.centres)
    return Said(model, distribution.ab(temperature), distribution, temperature)
