"""Colouring networks: what one is, which there are, where they live, how they get here, and how they are opened.

Four questions, four ways in: `resolve_model` turns a name or a path into files; `open_network` loads them;
`load_catalog` tells what is known; `open_store` where it lies. Downloading and importing are for those who ask for
them: nothing here reaches for the network by itself.
"""

from colorizer.networks.base import ColorNetwork, Model, NetworkInput, Prediction
from colorizer.networks.catalog import Catalog, FileSpec, Mirror, ModelSpec, load_catalog
from colorizer.networks.registry import loadable, open_network
from colorizer.networks.resolve import resolve_model
from colorizer.networks.store import Store, open_store

__all__ = [
    "Catalog",
    "ColorNetwork",
    "FileSpec",
    "Mirror",
    "Model",
    "ModelSpec",
    "NetworkInput",
    "Prediction",
    "Store",
    "load_catalog",
    "loadable",
    "open_network",
    "open_store",
    "resolve_model",
]
