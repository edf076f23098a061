"""Operations of the network in forms that CPUs compute fast; half of a step's time, and more, is theirs otherwise."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional


def part(x: Tensor, rows: slice, columns: slice) -> Tensor:
    """Some rows and columns of (N, C, h, w).

    Its gradient keeps channels last in memory. That of `x[:, :, rows, columns]` does not, and all that meets it then
    takes PyTorch's slow paths.
    """
    return x.permute(0, 2, 3, 1)[:, rows, columns].permute(0, 3, 1, 2)


def doubled(x: Tensor) -> Tensor:
    """Twice as high and wide, bilinearly, with zeros beyond the border: (N, C, h, w) to (N, C, 2h, 2w).

    A depthwise transposed convolution of stride 2 with the kernel of `UPSAMPLING_TAPS` says the same.
    """
    framed = functional.interpolate(functional.pad(x, (1, 1, 1, 1)), scale_factor=2, mode="bilinear")
    return part(framed, slice(2, -2), slice(2, -2))


class HalvingDepthwise(nn.Conv2d):
    """Depthwise convolution of stride 2, padded like TensorFlow's.

    On CPUs it is one of stride 1 of which every second row and column is kept: PyTorch has fast code for that and for
    its gradient, and none for the stride.

    Parameters
    ----------
    channels, kernel
        How many, and the side of each one's kernel.
    """

    def __init__(self, channels: int, kernel: int) -> None:
        super().__init__(channels, channels, kernel, stride=2, groups=channels, bias=False)
        before, after = (kernel - 2) // 2, kernel // 2
        self._frame = (before, after, before, after)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, h, w) to (N, C, h/2, w/2); h and w are even."""
        x = functional.pad(x, self._frame)
        if x.device.type != "cpu":
            return functional.conv2d(x, self.weight, stride=2, groups=self.groups)
        return part(functional.conv2d(x, self.weight, groups=self.groups), slice(None, None, 2), slice(None, None, 2))
