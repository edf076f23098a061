"""Options by which people say colours, and what is made of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from colorizer.cli.options import PLACE, Repeatable, switch, valued
from colorizer.errors import Message, OptionRef, Remedy, UsageError
from colorizer.io.address import Address, address
from colorizer.settings import Settings

if TYPE_CHECKING:
    from colorizer.jobs.guiding import Guiding

CARRY = valued(
    "--carry",
    type=click.FloatRange(0, 1),
    metavar="0..1",
    help="How far hints go beyond their own object, to what looks alike.  [default: 0.4, or what the file says]",
)
REFERENCE_AS = valued(
    "--reference-as",
    type=click.Choice(["scene", "palette"]),
    help="scene: it shows the same scene or person, and colours go to matching places; palette: its mood alone.",
)


def palette(of_what: str) -> Callable[..., Any]:
    """The option of colours that all of something is to have."""
    return valued(
        "--palette",
        metavar="FILE|COLOURS",
        help=f"Colours for {of_what}: those of a picture, or named ones such as '#8b2e2e,navy'.",
    )


_FOR_ONE = (
    valued(
        "--hint",
        cls=Repeatable,
        multiple=True,
        metavar="X,Y=COLOUR",
        help="What colour a place has: '0.42,0.61=#b03028', a name such as navy, grey, or keep (right as it is). "
        "Whole numbers are pixels from the top left; 'X,Y X,Y=COLOUR' is a stroke. Repeatable.",
    ),
    valued(
        "--hints",
        type=PLACE,
        metavar="FILE.json",
        help="Hints of a file, in place of the one beside the picture (photo.hints.json), which is found by itself.",
    ),
)

_FOR_ANY = (
    switch("--no-hints", help="Leave hints files beside pictures aside."),
    CARRY,
    valued(
        "--reference",
        cls=Repeatable,
        multiple=True,
        metavar="FILE",
        help="A picture in colour that says what the colours are; --reference-as says how. Repeatable.",
    ),
    REFERENCE_AS,
    palette("all pictures"),
    valued("--variant", type=click.IntRange(1, 12), metavar="K", help="Take the proposal of this number."),
)

_PROPOSALS = (
    valued(
        "--variants",
        type=click.IntRange(1, 12),
        metavar="N",
        help="Write no result but N proposals: a numbered sheet, and a hints file for each.",
    ),
)


def folder_guidance_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command those options of guidance that are for more than one picture."""
    for option in reversed(_FOR_ANY):
        command = option(command)
    return command


def guidance_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options of guidance."""
    for option in reversed((*_FOR_ONE, *_FOR_ANY, *_PROPOSALS)):
        command = option(command)
    return command


def guiding_of(options: dict[str, Any], settings: Settings) -> Guiding:
    """What the options say; they are taken out of the others.

    Raises
    ------
    UsageError
        A hint is none, or what is given excludes other settings.
    """
    hints: tuple[str, ...] = options.pop("hint", ())
    file: Address | None = options.pop("hints", None)
    none, carry = options.pop("no_hints"), options.pop("carry")
    references, role = options.pop("reference"), options.pop("reference_as")
    palette, variant = options.pop("palette"), options.pop("variant")
    from colorizer.jobs.guiding import Guiding, palette_of

    if references and role is None:
        wanted = OptionRef("reference_as", "scene"), OptionRef("reference_as", "palette")
        does = "say what it has to do with yours: the same scene or person, or its mood alone"
        raise UsageError(does, option="reference", remedy=Remedy.GIVE, what=wanted)
    files, colors = palette_of(palette) if palette else ((), ())
    given = {"hint": hints, "hints": file, "reference": references, "palette": palette, "variant": variant}
    named = next((name for name, value in given.items() if value), None)
    if settings.compat and named:
        what = OptionRef(named)
        raise UsageError("computes as another program does", option="compat", remedy=Remedy.LEAVE_OUT, what=what)
    pictures = [*((role, address(path)) for path in references), *(("palette", path) for path in files)]
    return Guiding(
        tuple(map(_hint, hints)),
        file,
        beside=not none,
        carry=carry,
        references=tuple(pictures),
        palette=tuple(colors),
        variant=variant,
    )


def _hint(text: str) -> Any:
    from colorizer.guidance.notation import parse_hint

    try:
        return parse_hint(text)
    except UsageError as error:
        raise UsageError(Message(error.message.text, OptionRef("hint"))) from error
