"""How far hints bring a picture to the truth, and what they do elsewhere; docs/guidance.md has the tables.

Colour photographs are stretched to 256 x 256, as Zhang et al. 2017 do, and given hints of their own true colours: at
random (6 x 6 pixels, normal around the middle, as their code reveals them), or as users give them (the middle of the
largest wrong region, one after the other). Whatever the method, the same random hints.

References show the same scene: the other half of a photograph, or another framing of it.
"""

from __future__ import annotations

import json
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
from colorizer.guidance import Guidance, Hint, Reference
from colorizer.guidance.asked import Said
from colorizer.guidance.hints import Role
from colorizer.guidance.metric import UNFITTED, WITHOUT_DISTRIBUTION
from colorizer.guidance.scene import Scene
from colorizer.guidance.session import Session

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


WITHOUT = with_metric(WITHOUT_DISTRIBUTION, distribution=False)
METHODS = (
    Method("the program, --carry 1", by_session(1.0)),
    Method("the program (carry 0.4)", by_session(0.4)),
    Method("the program, --carry 0.2", by_session(0.2)),
    Method("carry 1, no fitted metric", by_session(1.0, with_metric(UNFITTED))),
    Method("carry 1, distribution withheld", by_session(1.0, WITHOUT)),
    Method("carry 0.4, distribution withheld", by_session(0.4, WITHOUT)),
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


ROLES: tuple[Role, ...] = ("scene", "palette")
FRAMING, GAMMA = 0.75, 1.25
"""Share of the sides of a reference's other framing, and the exponent on its lightness."""


def pairs(photograph: Photograph) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Pairs of a picture and a reference of the same scene, RGB each, by what they are."""
    rgb, half, margin = photograph.rgb, SIDE // 2, round(SIDE * (1 - FRAMING) / 2)
    within = slice(margin, SIDE - margin)
    darker = np.asarray(100 * (photograph.light / 100) ** GAMMA, np.float32)
    framed = recombine(darker, photograph.ab, np.uint8)[within, within][:, ::-1]
    return {
        "left half for right half": (np.ascontiguousarray(rgb[:, half:]), np.ascontiguousarray(rgb[:, :half])),
        "other framing, mirrored, darker": (rgb, np.ascontiguousarray(framed)),
    }


def by_references(photograph: Photograph, colorizer: Colorizer) -> dict[str, tuple[float, float]]:
    """Mean ab error without and with a reference, by pair and role."""
    found = {}
    for name, (rgb, reference) in pairs(photograph).items():
        session, truth = colorizer.session(rgb), chroma_plane(rgb)

        def error(guidance: Guidance, session: Session = session, truth: np.ndarray = truth) -> float:
            ab = chroma_plane(session.render(guidance).astype(np.float32) / 255)
            return float(np.hypot(*np.moveaxis(truth - ab, -1, 0)).mean())

        before = error(Guidance())
        for role in ROLES:
            found[f"{name}, {role}"] = before, error(Guidance(references=[Reference(role, reference)]))
    return found


PROTOCOLS = ("users", "random", "references")
KEPT_PAIRS = 40


class Scores:
    """Scores of pictures, kept in a file of JSON lines as they come, so that a run that was ended goes on."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._found: dict[str, list[list[float]]] = {}
        if path is not None and path.is_file():
            for line in path.read_text(encoding="utf-8").splitlines():
                entry = json.loads(line)
                self._found[entry["of"]] = entry["scores"]

    def get(self, of: str, make: Callable[[], list[list[float]]] | None) -> list[list[float]] | None:
        """The scores of that name; made where they are not there, None where nobody makes them."""
        if of not in self._found and make is not None:
            self._found[of] = make()
            if self._path is not None:
                with self._path.open("a", encoding="utf-8") as file:
                    file.write(json.dumps({"of": of, "scores": self._found[of]}) + "\n")
        return self._found.get(of)


TITLES = ("PSNR, dB", "ab error", f"worse by more than {WORSE:g} ab, % of the picture")


def tables_of_hints(protocol: str, found: dict[str, list[list[list[float]]]]) -> list[str]:
    """Markdown: a table for each figure, of methods by numbers of hints; rows of a score are hints and figures."""
    tables = []
    for place, title in enumerate(TITLES, 1):
        rows, counts = [], []
        for method, pictures in found.items():
            by_count: dict[int, list[float]] = {}
            for row in (row for picture in pictures for row in picture):
                by_count.setdefault(int(row[0]), []).append(row[place])
            counts = list(by_count)
            rows.append([f"{method} ({len(pictures)})", *(f"{np.mean(values):.2f}" for values in by_count.values())])
        tables.append(markdown_table([f"{protocol}: {title} (pictures)", *map(str, counts)], rows))
    return tables


def table_of_references(pictures: list[list[list[float]]]) -> str:
    """Markdown: the ab error without and with references; rows of a score are before and after, by kind of pair."""
    found = np.array(pictures)
    names = [f"{name}, {role}" for name in pairs(Photograph(*_blank())) for role in ROLES]
    rows = [
        [name, str(len(found)), f"{before.mean():.2f}", f"{after.mean():.2f}", f"{np.mean(after < before) * 100:.0f}"]
        for name, (before, after) in zip(names, np.moveaxis(found, 0, -1), strict=True)
    ]
    return markdown_table(["references", "pairs", "ab error without", "with", "pairs with less, %"], rows)


def _blank() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    plane = np.full((SIDE, SIDE), 50, np.float32)
    return np.zeros((SIDE, SIDE, 3), np.uint8), plane, np.zeros((SIDE, SIDE, 2), np.float32)


@click.command()
@click.argument("archive", type=click.Path(exists=True, path_type=Path))
@click.option("--part", type=click.Choice(["dev", "test", "all"]), default="test", show_default=True)
@click.option("--pictures", type=int, help="Take the first so many.")
@click.option("--protocol", "protocols", type=click.Choice(PROTOCOLS), multiple=True, help="All, unless given.")
@click.option("--model", default="lite", show_default=True)
@click.option("--size", default="auto", show_default=True, help="What the network sees, as for colorize.")
@click.option("--only", multiple=True, help="Methods whose names have this in them.")
@click.option("--kept", type=click.Path(path_type=Path), help="A file that keeps scores; another run goes on from it.")
@click.option("--minutes", type=float, help="End after so long, with tables of what is there.")
@json_option
def guidance(
    archive: Path,
    part: str,
    pictures: int | None,
    protocols: tuple[str, ...],
    model: str,
    size: str,
    only: tuple[str, ...],
    kept: Path | None,
    minutes: float | None,
    json_file: Path | None,
) -> None:
    """Hints on colour photographs: PSNR, ab error, and harm; references: ab error."""
    colorizer = Colorizer(Settings(model=model, size=size), pictures=100)
    found = chosen(photographs(archive), part, pictures)
    methods = [method for method in METHODS if not only or any(word in method.name for word in only)]
    scores, begun = Scores(kept), time.perf_counter()
    tables: list[str] = []
    results: dict[str, Any] = {}
    for protocol in protocols or PROTOCOLS:
        names = ["references"] if protocol == "references" else [method.name for method in methods]
        per: dict[str, list[list[list[float]]]] = {name: [] for name in names}
        for number, photograph in enumerate(found[:KEPT_PAIRS] if protocol == "references" else found):
            session: Session | None = None
            late = minutes is not None and time.perf_counter() - begun > minutes * 60
            for name in names:
                method = next((each for each in methods if each.name == name), None)

                def make(
                    photograph: Photograph = photograph,
                    method: Method | None = method,
                    number: int = number,
                    protocol: str = protocol,
                ) -> list[list[float]]:
                    if method is None:
                        return [list(each) for each in by_references(photograph, colorizer).values()]
                    nonlocal session
                    session = session or colorizer.session(photograph.rgb)
                    hinted = measured(photograph, session, method, [0, number], protocol)
                    return [[count, *vars(one).values()] for count, one in hinted]

                of = " | ".join([archive.name, part, model, size, protocol, name, str(number)])
                one = scores.get(of, None if late else make)
                per[name] += [] if one is None else [one]
            click.echo(f"{protocol}: {number + 1} of {len(found)}, {time.perf_counter() - begun:.0f} s", err=True)
        results[protocol] = per
        there = {name: values for name, values in per.items() if values}
        if protocol != "references":
            tables += tables_of_hints(protocol, there)
        elif there:
            tables.append(table_of_references(per["references"]))
    facts = machine("numpy", "opencv-python-headless") | {"pictures": str(len(found)), "network": colorizer.recipe()}
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


EDGE_SIZE = 3000, 4000
CONTRASTS = (30.0, 15.0, 8.0, 4.0)
"""In L, of a disc from its ground."""

RINGS = ((-40, -20), (-10, -3), (3, 10), (20, 40), (80, 120))
"""Pixels from the disc's edge, inwards and outwards, at 12 megapixels; one of the working maps is 16 of them."""


@click.command("guidance-edges")
@click.option("--model", default="lite", show_default=True)
@click.option("--grain", default=1.5, show_default=True, help="Standard deviation in L.")
@json_option
def guidance_edges(model: str, grain: float, json_file: Path | None) -> None:
    """Where a colour ends at full size: a disc on an even ground at 12 megapixels, hinted in its middle."""
    height, width = EDGE_SIZE
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    away = np.hypot(columns - width / 2, rows - height / 2) - 800
    noise = np.random.default_rng(0).normal(0, grain, EDGE_SIZE).astype(np.float32)
    colorizer = Colorizer(Settings(model=model), pictures=100)
    guidance = Guidance([Hint([(0.5, 0.5)], "#a03030")], carry=0)
    table, results = [], {}
    for contrast in CONTRASTS:
        light = 50 + noise + np.where(away < 0, np.float32(contrast / 2), np.float32(-contrast / 2))
        grey = recombine(light, np.zeros((height, width, 2), np.float32), np.uint8)[..., 0]
        session = colorizer.session(np.ascontiguousarray(grey))
        before, after = (chroma_plane(session.render(each)) for each in (Guidance(), guidance))
        moved = np.hypot(*np.moveaxis(after - before, -1, 0))
        middle = float(moved[(away < -300) & (away > -700)].mean())
        shares = [float(moved[(away >= low) & (away < high)].mean()) / middle * 100 for low, high in RINGS]
        table.append([f"{contrast:g}", *(f"{share:.0f}" for share in shares)])
        results[f"{contrast:g}"] = dict(zip(map(str, RINGS), shares, strict=True))
    title = ["contrast, L", *(f"{low} to {high} px" for low, high in RINGS)]
    report(markdown_table(title, table), machine("numpy", "opencv-python-headless"), results, json_file)
