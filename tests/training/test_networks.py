"""The networks that can be trained: counts of their sources, shapes, Keras' padding, borrowed encoders."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from colorizer.errors import TrainingError, UsageError
from colorizer.networks.described.feeding import grey_code as grey_code_of
from colorizer.training.catalog import TRAINABLE

torch = pytest.importorskip("torch", reason="training needs PyTorch, which the package does not")

from colorizer.training import encoder_weights  # noqa: E402 - only where PyTorch is
from colorizer.training.networks.fusion import grey_code  # noqa: E402
from colorizer.training.networks.inception_resnet_v2 import InceptionResNetV2  # noqa: E402
from colorizer.training.networks.layers import (  # noqa: E402
    Conv,
    KerasNorm,
    Nearest,
    SameConv2d,
    SameConvTranspose2d,
    chain,
    parameter_count,
)
from colorizer.training.networks.xception import Xception  # noqa: E402

Doubles = npt.NDArray[np.float64]

PRINTED = {
    "autoencoder": 9_753_154,
    "xception": 30_981_992,
    "cnn8": 32_161_474,
    "alpha": 32_202,
    "beta": 3_892_194,
    "full": 6_541_202,
    "unet-gan": 54_409_858,
    "koalarization": 6_574_050,
    "ae-rgb-1": 2_953_955,
    "ae-rgb-2": 2_879_491,
    "ae-lab": 2_585_042,
    "color-gan": 54_423_811,
    "lite": 3_474_905,
}
"""As the sources print them; `lite`'s by its layers, with norms of four numbers a channel."""

COUNTED_AS_TRAINED = {"full", "koalarization", "unet-gan"}
"""Whose sources leave out frozen encoders, and running means and variances."""

DISCRIMINATORS = {"unet-gan": (3, 2_765_633, True), "color-gan": (4, 2_768_385, False)}


@pytest.mark.parametrize("name", list(TRAINABLE))
def test_a_network_has_the_parameters_that_its_source_prints_and_answers_at_its_size(name: str) -> None:
    which = TRAINABLE[name]
    network = which.build().eval()
    assert parameter_count(network, trainable=name in COUNTED_AS_TRAINED) == PRINTED[name] == which.count
    if which.trained is not None:
        assert parameter_count(network, trainable=True) == which.trained
    side = which.fixed or 2 * which.step
    with torch.inference_mode():
        answer = network(torch.zeros(1, 1, side, side if which.fixed else side + which.step))
    if name == "lite":
        assert answer.shape == (1, 313, side // 4, (side + which.step) // 4)
    else:
        channels = {"ab": 2, "rgb": 3}[which.contract.gives]
        assert answer.shape == (1, channels, side, side if which.fixed else side + which.step)
    assert torch.isfinite(answer).all()


def test_xception_s_trained_part_is_the_printed_one_and_its_frozen_part_does_not_move() -> None:
    network = TRAINABLE["xception"].build()
    assert parameter_count(network, trainable=True) == 10_120_512
    assert parameter_count(network.backbone) == 20_861_480
    before = {name: value.clone() for name, value in network.backbone.state_dict().items()}
    network.train()
    network(torch.rand(2, 1, 32, 32)).sum().backward()
    assert all(torch.equal(value, before[name]) for name, value in network.backbone.state_dict().items())
    assert all(each.grad is None for each in network.backbone.parameters())
    assert network.to_rgb.weight.grad is not None


def test_without_weights_an_encoder_can_be_trained_with_the_rest() -> None:
    network = TRAINABLE["xception"].build(trained_encoder=True)
    assert parameter_count(network, trainable=True) > 30_000_000


@pytest.mark.parametrize("name", list(DISCRIMINATORS))
def test_a_discriminator_has_its_printed_parameters_and_judges_30_by_30_patches(name: str) -> None:
    channels, count, trained = DISCRIMINATORS[name]
    network = TRAINABLE[name].build_discriminator().eval()
    assert parameter_count(network, trainable=trained) == count == TRAINABLE[name].discriminator_count
    with torch.inference_mode():
        assert network(torch.zeros(1, channels, 256, 256)).shape == (1, 1, 30, 30)


def keras_convolution(x: Doubles, kernel: Doubles, stride: int) -> Doubles:
    """TensorFlow's definition of "same": (H, W) by (k, k), zeros around, the odd ones at the bottom and right."""
    size, k = x.shape[0], kernel.shape[0]
    out = -(-size // stride)
    total = max((out - 1) * stride + k - size, 0)
    before = total // 2
    padded = np.pad(x, (before, total - before))
    result = np.zeros((out, out))
    for row, column in np.ndindex(out, out):
        result[row, column] = (
            padded[row * stride : row * stride + k, column * stride : column * stride + k] * kernel
        ).sum()
    return result


def keras_transposed(x: Doubles, kernel: Doubles, stride: int) -> Doubles:
    """What Keras documents: the gradient of that convolution, here as each pixel's kernel laid into the result."""
    size, k = x.shape[0], kernel.shape[0]
    full = np.zeros(((size - 1) * stride + k,) * 2)
    for row, column in np.ndindex(size, size):
        full[row * stride : row * stride + k, column * stride : column * stride + k] += x[row, column] * kernel
    before = (k - stride) // 2
    return full[before : before + size * stride, before : before + size * stride]


@pytest.mark.parametrize(("kernel", "stride", "size"), [(3, 2, 8), (5, 2, 8), (3, 1, 6), (4, 2, 8), (5, 1, 6)])
def test_a_strided_convolution_pads_as_keras_does(kernel: int, stride: int, size: int) -> None:
    rng = np.random.default_rng(kernel * 10 + stride)
    x, weights = rng.normal(size=(size, size)), rng.normal(size=(kernel, kernel))
    layer = SameConv2d(1, 1, kernel, stride=stride, bias=False).double()
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(weights)[None, None])
        found = layer(torch.from_numpy(x)[None, None])[0, 0].numpy()
    np.testing.assert_allclose(found, keras_convolution(x, weights, stride), atol=1e-12)


@pytest.mark.parametrize(("kernel", "stride", "size"), [(3, 2, 4), (4, 2, 4), (3, 1, 5)])
def test_a_transposed_convolution_crops_as_keras_does(kernel: int, stride: int, size: int) -> None:
    rng = np.random.default_rng(kernel * 10 + stride)
    x, weights = rng.normal(size=(size, size)), rng.normal(size=(kernel, kernel))
    layer = SameConvTranspose2d(1, 1, kernel, stride=stride, bias=False).double()
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(weights)[None, None])
        found = layer(torch.from_numpy(x)[None, None])[0, 0].numpy()
    np.testing.assert_allclose(found, keras_transposed(x, weights, stride), atol=1e-12)


def test_by_hand_a_strided_convolution_of_ones_counts_the_pixels_that_it_meets() -> None:
    # 4 x 4 ones, 3 x 3 ones, stride 2: windows begin at 0 and 2, and only the second ones leave the picture
    layer = SameConv2d(1, 1, 3, stride=2, bias=False)
    with torch.no_grad():
        layer.weight.fill_(1)
        found = layer(torch.ones(1, 1, 4, 4))[0, 0]
    assert found.tolist() == [[9, 6], [6, 4]]


def test_by_hand_a_transposed_convolution_keeps_the_first_row_and_drops_the_last() -> None:
    # one pixel of 1 becomes the kernel's first two rows and columns
    layer = SameConvTranspose2d(1, 1, 3, stride=2, bias=False)
    with torch.no_grad():
        layer.weight.copy_(torch.arange(1.0, 10).reshape(1, 1, 3, 3))
        found = layer(torch.ones(1, 1, 1, 1))[0, 0]
    assert found.tolist() == [[1, 2], [4, 5]]


def test_a_norm_s_statistics_are_the_mean_of_the_first_batches_and_keras_average_after_a_hundred() -> None:
    norm = KerasNorm(1)
    values = np.random.default_rng(1).normal(3, 2, (130, 8))
    for batch in values:
        norm.train()(torch.tensor(batch, dtype=torch.float32).reshape(8, 1, 1, 1))
        seen = values[: int(norm.num_batches_tracked)]
        if len(seen) in (1, 7, 100):
            assert float(norm.running_mean[0]) == pytest.approx(seen.mean(), rel=1e-4)
            assert float(norm.running_var[0]) == pytest.approx(seen.var(1, ddof=1).mean(), rel=1e-4)
    expected = values[:100].mean()
    for batch in values[100:]:
        expected = 0.99 * expected + 0.01 * batch.mean()
    assert float(norm.running_mean[0]) == pytest.approx(expected, rel=1e-4)
    evaluated = norm.eval()(torch.full((1, 1, 1, 1), 3.0))
    assert abs(float(evaluated.detach())) < 0.2


def test_upsampling_repeats_pixels_and_chains_begin_as_keras_does() -> None:
    assert Nearest(2)(torch.tensor([[[[1.0, 2.0]]]]))[0, 0].tolist() == [[1, 1, 2, 2]] * 2
    layer = chain(16, [Conv(32)])[0]
    limit = np.sqrt(6 / (9 * 16 + 9 * 32))  # Glorot and Bengio 2010
    assert 0.95 * limit < float(layer.weight.detach().abs().max()) <= limit
    assert not layer.bias.any()


@settings(max_examples=50)
@given(lightness=st.floats(0, 100, width=32))
def test_the_grey_that_inception_sees_is_that_of_the_descriptors(lightness: float) -> None:
    expected = grey_code_of(np.array([lightness], np.float32))
    np.testing.assert_allclose(grey_code(torch.tensor([lightness])).numpy(), expected, atol=2e-6)


def test_a_fused_network_is_told_of_the_whole_picture() -> None:
    network = TRAINABLE["koalarization"].build().eval()
    said = network.said_of(torch.rand(1, 1, 16, 16) * 2 - 1)
    assert said.shape == (1, 1001)
    assert said[0, 0] == 0  # "background", which timm's weights do not have
    with torch.inference_mode():
        probabilities = TRAINABLE["full"].build().eval().said_of(torch.rand(1, 1, 16, 16) * 100)
    assert probabilities.shape == (1, 1000)
    assert float(probabilities.sum()) == pytest.approx(1, abs=1e-4)


def test_encoder_weights_come_from_files_that_hold_no_code(tmp_path: Path) -> None:
    torch.manual_seed(1)
    trained = Xception()
    state = trained.state_dict() | {"fc.weight": torch.zeros(1000, 2048), "fc.bias": torch.zeros(1000)}
    torch.save(state, tmp_path / "xception.pth")
    files = [tmp_path / "xception.pth"]
    safetensors = pytest.importorskip("safetensors.torch", reason="an extra's package")
    safetensors.save_file({name: value.contiguous() for name, value in state.items()}, tmp_path / "x.safetensors")
    files.append(tmp_path / "x.safetensors")
    for path in files:
        filled = Xception()
        encoder_weights.fill(filled, "xception", str(path))
        assert all(torch.equal(value, trained.state_dict()[name]) for name, value in filled.state_dict().items())


def test_wrong_encoder_weights_are_refused_in_one_line(tmp_path: Path) -> None:
    torch.save(Xception().state_dict(), tmp_path / "xception.pth")
    torch.save(Path, tmp_path / "code.pth")
    (tmp_path / "torn.pth").write_bytes(b"PK\x03\x04 torn")
    for name, words in {
        "xception.pth": "no weights of inception-resnet-v2",
        "code.pth": "holds code beside weights, or is damaged",
        "torn.pth": "no weights that PyTorch saved",
        "none.pth": "no such file",
    }.items():
        with pytest.raises(TrainingError, match=words):
            encoder_weights.fill(InceptionResNetV2(), "inception-resnet-v2", str(tmp_path / name))


@pytest.mark.parametrize("name", ["legacy_xception", "inception_resnet_v2"])
def test_encoders_are_those_of_timm(name: str) -> None:
    timm = pytest.importorskip("timm", reason="compares with timm", exc_type=ImportError)
    other = timm.create_model(name, pretrained=False).eval()
    own = (Xception() if name == "legacy_xception" else InceptionResNetV2()).eval()
    own.load_state_dict({key: value for key, value in other.state_dict().items() if not key.startswith("fc.")})
    x = torch.randn(1, 3, 160, 160)
    with torch.inference_mode():
        expected = other.forward_features(x) if name == "legacy_xception" else other(x)
        torch.testing.assert_close(own(x), expected)


@pytest.mark.parametrize(
    ("name", "size", "words"),
    [("autoencoder", 64, "128 x 128"), ("unet-gan", 128, "256 x 256"), ("alpha", 100, "multiples of 8")],
)
def test_a_size_that_a_network_cannot_take_is_refused(name: str, size: int, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        TRAINABLE[name].check_size(size)
