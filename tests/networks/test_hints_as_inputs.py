"""Networks that are fed hints: made ones, whose answer to blocks of hints is known in closed form."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from made_ideepcolor import known_ab, write_pair
from made_networks import ab_of_lightness, hinted_net
from oracle import lab_of
from PIL import Image

from colorizer import Colorizer, Settings
from colorizer.errors import WeightsError
from colorizer.guidance import Guidance, Hint
from colorizer.guidance.asked import Said
from colorizer.guidance.session import Session
from colorizer.networks.descriptor.reading import parse_descriptor

SIDE = 256
GREY = np.repeat(np.repeat(np.random.default_rng(1).integers(60, 200, (8, 8)), 32, axis=0), 32, axis=1).astype(np.uint8)
HINTED = {
    "version": 1,
    "family": "hinted",
    "inputs": [
        {"tensor": "L", "holds": "lightness"},
        {"tensor": "hint_ab", "holds": "hint-ab"},
        {"tensor": "hint_mask", "holds": "hint-mask"},
    ],
    "output": {"tensor": "ab", "holds": "ab"},
}
RED, PLACE = np.array([42.0, 17.0]), (100, 60)  # column and row, in whole pixels


@pytest.fixture(autouse=True)
def untried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("colorizer.networks.described.family.ensure_tried", lambda *_: None)


def made(folder: Path, spreading: str) -> Colorizer:
    path = hinted_net(folder / "net.onnx")
    (folder / "net.colorize.json").write_text(json.dumps(HINTED | {"spreading": spreading}), encoding="utf-8")
    return Colorizer(Settings(model=str(path), size=SIDE, fit="stretch"))


def block(column: int, row: int) -> npt.NDArray[np.bool_]:
    """Seven pixels a side, of 256."""
    mask = np.zeros((SIDE, SIDE), np.bool_)
    mask[row - 3 : row + 4, column - 3 : column + 4] = True
    return mask


def point(color: str | None = None, at: tuple[int, int] = PLACE) -> Hint:
    ab = None if color else list(RED)
    return Hint([at], color or "grey", pixels=True, ab=ab)


def test_the_network_is_fed_blocks_and_what_it_answers_is_the_change(tmp_path: Path) -> None:
    session = made(tmp_path, "network").session(GREY)
    own = ab_of_lightness(lab_of(np.dstack([GREY] * 3))[..., 0])
    found = session.change(Guidance([point(), point("keep", (30, 200)), point("grey", (220, 30))]))
    expected = np.zeros((SIDE, SIDE, 2))
    expected[block(*PLACE)] = (RED - own)[block(*PLACE)]
    expected[block(220, 30)] = -own[block(220, 30)]
    np.testing.assert_allclose(found, expected, atol=0.1)


def test_strokes_are_as_wide_regions_are_filled_and_hints_on_each_other_have_the_mean(tmp_path: Path) -> None:
    session = made(tmp_path, "network").session(GREY)
    own = ab_of_lightness(lab_of(np.dstack([GREY] * 3))[..., 0])
    stroke = Hint([(40, 30), (90, 30)], ab=[30, 0], pixels=True)
    region = Hint([(120, 100), (200, 100), (200, 160), (120, 160)], ab=[0, 30], shape="region", pixels=True)
    fed = session.change(Guidance([stroke, region])) + own
    np.testing.assert_allclose(fed[27:34, 40:91], np.broadcast_to([30, 0], (7, 51, 2)), atol=0.1)
    np.testing.assert_allclose(fed[101:160, 121:200], np.broadcast_to([0, 30], (59, 79, 2)), atol=0.1)
    np.testing.assert_allclose(fed[200:, :], own[200:, :], atol=0.1)
    both = session.change(Guidance([Hint([PLACE], ab=[40, 0], pixels=True), Hint([PLACE], ab=[0, 20], pixels=True)]))
    np.testing.assert_allclose((both + own)[PLACE[1], PLACE[0]], [20, 10], atol=0.1)


@pytest.mark.parametrize("spreading", ["network", "both", "program"])
def test_hinted_places_have_their_colour_whoever_spreads_it(tmp_path: Path, spreading: str) -> None:
    session = made(tmp_path, spreading).session(GREY)
    column, row = PLACE
    for side in (None, 128):
        guidance = Guidance([point(), point("grey", (220, 30))])
        found = lab_of(session.render(guidance) if side is None else session.preview(guidance, side))
        at = (row, column) if side is None else (row // 2, column // 2)
        assert np.hypot(*(found[at][1:] - RED)) < 2
    far = lab_of(session.render(guidance))[180:, :60] - lab_of(session.render(Guidance()))[180:, :60]
    if spreading == "network":
        assert np.abs(far).max() < 0.01


def test_what_a_network_leaves_wrong_is_spread_by_the_program() -> None:
    """A network that goes half the way: the rest is as the program spreads half the error."""

    own = np.tile(np.array([10.0, -5.0], np.float32), (32, 32, 1))

    class Half:
        spreading = "both"

        def said(self, _: Any) -> Any:
            raise AssertionError("no reference")

        def fed(self, _: Any, planes: Callable[[tuple[int, int]], Any]) -> Any:
            shown = planes((SIDE, SIDE))[0]
            return own + (shown[:2, shown[2] > 0].mean(axis=1) - own) / 2

    answer = Said("made", own, None)
    helped, alone = Session(GREY, answer, Settings(), Half()), Session(GREY, answer)  # type: ignore[arg-type]
    hint = point()
    half = (RED - own[0, 0]) / 2
    rest = Guidance([Hint(hint.points, pixels=True, ab=[float(value) for value in own[0, 0] + half])])
    np.testing.assert_allclose(helped.change(Guidance([hint])), half + alone.change(rest), atol=0.05)


def test_ideepcolors_packed_blob_holds_the_hints(tmp_path: Path) -> None:
    model = write_pair(tmp_path)
    session = Colorizer(Settings(model=str(model), size=SIDE, fit="stretch", engine="onnxruntime")).session(GREY)
    light = lab_of(np.dstack([GREY] * 3))[..., 0]
    planes = np.zeros((3, SIDE, SIDE))
    planes[:, block(*PLACE)] = np.array([*RED, 1.0])[:, None]
    expected = np.moveaxis(known_ab(light, planes) - known_ab(light), 0, -1)
    fed = session._changed_by_network(_placed(point()), session._network)  # type: ignore[arg-type]
    np.testing.assert_allclose(fed, expected, atol=0.1)


def _placed(hint: Hint) -> Any:
    from colorizer.guidance.placing import placed

    return placed([hint], SIDE, SIDE)


def test_the_command_feeds_hints_and_order_does_not_matter(tmp_path: Path, colorize: Callable[..., Any]) -> None:
    made(tmp_path, "network")
    Image.fromarray(GREY).save(tmp_path / "a.png")
    one, other = "100,60=#b03028", "220,30=keep"
    for name, hints in {"plain": [], "one": [one, other], "other": [other, one]}.items():
        arguments = [part for hint in hints for part in ("--hint", hint)]
        done = colorize("a.png", "-o", f"{name}.png", "--model", "net.onnx", *arguments)
        assert done.returncode == 0, done.stderr
    plain, found = (lab_of(np.asarray(Image.open(tmp_path / f"{name}.png"))) for name in ("plain", "one"))
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "other.png").read_bytes()
    assert np.hypot(*(found[60, 100, 1:] - Hint([(0, 0)], "#b03028").target)) < 2
    assert np.abs(found - plain)[180:].max() < 0.01


def test_a_network_that_is_fed_no_hints_has_nothing_to_spread_them(tmp_path: Path) -> None:
    entry = {
        "version": 1,
        "family": "ab",
        "inputs": [{"tensor": "L", "holds": "lightness"}],
        "output": {"tensor": "ab", "holds": "ab"},
        "spreading": "network",
    }
    with pytest.raises(WeightsError, match="fed hints"):
        parse_descriptor(entry, str(tmp_path))
    with pytest.raises(WeightsError, match="both or network or program"):
        parse_descriptor(HINTED | {"spreading": "neither"}, "net")
