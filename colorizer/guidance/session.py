"""A picture that somebody works on: what the network said of it is kept, and hints are rendered without another pass.

What is kept takes about 40 MB beside the picture itself, and 4 MB for each preview size in use; the network's
distribution, 2 to 8 MB, is kept for swatches and variants.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, TypeVar

import cv2
import numpy as np
import numpy.typing as npt

from colorizer.color.pixels import chroma_plane, lightness
from colorizer.color.resample import fitted
from colorizer.color.strips import shrunk_lightness, with_chroma
from colorizer.errors import UsageError
from colorizer.guidance.asked import Asked, Said
from colorizer.guidance.columns import Columns
from colorizer.guidance.field import spread
from colorizer.guidance.files import MadeFor, look_of
from colorizer.guidance.finish import Guided, Lines, full_size
from colorizer.guidance.hints import Guidance, Reference
from colorizer.guidance.metric import metric_for
from colorizer.guidance.placing import Placed, in_fractions, placed, remarks, told
from colorizer.guidance.planes import hint_planes
from colorizer.guidance.references import (
    Known,
    change_by_palette,
    change_by_scenes,
    palette_of_colors,
    palette_of_picture,
)
from colorizer.guidance.scene import Scene, enlarged, working_size
from colorizer.guidance.suggestions import SWATCHES, Suggestion, suggested
from colorizer.guidance.variants import variants
from colorizer.settings import Settings

Pixels = npt.NDArray[Any]
Floats = npt.NDArray[np.float32]
Value = TypeVar("Value")

_REMEMBERED = 8
"""Changes of hints lists that are kept, for undo and for sizes."""

_REDUCED = 2

_REFERENCES = 4

_REFERENCE_SIDE = 1024
"""Of a reference that the network is asked about."""


class Session:
    """A picture to try hints on; safe to share between threads. Made by `Colorizer.session`.

    Parameters
    ----------
    pixels
        (H, W) grey or (H, W, 3) RGB; uint8, uint16, or float in 0..1.
    said
        What the network said of it.
    settings
        Saturation and strength, which act on the network's part alone, and threads.
    network
        Is asked of references of the same scene, and of hints where it is fed them; None where neither is needed.

    Examples
    --------
    >>> import numpy as np
    >>> from colorizer import Colorizer, Settings
    >>> from colorizer.guidance import Guidance, Hint
    >>> grey = np.tile(np.linspace(0, 255, 96).astype(np.uint8), (64, 1))
    >>> session = Colorizer(Settings(model="lite")).session(grey)
    >>> hints = Guidance([Hint([(0.5, 0.5)], "navy")])
    >>> session.preview(hints, 48).shape, session.render(hints).shape
    ((32, 48, 3), (64, 96, 3))
    """

    def __init__(
        self,
        pixels: Pixels,
        said: Said,
        settings: Settings | None = None,
        network: Asked | None = None,
    ) -> None:
        self.pixels = pixels
        self.said = said
        self.settings = settings or Settings()
        self._network = network
        self._lock = threading.RLock()
        self._lines: OrderedDict[str, Lines] = OrderedDict()
        self._reduced: OrderedDict[int, Pixels] = OrderedDict()
        self._references: OrderedDict[str, Known] = OrderedDict()

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the picture."""
        return self.pixels.shape[0], self.pixels.shape[1]

    @property
    def made_for(self) -> MadeFor:
        """What a hints file says of this picture."""
        height, width = self.size
        return MadeFor("", width, height, look_of(self.scene.light))

    @cached_property
    def scene(self) -> Scene:
        """The picture, prepared for spreading hints."""
        with self._lock:
            return _prepared(self.pixels, self.said, self.settings.threads)

    @cached_property
    def _columns(self) -> Columns:
        return Columns(self.scene)

    @cached_property
    def base(self) -> Floats:
        """Chroma without guidance, at the working size: (H, W, 2) float32."""
        size = self.scene.size
        base = enlarged(self._vivid, size)
        if self._own_share > 0 and self.pixels.ndim == 3:
            small = cv2.resize(np.ascontiguousarray(self.pixels), size[::-1], interpolation=cv2.INTER_AREA)
            base = np.asarray(base + chroma_plane(small) * np.float32(self._own_share), np.float32)
        return base

    def guided(self, guidance: Guidance) -> Guided:
        """Chroma with guidance, for whoever renders it.

        Raises
        ------
        InputError
            A hint is outside the picture.
        UsageError
            A reference or a palette needs a network with a distribution.
        """
        return Guided(self._vivid, self._own_share, self._changed(guidance) if guidance else None)

    def remarks(self, guidance: Guidance, alpha: Pixels | None = None) -> tuple[str, ...]:
        """What is to be said of hints that cannot come out as they were meant; see `colorizer.guidance.placing`.

        Raises
        ------
        InputError
            A hint is outside the picture.
        """
        return remarks(guidance, self.pixels, alpha)

    def change(self, guidance: Guidance) -> Floats:
        """What guidance changes, at the working size: (H, W, 2) float32, CIE Lab units.

        Raises
        ------
        InputError
            A hint is outside the picture.
        UsageError
            A reference or a palette needs a network with a distribution.
        """
        scene, base = self.scene, self.base
        total = self._changed_by_references(guidance)
        items = placed(guidance.hints, *self.size)
        spreading = "program" if self._network is None else self._network.spreading
        if items and self._network is not None and spreading != "program":
            total += self._changed_by_network(items, self._network)
            if spreading == "network":
                return total
        said = told(items, self.size, scene.size, guidance.carry)
        return total + spread(self._columns, said, base + total, base, self.settings.threads)

    def render(self, guidance: Guidance) -> Pixels:
        """The picture in colour at its own size: (H, W, 3) RGB of its dtype.

        Raises
        ------
        InputError
            A hint is outside the picture.
        UsageError
            A reference or a palette needs a network with a distribution.
        """
        return self._rendered(guidance, self.pixels)

    def preview(self, guidance: Guidance, size: int) -> Pixels:
        """The picture in colour, reduced to a longest side of `size` pixels: (h, w, 3) RGB of its dtype.

        Raises
        ------
        InputError
            A hint is outside the picture.
        UsageError
            A reference or a palette needs a network with a distribution.
        """
        return self._rendered(guidance, self._fitted(size))

    def ab_at(self, x: float, y: float, guidance: Guidance | None = None) -> tuple[float, float]:
        """Chroma at a place, in fractions of the width and height; CIE Lab units."""
        height, width = self.scene.size
        row, column = min(int(y * height), height - 1), min(int(x * width), width - 1)
        ab = self.base[row, column]
        if guidance:
            ab = ab + self.change(guidance)[row, column]
        return float(ab[0]), float(ab[1])

    def _changed_by_references(self, guidance: Guidance) -> Floats:
        """What references and the palette change, at the working size."""
        size = self.scene.size
        total = np.zeros((*size, 2), np.float32)
        if not (guidance.references or guidance.palette):
            return total
        distribution = self.said.distribution
        if distribution is None:
            raise UsageError(
                f"{self.said.model} gives one answer and no distribution over colours, which references and palettes "
                "need; use hints, or take another model"
            )
        scenes = [self._known(each) for each in guidance.references if each.role == "scene"]
        if scenes:
            total += enlarged(change_by_scenes(self.scene, scenes), size)
        centres = distribution.centres
        palettes = [palette_of_picture(each.pixels, centres) for each in guidance.references if each.role == "palette"]
        palettes += [palette_of_colors(guidance.palette, centres)] if guidance.palette else []
        if palettes:
            palette = np.asarray(np.mean(palettes, axis=0), np.float32)
            total += enlarged(change_by_palette(distribution, palette, self.said.temperature), size)
        return total

    def _changed_by_network(self, items: Sequence[Placed], network: Asked) -> Floats:
        """What a network changes that is fed hints, at the working size; saturation and strength do not act on it."""
        unguided = self.said.ab
        found = network.fed(self.pixels, lambda size: hint_planes(items, self.size, size, unguided))
        return enlarged(found, self.scene.size) - enlarged(unguided, self.scene.size)

    def _known(self, reference: Reference) -> Known:
        def asked() -> Known:
            if self._network is None:
                raise UsageError("a reference needs the network; make the session by Colorizer.session")
            pixels = fitted(reference.pixels, _REFERENCE_SIDE)
            said = self._network.said(pixels)
            scene = _prepared(pixels, said, self.settings.threads)
            small = cv2.resize(np.ascontiguousarray(pixels), scene.size[::-1], interpolation=cv2.INTER_AREA)
            return Known(scene, chroma_plane(small) - enlarged(said.ab, scene.size))

        return self._kept(self._references, reference.digest, _REFERENCES, asked)

    def suggestions(
        self, x: float, y: float, guidance: Guidance | None = None, count: int = SWATCHES
    ) -> tuple[Suggestion, ...]:
        """Colours to choose from at a place.

        Parameters
        ----------
        x, y
            In fractions of the width and height.
        guidance
            What is said already; its colours are among them.
        count
            How many.

        Raises
        ------
        InputError
            A hint is outside the picture.
        """
        height, width = self.size
        column, row = min(int(x * width), width - 1), min(int(y * height), height - 1)
        tone = float(lightness(self.pixels[row : row + 1, column : column + 1])[0, 0])
        used = [hint.target for hint in guidance.hints if hint.meaning == "color"] if guidance else []
        present = self.ab_at(x, y, guidance)
        return suggested(self.said.distribution, (x, y), lightness=tone, present=present, used=used, count=count)

    def variants(self, count: int, guidance: Guidance | None = None) -> list[Guidance]:
        """Proposals that differ where the network doubts, with what is said already; fewer where it does not.

        Raises
        ------
        InputError
            A hint is outside the picture.
        UsageError
            The network gives one answer and has no doubt.
        """
        said = in_fractions(guidance or Guidance(), self.size)
        distribution = self.said.distribution
        if distribution is None:
            raise UsageError(
                f"{self.said.model} gives one answer, between which and others there is nothing to choose; "
                "take another model"
            )
        base = self.base + self.change(said) if said else self.base
        found = variants(self.scene, distribution, base, count)
        return [said.with_hints(*hints) for hints in found]

    @cached_property
    def _vivid(self) -> Floats:
        vivid: Floats = self.said.ab * np.float32(self.settings.saturation * self.settings.strength)
        return vivid

    @property
    def _own_share(self) -> float:
        return 1 - self.settings.strength

    def _changed(self, guidance: Guidance) -> Lines:
        def made() -> Lines:
            return Lines.of(self.change(guidance), self.scene.light)

        return self._kept(self._lines, guidance.digest(), _REMEMBERED, made)

    def _fitted(self, side: int) -> Pixels:
        if max(self.size) <= side:
            return self.pixels
        return self._kept(self._reduced, side, _REDUCED, lambda: fitted(self.pixels, side))

    def _kept(self, kept: OrderedDict[Any, Value], key: object, most: int, make: Callable[[], Value]) -> Value:
        """A value that is made once; two threads may make it at once, and one of the two is kept."""
        with self._lock:
            if key in kept:
                kept.move_to_end(key)
                return kept[key]
        made = make()
        with self._lock:
            kept[key] = made
            while len(kept) > most:
                kept.popitem(last=False)
        return made

    def _rendered(self, guidance: Guidance, pixels: Pixels) -> Pixels:
        guidance = in_fractions(guidance, self.size)
        guided = self.guided(guidance)
        return with_chroma(
            pixels,
            guided.vivid,
            own_share=guided.own_share,
            threads=self.settings.threads,
            adjustment=full_size(guided, guidance, pixels),
        )


def _prepared(pixels: Pixels, said: Said, threads: int | None) -> Scene:
    height, width = pixels.shape[:2]
    classes = None if said.distribution is None else len(said.distribution.centres)
    light = shrunk_lightness(pixels, working_size(height, width), threads)
    return Scene.of(light, said.ab, said.distribution, metric_for(said.model, classes))
