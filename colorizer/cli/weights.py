"""`colorize weights ...`: the models of this machine. Parses and prints; the work is done in `colorizer.networks`.

stdout carries data alone (the list, paths); everything else goes to stderr.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from colorizer.cli.completion import complete_models
from colorizer.cli.console import Console
from colorizer.cli.options import PATH, quiet_option
from colorizer.cli.progress import download_display
from colorizer.cli.weights_export import export
from colorizer.cli.wording import Said
from colorizer.errors import ColorizerError, ExitStatus, shown
from colorizer.networks.catalog import CATALOG_VARIABLE, LARGE, load_catalog, unknown_model
from colorizer.networks.store import megabytes, open_store

_HELP = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


def _with_store(command: Callable[..., Any]) -> Callable[..., Any]:
    """Options that say where models live and which are known."""
    folder = click.option(
        "--weights-dir",
        type=PATH,
        envvar="COLORIZE_WEIGHTS_DIR",
        metavar="DIR",
        help="Folder of models to use in place of your own (COLORIZER_HOME, else the user's data folder).",
    )
    catalog = click.option(
        "--catalog",
        type=PATH,
        envvar=CATALOG_VARIABLE,
        metavar="FILE",
        help="A catalogue (JSON) of models of your own, in addition to the built-in one.",
    )
    return folder(catalog(command))


class DownloadListener:
    """Shows how a download goes; see `colorizer.networks.download.transfer.Listener`."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._display = download_display(quiet=console.quiet)

    def message(self, said: Said) -> None:
        """Print what happened, unless told to be quiet."""
        self._console.remark(said)

    def begin(self, name: str, total: int, done: int) -> None:
        """Show a file of which so many bytes are there."""
        self._display.begin(name, total, done)

    def advance(self, count: int) -> None:
        """Count bytes that have arrived."""
        self._display.advance(count)

    def end(self) -> None:
        """End what is shown of a file."""
        self._display.end()


@click.group(context_settings=_HELP, invoke_without_command=True)
@click.pass_context
def weights(context: click.Context) -> None:
    """List, download, check, import and export models."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


def _size(count: int) -> str:
    return megabytes(count) if count else "?"


@weights.command("list")
@_with_store
@click.option("-v", "--verbose", is_flag=True, help="Also licences, files with size and SHA-256, and who serves them.")
def list_models(*, weights_dir: Path | None, catalog: Path | None, verbose: bool) -> None:
    """Show all models and whether they are installed."""
    from colorizer.networks.inventory import inventory

    items = list(inventory(open_store(weights_dir), load_catalog(catalog)))
    rows = [("NAME", "STATE", "SIZE", "WHAT")]
    rows += [(item.name, item.state.value, _size(item.size), item.title) for item in items]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    for row, item in zip(rows, [None, *items], strict=True):
        name, state, size, what = row
        click.echo(f"{name:<{widths[0]}}  {state:<{widths[1]}}  {size:>{widths[2]}}  {what}")
        if verbose and item is not None and item.spec is not None:
            click.echo(f"    good for: {item.spec.description}\n    licence: {item.spec.licence}")
            if item.spec.non_commercial:
                click.echo("    not for commercial use")
            if item.spec.place:
                click.echo(f"    found at {item.spec.place}")
            for file in item.spec.files:
                size = f"{file.size} bytes" if file.size else "size not known"
                trust = f"  ({file.trust})" if file.trust else ""
                click.echo(f"    {file.name}  {size}  SHA-256 {file.sha256}{trust}")
                for mirror in file.mirrors:
                    click.echo(f"      {mirror.url}{'  (dead when last seen)' if mirror.dead else ''}")


@weights.command()
@click.argument("name", default=LARGE, shell_complete=complete_models)
@_with_store
@click.option(
    "--mirror",
    "mirrors",
    multiple=True,
    metavar="URL",
    help="Ask here in place of the known mirrors: the file's URL, or, ending in /, the URL of the folder that holds it "
    "under its own name. May be given several times. What comes must have the catalogue's SHA-256 all the same.",
)
@click.option("--offline", is_flag=True, envvar="COLORIZER_OFFLINE", help="Ask no server, whatever is missing.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0.01),
    default=30.0,
    show_default=True,
    metavar="SECONDS",
    help="How long a connection may stand still; at most 10 of it to be made.",
)
@click.option(
    "--retries",
    type=click.IntRange(min=0, max=100),
    default=4,
    show_default=True,
    metavar="N",
    help="How often in a row to try again at each mirror, after pauses of 0.5, 1, 2, 4, ... seconds.",
)
@quiet_option
def download(
    name: str,
    *,
    weights_dir: Path | None,
    catalog: Path | None,
    mirrors: tuple[str, ...],
    offline: bool,
    timeout: float,
    retries: int,
    quiet: bool,
) -> None:
    """Download the model NAME (zhang16 by default) and verify it.

    A download that was broken off goes on where it stopped. Proxies and certificates come from the usual environment
    variables: HTTPS_PROXY, NO_PROXY, REQUESTS_CA_BUNDLE, SSL_CERT_FILE.
    """
    from colorizer.networks.download.fetch import download_model
    from colorizer.networks.download.transfer import Policy

    models = load_catalog(catalog)
    spec = models.find(name)
    if spec is None:
        raise unknown_model(name, [spec.name for spec in models])
    console = Console(quiet=quiet)
    if spec.packaged:
        console.remark(f"{name} is built in; there is nothing to download")
        return
    try:
        download_model(
            spec,
            open_store(weights_dir),
            DownloadListener(console),
            policy=Policy(timeout=timeout, retries=retries),
            mirrors=mirrors,
            offline=offline,
        )
    except KeyboardInterrupt:
        console.remark("what has arrived is kept; the same command goes on from there")
        raise


@weights.command()
@click.argument("names", nargs=-1, metavar="[NAME]...", shell_complete=complete_models)
@_with_store
@quiet_option
def verify(names: Sequence[str], *, weights_dir: Path | None, catalog: Path | None, quiet: bool) -> int:
    """Check models: hash all bytes, load, run one forward pass. All that are installed, where no NAME is given."""
    from colorizer.networks.inventory import State, inventory
    from colorizer.networks.verify import verify_model

    models = load_catalog(catalog)
    console = Console(quiet=quiet)
    away = (State.ABSENT, State.INCOMPLETE, State.BROUGHT)
    chosen = names or [item.name for item in inventory(open_store(weights_dir), models) if item.state not in away]
    status = ExitStatus.DONE
    for name in chosen:
        try:
            report = verify_model(name, models, weights_dir)
        except ColorizerError as error:
            console.error(error if name in str(error) else error.message.about(name))
            status = ExitStatus.SOME_FAILED
        else:
            hashed = "SHA-256 right" if report.hashed else "no SHA-256 to compare with"
            console.remark(f"{name}: {hashed}, loads, one forward pass in {report.seconds:.2f} s ({report.engine})")
    return status


@weights.command("path")
@click.argument("name", required=False, shell_complete=complete_models)
@_with_store
def show_path(name: str | None, *, weights_dir: Path | None, catalog: Path | None) -> None:
    """Print where models are kept; with NAME, its caffemodel and its prototxt, a line each."""
    if name is None:
        click.echo(open_store(weights_dir).writable)
        return
    from colorizer.networks import resolve_model
    from colorizer.networks.registry import family

    model = resolve_model(name, weights_dir=weights_dir, catalog=load_catalog(catalog))
    order = family(model.family).roles
    for role in sorted(model.files, key=lambda role: order.index(role) if role in order else len(order)):
        if role in order:
            click.echo(model.files[role])


@weights.command("import")
@click.argument("files", nargs=-1, required=True, type=PATH, metavar="FILE...")
@click.option("--name", metavar="NAME", help="What to call a model that is in no catalogue.")
@click.option("--family", type=click.Choice(["ab", "grey-rgb-to-ab", "rgb", "hinted"]), help="What a model in ONNX is.")
@click.option("--input-range", metavar="LOW..HIGH", help="What a model in ONNX is fed: 0..1, 0..255, -1..1, imagenet.")
@click.option("--output-range", metavar="LOW..HIGH", help="What it gives: of RGB as above; of ab, -110..110 or -1..1.")
@click.option("--layout", type=click.Choice(["NCHW", "NHWC"]), help="Which side of its tensors holds the channels.")
@click.option("--size", type=click.IntRange(min=1), metavar="PIXELS", help="Its usual short side, where it takes any.")
@_with_store
@quiet_option
def import_(
    files: tuple[Path, ...],
    *,
    name: str | None,
    weights_dir: Path | None,
    catalog: Path | None,
    quiet: bool,
    **told: Any,
) -> None:
    """Copy files of a model from anywhere on this machine into the store.

    Files of the catalogue are known by their SHA-256, whatever they are called. Any other network of the contract is
    taken as prototxt and caffemodel (and pts_in_hull.npy, where it has centres of its own) under the NAME given.

    A network in ONNX needs a descriptor (NET.colorize.json, see docs/networks.md). Where none lies beside it, one is
    made by looking at its tensors and running it; what cannot be told is asked for.
    """
    from colorizer.networks.described.importing import Told
    from colorizer.networks.importing import import_files

    remark = Console(quiet=quiet).remark
    import_files(files, open_store(weights_dir), load_catalog(catalog), remark, name=name, told=Told(**told))


@weights.command()
@click.argument("names", nargs=-1, required=True, metavar="NAME...", shell_complete=complete_models)
@_with_store
@quiet_option
def remove(names: Sequence[str], *, weights_dir: Path | None, catalog: Path | None, quiet: bool) -> None:
    """Delete downloaded and imported models, and begun downloads."""
    from colorizer.networks.inventory import remove_model

    models = load_catalog(catalog)
    for name in names:
        for path in remove_model(name, open_store(weights_dir), models):
            Console(quiet=quiet).remark(f"deleted {shown(path)}")


weights.add_command(export)
