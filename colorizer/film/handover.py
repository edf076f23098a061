"""What goes from one stage of a film's segment to the next (`colorizer.film.stages`), as files in its work folder."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from colorizer.film.coloring import FrameChroma, FrameColorizer, FrameLook
from colorizer.film.guidance.preparing import FrameGuidance
from colorizer.film.motion import FlowField, Flows, FrameFeatures, flow_fields, frame_features
from colorizer.film.segments import cannot_be_written
from colorizer.networks import NetworkInput

Floats = npt.NDArray[np.float32]


def with_flows(looks: Iterable[FrameLook]) -> Iterator[FrameLook]:
    """Looks at successive frames, with the motion between them; of that to the first, nothing is known."""
    before: FrameFeatures | None = None
    for look in looks:
        features = frame_features(look.lightness)
        yield look if before is None else replace(look, flows=flow_fields(before, features))
        before = features


def save_looks(path: Path, looks: list[FrameLook], *, predicted: bool) -> None:
    """Write looks at frames: with what the network says, or, where it is not yet known whether it is asked, sees.

    Where one knows the motion from the frame before, all but the first do.

    Raises
    ------
    OutputError
        They cannot be written.
    EngineError
        The network cannot be run.
    """
    told = np.array([-1 if look.in_color is None else int(look.in_color) for look in looks], np.int8)
    arrays: dict[str, npt.NDArray[Any]] = {"in_color": told}
    if looks and predicted:
        arrays["lightness"] = np.stack([look.lightness for look in looks])
        arrays["prediction"] = np.stack([look.predict() for look in looks])
    elif looks:
        for place in range(len(looks[0].seen)):
            arrays[f"seen{place}"] = np.concatenate([look.seen[place].lightness for look in looks])
    if flows := [field.counted() for look in looks if look.flows is not None for field in look.flows]:
        arrays["flow"], arrays["trust"] = (np.stack(each) for each in zip(*flows, strict=True))
    save(path, arrays)


def load_looks(
    path: Path, frame_colorizer: FrameColorizer, said: Iterator[FrameGuidance | None], size: tuple[int, int]
) -> Iterator[FrameLook]:
    """What `save_looks` has written.

    Parameters
    ----------
    path
        Where.
    frame_colorizer
        Who asks the network where that was not done.
    said
        What people say of each frame, or None; it may go on where the looks end.
    size
        Height and width of the frames.
    """
    with np.load(path, allow_pickle=False) as stored:
        arrays = {name: stored[name] for name in stored.files}
    sights = [arrays[name] for name in sorted(arrays) if name.startswith("seen")]
    for place, (told, guidance) in enumerate(zip(arrays["in_color"], said)):  # noqa: B905 - it may go on
        in_color = None if told < 0 else bool(told)
        if sights:
            seen = tuple(NetworkInput(each[place][None]) for each in sights)
            look = frame_colorizer.look_of(seen, in_color, guidance, size)
        else:
            known = partial(_known, arrays["prediction"][place])
            look = FrameLook(arrays["lightness"][place], known, in_color, guidance=guidance)
        yield replace(look, flows=_flows(arrays, place)) if place and "flow" in arrays else look


def _flows(arrays: dict[str, npt.NDArray[Any]], place: int) -> Flows:
    """The motion to a frame that is not the first, backward and forward."""
    backward, forward = (
        FlowField.of_counted(arrays["flow"][at], arrays["trust"][at]) for at in (2 * place - 2, 2 * place - 1)
    )
    return backward, forward


def _known(prediction: Floats) -> Floats:
    return prediction


def save_chroma(path: Path, chroma: list[FrameChroma[Any]]) -> None:
    """Write the chroma of frames.

    Raises
    ------
    OutputError
        It cannot be written.
    """
    arrays: dict[str, npt.NDArray[Any]] = {"frames": np.array(len(chroma))}
    for place, one in enumerate(chroma):
        # of frames that are guided it is larger than of others
        arrays |= {} if one.ab is None else {f"ab{place}": one.ab}
        arrays |= {} if one.kept is None else {f"kept{place}": one.kept}
    save(path, arrays)


def load_chroma(path: Path) -> Iterator[tuple[Floats | None, Floats | None]]:
    """What `save_chroma` has written, `ab` and `kept`."""
    with np.load(path, allow_pickle=False) as stored:
        for place in range(int(stored["frames"])):
            yield stored.get(f"ab{place}"), stored.get(f"kept{place}")


def save(path: Path, arrays: dict[str, npt.NDArray[Any]]) -> None:
    """Write arrays to a part of the work folder.

    Raises
    ------
    OutputError
        They cannot be written.
    """
    try:
        with path.open("wb") as file:
            np.savez(file, **arrays)  # type: ignore[arg-type]
    except OSError as error:
        raise cannot_be_written(path.parent, error) from error
