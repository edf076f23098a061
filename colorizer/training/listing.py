"""What is told of the networks that can be trained: a table of all, and the whole recipe of one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields

from colorizer.training.catalog import TRAINABLE, Trainable, trainable
from colorizer.training.recipe import Optimizer, PlainRecipe, Recipe

FORWARD_AND_BACK = 3
"""A step costs about three passes: one forward, two back."""

_HEADS = ("network", "parameters", "sees", "gives", "size", "batch", "loss", "optimiser", "a step")


def table() -> str:
    """All networks, in columns, and what the columns mean."""
    rows = [_HEADS, *map(_row, TRAINABLE.values())]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADS))]
    right = {1, 4, 5, 8}
    layout = "  ".join(f"{{:{'>' if column in right else '<'}{width}}}" for column, width in enumerate(widths))
    lines = [layout.format(*row).rstrip() for row in rows]
    return "\n".join(
        [
            *lines,
            "",
            "Parameters: as its source counts; in brackets, those that are trained beside a frozen encoder.",
            "A step: thousands of millions of multiplications, forward and back, of one batch.",
            "",
            *(f"{each.name}: {each.title} ({each.source})" for each in TRAINABLE.values()),
        ]
    )


def details(name: str) -> str:
    """One network, with all fields of its recipe.

    Raises
    ------
    UsageError
        There is none of that name.
    """
    which = trainable(name)
    facts = [f"{which.name}: {which.title}", f"source: {which.source}", *_facts(which)]
    recipe = [f"  {item.name} = {_value(getattr(which.recipe, item.name))}" for item in fields(which.recipe)]
    return "\n".join([*facts, "recipe:", *recipe])


def trained_by(recipe: Recipe) -> tuple[str, str]:
    """Loss and optimiser of a recipe, in words."""
    if not isinstance(recipe, PlainRecipe):
        return "classes", "AdamW"
    optimizers: dict[Optimizer, str] = {"rmsprop": "RMSprop", "adam": "Adam"}
    return recipe.loss + (" + adversarial" if recipe.adversarial else ""), optimizers[recipe.optimizer]


def _facts(which: Trainable) -> Iterator[str]:
    yield f"{which.count:,} parameters" + (f", {which.trained:,} of them trained" if _partly(which) else "")
    if which.discriminator:
        yield f"against a discriminator of {which.discriminator_count:,} parameters"
    if which.backbone:
        yield f"borrows an encoder: {which.backbone}"
    sides = f"{which.fixed} x {which.fixed} pixels alone" if which.fixed else f"multiples of {which.step} pixels"
    yield f"sees {sides}"


def _partly(which: Trainable) -> bool:
    return which.trained is not None and which.trained != which.count


def _row(which: Trainable) -> tuple[str, ...]:
    recipe = which.recipe
    count = f"{which.count:,}" + (f" ({which.trained:,})" if _partly(which) else "")
    loss, optimizer = trained_by(recipe)
    step = FORWARD_AND_BACK * which.giga * recipe.batch
    size = f"{recipe.size}" if which.fixed else f"{recipe.size} (n x {which.step})"
    return (
        *(which.name, count, which.contract.sees, which.contract.gives, size, str(recipe.batch)),
        *(loss, f"{optimizer} {recipe.rate:g}", f"{step:,.0f}"),
    )


def _value(value: object) -> str:
    return ",".join(map(str, value)) or "none" if isinstance(value, tuple) else str(value)
