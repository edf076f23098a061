"""Models that are new to this machine are tried before they are opened, in a process of their own where unknown.

A file from anywhere can make a runtime hang or crash. So a child with a limit of time and memory loads it first and
compares its answer with its descriptor (`trial`); that it went well is remembered by the files' hashes.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict

from colorizer.engines import EngineRequest
from colorizer.engines.loading import installed_engines
from colorizer.io.cache import cache_folder, content_hash, keep, kept
from colorizer.networks.base import Model
from colorizer.networks.described.child import in_child
from colorizer.networks.descriptor.model import Descriptor

TRIAL_VERSION = "1"


def ensure_tried(model: Model, descriptor: Descriptor, request: EngineRequest) -> None:
    """Try a model that was not tried yet as it is about to be opened.

    Raises
    ------
    WeightsError
        It does not load, crashes or hangs, or does not do what its descriptor says.
    MissingExtraError, EngineError
        The runtime is not installed, does not load, or cannot do what is asked for.
    """
    known = model.spec is not None
    if known and descriptor.canary is None:
        return
    path = cache_folder() / "tried" / f"{_key(model, descriptor, request)}.ok"
    if kept(path) is not None:
        return
    if known:
        from colorizer.networks.described.trial import answer

        answer(model, descriptor, request)
    else:
        in_child("answer", model, request)
    keep(path, b"ok")


def _key(model: Model, descriptor: Descriptor, request: EngineRequest) -> str:
    files = [content_hash(path) for path in model.files.values()]
    asked = [request.engine, request.precision, request.device, request.pictures is None, *installed_engines()]
    told = [TRIAL_VERSION, *files, asdict(descriptor) | {"title": "", "licence": {}}, *asked]
    return hashlib.sha256(json.dumps(told, sort_keys=True, default=str).encode()).hexdigest()[:32]
