"""What is installed on a machine, and how that differs from this one.

`installed` is sent to other machines as it stands here, so it uses nothing but Python: colorize may not be there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

PACKAGES = (
    *("numpy", "opencv-python-headless", "pillow", "imagecodecs", "tifffile", "av"),
    *("onnxruntime", "openvino", "ncnn"),
)
"""On which the bytes of results depend."""


def installed(packages: Sequence[str]) -> dict[str, str]:
    """Versions of Python, of colorize and of packages, on the machine where this runs; "" for what is not there."""
    import importlib.metadata
    import platform

    found = {"Python": platform.python_version()}
    try:
        import colorizer

        found["colorize"] = colorizer.__version__
    except ImportError:
        found["colorize"] = ""
    for name in packages:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = ""
    return found


def refusal(here: Mapping[str, str], there: Mapping[str, str]) -> str | None:
    """Why a machine cannot work for this one, in words; None where it can."""
    if not there["colorize"]:
        return "colorize is not installed there"
    for name, mine, others in (
        ("colorize", here["colorize"], there["colorize"]),
        ("Python", _minor(here["Python"]), _minor(there["Python"])),
    ):
        if mine != others:
            return f"it has {name} {others}, and this machine {mine}"
    return None


def difference(here: Mapping[str, str], there: Mapping[str, str]) -> str:
    """Which packages differ, in words; "" where none does."""
    differing = [name for name in here if name not in ("Python", "colorize") and here[name] != there.get(name, "")]
    return ", ".join(f"{name} {there.get(name) or 'not installed'} ({here[name] or 'none'} here)" for name in differing)


def _minor(version: str) -> str:
    return ".".join(version.split(".")[:2])
