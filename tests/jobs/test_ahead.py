"""What comes next is asked about before its turn: in order, side by side, and not without bound."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from colorizer.jobs.ahead import mapped_ahead


def test_answers_come_in_the_order_of_the_items() -> None:
    first_may_answer = threading.Event()

    def ask(number: int) -> int:
        if number == 0:
            first_may_answer.wait(60)
        if number == 2:
            first_may_answer.set()  # those after the first one are asked about while it waits
        return number * number

    assert list(mapped_ahead(ask, range(9), 3)) == [(number, number * number) for number in range(9)]


def test_no_more_items_are_taken_than_are_asked_about() -> None:
    taken: list[int] = []

    def items() -> Iterator[int]:
        for number in range(100):
            taken.append(number)
            yield number

    answers = mapped_ahead(str, items(), 4)
    assert [next(answers)[1] for _ in range(5)] == ["0", "1", "2", "3", "4"]
    assert len(taken) <= 9
    answers.close()  # type: ignore[attr-defined]
    assert len(taken) <= 9


def test_what_goes_wrong_is_raised_at_its_turn() -> None:
    answers = mapped_ahead(lambda number: 10 // number, [5, 0, 2])
    assert next(answers) == (5, 2)
    with pytest.raises(ZeroDivisionError):
        next(answers)
