"""`colorize weights export`: a model as an ONNX file, for programs that do not read Caffe."""

from __future__ import annotations

from pathlib import Path

import click

from colorizer.cli.completion import complete_models_or_files
from colorizer.cli.options import PATH, quiet_option
from colorizer.errors import OutputError, UsageError, shown
from colorizer.settings import Settings


@click.command()
@click.argument("name", metavar="NAME|PATH", shell_complete=complete_models_or_files)
@click.argument("target", type=PATH, metavar="OUT.onnx")
@click.option(
    "--prototxt",
    type=PATH,
    metavar="PATH",
    help="Prototxt that belongs to PATH, if not beside it.",
)
@click.option("--temperature", type=float, metavar="T", help="Of the annealed mean. Default: the model's own.")
@click.option(
    "--bin-centres",
    type=PATH,
    metavar="PATH",
    help="Colours of the 313 classes (pts_in_hull.npy) in place of the built-in table.",
)
@click.option(
    "--weights-dir",
    type=PATH,
    envvar="COLORIZE_WEIGHTS_DIR",
    metavar="DIR",
    help="Folder to look for models in first.",
)
@click.option("--overwrite", is_flag=True, help="Replace a file that exists.")
@quiet_option
def export(
    name: str,
    target: Path,
    *,
    prototxt: Path | None,
    temperature: float | None,
    bin_centres: Path | None,
    weights_dir: Path | None,
    overwrite: bool,
    quiet: bool,
) -> None:
    """Write a model as one ONNX file (float32; batch, height and width are open).

    Input `data_l` is L - 50, output `class8_ab` is ab in CIE Lab units at a quarter of the size. Temperature and bin
    centres are constants of the file: `inverse_temperature`, and `bin_centres` with a third row that sums the classes.
    """
    from colorizer.io.atomic import write_atomically
    from colorizer.networks import loadable, resolve_model
    from colorizer.networks.store import megabytes

    settings = Settings(temperature=temperature, bin_centres=bin_centres)
    if target.suffix.lower() != ".onnx":
        raise UsageError(f"{shown(target)}: expected a name that ends in .onnx")
    if target.exists() and not overwrite:
        raise OutputError(f"{shown(target)}: exists; --overwrite replaces it")
    model = resolve_model(name, prototxt=prototxt, weights_dir=weights_dir)
    form = loadable(model, settings).onnx()
    data = form.read_bytes() if isinstance(form, Path) else form
    write_atomically(target, data)
    if not quiet:
        taken = model.temperature if temperature is None else temperature
        set_there = "" if taken is None else f", T = {taken:.4g}"
        text = f"{model.name} -> {shown(target)}, {megabytes(len(data))}{set_there}"
        click.echo(f"colorize: {text}", err=True)
