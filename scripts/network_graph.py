"""Write a network of the catalogue at full size with made-up weights, and its descriptor.

    python scripts/network_graph.py deoldify-stable FOLDER

It takes as long and as much memory as the real one; its colours mean nothing. See `scripts/graphs`.
"""

from __future__ import annotations

from pathlib import Path

import click
import graphs


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("name", type=click.Choice(graphs.NAMES))
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
def network_graph(name: str, folder: Path) -> None:
    """Write the network of that NAME to a FOLDER."""
    folder.mkdir(parents=True, exist_ok=True)
    path = graphs.write(name, folder)
    click.echo(f"{path}: {path.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    network_graph()
