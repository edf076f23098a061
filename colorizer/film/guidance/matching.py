"""What the network, and what people say, make of one frame: the engine of `colorizer.guidance`, for lightness of film.

All frames here are lightness at the network's size; that is what a film's guidance is computed from, whatever the size
of its frames.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from colorizer.color.pixels import chroma_plane, recombine
from colorizer.color.resample import fitted
from colorizer.colorizer import Colorizer
from colorizer.errors import UsageError
from colorizer.film.guidance.files import FilmGuidance
from colorizer.film.guidance.layers import Planes
from colorizer.guidance.asked import Said
from colorizer.guidance.field import reached
from colorizer.guidance.finish import full_size
from colorizer.guidance.hints import Guidance, Hint, Reference
from colorizer.guidance.placing import placed, told
from colorizer.guidance.references import (
    Known,
    change_by_palette,
    change_by_scenes,
    palette_of_colors,
    palette_of_picture,
)
from colorizer.guidance.scene import enlarged, working_size
from colorizer.guidance.session import Session
from colorizer.networks.looks import Seen
from colorizer.settings import Settings

Floats = npt.NDArray[np.float32]

_REFERENCE_SIDE = 1024
"""Of a picture in colour that the network is asked about."""


@dataclass(frozen=True)
class Matching:
    """What a frame's prediction is changed by, wherever in it that is.

    Attributes
    ----------
    known
        Pictures of the same scene.
    palettes
        Shares of the network's classes, whose mean is wanted.
    """

    known: tuple[Known, ...] = ()
    palettes: tuple[Floats, ...] = ()

    def __bool__(self) -> bool:
        """Whether there is anything."""
        return bool(self.known or self.palettes)


class Matcher:
    """Works on the frames of one film.

    Parameters
    ----------
    colorizer
        The network.
    height, width
        Of the film's frames.
    """

    def __init__(self, colorizer: Colorizer, height: int, width: int) -> None:
        self._colorizer, self._size = colorizer, (height, width)
        self._settings = Settings(threads=colorizer.settings.threads)  # what colours are to be is said in full

    def say(self, lightness: Floats) -> Said:
        """What the network says of a frame, (h, w) float32 L."""
        return self._colorizer.say(self._seen(lightness))

    def colors(self, lightness: Floats, matching: Matching) -> Floats:
        """The chroma of a frame, (h, w) float32 L: (h', w', 2) float32, CIE Lab units.

        Raises
        ------
        UsageError
            The network has no distribution over colours.
        EngineError
            The runtime failed.
        """
        return self.predict(self._seen(lightness), matching)

    def _seen(self, lightness: Floats) -> Seen:
        return self._colorizer.view.of_lightness(*self._size, lambda size: _resized(lightness, size))

    def predict(self, seen: Seen, matching: Matching) -> Floats:
        """What the network says of what it sees of a frame, changed: (h, w, 2) float32, CIE Lab units.

        Raises
        ------
        UsageError
            The network has no distribution over colours, and something is to be matched.
        EngineError
            The runtime failed.
        """
        if not matching:
            return self._colorizer.predict_seen(seen)
        said = self._colorizer.say(seen)
        return np.asarray(said.ab + self.change(seen[0].lightness[0, 0], said, matching), np.float32)

    def session(self, lightness: Floats, said: Said) -> Session:
        """A frame to guide, and what the network says of it, as strong as it is to be."""
        working = _resized(lightness, working_size(*self._size))
        grey = recombine(working, np.zeros((*working.shape, 2), np.float32), np.float32)[..., 0]
        return Session(np.ascontiguousarray(grey), said, self._settings)

    def change(self, lightness: Floats, said: Said, matching: Matching) -> Floats:
        """What references and palettes change: (h, w, 2) float32, CIE Lab units, at the size of `said.ab`.

        Raises
        ------
        UsageError
            The network has no distribution over colours.
        """
        size = said.ab.shape[0], said.ab.shape[1]
        total = np.zeros((*size, 2), np.float32)
        if matching.known:
            scene = self.session(lightness, said).scene
            total += enlarged(change_by_scenes(scene, matching.known), size)
        if matching.palettes:
            palette = np.asarray(np.mean(matching.palettes, axis=0), np.float32)
            distribution = _distribution_of(said)
            total += enlarged(change_by_palette(distribution, palette, said.temperature), size)
        return total

    def known_frame(self, lightness: Floats, ab: Floats) -> Known:
        """A frame of the film whose colours are known: (h, w, 2) float32 ab at any size."""
        said = self.say(lightness)
        scene = self.session(lightness, said).scene
        return Known(scene, enlarged(ab, scene.size) - enlarged(said.ab, scene.size))

    def known_picture(self, pixels: npt.NDArray[Any]) -> Known:
        """A picture in colour, (H, W, 3) RGB, of the same scene.

        Raises
        ------
        UsageError
            The network has no distribution over colours.
        """
        small = fitted(pixels, _REFERENCE_SIDE)
        view, threads = self._colorizer.view, self._settings.threads
        said = self._colorizer.say(view.of_pixels(small, threads))
        _distribution_of(said)
        scene = Session(small, said, self._settings).scene
        shrunk = cv2.resize(np.ascontiguousarray(small), scene.size[::-1], interpolation=cv2.INTER_AREA)
        return Known(scene, chroma_plane(shrunk) - enlarged(said.ab, scene.size))

    def everywhere(self, said: FilmGuidance) -> Matching:
        """What every frame's prediction is changed by.

        Raises
        ------
        UsageError
            The network has no distribution over colours.
        """
        known = tuple(self.known_picture(each.pixels) for each in said.references if each.role == "scene")
        return Matching(known, self.palettes(said.references, said.palette))

    def palettes(self, references: Sequence[Reference], colors: Sequence[str]) -> tuple[Floats, ...]:
        """Of pictures, and of named colours.

        Raises
        ------
        UsageError
            The network has no distribution over colours.
        """
        pictures = [each.pixels for each in references if each.role == "palette"]
        if not pictures and not colors:
            return ()
        grey = np.full((8, 8), 50, np.float32)
        centres = _distribution_of(self.say(grey)).centres
        found = [palette_of_picture(pixels, centres) for pixels in pictures]
        return (*found, *([palette_of_colors(colors, centres)] if colors else []))

    def hinted(self, lightness: Floats, said: Said, hints: Sequence[Hint], carry: float) -> Planes:
        """What hints in fractions say of their own frame.

        On what they speak of it is the colour itself, so that it stays the same over the shot; elsewhere it is by how
        much they change what there is.
        """
        session = self.session(lightness, said)
        guidance = Guidance(hints, carry)
        height, width = lightness.shape
        base = enlarged(said.ab, (height, width))
        full = full_size(session.guided(guidance), guidance, session.pixels, (height, width))
        wanted = base if full is None else full.adjust(slice(0, height), lightness, base.copy())
        scene = session.scene
        items = placed(guidance.hints, *session.size)
        points = told(items, session.size, scene.size, carry)
        share = enlarged(reached(scene, points, session.base)[..., None], (height, width))[..., 0]
        share = np.clip(share, 0, 1)
        return Planes(share, wanted - base + share[..., None] * base)

    def proposal(self, lightness: Floats, said: Said, number: int) -> tuple[Hint, ...]:
        """The hints of a proposal, counted from 1; of the last one where there are fewer."""
        found = self.session(lightness, said).variants(number)
        return found[-1].hints if found else ()


def scaled(said: Said, factor: float) -> Said:
    """What the network says, as strong as it is to be."""
    return said if factor == 1 else replace(said, ab=said.ab * np.float32(factor))


def _resized(lightness: Floats, size: tuple[int, int]) -> Floats:
    if lightness.shape == size:
        return lightness
    shrinks = lightness.shape[0] >= size[0] and lightness.shape[1] >= size[1]
    how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(lightness, size[::-1], interpolation=how), np.float32)


def _distribution_of(said: Said) -> Any:
    if said.distribution is None:
        raise UsageError(
            f"{said.model} gives one answer and no distribution over colours, which pictures for the whole film and "
            "palettes need; use frames in colour or hints, or take another model"
        )
    return said.distribution
