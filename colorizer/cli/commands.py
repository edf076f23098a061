"""Which commands there are, and where they lie; each is imported only when it is used."""

from __future__ import annotations

import importlib

import click

DEFAULT_COMMAND = "colorizer.cli.pictures:pictures"

COMMANDS = {
    "weights": "colorizer.cli.weights:weights",
    "doctor": "colorizer.cli.doctor:doctor",
    "evaluate": "colorizer.cli.evaluate:evaluate",
    "serve": "colorizer.cli.serve:serve",
    "video": "colorizer.cli.video:video",
    "watch": "colorizer.cli.watch:watch",
    "verify": "colorizer.cli.verify:verify",
    "train": "colorizer.cli.train:train",
    "completion": "colorizer.cli.completion:completion",
}
"""Names that are no files, and what they load."""


def load_command(where: str) -> click.Command:
    """Import a command: `module:attribute`."""
    module, attribute = where.split(":")
    command: click.Command = getattr(importlib.import_module(module), attribute)
    return command
