"""Draw docs/architecture.svg: the way of a picture, and the house whose rooms import only downwards.

    python scripts/draw_architecture.py

Plain SVG with a background of its own, so that it reads the same on light and dark pages. The floors are the layers of
setup.cfg, which CI holds imports to; tests/test_architecture.py holds this picture to them.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from xml.sax.saxutils import escape

TARGET = Path(__file__).resolve().parent.parent / "docs" / "architecture.svg"

WIDTH = 1100
MARGIN = 20
GAP = 10  # between boxes
INK, FAINT, PAPER = "#1d2733", "#5a6875", "#ffffff"
STEP_HEIGHT, FLOOR_HEIGHT = 74, 62
HOUSE_WIDTH = WIDTH - 2 * MARGIN - 60  # the rest is for the arrow beside it


class Room(NamedTuple):
    """A room of the package, or a step on the way: its name, what it does, and the share of its row's width."""

    name: str
    does: tuple[str, ...]
    share: float = 1


class Floor(NamedTuple):
    """Rooms side by side; those on the left may import those on their right."""

    color: str
    rooms: tuple[Room, ...]


WAY = (
    ("media", Room("source", ("file, folder, pipe,", "frame, upload"))),
    ("media", Room("picture", ("pixels, depth,", "alpha, metadata"))),
    ("color", Room("what is seen", ("L, shrunk to the", "network's size"))),
    ("networks", Room("network", ("predict(seen),", "on a runtime"))),
    ("networks", Room("ab", ("a small map", "of chroma"))),
    ("color", Room("recombined", ("exact L, large ab,", "within the gamut"))),
    ("media", Room("result", ("depth and size", "of the source"))),
)
"""What happens to a picture, left to right, and the room that does it, whose colour the step has."""

HOUSE = (
    Floor(
        "#e4dcf3",
        (
            Room("cli", ("parses, calls, spells options",)),
            Room("web", ("the page and its HTTP API",)),
            Room("training", ("networks of one's own",)),
        ),
    ),
    Floor(
        "#efe3d3",
        (
            Room("one_call", ("a picture, one call",), 0.9),
            Room("doctor", ("what is here",), 0.7),
            Room("evaluate", ("colours against the truth",), 1.2),
            Room("metrics", ("figures that papers use",), 1.2),
        ),
    ),
    Floor("#f6e6b4", (Room("jobs", ("many pictures: plan, batch, journal, report; executors/ run them",)),)),
    Floor(
        "#d9ecd2",
        (
            Room("film", ("frames, luma kept, chroma steadied, sound copied",), 1.2),
            Room("media", ("pictures in files: formats, profiles; metadata/",), 1.2),
        ),
    ),
    Floor(
        "#cfe8ea",
        (
            Room("colorizer", ("the way of a picture, for arrays: Colorizer",), 1.6),
            Room("compat", ("as OpenCV's sample did",), 0.8),
        ),
    ),
    Floor(
        "#d3e2f6",
        (
            Room("guidance", ("what people say of colours",), 0.9),
            Room("networks", ("families (zhang/), registry; catalogue, store, download/",), 1.7),
            Room("caffe", ("prototxt and caffemodel",)),
        ),
    ),
    Floor("#dfe1f5", (Room("engines", ("tensors in, tensors out: OpenCV, ONNX Runtime, ncnn/, OpenVINO",)),)),
    Floor(
        "#f6d9d5",
        (
            Room("color", ("Lab, gamut, resampling, strips",), 1.2),
            Room("io", ("whole files, storage, locks, cores and memory",), 1.2),
        ),
    ),
    Floor(
        "#e6e6e2",
        (
            Room("settings", ("options, defined once",)),
            Room("errors", ("what can be caused or cured, and its message",)),
        ),
    ),
)
"""The rooms from the roof down, and from left to right, as they may import."""


class Area(NamedTuple):
    """Where a box is: its upper left corner, and its size."""

    x: float
    y: float
    width: float
    height: float


def text(x: float, y: float, words: str, attributes: str) -> str:
    """A line of text; x is its middle, or its start or end where the attributes say so."""
    return f'<text x="{x:g}" y="{y:g}" {attributes}>{escape(words)}</text>'


def captioned(room: Room, area: Area, fill: str) -> Iterator[str]:
    """A box with a name in bold and what stands under it, in the middle of its height."""
    x, y, width, height = area
    yield (
        f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="6" fill="{fill}" '
        f'stroke="{INK}" stroke-opacity="0.55"/>'
    )
    top = y + height / 2 - 9 * len(room.does) + 5
    yield text(x + width / 2, top, room.name, f'font-size="16" font-weight="bold" fill="{INK}"')
    for number, line in enumerate(room.does, 1):
        yield text(x + width / 2, top + 18 * number, line, f'font-size="13" fill="{INK}"')


def arrow(x1: float, y1: float, x2: float, y2: float) -> str:
    """A line with a head."""
    ends = f'x1="{x1:g}" y1="{y1:g}" x2="{x2:g}" y2="{y2:g}"'
    return f'<line {ends} stroke="{INK}" stroke-width="2" marker-end="url(#head)"/>'


def way(top: float) -> Iterator[str]:
    """The steps of a picture's way, with arrows between them."""
    between = 20
    width = (WIDTH - 2 * MARGIN - (len(WAY) - 1) * between) / len(WAY)
    colors = {room.name: floor.color for floor in HOUSE for room in floor.rooms}
    for number, (room, step) in enumerate(WAY):
        x = MARGIN + number * (width + between)
        yield from captioned(step, Area(x, top, width, STEP_HEIGHT), colors[room])
        if number:
            yield arrow(x - between + 3, top + STEP_HEIGHT / 2, x - 3, top + STEP_HEIGHT / 2)


def house(top: float) -> Iterator[str]:
    """The floors, and beside them which way imports go."""
    for number, floor in enumerate(HOUSE):
        x, y = float(MARGIN), top + number * (FLOOR_HEIGHT + GAP)
        shares = sum(room.share for room in floor.rooms)
        for room in floor.rooms:
            width = (HOUSE_WIDTH - GAP * (len(floor.rooms) - 1)) * room.share / shares
            yield from captioned(room, Area(x, y, width, FLOOR_HEIGHT), floor.color)
            x += width + GAP
    bottom = top + len(HOUSE) * (FLOOR_HEIGHT + GAP) - GAP
    x, middle = MARGIN + HOUSE_WIDTH + 22, (top + bottom) / 2
    yield arrow(x, top, x, bottom)
    turned = f'font-size="14" fill="{FAINT}" transform="rotate(90 {x + 18:g} {middle:g})"'
    yield text(x + 18, middle, "imports", turned)


def draw() -> str:
    """The picture, as text."""
    first = 34
    second = first + 14 + STEP_HEIGHT + 42
    height = second + 14 + len(HOUSE) * (FLOOR_HEIGHT + GAP) - GAP + MARGIN
    heading = f'font-size="16" fill="{FAINT}" style="text-anchor: start"'
    lines = f"""\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}"
 font-family="Helvetica, Arial, sans-serif" text-anchor="middle" role="img"
 aria-label="The way of a picture, and the rooms of the package from cli at the top to errors at the bottom">
<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="6" markerHeight="6" orient="auto">
<path d="M0 0L8 4L0 8z" fill="{INK}"/></marker></defs>
<rect width="{WIDTH}" height="{height}" fill="{PAPER}"/>
""".splitlines()
    lines.append(text(MARGIN, first, "The way of a picture; a step has the colour of its room", heading))
    lines += way(first + 14)
    lines.append(text(MARGIN, second, "The rooms: each may import those on its right and those below it", heading))
    lines += house(second + 14)
    return "\n".join([*lines, "</svg>", ""])


if __name__ == "__main__":
    TARGET.write_text(draw(), encoding="utf-8", newline="\n")
