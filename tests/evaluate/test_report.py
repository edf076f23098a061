"""The report read as a browser would: whole, offline, and harmless whatever the pictures are called."""

from __future__ import annotations

import base64
import io
import math
import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from evaluations import QUICK, evaluated, small_copies
from PIL import Image

from colorizer.errors import OutputError
from colorizer.evaluate.figures import FIGURES
from colorizer.evaluate.report import html, prepare_report, write_report
from colorizer.evaluate.totals import Evaluation

NASTY = "<script>alert(1)&amp;.png"
VOID = {"meta", "link", "img", "source"}


class Reader(HTMLParser):
    """Collects what a page refers to, and holds it to balanced tags."""

    def __init__(self) -> None:
        super().__init__()
        self.images: list[dict[str, str | None]] = []
        self.links: list[str] = []
        self.tags: list[str] = []
        self.words: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        attributes = dict(attrs)
        if tag == "img":
            self.images.append(attributes)
        self.links += [value for name, value in attrs if name in ("src", "href", "srcset", "action") and value]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


@pytest.fixture(scope="module")
def evaluation(photographs: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Evaluation:
    folder = small_copies(photographs[:6], tmp_path_factory.mktemp("set") / "photos", 96)
    try:
        sorted(folder.iterdir())[0].rename(folder / NASTY)
    except OSError:  # Windows knows no such names
        sorted(folder.iterdir())[0].rename(folder / "&amp;.png")
    other = QUICK.__class__(model="lite", engine="opencv", size=96, precision="fp32", device="cpu")
    return evaluated(folder, [QUICK, other], examples=3)


@pytest.fixture(scope="module")
def document(evaluation: Evaluation) -> str:
    return html(evaluation)


@pytest.fixture(scope="module")
def page(document: str) -> Reader:
    reader = Reader()
    reader.feed(document)
    reader.close()
    return reader


def decoded(uri: str) -> tuple[str, bytes]:
    head, data = uri.split(",", 1)
    assert head.endswith(";base64")
    return head[len("data:") : -len(";base64")], base64.b64decode(data, validate=True)


def test_the_page_is_whole_and_refers_to_nothing_outside(page: Reader, document: str) -> None:
    assert page.open == []
    assert page.links
    assert all(link.startswith("data:") for link in page.links)
    assert not re.search(r"@import|url\(", document)
    assert "script" not in page.tags
    assert NASTY not in document


def test_every_image_decodes_and_is_described(page: Reader) -> None:
    kinds = []
    for link in page.links:
        if link == "data:,":
            continue
        kind, data = decoded(link)
        kinds.append(kind)
        if kind == "image/svg+xml":
            root = ET.fromstring(data)  # noqa: S314 - made here
            used = [value for node in root.iter() for name, value in node.items() if name.endswith("href")]
            assert all(value.startswith("#") for value in used)
        else:
            with Image.open(io.BytesIO(data)) as image:
                assert np.asarray(image).shape[2:] == (3,)
    assert kinds.count("image/svg+xml") == 3 * 2
    assert kinds.count("image/jpeg") == len(page.images) - 3
    assert all(len(str(image.get("alt"))) > 10 for image in page.images)


def test_exhibits_show_original_grey_result_and_errors(page: Reader, evaluation: Evaluation) -> None:
    judged = evaluation.columns[3:]
    shown = [exhibit for column in judged for exhibit in (*column.best, *column.worst)]
    assert len(shown) == 2 * 6
    photos = page.images[3:]
    assert len(photos) == 4 * len(shown)
    for place, exhibit in enumerate(shown):
        original, grey, result, _ = (
            np.asarray(Image.open(io.BytesIO(decoded(str(image["src"]))[1]))).astype(int)
            for image in photos[4 * place : 4 * place + 4]
        )
        assert np.abs(original - exhibit.original).mean() < 8
        assert np.ptp(grey, axis=-1).max() <= 2
        assert np.abs(result - exhibit.example.pixels).mean() < 8


def test_the_table_has_every_figure_of_every_candidate(page: Reader, evaluation: Evaluation) -> None:
    words = set(page.words)
    for place, figure in enumerate(FIGURES):
        assert figure.title in words
        assert figure.definition in words
        for column in evaluation.columns:
            value = column.values[place].value
            assert math.isnan(value) or figure.shown(value) in words
    assert "nan" not in words
    assert any(evaluation.protocol.definition in word for word in words)
    assert any("6 pictures measured; left out: 0 grey, 0 unreadable" in word for word in words)


def test_the_page_follows_light_and_dark(document: str) -> None:
    assert "color-scheme: light dark" in document
    assert document.count('<source media="(prefers-color-scheme: dark)"') == 3


def test_the_same_evaluation_gives_the_same_bytes(evaluation: Evaluation, document: str) -> None:
    assert html(evaluation) == document


def test_a_report_that_could_not_be_written_is_refused_beforehand(tmp_path: Path, evaluation: Evaluation) -> None:
    with pytest.raises(OutputError, match="no such folder"):
        prepare_report(tmp_path / "no" / "report.html")
    with pytest.raises(OutputError, match="is a folder"):
        prepare_report(tmp_path)
    prepare_report(tmp_path / "report.html")
    write_report(tmp_path / "report.html", evaluation)
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]
