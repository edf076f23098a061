"""The way of a picture: lightness -> network -> ab -> full size -> recombined with the untouched lightness.

A `Colorizer` owns a model and an engine. It knows arrays only; files are the business of `colorizer.media`.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from colorizer import compat
from colorizer.color.chroma_for_luma import chroma_for_luma
from colorizer.color.pixels import check_pixels
from colorizer.color.strips import Adjustment, with_chroma
from colorizer.color.tint import is_really_color
from colorizer.errors import OptionRef, Remedy, UsageError
from colorizer.networks import Model, open_network, resolve_model
from colorizer.networks.distribution import Distribution
from colorizer.networks.looks import Looks, Seen
from colorizer.networks.looks import predict as predict_looks
from colorizer.networks.making import Making, making_of
from colorizer.settings import Settings

if TYPE_CHECKING:
    from colorizer.guidance import Guidance
    from colorizer.guidance.asked import Said
    from colorizer.guidance.session import Session
    from colorizer.networks.descriptor.model import Spreading

Pixels = npt.NDArray[Any]
Floats = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.uint8]
Order = Literal["bgr", "rgb"]

_NETWORK_SETTINGS = (
    *("model", "prototxt", "bin_centres", "weights_dir", "temperature"),
    *("engine", "precision", "device", "threads", "compat"),
)
"""What decides which network is loaded, and into what."""


class Colorizer:
    """Colours pictures with one model and one set of settings; safe to share between threads.

    Parameters
    ----------
    settings
        How to colour.
    pictures
        How many are to come, as far as known: what is fastest for one from cold is not so for thousands.
    model
        The model that the settings stand for, where that is known already.

    Raises
    ------
    UsageError
        The settings do not fit the model.
    WeightsError
        The model is missing, damaged, or no network that is known here.
    MissingExtraError, EngineError
        The inference runtime is not installed, or cannot load the model.

    Examples
    --------
    >>> import numpy as np
    >>> from colorizer import Colorizer, Settings
    >>> grey = np.tile(np.linspace(0, 65535, 96).astype(np.uint16), (64, 1))
    >>> colorizer = Colorizer(Settings(model="lite", saturation=1.2))
    >>> colored = colorizer.colorize(grey, order="rgb")
    >>> colored.shape, colored.dtype
    ((64, 96, 3), dtype('uint16'))

    What the network says, and the picture at another saturation, without asking it again:

    >>> ab = colorizer.predict(grey)
    >>> paler = colorizer.with_settings(Settings(model="lite", saturation=0.5)).render(grey, ab)
    >>> paler.shape, paler.dtype
    ((64, 96, 3), dtype('uint16'))
    """

    def __init__(
        self, settings: Settings | None = None, *, pictures: int | None = None, model: Model | None = None
    ) -> None:
        self.settings = settings = settings or Settings()
        self.model = model or resolve_model(
            settings.model, prototxt=settings.prototxt, weights_dir=settings.weights_dir
        )
        self.view = Looks.of(self.model, settings)
        self._network = open_network(self.model, settings, pictures=pictures)

    def __repr__(self) -> str:
        """What colours, and how."""
        return f"<Colorizer: {self.recipe()}>"

    def with_settings(self, settings: Settings) -> Colorizer:
        """The same network, loaded once, under other settings that are not the network's: fit, size, chroma.

        Raises
        ------
        UsageError
            The settings do not fit the model, or would take another network, temperature or engine.
        """
        changed = [name for name in _NETWORK_SETTINGS if getattr(settings, name) != getattr(self.settings, name)]
        if changed:
            raise UsageError(f"a network that is loaded has its own {', '.join(changed)}; load another")
        other = copy(self)
        other.settings, other.view = settings, Looks.of(self.model, settings)
        return other

    @property
    def temperature(self) -> float | None:
        """Of the annealed mean: the settings', or the model's own; None where the network has no distribution."""
        return self._network.temperature

    def recipe(self) -> str:
        """One line on how pictures are coloured, the same for every picture: model, engine, and what was set."""
        settings = self.settings
        parts = [
            f"{self.model.name} in {self._network.engine.name}",
            self.view.recipe,
            *self._network.traits,
        ]
        parts += [f"saturation {settings.saturation:g}"] if settings.saturation != 1 else []
        parts += [f"strength {settings.strength:g}"] if settings.strength != 1 else []
        return ", ".join([*parts, *(["as OpenCV's sample"] if settings.compat else [])])

    def decided(self) -> Settings:
        """The settings, with the engine, the device and the precision that were taken in place of "auto"."""
        if self.settings.compat:
            return self.settings  # which has its own
        choice = self._network.engine.choice
        return replace(self.settings, engine=choice.engine, device=choice.device, precision=choice.precision)

    def making(self, *notes: str) -> Making:
        """What results say of how they were made, for metadata and reports (docs/mark.md); `recipe` for programs.

        Parameters
        ----------
        *notes
            What else is to be said of a result.

        Raises
        ------
        WeightsError
            A file of the model is gone.
        """
        return making_of(self.model, self.settings, self._network.engine, self.temperature, notes)

    def describe(self) -> str:
        """The recipe, and why this engine was chosen."""
        return f"{self.recipe()} ({self._network.engine.choice.why})"

    def colorize(self, pixels: Pixels, order: Order = "bgr", guidance: Guidance | None = None) -> Pixels:
        """Put colour into a picture; its lightness, depth and transparency stay.

        Parameters
        ----------
        pixels
            (H, W) or (H, W, 1) grey, (H, W, 2) grey and alpha, (H, W, 3) colour or (H, W, 4) colour and alpha; uint8,
            uint16, or float in 0..1; sRGB-encoded. Colour in it (a sepia print, a colour photograph) is taken for its
            lightness, unless the settings say `keep_color`.
        order
            Order of the colour channels, in and out: "bgr" as OpenCV has it, or "rgb".
        guidance
            What a person says of the colours.

        Returns
        -------
        ndarray, (H, W, 3), or (H, W, 4) where there was an alpha, of the input's dtype, in the same order

        Raises
        ------
        UsageError
            `order` is neither of the two, or `guidance` asks for what the network does not have.
        InputError
            The array is no picture, or a hint is outside it.
        EngineError
            The runtime failed.
        """
        if order not in ("bgr", "rgb"):
            raise UsageError("expected 'bgr' or 'rgb'", option=OptionRef("order", repr(order)))
        check_pixels(pixels)
        visible, alpha = _split_alpha(pixels)
        rgb = visible[..., ::-1] if order == "bgr" and visible.ndim == 3 else visible
        colored = self._color_rgb(rgb, guidance)
        if order == "bgr":
            colored = colored[..., ::-1]
        return np.ascontiguousarray(colored) if alpha is None else np.dstack([colored, alpha])

    def keeps(self, rgb: Pixels) -> bool:
        """Whether the settings let this picture pass as it is, for being really in colour: (H, W) or (H, W, 3) RGB."""
        return self.settings.keep_color and rgb.ndim == 3 and is_really_color(rgb)

    def predict(self, pixels: Pixels) -> Floats:
        """The network's chroma for a picture, at the network's own size.

        Parameters
        ----------
        pixels
            (H, W) grey or (H, W, 3) RGB; uint8, uint16, or float in 0..1.

        Returns
        -------
        ndarray, (h, w, 2) float32, CIE Lab units
        """
        return self.predict_seen(self.view.of_pixels(pixels, self.settings.threads))

    def predict_seen(self, seen: Seen) -> Floats:
        """The network's chroma for what it sees of a picture, as `view` gives it: (h, w, 2) float32, CIE Lab units.

        Of several looks it is one answer, on the grid of the largest.

        Raises
        ------
        EngineError
            The runtime failed.
        """
        return np.ascontiguousarray(predict_looks(self._network, seen).ab[0].transpose(1, 2, 0))

    def distribution(self, pixels: Pixels) -> Distribution:
        """How probable the network thinks each colour, which gives its chroma at any temperature; one pass.

        The first call may load more of the network.

        Parameters
        ----------
        pixels
            (H, W) grey or (H, W, 3) RGB; uint8, uint16, or float in 0..1.

        Raises
        ------
        UsageError
            The network gives ab alone.
        EngineError
            The runtime failed.
        """
        seen = self.view.of_pixels(pixels, self.settings.threads)
        said = predict_looks(self._network, seen, distribution=True).distributions
        if said is None:
            raise UsageError(f"{self.model.name} gives ab alone and no distribution over colours; take another model")
        return said[0]

    @property
    def spreading(self) -> Spreading:
        """Who spreads hints: the program, where the network is not fed them; else as its descriptor says."""
        descriptor = self.model.descriptor
        return "program" if descriptor is None or not descriptor.takes_hints else descriptor.spreading

    def say(self, seen: Seen) -> Said:
        """All that the network says of what it sees of a picture, as `view` gives it: what guidance begins from.

        Raises
        ------
        EngineError
            The runtime failed.
        """
        from colorizer.guidance.asked import Said

        found = predict_looks(self._network, seen, distribution=self.temperature is not None)
        distribution = None if found.distributions is None else found.distributions[0]
        ab = np.ascontiguousarray(found.ab[0].transpose(1, 2, 0))
        return Said(self.model.name, ab, distribution, self.temperature or 1.0)

    def session(self, pixels: Pixels) -> Session:
        """A picture to try hints on: see `colorizer.guidance.session.Session`.

        The network is asked once; one that is fed hints, once for each list of them.

        Parameters
        ----------
        pixels
            (H, W) grey or (H, W, 3) RGB; uint8, uint16, or float in 0..1.

        Raises
        ------
        UsageError
            The settings say `compat`, which computes as another program does.
        InputError
            The array is no picture.
        EngineError
            The runtime failed.
        """
        from colorizer.guidance.session import Session

        if self.settings.compat:
            raise UsageError("guidance is not for compat", remedy=Remedy.LEAVE_OUT, what=OptionRef("compat"))
        check_pixels(pixels)
        return Session(pixels, self.said(pixels), self.settings, self)

    def render(self, pixels: Pixels, ab: Floats, adjustment: Adjustment | None = None) -> Pixels:
        """Recombine a picture's lightness with predicted chroma, by the settings' saturation and strength.

        Parameters
        ----------
        pixels
            (H, W) grey or (H, W, 3) RGB; uint8, uint16, or float in 0..1.
        ab
            (h, w, 2) float32 as `predict` gives it.
        adjustment
            What changes the chroma, as guidance does.

        Returns
        -------
        ndarray, (H, W, 3) RGB of the input's dtype
        """
        return with_chroma(
            pixels,
            self._vivid(ab),
            own_share=self._own_share,
            threads=self.settings.threads,
            adjustment=adjustment,
        )

    def render_chroma(
        self,
        luma: Bytes,
        ab: Floats,
        subsampling: tuple[int, int] = (1, 1),
        original: Pixels | None = None,
        adjustment: Adjustment | None = None,
    ) -> tuple[Bytes, Bytes]:
        """Chroma planes for a picture that keeps its own Y' in place of its L*, by the settings, as JPEG holds them.

        Parameters
        ----------
        luma
            (H, W) uint8 Y', BT.601, full range.
        ab
            (h, w, 2) float32 as `predict` gives it.
        subsampling
            Luma rows and columns to a chroma sample.
        original
            (H, W, 3) RGB of the picture, where it has colour; `strength` blends with it.
        adjustment
            What changes the chroma, as guidance does.

        Returns
        -------
        tuple of two ndarrays
            Cb and Cr, (rows, columns) uint8, with which R', G' and B' lie in gamut.
        """
        return chroma_for_luma(
            luma,
            self._vivid(ab),
            subsampling,
            original=original,
            own_share=self._own_share,
            threads=self.settings.threads,
            adjustment=adjustment,
        )

    @property
    def _own_share(self) -> float:
        """How much of a picture's own chroma stays."""
        return 1 - self.settings.strength

    def _vivid(self, ab: Floats) -> Floats:
        """The network's chroma as strong as the settings want it."""
        vivid: Floats = ab * np.float32(self.settings.saturation * self.settings.strength)
        return vivid

    def said(self, pixels: Pixels) -> Said:
        """What the network says of a picture, as sessions keep it; see `colorizer.guidance.asked.Asked`.

        Raises
        ------
        EngineError
            The runtime failed.
        """
        return self.say(self.view.of_pixels(pixels, self.settings.threads))

    def fed(self, pixels: Pixels, planes: Callable[[tuple[int, int]], Floats]) -> Floats:
        """The chroma of a network that is fed hints; see `colorizer.guidance.asked.Asked`.

        Raises
        ------
        UsageError
            The network takes none.
        EngineError
            The runtime failed.
        """
        looks = self.view.of_pixels(pixels, self.settings.threads)
        told = [(look, look.lightness.shape[2:]) for look in looks]
        seen = tuple(replace(look, hints=planes((height, width))) for look, (height, width) in told)
        return self.predict_seen(seen)

    def _color_rgb(self, rgb: Pixels, guidance: Guidance | None) -> Pixels:
        if self.keeps(rgb):
            return rgb
        if guidance:
            return self.session(rgb).render(guidance)
        if self.settings.compat:
            return compat.colorize(rgb, self._network.predict)
        return self.render(rgb, self.predict(rgb))


def _split_alpha(pixels: Pixels) -> tuple[Pixels, Pixels | None]:
    if pixels.ndim == 2:
        return pixels, None
    channels = pixels.shape[2]
    alpha = pixels[..., -1] if channels in (2, 4) else None
    return (pixels[..., 0] if channels <= 2 else pixels[..., :3]), alpha
