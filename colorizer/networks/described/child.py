"""A process of its own for files that are not known yet: what hangs or crashes there takes nothing else down.

`in_child` starts it and hears what it found; run as a module, this is the child. Both speak JSON over pipes.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from colorizer.engines import EngineRequest
from colorizer.errors import ColorizerError, EngineError, Message, OptionRef, Remedy, WeightsError, shown
from colorizer.io.machine import usable_memory
from colorizer.networks.base import Model
from colorizer.networks.descriptor.reading import parse_descriptor

SECONDS = 60.0
"""That a small model may take to load and run once; a large one has more."""

SECONDS_PER_BYTE = 1 / 4e6

_SPARE_MEMORY = 4 << 30  # bytes of address space beyond what is usable, for what is reserved and never touched


def in_child(task: str, model: Model, request: EngineRequest, **more: Any) -> Any:
    """Have a child do one of its tasks with a model.

    Parameters
    ----------
    task
        "answer" (see `trial.answer`) or "recognise" (see `recognition.recognise`).
    model
        Its files; and its descriptor, where it has one.
    request
        Which runtime.
    more
        What else the task needs, as JSON has it.

    Returns
    -------
    Any
        What the task gives, as JSON has it.

    Raises
    ------
    ColorizerError
        What the task raises.
    WeightsError
        The child crashes, or takes too long.
    EngineError
        No child can be started.
    """
    asked = {
        "task": task,
        "files": {role: os.fspath(path) for role, path in model.files.items()},
        "name": model.name,
        "descriptor": None if model.descriptor is None else model.descriptor.source,
        "request": asdict(request),
        "more": more,
    }
    seconds = SECONDS + SECONDS_PER_BYTE * model.weights_size
    name = shown(model.weights)
    try:
        done = subprocess.run(
            [sys.executable, "-m", __name__],
            input=json.dumps(asked).encode(),
            capture_output=True,
            timeout=seconds,
            check=False,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(each for each in sys.path if each)},
        )
    except subprocess.TimeoutExpired as error:
        raise WeightsError(
            f"{name}: did not load and run within {seconds:.0f} s, tried in a process of its own"
        ) from error
    except OSError as error:
        raise EngineError(f"{name}: no process can be started to try it in ({error.strerror})") from error
    try:
        told = json.loads(done.stdout.splitlines()[-1])
    except (ValueError, IndexError):
        raise WeightsError(
            f"{name}: crashed the runtime that loaded it, in a process of its own ({_ended(done.returncode)})",
            remedy="copy or export the model again",
        ) from None
    if "error" in told:
        raise _error(told["error"])
    return told["result"]


def _ended(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"status {code}"


def _error(told: Mapping[str, Any]) -> ColorizerError:
    kinds = {each.__name__: each for each in _all_errors(ColorizerError)}
    kind = kinds.get(str(told["kind"]), WeightsError)
    error = kind.__new__(kind)
    option = OptionRef(*told["option"]) if told["option"] else None
    remedy = Remedy[told["remedy"]["name"]] if isinstance(told["remedy"], dict) else told["remedy"]
    ColorizerError.__init__(error, Message(told["text"], option, remedy, _values(told["values"])))
    return error


def _all_errors(kind: type[ColorizerError]) -> list[type[ColorizerError]]:
    return [kind, *(each for below in kind.__subclasses__() for each in _all_errors(below))]


def _values(told: Mapping[str, Any]) -> dict[str, Any]:
    return {name: OptionRef(*value) if isinstance(value, list) else value for name, value in told.items()}


def _told(error: ColorizerError) -> dict[str, Any]:
    message = error.message
    values = {
        name: [value.name, value.value] if isinstance(value, OptionRef) else str(value)
        for name, value in message.values.items()
    }
    return {
        "kind": type(error).__name__,
        "text": message.text,
        "option": None if message.option is None else [message.option.name, message.option.value],
        "remedy": {"name": message.remedy.name} if isinstance(message.remedy, Remedy) else message.remedy,
        "values": values,
    }


def main() -> None:
    """Do what stdin asks for, and say on stdout what came of it."""
    asked = json.loads(sys.stdin.buffer.read())
    # what runtimes print of themselves goes the way of messages
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    _limit_memory()
    try:
        told = {"result": _done(asked)}
    except ColorizerError as error:
        told = {"error": _told(error)}
    except MemoryError:
        told = {"error": _told(WeightsError("it asks for more memory than there is"))}
    out.write(json.dumps(told).encode() + b"\n")
    out.flush()
    # without a runtime's own way of ending, which a broken model may crash
    os._exit(0)


def _done(asked: Mapping[str, Any]) -> Any:
    from colorizer.networks.described.files import model_of
    from colorizer.networks.described.recognition import recognise
    from colorizer.networks.described.trial import answer

    files = {role: Path(path) for role, path in asked["files"].items()}
    told = asked["request"]
    request = EngineRequest(**{**told, "able": None if told["able"] is None else tuple(told["able"])})
    if asked["task"] == "recognise":
        return recognise(files, request, **asked["more"])
    descriptor = parse_descriptor(asked["descriptor"], asked["name"])
    model = model_of(files, descriptor, asked["name"])
    return asdict(answer(model, model.descriptor or descriptor, request))


def _limit_memory() -> None:
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        limit = int(usable_memory()) + _SPARE_MEMORY
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    main()
