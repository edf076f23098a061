"""Ctrl-C: in two steps during a job, and heard of even where Python drops the exception."""

from __future__ import annotations

import signal
import weakref
from collections.abc import Iterator

import pytest

from colorizer.jobs.interrupt import interruptible, remembered


class Thing:
    """Something that weak references can point at."""


def lose_a_ctrl_c() -> None:
    """As the end of an import may: the signal comes while a weak reference's callback runs."""
    thing = Thing()
    reference = weakref.ref(thing, lambda _: signal.raise_signal(signal.SIGINT))
    del thing
    assert reference() is None


@pytest.fixture(autouse=True)
def as_python_starts() -> Iterator[None]:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_the_first_asks_to_stop_and_the_second_ends() -> None:
    asked: list[bool] = []
    with interruptible(lambda: asked.append(True)) as interruption:
        signal.raise_signal(signal.SIGINT)
        assert interruption.requested
        assert asked == [True]
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_one_that_a_callback_lost_ends_the_command_before_its_job() -> None:
    begun = False
    with remembered():
        lose_a_ctrl_c()
        with pytest.raises(KeyboardInterrupt), interruptible(lambda: None):
            begun = True
    assert not begun
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_one_that_nobody_lost_ends_the_command_at_once() -> None:
    with pytest.raises(KeyboardInterrupt), remembered():
        signal.raise_signal(signal.SIGINT)
    with interruptible(lambda: None) as interruption:
        pass
    assert not interruption.requested


def test_where_it_is_ignored_it_stays_so() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with remembered():
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
