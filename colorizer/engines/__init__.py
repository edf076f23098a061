"""Runtimes run networks: tensors by name in, tensors by name out; each is a module behind one protocol, `Runtime`.

`open_runtime` chooses one by the job (`choice`), opens it, and where that fails goes on to the next best.
"""

from colorizer.engines.base import Array, CaffeForm, Device, EngineName, Loadable, Precision, Runtime, Setup, Tensors
from colorizer.engines.choice import Choice, EngineRequest
from colorizer.engines.loading import load
from colorizer.engines.opening import Opened, PrecisionTrial, Verdict, open_alike, open_runtime

__all__ = [
    "Array",
    "CaffeForm",
    "Choice",
    "Device",
    "EngineName",
    "EngineRequest",
    "Loadable",
    "Opened",
    "Precision",
    "PrecisionTrial",
    "Runtime",
    "Setup",
    "Tensors",
    "Verdict",
    "load",
    "open_alike",
    "open_runtime",
]
