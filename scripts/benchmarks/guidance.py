"""How far hints bring a picture to the truth, and what they do elsewhere; docs/guidance.md has the tables.

Colour photographs are stretched to 256 x 256, as Zhang et al. 2017 do, and given hints of their own true colours: at
random (6 x 6 pixels, normal around the middle, as their code reveals them), or as users give them (the middle of the
largest wrong region, one after the other). Whatever the method, the same hints.
"""

from __future__ import annotations

import tarfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click
import cv2
import numpy as np

from benchmarks.measure import json_option, machine, markdown_table, report
from colorizer import Colorizer, Settings
from colorizer.color.pixels import chroma_plane, lightness, recombine
from colorizer.guidance import Guidance, Hint
from colorizer.guidance.metric import UNFITTED, WITHOUT_DISTRIBUTION
from colorizer.guidance.scene import Scene
from colorizer.guidance.session import Said, Session

SIDE = 256
LEAST_CHROMA = 2.0
DEV = 60
"""Of generic.tar, in an order of chance, so many pictures are for choosing; those after them for reporting."""

RANDOM = ((1, 5), (2, 4), (5, 2), (10, 2), (20, 1), (50, 1), (100, 1))
"""Hints, and draws of them."""

USERS = (1, 2, 3, 5)
PATCH, USERS_PATCH = 6, 9
WORSE = 5.0

Apply = Callable[[list[Hint]], np.ndarray]
"""From hints to ab, (SIDE, SIDE, 2)."""


@dataclass(frozen=True)
class Photograph:
    """A photograph, and its truth."""

    rgb: np.ndarray
    light: np.ndarray
    ab: np.ndarray


def photographs(path: Path) -> list[Photograph]:
    """All that have colour, in the order of their names."""
    found = []
    with tarfile.open(path) as archive:
        for member in sorted((one for one in archive.getmembers() if one.isfile()), key=lambda one: one.name):
            data = archive.extractfile(member)
            bgr = cv2.imdecode(np.frombuffer(data.read(), np.uint8), cv2.IMREAD_COLOR) if data else None
            if bgr is None:
                continue
            how = cv2.INTER_AREA if min(bgr.shape[:2]) >= SIDE else cv2.INTER_CUBIC
            rgb = np.ascontiguousarray(cv2.resize(bgr, (SIDE, SIDE), interpolation=how)[..., ::-1])
            ab = chroma_plane(rgb)
            if np.hypot(ab[..., 0], ab[..., 1]).mean() >= LEAST_CHROMA:
                found.append(Photograph(rgb, lightness(rgb), ab))
    return found


def chosen(found: list[Photograph], part: str, limit: int | None) -> list[Photograph]:
    """Those to choose with ("dev"), those to report on ("test"), or all."""
    order = np.random.default_rng(0).permutation(len(found))
    picked = {"dev": order[:DEV], "test": order[DEV : DEV + 80], "all": order}[part]
    return [found[index] for index in picked[:limit]]


def random_hints(ab: np.ndarray, count: int, rng: np.random.Generator) -> list[Hint]:
    """Patches of their mean colour, normal around the middle (util.py of colorization-pytorch)."""
    room = SIDE - PATCH
    at = np.clip(rng.normal((room + 1) / 2, (room + 1) / 4, (2, count)), 0, room).astype(int)
    hints = []
    for y, x in zip(*at, strict=True):
        mean = ab[y : y + PATCH, x : x + PATCH].mean((0, 1))
        hints.append(_hint(x + (PATCH - 1) / 2, y + (PATCH - 1) / 2, mean))
    return hints


def users_hint(truth: np.ndarray, ab: np.ndarray) -> Hint:
    """In the middle of the region with most error, where a user would click first."""
    error = cv2.GaussianBlur(np.hypot(*np.moveaxis(truth - ab, -1, 0)).astype(np.float32), (0, 0), 4)
    count, label = cv2.connectedComponents((error > max(0.6 * float(error.max()), 3)).astype(np.uint8))
    mass = np.bincount(label.ravel(), error.ravel(), count)
    mass[0] = 0
    region = np.pad((label == mass.argmax()).astype(np.uint8), 1)
    inner = cv2.distanceTransform(region, cv2.DIST_L2, 5)[1:-1, 1:-1] if count > 1 else error
    y, x = np.unravel_index(int(inner.argmax()), inner.shape)
    half = USERS_PATCH // 2
    mean = truth[max(y - half, 0) : y + half + 1, max(x - half, 0) : x + half + 1].mean((0, 1))
    return _hint(float(x), float(y), mean)


def _hint(x: float, y: float, ab: np.ndarray) -> Hint:
    return Hint([((x + 0.5) / SIDE, (y + 0.5) / SIDE)], ab=[float(value) for value in ab], size=PATCH / SIDE)


@dataclass(frozen=True)
class Method:
    """A way from hints to ab: given a photograph and what the network says, a function of the hints."""

    name: str
    prepare: Callable[[Photograph, Session], Apply]


def by_session(carry: float, change: Callable[[Session], Session] = lambda session: session) -> Any:
    """The program itself, at a carry."""

    def prepare(_: Photograph, session: Session) -> Apply:
        session = change(session)
        return lambda hints: chroma_plane(session.render(Guidance(hints, carry)).astype(np.float32) / 255)

    return prepare


def with_metric(metric: Any, *, distribution: bool = True) -> Callable[[Session], Session]:
    """A session whose kernel has other numbers."""

    def change(session: Session) -> Session:
        said = session.said if distribution else replace(session.said, distribution=None)
        other = Session(session.pixels, Said(said.model, said.ab, said.distribution), session.settings)
        other.__dict__["scene"] = Scene.of(session.scene.light * 100, said.ab, said.distribution, metric)
        return other

    return change


def levin(photograph: Photograph, session: Session) -> Apply:
    """Levin, Lischinski and Weiss 2004, on the picture's own lightness; knows no network."""
    del session
    from scipy.sparse import csr_matrix, diags  # type: ignore[import-untyped]
    from scipy.sparse.linalg import splu  # type: ignore[import-untyped]

    light = photograph.light.astype(np.float64) / 100
    height, width = light.shape
    index = np.arange(height * width).reshape(height, width)
    mean = cv2.blur(light, (3, 3))
    variance = np.maximum(cv2.blur(light * light, (3, 3)) - mean * mean, 2e-6) * 0.6
    rows, columns, weights = [], [], []
    for dy, dx in ((i, j) for i in (-1, 0, 1) for j in (-1, 0, 1) if i or j):
        here = np.s_[max(-dy, 0) : height - max(dy, 0), max(-dx, 0) : width - max(dx, 0)]
        there = np.s_[max(dy, 0) : height - max(-dy, 0), max(dx, 0) : width - max(-dx, 0)]
        rows.append(index[here].ravel())
        columns.append(index[there].ravel())
        weights.append(np.maximum(np.exp(-((light[here] - light[there]) ** 2) / variance[here]), 1e-6).ravel())
    total = csr_matrix((np.concatenate(weights), (np.concatenate(rows), np.concatenate(columns))))
    laplacian = diags(np.ones(height * width)) - diags(1 / np.asarray(total.sum(1)).ravel()) @ total

    def apply(hints: list[Hint]) -> np.ndarray:
        if not hints:
            return np.zeros((height, width, 2))
        known, wanted = np.zeros(height * width), np.zeros((height * width, 2))
        for hint in hints:
            x, y = (value * SIDE - 0.5 for value in hint.points[0])
            left, top = round(x - (PATCH - 1) / 2), round(y - (PATCH - 1) / 2)
            patch = index[max(top, 0) : top + PATCH, max(left, 0) : left + PATCH].ravel()
            known[patch], wanted[patch] = 1, hint.target
        solved = splu((diags(1 - known) @ laplacian + diags(known)).tocsc()).solve(wanted)
        return np.asarray(solved.reshape(height, width, 2))

    return apply


METHODS = (
    Method("the program, --carry 1", by_session(1.0)),
    Method("the program (carry 0.4)", by_session(0.4)),
    Method("the program, --carry 0.2", by_session(0.2)),
    Method("carry 1, no fitted metric", by_session(1.0, with_metric(UNFITTED))),
    Method("carry 1, no distribution", by_session(1.0, with_metric(WITHOUT_DISTRIBUTION, distribution=False))),
    Method("Levin et al. 2004", levin),
)


@dataclass(frozen=True)
class Score:
    """Of one picture after some hints."""

    psnr: float
    error: float
    worse: float  # % of the picture
    at_hint: float


def score(photograph: Photograph, ab: np.ndarray, before: np.ndarray, last: Hint | None) -> Score:
    """How far it is from the truth, and how much of it is further than before."""
    rgb = recombine(photograph.light, ab.astype(np.float32), np.uint8).astype(np.float32)
    error = np.hypot(*np.moveaxis(photograph.ab - ab, -1, 0))
    at = 0.0
    if last is not None:
        x, y = (int(value * SIDE) for value in last.points[0])
        at = float(np.hypot(*(ab[y, x] - np.array(last.target))))
    psnr = 10 * np.log10(255**2 / max(float(np.mean((rgb - photograph.rgb) ** 2)), 1e-6))
    return Score(float(psnr), float(error.mean()), float((error > before + WORSE).mean() * 100), at)


def measured(
    photograph: Photograph, session: Session, method: Method, seed: list[int], protocol: str
) -> Iterator[tuple[int, Score]]:
    """Scores of one picture by number of hints."""
    apply = method.prepare(photograph, session)
    ab = apply([])
    before = np.hypot(*np.moveaxis(photograph.ab - ab, -1, 0))
    yield 0, score(photograph, ab, before, None)
    if protocol == "random":
        rng = np.random.default_rng(seed)
        for count, draws in RANDOM:
            for _ in range(draws):
                hints = random_hints(photograph.ab, count, rng)
                yield count, score(photograph, apply(hints), before, hints[-1])
        return
    hints = []
    for count in range(1, USERS[-1] + 1):
        hints.append(users_hint(photograph.ab, ab))
        ab = apply(hints)
        if count in USERS:
            yield count, score(photograph, ab, before, hints[-1])


@click.command()
@click.argument("archive", type=click.Path(exists=True, path_type=Path))
@click.option("--part", type=click.Choice(["dev", "test", "all"]), default="test", show_default=True)
@click.option("--pictures", type=int, help="Take the first so many.")
@click.option("--protocol", type=click.Choice(["random", "users"]), default="random", show_default=True)
@click.option("--model", default="lite", show_default=True)
@click.option("--size", default="auto", show_default=True, help="What the network sees, as for colorize.")
@click.option("--only", multiple=True, help="Methods whose names have this in them.")
@json_option
def guidance(
    archive: Path,
    part: str,
    pictures: int | None,
    protocol: str,
    model: str,
    size: str,
    only: tuple[str, ...],
    json_file: Path | None,
) -> None:
    """Hints on colour photographs: PSNR, ab error, and harm."""
    colorizer = Colorizer(Settings(model=model, size=size), pictures=100)
    found = chosen(photographs(archive), part, pictures)
    methods = [method for method in METHODS if not only or any(word in method.name for word in only)]
    scores: dict[str, dict[int, list[Score]]] = {method.name: {} for method in methods}
    begun = time.perf_counter()
    for number, photograph in enumerate(found):
        session = colorizer.session(photograph.rgb)
        for method in methods:
            for count, value in measured(photograph, session, method, [0, number], protocol):
                scores[method.name].setdefault(count, []).append(value)
        click.echo(f"{number + 1} of {len(found)}, {time.perf_counter() - begun:.0f} s", err=True)
    counts = list(next(iter(scores.values())))
    parts = [
        ("PSNR, dB", "psnr"),
        ("ab error", "error"),
        (f"worse by more than {WORSE:g} ab, % of the picture", "worse"),
    ]
    tables = []
    for title, name in parts:
        rows = [
            [method, *(f"{np.mean([getattr(one, name) for one in per[count]]):.2f}" for count in counts)]
            for method, per in scores.items()
        ]
        tables.append(markdown_table([title, *map(str, counts)], rows))
    facts = machine("numpy", "opencv-python-headless") | {"pictures": str(len(found)), "network": colorizer.recipe()}
    results = {
        name: {count: [vars(one) for one in values] for count, values in per.items()} for name, per in scores.items()
    }
    report("\n\n".join(tables), facts, results, json_file)


SIZES = ((256, 256), (819, 1024), (3000, 4000))
"""Height and width of pictures that times are taken of."""

COUNTS = (1, 10, 20, 100)


@click.command("guidance-times")
@click.argument("picture", type=click.Path(exists=True, path_type=Path))
@click.option("--model", default="lite", show_default=True)
@click.option("--rounds", default=3, show_default=True)
@json_option
def guidance_times(picture: Path, model: str, rounds: int, json_file: Path | None) -> None:
    """Milliseconds of processor time on one thread: preparing, spreading hints, rendering, proposing."""
    cv2.setNumThreads(1)
    found = cv2.imread(str(picture))
    if found is None:
        raise click.BadParameter(f"{picture}: no picture")
    colorizer = Colorizer(Settings(model=model, threads=1), pictures=100)
    rng = np.random.default_rng(0)
    hints = [Hint([tuple(place)], ab=list(rng.uniform(-40, 40, 2))) for place in rng.uniform(0.05, 0.95, (100, 2))]
    rows: dict[str, list[float]] = {}

    def timed(name: str, work: Callable[[], Any]) -> Any:
        begun = time.process_time()
        result = work()
        rows.setdefault(name, []).append((time.process_time() - begun) * 1000)
        return result

    columns: list[dict[str, float]] = []
    for height, width in SIZES:
        pixels = cv2.resize(found, (width, height), interpolation=cv2.INTER_AREA)[..., ::-1]
        rows.clear()
        for _ in range(rounds):
            fresh: Session = timed("once: the network", lambda pixels=pixels: colorizer.session(pixels))  # type: ignore[misc]
            timed("once: preparing", lambda fresh=fresh: fresh.base)  # type: ignore[misc]
            for count in COUNTS:
                guidance = Guidance(hints[:count])
                timed(f"spreading {count}", lambda fresh=fresh, guidance=guidance: fresh.change(guidance))  # type: ignore[misc]
            said = Guidance(hints[:20])
            fresh.guided(said)
            timed("rendering, 20 hints", lambda fresh=fresh, said=said: fresh.render(said))  # type: ignore[misc]
            timed("rendering, none", lambda fresh=fresh: fresh.render(Guidance()))  # type: ignore[misc]
            moved = Guidance([*hints[:19], hints[50]])
            timed("preview at 1024, 20 hints, one moved", lambda fresh=fresh, moved=moved: fresh.preview(moved, 1024))  # type: ignore[misc]
            timed("9 swatches", lambda fresh=fresh: fresh.suggestions(0.4, 0.4))  # type: ignore[misc]
            timed("4 variants", lambda fresh=fresh: fresh.variants(4))  # type: ignore[misc]
        columns.append({name: float(np.median(values)) for name, values in rows.items()})
    table = [[name, *(f"{column[name]:.0f}" for column in columns)] for name in columns[0]]
    title = ["CPU ms", *(f"{width} x {height}" for height, width in SIZES)]
    results = {f"{width} x {height}": column for (height, width), column in zip(SIZES, columns, strict=True)}
    report(markdown_table(title, table), machine("numpy", "opencv-python-headless"), results, json_file)
