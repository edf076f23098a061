"""Deinterlacing by FFmpeg's bwdif: one whole frame from each frame's two fields, or one from each field.

It is done only on request; otherwise fields stay as they are. It computes new lines, so the luma plane is no longer the
film's own.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any, Literal

Rate = Literal["frame", "field"]

Deinterlace = Literal["no", "frame", "field"]
"""The option's values: fields stay, or become frames at one of the rates."""

_MODES = {"frame": "send_frame", "field": "send_field"}


def deinterlaced(natives: Iterator[Any], rate: Rate, time_base: Fraction) -> Iterator[Any]:
    """PyAV frames without fields; their times are units of `deinterlaced_base`.

    Parameters
    ----------
    natives
        Frames as they are decoded. Where size or format change, the filter begins anew.
    rate
        One frame of each, or one of each field, at twice the rate.
    time_base
        Of the frames' times.
    """
    graph: Any = None
    form: tuple[int, int, str] | None = None
    for native in natives:
        # FFmpeg's filters are made for one size and format
        found = (native.width, native.height, native.format.name)
        if graph is not None and found != form:
            yield from _flushed(graph, rate, time_base)
            graph = None
        if graph is None:
            graph, form = _graph(native, rate, time_base), found
        native.time_base = time_base
        graph.vpush(native)
        yield from _pulled(graph, rate, time_base)
    if graph is not None:
        yield from _flushed(graph, rate, time_base)


def deinterlaced_base(time_base: Fraction, rate: Rate) -> Fraction:
    """Time base that holds the second field's moment too."""
    return time_base / 2 if rate == "field" else time_base


def _graph(native: Any, rate: Rate, time_base: Fraction) -> Any:
    from av.filter import Graph

    graph = Graph()
    source = graph.add_buffer(
        width=native.width, height=native.height, format=native.format, name="in", time_base=time_base
    )
    # all frames, not only those flagged as interlaced: the flags are often lost, and whoever asks has seen the combing
    bwdif = graph.add("bwdif", f"mode={_MODES[rate]}:parity=auto:deint=all")
    graph.link_nodes(source, bwdif, graph.add("buffersink")).configure()
    return graph


def _pulled(graph: Any, rate: Rate, time_base: Fraction) -> Iterator[Any]:
    from av.error import BlockingIOError as NotYet
    from av.error import EOFError as End

    while True:
        try:
            native = graph.vpull()
        except (NotYet, End):
            return
        if native.pts is not None:
            native.pts = round(native.pts * native.time_base / deinterlaced_base(time_base, rate))
        native.time_base = deinterlaced_base(time_base, rate)
        yield native


def _flushed(graph: Any, rate: Rate, time_base: Fraction) -> Iterator[Any]:
    graph.vpush(None)
    yield from _pulled(graph, rate, time_base)
