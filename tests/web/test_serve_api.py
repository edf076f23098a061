"""The HTTP interface: the command's own bytes, the command's own words, and pictures looked at without another pass."""

from __future__ import annotations

import io
import json
import re
import shlex
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from conftest import PHOTOS
from PIL import Image
from serving import Server, photo, said, serving

from colorizer import Colorizer, Settings, __version__
from colorizer.jobs.run import OutputPolicy
from colorizer.jobs.stream import color_bytes
from colorizer.media import Output
from colorizer.web.app import Service

Command = Callable[..., "subprocess.CompletedProcess[str]"]

ROOT = Path(__file__).parent.parent.parent


def command_bytes(data: bytes, output: Output | None = None, *, called: str = "", **settings: Any) -> bytes:
    """What the command writes for a picture that comes through a pipe, or from a file of this name."""
    colorizer = Colorizer(Settings(model="lite", **settings), pictures=1)
    return color_bytes(data, colorizer, OutputPolicy(output or Output()), source=Path(called) if called else None)[0]


def test_health_tells_version_queue_and_limits(server: Server) -> None:
    answer = server.get("/api/health").json()
    assert (answer["status"], answer["version"], answer["capacity"]) == ("ok", __version__, 64)
    assert answer["limits"] == {"bytes": 4 << 20, "pixels": 4_000_000, "pictures": 500}


def test_models_are_told_with_how_to_get_them(server: Server) -> None:
    answer = server.get("/api/models").json()
    models = {model["name"]: model for model in answer["models"]}
    assert answer["default"] == "lite"
    assert models["lite"] == {
        "name": "lite",
        "title": models["lite"]["title"],
        "installed": True,
        "temperature": 0.9,
        "looks": 2,
        "how": "",
        "size": models["lite"]["size"],
        "licence": models["lite"]["licence"],
        "goodFor": "small and quick, built in",
        "nonCommercial": False,
        "downloadable": False,
        "download": None,
    }
    assert models["lite"]["size"] > 7_000_000
    assert models["zhang16"]["installed"] is False
    assert models["zhang16"]["how"] == "colorize weights download zhang16"
    assert models["zhang16"]["downloadable"]
    assert models["ddcolor"]["temperature"] is None
    assert models["ddcolor"]["licence"].startswith("code and weights Apache-2.0")
    assert models["ideepcolor"]["how"] == "colorize weights import FILE... --name ideepcolor"
    assert not models["ideepcolor"]["downloadable"]


def test_the_answer_is_what_the_command_writes(server: Server, colorize: Command, tmp_path: Path) -> None:
    data = photo(300, 200)
    (tmp_path / "street.jpg").write_bytes(data)
    done = colorize("street.jpg", "--model", "lite", "--saturation", "1.3", "--temperature", "0.5")
    assert done.returncode == 0, done.stderr
    answer = server.post(
        "/api/colorize", data, params={"name": "street.jpg", "saturation": "1.3", "temperature": "0.5"}
    )
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "image/jpeg"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="street.color.jpg"'
    assert answer.content == (tmp_path / "street.color.jpg").read_bytes()


@pytest.mark.parametrize(
    ("kind", "deep", "query", "output", "settings"),
    [
        ("JPEG", False, {}, Output(), {}),
        ("PNG", True, {}, Output(), {}),
        ("TIFF", True, {"strength": "0.5"}, Output(), {"strength": 0.5}),
        ("WEBP", False, {}, Output(), {}),
        ("GIF", False, {}, Output(), {}),
        ("PNG", False, {"format": "jpeg", "quality": "71", "subsampling": "420"}, Output("jpeg", 71, "420"), {}),
        ("PNG", False, {"mark": "false", "fit": "stretch"}, Output(no_mark=True), {"fit": "stretch"}),
        ("JPEG", False, {"size": "96", "temperature": "2e-1"}, Output(), {"size": 96, "temperature": 0.2}),
        ("JPEG", False, {"format": "avif"}, Output("avif"), {}),
    ],
)
def test_formats_depths_and_options_come_out_as_from_the_command(
    server: Server, kind: str, deep: bool, query: dict[str, str], output: Output, settings: dict[str, Any]
) -> None:
    data = photo(120, 90, seed=3, kind=kind, deep=deep)
    answer = server.post("/api/colorize", data, params=query)
    assert answer.status_code == 200, answer.text
    assert answer.content == command_bytes(data, output, **settings)


@pytest.mark.parametrize(("query", "output"), [({}, Output()), ({"keep-luma": "false"}, Output(keep_luma=False))])
def test_a_grey_jpeg_keeps_its_luma_as_from_the_command(server: Server, query: dict[str, str], output: Output) -> None:
    data = photo(120, 90, seed=4)
    sent = server.post("/api/colorize", data, params=query).content
    address = server.add(data, "street.jpg")
    server.ended(address)
    saved = server.get(f"{address}/result", params=query).content
    assert sent == command_bytes(data, output)
    assert saved == command_bytes(data, output, called="street.jpg")
    assert (b"luma coefficients kept" in saved) is (output.keep_luma is None)


def test_what_is_in_colour_passes_if_asked_for(server: Server, photographs: list[Path]) -> None:
    data, grey = photographs[0].read_bytes(), photo(120, 90, seed=4)
    asked = {"keep-color": "true"}
    assert server.post("/api/colorize", data, params=asked).content == data
    assert server.post("/api/colorize", grey, params=asked).content == command_bytes(grey, keep_color=True)
    written_anew = server.post("/api/colorize", data, params=asked | {"format": "png"}).content
    assert written_anew == command_bytes(data, Output("png"), keep_color=True) != command_bytes(data, Output("png"))


def test_pages_of_a_tiff_all_come_back(server: Server) -> None:
    file = io.BytesIO()
    pages = [np.full((40, 50), tone, np.uint16) for tone in (9000, 40000)]
    with tifffile.TiffWriter(file) as writer:
        for page in pages:
            writer.write(page, photometric="minisblack")
    answer = server.post("/api/colorize", file.getvalue())
    assert answer.content == command_bytes(file.getvalue())
    with tifffile.TiffFile(io.BytesIO(answer.content)) as tiff:
        assert [page.shape for page in tiff.pages] == [(40, 50, 3)] * 2


def test_a_form_with_one_file_does_too(server: Server) -> None:
    data = photo(seed=5)
    answer = server.post("/api/colorize", files={"anything": ("grandma.jpg", data, "image/jpeg")})
    assert answer.content == command_bytes(data, called="grandma.jpg")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="grandma.color.jpg"'


def test_a_name_without_a_suffix_of_pictures_stays_whole(server: Server) -> None:
    answer = server.post("/api/colorize?name=box7.0113", photo(seed=5))
    assert answer.headers["Content-Disposition"] == 'attachment; filename="box7.0113.color.jpg"'


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"a": ("a.jpg", b"1"), "b": ("b.jpg", b"2")}, "several files"),
        ({"model": (None, "lite"), "b": ("b.jpg", b"2")}, "options go into the query"),
    ],
)
def test_forms_with_anything_else_are_refused(server: Server, files: Any, words: str) -> None:
    answer = server.post("/api/colorize", files=files)
    assert answer.status_code == 400
    assert words in answer.json()["detail"]


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/form-data", b"--x\r\n\r\n"),
        (
            "multipart/form-data; boundary=x",
            b"--x\r\nContent-Disposition: form-data; name=a; filename=a.jpg\r\n\r\nabc",
        ),
        ("multipart/form-data; boundary=x", b"nothing of the kind"),
        ("multipart/form-data; boundary=x", b"--x--\r\n"),
        ("multipart/form-data; boundary=x", b"--x\r\n" + b"A: b\r\n" * 5000 + b"\r\n"),
    ],
)
def test_damaged_forms_are_refused(server: Server, content_type: str, body: bytes) -> None:
    answer = server.post("/api/colorize", body, headers={"Content-Type": content_type})
    assert answer.status_code == 400, answer.text
    assert "form" in answer.json()["detail"]


def test_errors_are_problems_in_the_commands_words(server: Server, colorize: Command, tmp_path: Path) -> None:
    for name, data, status in (
        ("empty.jpg", b"", 422),
        ("letter.jpg", b"Dear Sir or Madam", 415),
        ("cut.jpg", photo(400, 300)[:3000], 422),
    ):
        answer = server.post("/api/colorize", data, params={"name": name})
        (tmp_path / name).write_bytes(data)
        said_there = colorize(name, "--model", "lite").stderr.strip().splitlines()[-1].removeprefix("colorize: ")
        assert answer.status_code == status, answer.text
        assert answer.headers["Content-Type"] == "application/problem+json"
        problem = answer.json()
        assert problem == {"type": "about:blank", "title": problem["title"], "status": status, "detail": said_there}


def test_no_problem_names_a_temporary_file(server: Server) -> None:
    place = str(server.temporary)
    for data in (b"", b"x", photo()[:500], b"\x89PNG\r\n\x1a\n" + bytes(100), b"II*\0" + bytes(50), b"BM" + bytes(90)):
        answer = server.post("/api/colorize", data)
        assert answer.status_code >= 400
        assert place not in answer.text
        assert "colorize-serve" not in answer.text
        address = server.add(data, "it.tif")
        problem = server.ended(address)["problem"]
        assert problem["detail"].startswith("it.tif: ")
        assert place not in json.dumps(problem)


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("modle=lite", "unknown option 'modle'"),
        ("files-from=list.txt", "unknown option"),
        ("saturation=1&saturation=2", "given twice"),
        ("saturation=nan", "saturation: expected a number from 0 to 4"),
        ("saturation=inf", "expected a number"),
        ("saturation=1e999", "expected a number"),
        ("saturation=1_0", "expected a number"),
        ("saturation=%D9%A1", "expected a number"),
        ("saturation=", "expected a number"),
        ("saturation=-0.1", "expected a number from 0 to 4"),
        ("temperature=0", "expected a number from 0.01 to 10"),
        ("temperature=NaN", "expected a number"),
        ("quality=95.5", "expected a whole number from 1 to 100"),
        ("quality=101", "expected a whole number from 1 to 100"),
        ("size=100000000000000000000", "expected a whole number"),
        ("size=2048", "from 32 to 512"),
        ("size=100", "takes multiples of 32"),
        ("size=224,2048", "from 32 to 512"),
        ("size=224,", "size: expected a whole number"),
        ("size=64,96,128,160,192", "up to 4 of them"),
        ("size=many", "or auto"),
        ("size=224,448&fast=true", "leave out"),
        ("format=exe", "expected one of"),
        ("mark=maybe", "true or false"),
        ("model=/etc/passwd", "none of that name"),
        ("model=..%2Fnet.caffemodel", "none of that name"),
        ("model=auto", "none of that name"),
        ("saturation", "not well-formed"),
        ("name=%FF", "not well-formed"),
        ("&".join(f"a{i}=1" for i in range(99)), "not well-formed"),
        ("name=" + "x" * 2000, "at most 1024"),
    ],
)
def test_options_that_are_not_right_are_refused(server: Server, query: str, words: str) -> None:
    answer = server.post(f"/api/colorize?{query}", photo())
    assert answer.status_code == 400, answer.text
    assert words in answer.json()["detail"]


def test_a_model_that_is_not_installed_is_told_of_with_the_command(server: Server) -> None:
    answer = server.post("/api/colorize?model=zhang16", photo())
    assert answer.status_code == 409
    assert answer.json()["detail"] == "zhang16 is not installed; get it with: colorize weights download zhang16"


def test_a_format_that_cannot_hold_the_result_is_the_users_to_change(server: Server) -> None:
    file = io.BytesIO()
    Image.new("LA", (20, 20), (90, 40)).save(file, "PNG")
    answer = server.post("/api/colorize?format=jpeg", file.getvalue())
    assert answer.status_code == 422
    assert "transparency" in answer.json()["detail"]


def test_too_many_bytes_are_refused_whether_announced_or_not(server: Server) -> None:
    data = bytes(5 << 20)
    for body in (data, iter([data[: 1 << 20]] * 5)):
        answer = server.post("/api/colorize", body)
        assert answer.status_code == 413
        assert "--max-upload" in answer.json()["detail"]
    answer = server.post("/api/colorize", files={"f": ("a.jpg", data)})
    assert answer.status_code == 413


def test_too_many_pixels_are_refused_page_by_page_and_together(server: Server) -> None:
    file = io.BytesIO()
    Image.new("L", (2500, 2000)).save(file, "PNG")
    answer = server.post("/api/colorize", file.getvalue())
    assert answer.status_code == 413
    assert "2500 x 2000 pixels are more than the limit of 4000000" in answer.json()["detail"]
    file = io.BytesIO()
    with tifffile.TiffWriter(file) as writer:
        for _ in range(3):
            writer.write(np.zeros((1500, 1000), np.uint8), photometric="minisblack", compression="zlib")
    answer = server.post("/api/colorize", file.getvalue())
    assert answer.status_code == 413
    assert "its pages" in answer.json()["detail"]


def test_a_picture_is_looked_at_from_what_one_pass_has_said(server: Server) -> None:
    data = photo(640, 480, seed=8)
    address = server.add(data, "lake.jpg")
    found = server.ended(address)
    assert found == {
        "id": address.rpartition("/")[2],
        "name": "lake.jpg",
        "model": "lite",
        "fast": False,
        "state": "ready",
        "position": 0,
        "width": 640,
        "height": 480,
        "format": "jpeg",
        "depth": 8,
        "problem": None,
        "passes": 1,
        "hints": 0,
    }
    before = image_of(server.get(f"{address}/before?side=320").content)
    assert before.shape[:2] == (240, 320)
    usual = image_of(server.get(f"{address}/after").content)
    assert usual.shape == (480, 640, 3)
    expected = image_of(command_bytes(data))
    assert np.abs(usual - expected).mean() < 2.5
    grey = image_of(server.get(f"{address}/after?saturation=0").content)
    assert np.ptp(grey, axis=2).mean() < 2
    strong = image_of(server.get(f"{address}/after?saturation=2").content)
    vivid = image_of(server.get(f"{address}/after?temperature=0.1").content)
    assert np.ptp(strong, axis=2).mean() > 1.5 * np.ptp(usual, axis=2).mean()
    assert np.abs(vivid - usual).mean() > 1
    expected = image_of(command_bytes(data, temperature=0.1))
    assert np.abs(vivid - expected).mean() < 2.5
    assert server.get(address).json()["passes"] == 1


def test_a_saved_picture_is_what_the_command_writes(server: Server) -> None:
    data = photo(200, 150, seed=9, kind="PNG", deep=True)
    address = server.add(data, "dune.png")
    server.ended(address)
    assert server.get(f"{address}/result").content == command_bytes(data, called="dune.png")
    answer = server.get(f"{address}/result?saturation=0.7&temperature=0.4&format=tiff")
    assert answer.content == command_bytes(data, Output("tiff"), called="dune.png", saturation=0.7, temperature=0.4)
    assert answer.headers["Content-Disposition"] == 'attachment; filename="dune.color.tif"'
    assert server.get(address).json()["passes"] == 3


def test_many_are_saved_in_one_archive_and_what_fails_says_why(server: Server) -> None:
    files = {name: photo(80, 60, seed=seed) for seed, name in enumerate(("a.jpg", "b.jpg"))}
    addresses = [server.add(files["a.jpg"], "a.jpg"), server.add(files["b.jpg"], "../A.jpg")]
    file = io.BytesIO()
    Image.new("LA", (20, 20), (90, 40)).save(file, "PNG")
    addresses.append(server.add(file.getvalue(), "glass.png"))
    for address in addresses:
        assert server.ended(address)["state"] == "ready"
    ids = [address.rpartition("/")[2] for address in addresses]
    wanted = {"pictures": [{"id": ids[0]}, {"id": ids[1], "saturation": 2, "quality": None}, {"id": ids[2]}]}
    answer = server.post("/api/zip", json=wanted | {"format": "jpeg"})
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["a.color.jpg", "A.color-2.jpg", "glass.png.txt"]
        assert archive.read("a.color.jpg") == command_bytes(files["a.jpg"], Output("jpeg"), called="a.jpg")
        second = command_bytes(files["b.jpg"], Output("jpeg"), called="A.jpg", saturation=2.0)
        assert archive.read("A.color-2.jpg") == second
        assert b"transparency" in archive.read("glass.png.txt")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"[]", 400),
        (b"{}", 400),
        (b'{"pictures": []}', 400),
        (b'{"pictures": [1]}', 400),
        (b'{"pictures": [{"id": 5}]}', 400),
        (b'{"pictures": [{"id": "x", "path": "/etc"}]}', 400),
        (b'{"pictures": [{"id": "x", "saturation": NaN}]}', 400),
        (b'{"pictures": [{"id": "x", "saturation": [1]}]}', 400),
        (b'{"pictures": [{"id": "x"}]}', 404),
        (b"[" * 100_000, 400),
        (b'{"pictures": "' + b"x" * (3 << 20) + b'"}', 413),
    ],
)
def test_archives_that_are_not_asked_for_rightly_are_refused(server: Server, body: bytes, status: int) -> None:
    answer = server.post("/api/zip", body, headers={"Content-Type": "application/json"})
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_a_failed_picture_says_why_and_has_nothing_to_show(server: Server) -> None:
    address = server.add(b"no picture", "no.jpg")
    found = server.ended(address)
    assert found["state"] == "failed"
    assert found["problem"]["status"] == 415
    assert found["problem"]["detail"].startswith("no.jpg: text, not a picture")
    for part in ("/before", "/after", "/result"):
        answer = server.get(address + part)
        assert answer.status_code == 409
        assert answer.json()["detail"] == found["problem"]["detail"]


def test_a_deleted_picture_is_gone_with_its_files(server: Server) -> None:
    before = set(server.files())
    address = server.add(photo(), "x.jpg")
    server.ended(address)
    assert len(set(server.files()) - before) == 3
    assert server.delete(address).status_code == 204
    assert set(server.files()) <= before
    for path in (address, f"{address}/after", f"{address}/result"):
        assert server.get(path).status_code == 404
    assert server.delete(address).status_code == 404


def test_waiting_for_a_change_ends_with_it_or_in_time(server: Server) -> None:
    address = server.add(photo(1200, 900), "x.jpg")
    states = ["waiting"]
    while states[-1] not in ("ready", "failed"):
        states.append(server.get(address, params={"wait": "20", "state": states[-1]}).json()["state"])
    assert states == sorted(set(states), key=["waiting", "working", "ready"].index)
    assert server.get(address, params={"wait": "0.3", "state": "ready"}).json()["state"] == "ready"
    assert server.get(address, params={"wait": "61"}).status_code == 400


def test_newer_pictures_push_out_the_oldest(tmp_path: Path) -> None:
    with serving(tmp_path, "--max-pictures", "2", "--model", "lite") as server:
        addresses = []
        for seed in range(3):
            addresses.append(server.add(photo(seed=seed), f"{seed}.jpg"))
            server.ended(addresses[-1])
        assert [server.get(address).status_code for address in addresses] == [404, 200, 200]
        assert len(server.files()) == 6


def test_another_model_colours_a_picture_again(server: Server) -> None:
    address = server.add(photo(), "x.jpg")
    server.ended(address)
    answer = server.post(f"{address}/model?model=lite")
    assert answer.status_code == 202
    assert answer.headers["Location"] == address
    found = server.ended(address)
    assert (found["state"], found["passes"]) == ("ready", 2)
    assert server.post(f"{address}/model?model=zhang16").status_code == 409
    assert server.get(address).json()["state"] == "ready"


def test_a_picture_may_be_looked_at_once(server: Server) -> None:
    data = photo()
    once, closely = (command_bytes(data, fast=fast) for fast in (True, False))
    assert once != closely
    assert server.post("/api/colorize?fast=true", data).content == once
    assert server.post("/api/colorize?size=448,224", data).content == closely
    address = server.add(data, "x.jpg")
    assert server.ended(address)["fast"] is False
    assert server.get(f"{address}/result").content == command_bytes(data, called="x.jpg")
    assert server.post(f"{address}/model?fast=true").status_code == 202
    assert server.ended(address)["fast"] is True
    assert server.get(f"{address}/result").content == command_bytes(data, called="x.jpg", fast=True)


def test_unknown_addresses_and_methods_are_problems(server: Server) -> None:
    for path in ("/nothing", "/api/", "/api/nothing", "/page/", "/page/nothing.js", "/docs/"):
        answer = server.get(path)
        assert (answer.status_code, answer.headers["Content-Type"]) == (404, "application/problem+json"), path
    answer = server.get("/api/colorize")
    assert (answer.status_code, answer.headers["Content-Type"]) == (405, "application/problem+json")
    assert answer.headers["Allow"] == "POST"
    answer = server.post("/api/pictures/x")
    assert answer.status_code == 405
    assert set(answer.headers["Allow"].split(", ")) == {"GET", "HEAD", "DELETE"}


def test_the_description_has_every_route_and_no_other(server: Server) -> None:
    described = server.get("/api/openapi.json").json()
    found = {(path, method.upper()) for path, methods in described["paths"].items() for method in methods}
    routes = Service.routes(_Anything())  # type: ignore[arg-type]
    real = {
        (re.sub(r":path}", "}", route.path), method)
        for route in routes
        for method in (route.methods or ())
        if method != "HEAD"
    }
    assert found == real
    text = json.dumps(described)
    for name in re.findall(r'"#/components/(\w+)/(\w+)"', text):
        assert name[1] in described["components"][name[0]]
    operations = [operation for methods in described["paths"].values() for operation in methods.values()]
    assert len({operation["operationId"] for operation in operations}) == len(operations)


class _Anything:
    """Stands for the service and its parts, of which the list of routes takes methods alone."""

    def __getattr__(self, name: str) -> Any:
        if name == "looking":
            return self

        def endpoint() -> None: ...

        endpoint.__name__ = name
        return endpoint


@pytest.mark.slow
def test_every_option_that_is_described_is_taken_and_its_limits_are_true(server: Server) -> None:
    described = server.get("/api/openapi.json").json()
    data = photo(40, 30)
    for parameter in described["paths"]["/api/colorize"]["post"]["parameters"]:
        name, schema = parameter["name"], parameter["schema"]
        good = [schema.get("minimum"), schema.get("maximum"), *schema.get("enum", [])]
        for value in [value for value in good if value is not None and value != "heic"]:
            answer = server.post("/api/colorize", data, params={name: value})
            assert answer.status_code == 200, (name, value, answer.text)
        for value in (schema.get("minimum", 1) - 1, schema.get("maximum", 1e9) + 1):
            if "minimum" in schema:
                assert server.post("/api/colorize", data, params={name: value}).status_code == 400


def test_the_examples_in_the_documentation_work(server: Server, tmp_path: Path) -> None:
    text = (ROOT / "docs" / "web.md").read_text(encoding="utf-8")
    examples = [line for line in re.findall(r"^\$ (curl .*)$", text, re.MULTILINE) if "TOKEN" not in line]
    assert len(examples) >= 6
    (tmp_path / "photo.jpg").write_bytes(photo(200, 150))
    (tmp_path / "aunt.jpg").write_bytes((PHOTOS / "dahlia.jpg").read_bytes())
    (tmp_path / "scan.tif").write_bytes(photo(200, 150, kind="TIFF", deep=True))
    known = ""
    for example in examples:
        line = example.replace("http://127.0.0.1:8313", server.url("")).replace("ID", known)
        done = subprocess.run(
            [*shlex.split(line), "-sS", "--fail-with-body"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, (line, done.stdout, done.stderr)
        if done.stdout.startswith('{"id"'):
            known = json.loads(done.stdout)["id"]
            server.ended(f"/api/pictures/{known}")
    written = {path.name for path in tmp_path.iterdir()}
    assert {"photo.color.jpg", "scan.color.png", "after.jpg", "result.jpg", "all.zip"} <= written
    for name in ("photo.color.jpg", "scan.color.png", "after.jpg", "result.jpg"):
        assert image_of((tmp_path / name).read_bytes()).shape[2] == 3


def test_an_answer_names_no_server_software(server: Server) -> None:
    answer = said(server, f"GET /api/health HTTP/1.1\r\nHost: {server.host}\r\n\r\n".encode())
    assert answer.status == 200
    assert "server" not in answer.headers


def image_of(data: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image.convert("RGB"), np.float64)
