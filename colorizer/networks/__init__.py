"""Models: which there are, where they live, and how they get there.

Three questions, three ways in: `resolve_model` turns what a user wrote into files; `load_catalog` tells what is known;
`open_store` where it lies. Downloading and importing are for the `weights` commands alone: nothing here reaches for the
network by itself.
"""

from colorizer.networks.catalog import Catalog, FileSpec, Mirror, ModelSpec, load_catalog
from colorizer.networks.resolve import Model, resolve_model
from colorizer.networks.store import Store, open_store

__all__ = [
    "Catalog",
    "FileSpec",
    "Mirror",
    "Model",
    "ModelSpec",
    "Store",
    "load_catalog",
    "open_store",
    "resolve_model",
]
