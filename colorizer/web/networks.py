"""The networks that are loaded: each once, whoever asks; the least recently used is dropped first."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from colorizer.colorizer import Colorizer
from colorizer.networks import load_catalog, open_store
from colorizer.networks.inventory import Item, State, inventory
from colorizer.settings import Settings, Sizes
from colorizer.web.problems import ProblemError

MAX_LOADED = 2
"""Networks in memory beside the server's own, of whatever model, temperature and sizes; the release's takes 130 MB,
twice that with its logits."""

_ABSENT = (State.ABSENT, State.INCOMPLETE, State.DAMAGED, State.BROUGHT)


@dataclass(frozen=True)
class AvailableModel:
    """A model that a client may name."""

    name: str
    title: str
    installed: bool
    temperature: float | None  # of the annealed mean; None: there is none to set
    looks: int  # how often it looks at a picture, unless told otherwise
    how: str  # the command that installs it, where it is not
    size: int = 0  # bytes; 0 where it is not known
    licence: str = ""
    good_for: str = ""
    non_commercial: bool = False
    downloadable: bool = False  # whether the page may offer to

    def describe(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "name": self.name,
            "title": self.title,
            "installed": self.installed,
            "temperature": None if self.temperature is None else round(self.temperature, 4),
            "looks": self.looks,
            "how": self.how,
            "size": self.size,
            "licence": self.licence,
            "goodFor": self.good_for,
            "nonCommercial": self.non_commercial,
            "downloadable": self.downloadable,
        }


def _available(item: Item) -> AvailableModel:
    absent, spec = item.state in _ABSENT, item.spec
    if spec is None:
        return AvailableModel(item.name, "a network of your own", not absent, item.temperature, 1, "", item.size)
    how = f"colorize weights import FILE... --name {spec.name}" if spec.import_only else ""
    downloadable = absent and any(not mirror.dead for file in spec.files for mirror in file.mirrors)
    return AvailableModel(
        item.name,
        item.title,
        not absent,
        item.temperature,
        len(spec.sizes),
        (how or f"colorize weights download {item.name}") if absent else "",
        item.size,
        spec.licence,
        spec.description,
        spec.non_commercial,
        downloadable,
    )


class Networks:
    """Colorizers by their settings.

    Parameters
    ----------
    settings
        The server's own: the model that is taken where a client names none, and how networks are run.

    Raises
    ------
    ColorizerError
        The server's own model cannot be loaded.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._loaded: OrderedDict[tuple[str, float | None, Sizes, bool], Colorizer] = OrderedDict()
        # one picture at a time comes, so what the command takes for one picture is taken: the same bytes come out
        self.default = Colorizer(settings, pictures=1)

    @property
    def weights_dir(self) -> Path | None:
        """The server's own folder of models."""
        return self._settings.weights_dir

    def models(self) -> list[AvailableModel]:
        """What a client may name: the server's own model, the catalogue's, and those of the store."""
        store = open_store(self._settings.weights_dir)
        own = self.default
        known = {item.name: _available(item) for item in inventory(store, load_catalog())}
        if own.model.name not in known:
            title = "the network that the server was started with"
            known[own.model.name] = AvailableModel(
                own.model.name, title, True, own.model.temperature, len(own.model.sizes), ""
            )
        return list(known.values())

    def check(self, model: str) -> str:
        """The name of a model to take; the server's own for an empty one.

        Raises
        ------
        ProblemError
            The name is unknown, or the model not installed.
        """
        if model in ("", self.default.model.name):
            return self.default.model.name
        known = {item.name: item for item in self.models()}
        if model not in known:
            raise ProblemError(400, f"model: there is none of that name; known are {', '.join(known)}")
        if not known[model].installed:
            raise ProblemError(409, f"{model} is not installed; get it with: {known[model].how}")
        return model

    def colorizer(self, settings: Settings) -> Colorizer:
        """A colorizer for settings whose model was checked; its network is loaded where it is not yet.

        Raises
        ------
        ColorizerError
            The settings do not fit the model, or it cannot be loaded.
        """
        own = settings.model == self.default.model.name
        base = self._settings if own else replace(self._settings, model=settings.model, prototxt=None, bin_centres=None)
        # the sizes have a say in which runtime is the quickest for a picture, and so in the command's bytes
        base = replace(base, temperature=settings.temperature, size=settings.size, fast=settings.fast)
        key = (settings.model, settings.temperature, settings.size, settings.fast)
        of_default = self.default.model.sizes_for
        if (
            own
            and settings.temperature == self._settings.temperature
            and of_default(settings) == of_default(self._settings)
        ):
            loaded = self.default
        else:
            with self._lock:
                loaded = self._loaded.get(key) or Colorizer(base, pictures=1)
                self._loaded[key] = loaded
                self._loaded.move_to_end(key)
                while len(self._loaded) > MAX_LOADED:
                    self._loaded.popitem(last=False)
        return loaded.with_settings(
            replace(
                base,
                fit=settings.fit,
                saturation=settings.saturation,
                strength=settings.strength,
                keep_color=settings.keep_color,
            )
        )
