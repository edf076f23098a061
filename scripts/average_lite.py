"""The mean of several checkpoints of `lite`: what ships is one of two runs' ends (docs/training.md).

    python scripts/average_lite.py MEAN.pth CHECKPOINT CHECKPOINT...

Needs PyTorch (the extra `train`). A checkpoint is the folder of a run, or a file of weights.
"""

from __future__ import annotations

import sys

from colorizer.errors import ColorizerError


def main() -> None:
    """Read checkpoints, write their mean."""
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    try:
        import torch

        from colorizer.training.lite.files import mean_of

        network = mean_of(sys.argv[2:])
        torch.save(network.state_dict(), sys.argv[1])
    except (ImportError, OSError, ColorizerError) as error:
        sys.exit(f"cannot average: {error}")


if __name__ == "__main__":
    main()
