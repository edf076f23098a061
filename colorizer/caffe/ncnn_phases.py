"""Feature maps split into the d x d phases of their grid, in which a convolution with gaps has none.

Row 0, 2, 4, ... and column 0, 2, 4, ... are neighbours in a phase. The phases stand below each other with a row of
zeros between them, and one plain convolution does them all; layers that look at one pixel at a time go on in that form,
and the next convolution with the same gaps finds its input as it needs it, but for the zeros, which a mask restores.
"""

from __future__ import annotations

from dataclasses import dataclass

from colorizer.engines.ncnn.form import Graph, Parameters

_PLUS, _MULTIPLY = 0, 2  # of ncnn's BinaryOp
_MEAN = 3  # of ncnn's Reduction
_EQUAL_SHARE = -233  # of ncnn's Slice


@dataclass(frozen=True)
class Blob:
    """A value: its name in ncnn, and whether it is split into phases."""

    name: str
    gaps: int = 1  # d of the d x d phases; 1 for a whole feature map
    plane: str = ""  # of phases: ones in the shape of the whole feature map
    clean: bool = True  # of phases: whether there are zeros between them


class Phases:
    """Takes feature maps apart and joins them, in a graph."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._masks: dict[tuple[str, int], str] = {}

    def whole(self, blob: Blob) -> str:
        """A value as a whole feature map."""
        if blob.gaps == 1:
            return blob.name
        node = self._graph.node
        phases = self._graph.nodes("Slice", [blob.name], _slices(blob.gaps, axis=1), blob.gaps**2)
        joined = node("PixelShuffle", [node("Concat", phases, {0: 0})], {0: blob.gaps, 1: 1})
        # cuts off the rows between phases, and the columns and rows by which a side was no multiple
        return node("Crop", [joined, node("Squeeze", [blob.plane], {2: 1})], {})

    def taken_apart(self, blob: Blob, gaps: int) -> Blob:
        """A value as phases with zeros between them."""
        if blob.gaps == gaps:
            if blob.clean:
                return blob
            mask = self._mask(blob.plane, gaps)
            return Blob(self._graph.node("BinaryOp", [blob.name, mask], {0: _MULTIPLY}), gaps, blob.plane)
        whole = self.whole(blob)
        plane = blob.plane or self._ones(whole)
        return Blob(self._split(whole, gaps), gaps, plane)

    def _ones(self, whole: str) -> str:
        """A plane of ones, (1, H, W), of a feature map's height and width."""
        mean = self._graph.node("Reduction", [whole], {0: _MEAN, 1: 0, -23303: [0], 4: 1, 5: 1})
        nothing = self._graph.node("BinaryOp", [mean], {0: _MULTIPLY, 1: 1, 2: 0.0})
        return self._graph.node("BinaryOp", [nothing], {0: _PLUS, 1: 1, 2: 1.0})

    def _mask(self, plane: str, gaps: int) -> str:
        if (plane, gaps) not in self._masks:
            self._masks[plane, gaps] = self._split(plane, gaps)
        return self._masks[plane, gaps]

    def _split(self, whole: str, gaps: int) -> str:
        """The phases of a feature map below each other, each followed by a row of zeros."""
        node = self._graph.node
        filled = node("Padding", [whole], {1: gaps - 1, 3: gaps - 1})
        phases = node("Reorg", [filled], {0: gaps, 1: 1})  # what is no whole step is left out
        slices = self._graph.nodes("Slice", [node("Padding", [phases], {1: 1})], _slices(gaps, axis=0), gaps**2)
        return node("Concat", slices, {0: 1})


def _slices(gaps: int, *, axis: int) -> Parameters:
    return {-23300: [_EQUAL_SHARE] * gaps**2, 1: axis}
