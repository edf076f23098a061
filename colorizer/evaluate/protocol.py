"""Which pictures exactly are compared: crop, size, how the network sees them, whose lightness the result has.

Figures of papers differ by protocol more than by method: the same network has 22.6 dB of PSNR in one harness and 27.0
in another. So a protocol is named wherever a figure is printed. Papers leave parts of theirs unsaid; what is filled in
here is called so.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from colorizer.errors import OptionRef, Remedy, UsageError
from colorizer.metrics.faces import Box
from colorizer.settings import Fit, Settings

if TYPE_CHECKING:
    import numpy.typing as npt

    Pixels = npt.NDArray[Any]

PAPER_SIDE = 256
"""Side at which Zhang et al. 2016, DDColor and most others compare."""


@dataclass(frozen=True)
class View:
    """How the network sees a picture, where the protocol says so."""

    fit: Fit
    size: int


@dataclass(frozen=True)
class Protocol:
    """How pictures are compared.

    Attributes
    ----------
    name
        Short, as users write it.
    crop
        Whether the largest square in the middle is cut out first.
    side
        Side of the square, in pixels, to which the picture is then resized; None leaves it as it is.
    view
        How the network sees it; None leaves that to the settings.
    definition
        The definition in words, for whoever reads the figures.
    keep_luma
        Whether results keep the picture's Y' at 8 bits in place of its lightness, as JPEG files do.
    """

    name: str
    crop: bool
    side: int | None
    view: View | None
    definition: str
    keep_luma: bool = False

    def with_luma_kept(self) -> Protocol:
        """The same comparison of results that keep Y' in place of L*."""
        said = " Results keep the picture's Y' (BT.601, 8 bits), not its L*, as those of grey JPEG files do."
        return replace(self, keep_luma=True, definition=self.definition + said)

    def prepare(self, pixels: Pixels) -> Pixels:
        """The picture that is compared: (H, W, 3) to (h, w, 3), of the same dtype."""
        if self.crop:
            height, width = pixels.shape[:2]
            side = min(height, width)
            top, left = (height - side) // 2, (width - side) // 2
            pixels = pixels[top : top + side, left : left + side]
        return pixels if self.side is None else resized(pixels, self.side, self.side)

    def moved(self, box: Box, height: int, width: int) -> Box:
        """Where a box of a picture of that height and width lies in what `prepare` makes of it."""
        left, top = box.left, box.top
        if self.crop:
            side = min(height, width)
            left, top = left - (width - side) // 2, top - (height - side) // 2
            height = width = side
        if self.side is None:
            return Box(left, top, box.width, box.height)
        across, down = self.side / width, self.side / height
        return Box(left * across, top * down, box.width * across, box.height * down)

    def enlarges(self, pixels: Pixels) -> bool:
        """Whether a picture has to grow, which makes it softer than those that papers compare."""
        return self.side is not None and min(pixels.shape[:2]) < self.side

    def settings(self, settings: Settings) -> Settings:
        """Settings with the protocol's view.

        Raises
        ------
        UsageError
            They ask for another one.
        """
        if settings.compat and self.keep_luma:
            raise UsageError("keeps no luma", option="compat", remedy=Remedy.LEAVE_OUT, what=OptionRef("keep_luma"))
        if self.view is None or settings.compat:
            return settings
        asked = (("fit", settings.fit, self.view.fit), ("size", settings.size, self.view.size))
        defaults = Settings()
        for name, value, fixed in asked:
            if value not in (fixed, getattr(defaults, name)):
                raise UsageError(
                    f"its {name} is {fixed}",
                    option=OptionRef("protocol", self.name),
                    remedy=Remedy.LEAVE_OUT,
                    what=OptionRef(name, f"{value}"),
                )
        return replace(settings, fit=self.view.fit, size=self.view.size)


NATIVE = Protocol(
    name="native",
    crop=False,
    side=None,
    view=None,
    definition="native: each picture whole, at its own size and depth; the network sees it as its settings say; its "
    "ab is enlarged to the picture's size and recombined with the picture's own lightness, and the resulting pixels "
    "are compared at that size.",
)

ZHANG16 = Protocol(
    name="zhang16",
    crop=False,
    side=PAPER_SIDE,
    view=View(fit="stretch", size=224),
    definition="zhang16: each picture whole, resized to 256 x 256 by area averaging, whatever its aspect; the network "
    "sees the lightness of that at 224 x 224; its ab at 56 x 56 is enlarged bilinearly to 256 x 256 and recombined "
    "with the lightness of the 256 x 256 picture, and the resulting pixels are compared there. After Zhang, Isola and "
    "Efros 2016, section 3.1 (thresholds 0..150); the paper does not say how test pictures were resized, nor whether "
    "ab was compared before or after the way through pixels.",
)

DDCOLOR = Protocol(
    name="ddcolor",
    crop=True,
    side=PAPER_SIDE,
    view=None,
    definition="ddcolor: the largest square in the middle of each picture, resized to 256 x 256 by area averaging; the "
    "network sees the lightness of that at the size its settings say; its ab is enlarged to 256 x 256 and recombined "
    "with the lightness of the 256 x 256 picture, and the resulting pixels are compared there. After DDColor (Kang et "
    "al. 2023) on ImageNet val5k; which filter resized them is not said.",
)

PROTOCOLS = {protocol.name: protocol for protocol in (NATIVE, ZHANG16, DDCOLOR)}


def resized(pixels: Pixels, height: int, width: int) -> Pixels:
    """A picture at another size: area averages where a side shrinks, linear interpolation where it grows.

    Parameters
    ----------
    pixels
        (H, W, C); uint8, uint16 or float. Integers are rounded to nearest.
    height, width
        In pixels.
    """
    import cv2
    import numpy as np

    plane: npt.NDArray[Any] = pixels.astype(np.float32)
    # one side at a time, since OpenCV averages only where both shrink
    for size in ((width, pixels.shape[0]), (width, height)):
        shrinks = size[0] <= plane.shape[1] and size[1] <= plane.shape[0]
        how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
        plane = np.asarray(cv2.resize(plane, size, interpolation=how)).reshape(size[1], size[0], -1)
    if np.issubdtype(pixels.dtype, np.integer):
        plane = np.clip(np.rint(plane), 0, np.iinfo(pixels.dtype).max)
    return plane.astype(pixels.dtype)
