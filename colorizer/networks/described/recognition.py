"""What a model without a descriptor is: `tensors.py` asks its tensors, `probing.py` runs it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from colorizer.engines import EngineRequest
from colorizer.engines.onnx_file import OnnxFile, read_onnx_file
from colorizer.engines.onnxruntime import told_by_session
from colorizer.errors import EngineError, Remedy, WeightsError, shown
from colorizer.networks.described.files import check_against
from colorizer.networks.described.probing import Probe, ProbedModel
from colorizer.networks.described.tensors import Overrides, by_tensors
from colorizer.networks.described.trial import canary_size, measured
from colorizer.networks.descriptor.reading import parse_descriptor


def recognise(files: Mapping[str, Path], request: EngineRequest, **overrides: Any) -> dict[str, Any]:
    """What a model is.

    Parameters
    ----------
    files
        Its files; ONNX, or ONNX Runtime's own format, of whose tensors that runtime tells.
    request
        The runtime to probe it in.
    overrides
        The fields of `Overrides`, as far as the user says something.

    Returns
    -------
    dict
        "descriptor" as JSON has it, and "said": lines on what was found, and how.

    Raises
    ------
    WeightsError
        It is no colouring network of a known family, or what it is cannot be told.
    MissingExtraError
        It is in ONNX Runtime's own format, and that is not installed.
    """
    said = Overrides(**overrides)
    found = _told(files)
    finding = by_tensors(found, said)
    model = ProbedModel(files, request)
    try:
        Probe(found, finding, model, said).settle()
        descriptor = parse_descriptor(finding.descriptor, shown(found.path))
        check_against(descriptor, found)
        canary = measured(model.network(descriptor), canary_size(descriptor))
    except EngineError as error:
        raise WeightsError(
            f"{shown(found.path)}: computes no colours; {error.message.text}", remedy=Remedy.DESCRIBE
        ) from error
    finding.descriptor["canary"] = {"size": canary.size, "mean": list(canary.mean), "spread": list(canary.spread)}
    return {"descriptor": finding.descriptor, "said": finding.said}


def _told(files: Mapping[str, Path]) -> OnnxFile:
    if "onnx" in files:
        return read_onnx_file(files["onnx"])
    if "ort" in files:
        return told_by_session(files["ort"])
    path = next(iter(files.values()))
    raise WeightsError(f"{shown(path)}: in a format that does not tell of its tensors", remedy=Remedy.DESCRIBE)
