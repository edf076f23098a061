"""`colorize train NETWORK PHOTOGRAPHS...`: parses, calls `colorizer.training`, shows how it goes. All on stderr."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from colorizer.cli.console import Console
from colorizer.cli.helping import GuidedCommand
from colorizer.cli.option_groups import TRAINING
from colorizer.cli.options import PATH, quiet_option, switch
from colorizer.cli.progress import training_display
from colorizer.cli.wording import Said, worded
from colorizer.errors import ExitStatus, OptionRef, UsageError

if TYPE_CHECKING:
    from colorizer.training.record import Row
    from colorizer.training.request import Outcome


@click.command(
    cls=GuidedCommand,
    guide=TRAINING,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.argument("network", required=False)
@click.argument("photographs", nargs=-1, type=PATH, metavar="DIR|TAR|LIST|PICTURE...")
@click.option("--list", "listing", is_flag=True, help="Tell which networks can be trained, and of each what it is.")
@click.option("--out", type=PATH, metavar="DIR", help="Folder for the network, its checkpoint, log and report.")
@click.option(
    "--validate",
    type=PATH,
    multiple=True,
    metavar="DIR|TAR",
    help="Photographs to measure on; may be given several times. Without it, a share of the others.",
)
@click.option(
    "--validation-share",
    type=click.FloatRange(0, 0.9),
    default=0.1,
    show_default=True,
    metavar="SHARE",
    help="Share of the photographs to measure on, chosen by their files' names.",
)
@click.option(
    "--validation-pictures",
    type=click.IntRange(min=1),
    default=64,
    show_default=True,
    metavar="N",
    help="Measure on so many at most.",
)
@click.option(
    "--start",
    metavar="DIR|MODEL",
    help="Begin from the network that was trained in this folder; for lite also from a model: lite, a file, a folder. "
    "The learning rate is then a quarter of the usual one.",
)
@click.option(
    "--encoder-weights",
    metavar="FILE|timm",
    help="ImageNet weights for the encoder that some networks borrow, which then stays as it is: a file with timm's "
    "names (.safetensors or .pth), or timm, to have that package fetch them. Without it the encoder is trained too.",
)
@click.option("--epochs", type=click.IntRange(min=1), metavar="N", help="Meet each photograph so often.")
@click.option("--steps", type=click.IntRange(min=1), metavar="N", help="Train for so many batches.")
@click.option(
    "--minutes",
    type=click.FloatRange(min=0.001),
    metavar="N",
    help="Train for so long at most, earlier calls included. Without --epochs and --steps it is the only limit.",
)
@click.option(
    "--patience",
    type=click.IntRange(min=0),
    default=10,
    show_default=True,
    metavar="N",
    help="Stop after so many measurements that were no better than the best; 0 never does.",
)
@click.option("--size", type=click.IntRange(min=1), metavar="N", help="Side in pixels of what the network sees.")
@click.option("--batch", type=click.IntRange(min=1), metavar="N", help="Pictures at a time.")
@click.option("--rate", type=float, metavar="N", help="Learning rate, above 0.")
@click.option("--seed", type=click.IntRange(min=0), metavar="N", help="Where chance begins.")
@click.option("--precision", type=click.Choice(["float32", "bfloat16"]), help="Of arithmetic.")
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="NAME=VALUE",
    help="Another field of the network's recipe, such as loss=mae or rotation=10; --list with a network's name tells "
    "them. May be given several times.",
)
@click.option(
    "--device",
    type=click.Choice(["auto", "cpu", "cuda", "mps"]),
    default="auto",
    show_default=True,
    help="Where to compute.",
)
@click.option("--threads", type=click.IntRange(min=1), metavar="N", help="Of the network on a CPU. Default: all cores.")
@click.option(
    "--save-every",
    type=click.FloatRange(min=0.001),
    default=5.0,
    show_default=True,
    metavar="MINUTES",
    help="Between checkpoints.",
)
@quiet_option
@switch("-v", "--verbose", help="Also say all figures of each measurement.")
def train(
    network: str | None,
    photographs: tuple[Path, ...],
    *,
    listing: bool,
    out: Path | None,
    validate: tuple[Path, ...],
    validation_share: float,
    validation_pictures: int,
    start: str | None,
    encoder_weights: str | None,
    epochs: int | None,
    steps: int | None,
    minutes: float | None,
    patience: int,
    size: int | None,
    batch: int | None,
    rate: float | None,
    seed: int | None,
    precision: str | None,
    settings: tuple[str, ...],
    device: str,
    threads: int | None,
    save_every: float,
    quiet: bool,
    verbose: bool,
) -> int:
    """Train a network on colour photographs of your own.

    NETWORK is one of those that `colorize train --list` tells of. What comes out is a folder: `colorize photo.jpg
    --model DIR` colours with it, `colorize evaluate photos/ --model DIR` measures it, and the same command goes on
    where it was broken off.
    """
    from colorizer.training.listing import details, table

    if listing:
        click.echo(details(network) if network else table())
        return ExitStatus.DONE
    if network is None or not photographs:
        raise click.UsageError("a network and photographs are wanted: colorize train alpha photos/ --out trained/")
    if out is None:
        raise click.UsageError("a folder for what comes out is wanted: --out DIR")
    from colorizer.training.request import Request
    from colorizer.training.run import train as run

    named = {"size": size, "batch": batch, "rate": rate, "seed": seed, "precision": precision}
    changes = {name: value for name, value in named.items() if value is not None}
    request = Request(
        network,
        photographs,
        out,
        validate,
        validation_share,
        validation_pictures,
        start,
        encoder_weights,
        changes | dict(map(_setting, settings)),
        epochs,
        steps,
        minutes,
        patience,
        device,
        threads,
        save_every,
    )
    with _Listener(Console(quiet=quiet, verbose=verbose)) as listener:
        outcome = run(request, listener)
    return _told(outcome, network, out, Console(quiet=quiet))


def _setting(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign:
        raise UsageError("expected NAME=VALUE", option=OptionRef("set", text))
    return name.strip(), value.strip()


def _told(outcome: Outcome, network: str, out: Path, console: Console) -> int:
    if not outcome.finished:
        console.error(f"stopped; the same command goes on from {out}")
        return ExitStatus.INTERRUPTED
    if outcome.best is not None:
        best = outcome.best
        console.remark(
            f"kept: step {best.step}, loss {best.loss:.4g}, PSNR {best.psnr:.2f} dB, AuC {100 * best.auc:.2f} %; "
            f"{outcome.report} shows it"
        )
    if outcome.model is None:
        return ExitStatus.DONE
    warmth = " --temperature 0.9" if network == "lite" else ""
    console.remark(f"use it with: colorize photo.jpg --model {out}{warmth}")
    return ExitStatus.DONE


class _Listener:
    """Shows progress, and prints messages; see `colorizer.training.loop.Listener`."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._until: float | None = None
        self._display = training_display(quiet=console.quiet, until=lambda: self._until)

    def __enter__(self) -> _Listener:  # noqa: PYI034 - Self is newer than Python 3.10
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def begin(self, what: str, total: int | None, done: int = 0, seconds: float | None = None) -> None:
        """Begin something."""
        self._until = None if seconds is None else time.monotonic() + seconds
        self._display.begin(what, total, done)

    def advance(self) -> None:
        """Count a unit."""
        self._display.advance()

    def end(self) -> None:
        """End it."""
        self._display.end()

    def remark(self, said: Said) -> None:
        """Print a remark, unless told to be quiet."""
        if not self._console.quiet:
            self._display.line(f"colorize: {worded(said)}")

    def row(self, row: Row) -> None:
        """Print the figures of a measurement."""
        more = ""
        if self._console.verbose:
            more = f", MSE {row.mse:.4g}, MAE {row.mae:.4g}, RMSE {row.rmse:.4g}, accuracy {100 * row.accuracy:.1f} %"
        self.remark(
            f"step {row.step}: loss {row.training_loss:.4g} in training, {row.loss:.4g} in validation; "
            f"PSNR {row.psnr:.2f} dB, AuC {100 * row.auc:.2f} %, colourfulness {row.colorfulness:.1f} "
            f"(originals {row.true_colorfulness:.1f}){more}"
        )
