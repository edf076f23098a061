"""Fit the metric by which hints spread (`colorizer/guidance/metrics`), for a network with a distribution.

    python scripts/fit_guidance.py sample val.tar --out samples.npz
    python scripts/fit_guidance.py fit samples.npz --out colorizer/guidance/metrics/lite.npz

Two steps: points of colour photographs, with what the network says there; then gradient descent on how far hints lower
the error elsewhere. The first needs the package alone, the second JAX (`pip install jax`; a processor is enough).

Hints are of two kinds: at random, and where the error is largest, as users give them; a kernel that saw the first kind
alone does harm with the second.
"""

from __future__ import annotations

import tarfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import cv2
import numpy as np

SIDE = 256
POINTS = 96
LEAST_CHROMA = 3.0
RANDOM, USERS = (1, 2, 5, 10, 20, 40), (1, 2, 3, 5)
"""Numbers of hints, at random and as users give them."""
HINTS = RANDOM[-1]
HELD_OUT = 0.1


@click.group()
def main() -> None:
    """Fit the metric by which hints spread."""


def photographs(tars: tuple[Path, ...], limit: int, seed: int) -> Iterator[np.ndarray]:
    """(SIDE, SIDE, 3) RGB uint8 of colour photographs, in an order of chance."""
    rng = np.random.default_rng(seed)
    for path in tars:
        with tarfile.open(path) as archive:
            members = sorted((one for one in archive.getmembers() if one.isfile()), key=lambda one: one.name)
            chosen = [members[index] for index in rng.permutation(len(members))[:limit]]
            for member in sorted(chosen, key=lambda one: one.offset):
                data = archive.extractfile(member)
                bgr = cv2.imdecode(np.frombuffer(data.read(), np.uint8), cv2.IMREAD_COLOR) if data else None
                if bgr is None:
                    continue
                how = cv2.INTER_AREA if min(bgr.shape[:2]) >= SIDE else cv2.INTER_CUBIC
                yield np.ascontiguousarray(cv2.resize(bgr, (SIDE, SIDE), interpolation=how)[..., ::-1])


@main.command()
@click.argument("tars", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path))
@click.option("--model", default="lite", show_default=True)
@click.option("--limit", default=600, show_default=True, help="Photographs of each archive.")
@click.option("--seed", default=0, show_default=True)
def sample(tars: tuple[Path, ...], out: Path, model: str, limit: int, seed: int) -> None:
    """Keep points of colour photographs, and what a network says there."""
    from colorizer import Colorizer, Settings
    from colorizer.color.pixels import chroma_plane, lightness
    from colorizer.guidance.scene import deviations, enlarged

    colorizer = Colorizer(Settings(model=model), pictures=1000)
    rng = np.random.default_rng(seed + 1)
    kept: dict[str, list[np.ndarray]] = {}
    begun = time.perf_counter()
    for rgb in photographs(tars, limit, seed):
        truth = chroma_plane(rgb)
        if np.hypot(truth[..., 0], truth[..., 1]).mean() < LEAST_CHROMA:
            continue
        said = colorizer.distribution(rgb)
        size = SIDE, SIDE
        maps = {
            "truth": cv2.blur(truth, (3, 3)),
            "pred": enlarged(said.ab(colorizer.temperature or 1), size),
            "std": enlarged(deviations(said), size),
            "L": (lightness(rgb) / 100)[..., None],
        }
        at = rng.integers(2, SIDE - 2, (POINTS, 2))
        ratio = said.logits.shape[1] / SIDE
        fine = np.stack([(at[:, 0] + 0.5) * ratio - 0.5, (at[:, 1] + 0.5) * ratio - 0.5], 1)
        kept.setdefault("logits", []).append(_bilinear(said.logits, fine).astype(np.float16))
        kept.setdefault("xy", []).append((at[:, ::-1] / SIDE).astype(np.float32))
        for name, plane in maps.items():
            kept.setdefault(name, []).append(plane[at[:, 0], at[:, 1]].astype(np.float32))
        if len(kept["xy"]) % 100 == 0:
            click.echo(f"{len(kept['xy'])} photographs, {time.perf_counter() - begun:.0f} s", err=True)
    np.savez(out, **{name: np.stack(values) for name, values in kept.items()})  # type: ignore[arg-type]
    click.echo(f"{len(kept['xy'])} photographs of {POINTS} points in {time.perf_counter() - begun:.0f} s")


def _bilinear(logits: np.ndarray, at: np.ndarray) -> np.ndarray:
    """(n, C) of (C, h, w) at rows and columns between cells."""
    _, height, width = logits.shape
    at = np.clip(at, 0, [height - 1, width - 1])
    low = at.astype(int)
    high = np.minimum(low + 1, [height - 1, width - 1])
    part = (at - low).astype(np.float32)

    def take(rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        return logits[:, rows, columns].astype(np.float32)

    top = take(low[:, 0], low[:, 1]) * (1 - part[:, 1]) + take(low[:, 0], high[:, 1]) * part[:, 1]
    bottom = take(high[:, 0], low[:, 1]) * (1 - part[:, 1]) + take(high[:, 0], high[:, 1]) * part[:, 1]
    return np.asarray((top * (1 - part[:, 0]) + bottom * part[:, 0]).T)


@main.command()
@click.argument("samples", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path))
@click.option("--epochs", default=8, show_default=True)
@click.option("--batch", default=8, show_default=True)
@click.option("--dimensions", default=16, show_default=True, help="Of each projection.")
@click.option("--seed", default=3, show_default=True)
@click.option("--minutes", default=60.0, show_default=True, help="End after so long, with the best so far.")
def fit(
    samples: tuple[Path, ...], out: Path, epochs: int, batch: int, dimensions: int, seed: int, minutes: float
) -> None:
    """Fit a metric to points, by JAX."""
    from colorizer.guidance.metric import Metric, save_metric, unit_logits

    parts = [np.load(path) for path in samples]
    joined = {name: np.concatenate([part[name] for part in parts]) for name in parts[0].files}
    logits = joined.pop("logits").astype(np.float32)
    flat = logits.reshape(-1, logits.shape[-1])
    mean, deviation = flat[::5].mean(0), flat[::5].std(0) + 1e-6
    phi = unit_logits(flat.T, mean, deviation).T.reshape(logits.shape)
    trainer = Trainer(phi, joined, seed, dimensions)
    best, params = trainer.run(epochs, batch, minutes * 60)
    click.echo(f"held out: {best}")
    metric = Metric(
        amplitudes=np.exp(params["amp"]),
        lightness=np.exp(params["lL"]),
        place=np.exp(params["lxy"]),
        doubt=float(params["gamma"]),
        noise=float(np.exp(params["noise"])),
        surprise=np.exp(params["t"]),
        timidity=max(float(params["g2"]), 0.0),
        mean=mean,
        deviation=deviation,
        alike=params["W1"],
        same=params["W2"],
        own=params["W3"],
    )
    out.parent.mkdir(exist_ok=True)
    save_metric(out, metric)
    scalars = {
        name: np.round(np.exp(value), 3).tolist() for name, value in params.items() if name in ("amp", "lL", "lxy", "t")
    }
    click.echo(f"{scalars}, doubt {metric.doubt:.3f}, noise {metric.noise:.3f}, timidity {metric.timidity:.3f}")
    click.echo(f"{out}: {out.stat().st_size} bytes")


class Trainer:
    """Gradient descent (Adam) on the log of the squared error that is left, after 1 to `HINTS` hints."""

    def __init__(self, phi: np.ndarray, data: dict[str, np.ndarray], seed: int, dimensions: int) -> None:
        import jax  # type: ignore[import-not-found]
        import jax.numpy as jnp  # type: ignore[import-not-found]

        self._jax, self._np = jax, jnp
        self._phi, self._dimensions = phi, dimensions
        self._data = data | {"e": data["truth"] - data["pred"], "pred": data["pred"] / 30}
        self._rng = np.random.default_rng(seed)
        order = self._rng.permutation(len(phi))
        held = max(1, int(len(phi) * HELD_OUT))
        self._held, self._train = order[:held], order[held:]
        self._loss = jax.jit(lambda p, *d: jax.vmap(self._one, in_axes=(None, *[0] * len(d)))(p, *d))
        self._grad = jax.jit(jax.value_and_grad(lambda p, *d: self._loss(p, *d).mean()))

    def run(self, epochs: int, batch: int, seconds: float) -> tuple[list[float], dict[str, np.ndarray]]:
        """Descend; the best of held-out photographs, and its numbers."""
        jax, jnp = self._jax, self._np
        params = {name: jnp.asarray(value, jnp.float32) for name, value in self._start().items()}
        first = jax.tree.map(jnp.zeros_like, params)
        second = jax.tree.map(jnp.zeros_like, params)
        total, step, begun = epochs * (len(self._train) // batch), 0, time.perf_counter()
        base = self._base()
        best = (self._validate(params), params)
        click.echo(f"start: dB of ab error {self._shown(best[0], base)}", err=True)
        for epoch in range(epochs):
            order = self._rng.permutation(self._train)
            for at in range(0, len(order) - batch + 1, batch):
                step += 1
                _, grad = self._grad(params, *self._batch(order[at : at + batch], self._rng))
                first = jax.tree.map(lambda a, b: 0.9 * a + 0.1 * b, first, grad)
                second = jax.tree.map(lambda a, b: 0.99 * a + 0.01 * b * b, second, grad)
                rate = 0.02 * 0.5 * (1 + np.cos(np.pi * min(step / total, (time.perf_counter() - begun) / seconds, 1)))
                params = {
                    name: value
                    - rate
                    * (0.2 if name.startswith("W") else 1)
                    * (first[name] / (1 - 0.9**step))
                    / (jnp.sqrt(second[name] / (1 - 0.99**step)) + 1e-8)
                    for name, value in params.items()
                }
                if time.perf_counter() - begun > seconds:
                    break
            found = self._validate(params)
            click.echo(f"epoch {epoch}: {self._shown(found, base)} {time.perf_counter() - begun:.0f} s", err=True)
            if found.mean() < best[0].mean():
                best = (found, params)
            if time.perf_counter() - begun > seconds:
                break
        return self._shown(best[0], base), {name: np.asarray(value) for name, value in best[1].items()}

    def _start(self) -> dict[str, Any]:
        flat = self._phi.reshape(-1, self._phi.shape[-1])[::11]
        _, _, directions = np.linalg.svd(flat - flat.mean(0), full_matrices=False)
        projection = directions[: self._dimensions].T / 0.84
        return {
            "W1": projection,
            "W2": projection,
            "W3": projection,
            "amp": np.log([0.3, 0.3, 0.04, 0.05, 0.2]),
            "lL": np.log([0.37, 0.25, 0.3]),
            "lxy": np.log([0.9, 0.09, 0.4]),
            "gamma": 0.75,
            "noise": np.log(0.15),
            "t": np.log([0.1, 0.3]),
            "g2": 0.3,
        }

    def _one(self, p: Any, phi: Any, xy: Any, light: Any, pred: Any, std: Any, e: Any, random: Any, user: Any) -> Any:
        jnp = self._np
        tone, place = jnp.exp(p["lL"]), jnp.exp(p["lxy"])

        def squared(u: Any) -> Any:
            return jnp.maximum((u * u).sum(1)[:, None] + (u * u).sum(1)[None] - 2 * u @ u.T, 0)

        def with_place(u: Any, k: int) -> Any:
            return jnp.concatenate([u, light / tone[k], xy / place[k]], 1)

        amp = jnp.exp(p["amp"])
        shared = (
            amp[0] * jnp.exp(-squared(with_place(phi @ p["W1"], 0)) / 2)
            + amp[1] * jnp.exp(-squared(phi @ p["W2"]) / 2)
            + amp[2] * jnp.exp(-squared(with_place(phi[:, :0], 1)) / 2)
            + amp[3]
            + amp[4] * pred @ pred.T
        )
        scale = (std / 12) ** p["gamma"] * 10
        square = (scale * scale).mean(1)
        trust = square * (jnp.exp(p["t"][0]) + jnp.exp(p["t"][1]) * (e * e).mean(1) / square)
        surer = jnp.minimum(1, square[:, None] / square[None]) ** (jnp.maximum(p["g2"], 0) / 2)
        own = jnp.exp(-squared(with_place(phi @ p["W3"], 2)) / 2) * surer
        losses = []
        for order, counts, apart in ((random, RANDOM, HINTS), (user, USERS, USERS[-1])):
            for count in counts:
                told, rest = order[:count], order[apart:]
                left = jnp.zeros(len(order) - apart)
                for channel in range(2):
                    known = shared * scale[:, channel, None] * scale[None, :, channel] + own * trust[None]
                    noise = jnp.exp(2 * p["noise"]) * (scale[told, channel] ** 2 + trust[told]) + 0.25
                    weights = jnp.linalg.solve(known[told][:, told] + jnp.diag(noise), e[told, channel])
                    left = left + (known[rest][:, told] @ weights - e[rest, channel]) ** 2
                losses.append(jnp.log(left.mean() + 8))
        return jnp.stack(losses)

    def _batch(self, index: np.ndarray, rng: np.random.Generator) -> tuple[Any, ...]:
        data = self._data
        error = np.linalg.norm(data["e"][index], axis=-1)
        count = error.shape[1]
        random = np.stack([rng.permutation(count) for _ in index])
        # chosen by the cube of the error, as a user would
        user = np.argsort(-(3 * np.log(error + 0.5) + rng.gumbel(size=error.shape)), 1)
        return (
            *(
                data[name][index] if name != "phi" else self._phi[index]
                for name in ("phi", "xy", "L", "pred", "std", "e")
            ),
            random,
            user,
        )

    def _validate(self, params: Any) -> np.ndarray:
        rng = np.random.default_rng(99)
        size = min(16, len(self._held))
        parts = [self._held[at : at + size] for at in range(0, len(self._held) - size + 1, size)]
        losses = [np.asarray(self._loss(params, *self._batch(part, rng))) for part in parts]
        return np.asarray(np.concatenate(losses).mean(0))

    def _base(self) -> float:
        return float(np.log((self._data["e"][self._held] ** 2).sum(-1).mean(1) + 8).mean())

    def _shown(self, losses: np.ndarray, base: float) -> list[float]:
        return [round(float(value), 2) for value in (base - losses) * 10 / np.log(10)]


if __name__ == "__main__":
    main()
