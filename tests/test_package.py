"""The package as it is installed: found the same way from a wheel, an editable install and a checkout."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from conftest import run_python

import colorizer
from colorizer.networks.store import packaged_weights

PACKAGE = Path(colorizer.__file__).parent


@pytest.mark.parametrize("layout", ["wheel", "checkout"])
def test_the_embedded_model_is_found_wherever_the_package_lies(layout: str, tmp_path: Path) -> None:
    """A wheel carries `weights` inside the package; a checkout, which an editable install points to, beside it."""
    shutil.copytree(PACKAGE, tmp_path / "colorizer", ignore=shutil.ignore_patterns("__pycache__", "weights"))
    weights = tmp_path / ("colorizer/weights" if layout == "wheel" else "weights")
    shutil.copytree(packaged_weights(), weights, ignore=shutil.ignore_patterns("__pycache__"))
    code = "from colorizer.networks import resolve_model; print(resolve_model('lite').caffemodel)"
    done = run_python(code, tmp_path, PYTHONPATH=str(tmp_path), COLORIZER_HOME=str(tmp_path / "home"))
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.strip()).resolve() == (weights / "lite.caffemodel").resolve()


def test_the_public_names_are_few_and_there() -> None:
    assert set(colorizer.__all__) == {"Colorizer", "ColorizerError", "Settings", "__version__"}
    for name in colorizer.__all__:
        assert getattr(colorizer, name) is not None
