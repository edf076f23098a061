"""Engines run a network; each is a module of its own behind one small protocol, `Engine`.

`open_engine` chooses one by the job (`choice`), opens it, and where that fails goes on to the next best.
"""

from colorizer.engines.base import Device, Engine, EngineName, Precision, Setup
from colorizer.engines.choice import Choice, EngineRequest
from colorizer.engines.opening import Opened, open_engine, open_logits

__all__ = [
    "Choice",
    "Device",
    "Engine",
    "EngineName",
    "EngineRequest",
    "Opened",
    "Precision",
    "Setup",
    "open_engine",
    "open_logits",
]
