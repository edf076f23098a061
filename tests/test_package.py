"""The package as it is installed: found the same way from a wheel, an editable install and a checkout."""

from __future__ import annotations

import email
import email.message
import re
import shutil
from pathlib import Path

import hatchling.build
import pytest
from conftest import run_python

import colorizer
from colorizer.networks.store import packaged_weights

PACKAGE = Path(colorizer.__file__).parent
ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def metadata(tmp_path_factory: pytest.TempPathFactory) -> email.message.Message:
    """What an index and `pip show` are told of the checkout, as its wheel says it."""
    folder = tmp_path_factory.mktemp("metadata")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        name = hatchling.build.prepare_metadata_for_build_wheel(str(folder))
    return email.message_from_bytes((folder / name / "METADATA").read_bytes())


@pytest.mark.parametrize("layout", ["wheel", "checkout"])
def test_the_embedded_model_is_found_wherever_the_package_lies(layout: str, tmp_path: Path) -> None:
    """A wheel carries `weights` inside the package; a checkout, which an editable install points to, beside it."""
    shutil.copytree(PACKAGE, tmp_path / "colorizer", ignore=shutil.ignore_patterns("__pycache__", "weights"))
    weights = tmp_path / ("colorizer/weights" if layout == "wheel" else "weights")
    shutil.copytree(packaged_weights(), weights, ignore=shutil.ignore_patterns("__pycache__"))
    code = "from colorizer.networks import resolve_model; print(resolve_model('lite').weights)"
    done = run_python(code, tmp_path, PYTHONPATH=str(tmp_path), COLORIZER_HOME=str(tmp_path / "home"))
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.strip()).resolve() == (weights / "lite.caffemodel").resolve()


def test_the_public_names_are_few_and_there() -> None:
    assert set(colorizer.__all__) == {"Colorizer", "ColorizerError", "Settings", "__version__", "colorize"}
    for name in colorizer.__all__:
        assert getattr(colorizer, name) is not None


def test_the_licences_are_those_of_all_that_is_in_the_package(metadata: email.message.Message) -> None:
    assert metadata["License-Expression"] == "BSD-2-Clause AND Apache-2.0"
    files = {"LICENSE", *(f"weights/{path.name}" for path in (ROOT / "weights").glob("LICENSE*"))}
    assert set(metadata.get_all("License-File", [])) == files


def test_the_docs_name_all_that_a_build_of_opencv_of_your_own_needs(metadata: email.message.Message) -> None:
    """Installed by hand there, since pip would bring its own OpenCV; NumPy comes with the build."""
    needed = {re.split(r"[^\w-]", line)[0] for line in metadata.get_all("Requires-Dist", []) if "extra ==" not in line}
    (line,) = re.findall(
        r"^env/bin/pip install (click .*)$", (ROOT / "docs" / "install.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert set(line.split()) == needed - {"numpy", "opencv-python-headless"}


def test_the_page_on_an_index_needs_no_files_beside_it(metadata: email.message.Message) -> None:
    assert metadata["Description-Content-Type"] == "text/markdown"
    page = metadata.get_payload()
    assert isinstance(page, str)
    assert page.startswith("# colorize\n")
    assert "can use the same server: the page." in page  # a link's words stay
    targets = re.findall(r"\]\(([^)]*)\)|<img", page)
    assert [target for target in targets if not target.startswith(("https://", "#"))] == []
