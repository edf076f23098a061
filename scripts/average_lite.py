"""The mean of several checkpoints of `lite`: what ships is one of two runs' ends (docs/training.md).

    python scripts/average_lite.py MEAN.pth CHECKPOINT CHECKPOINT...

Needs what `scripts/train_lite.py` needs.
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    """Read checkpoints, write their mean."""
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    sys.path.insert(0, str(ROOT))
    try:
        import torch

        from training.lite_network import mean_of, to_keep

        network = mean_of([Path(name) for name in sys.argv[2:]])
        torch.save(to_keep(network.state_dict()), sys.argv[1])
    except (ImportError, OSError, ValueError) as error:
        sys.exit(f"cannot average: {error}")


if __name__ == "__main__":
    main()
