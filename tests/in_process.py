"""The command, run in the process of the tests: what a process would answer, without the second that it takes to start.

Arguments, folder, environment and the three standard streams are those of a process, down to the file descriptors, so
that native libraries and the processes that the command starts are heard as well. What the command changes of the
process is put back. Not for what only a process has: signals, closed or full streams, encodings, memory, its imports.
"""

from __future__ import annotations

import contextlib
import io
import logging
import multiprocessing
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO
from unittest import mock

import cv2
import cv2.utils.logging

_STDIN, _STDOUT, _STDERR = range(3)


def run_in_process(
    arguments: Sequence[str | os.PathLike[str]],
    *,
    cwd: Path,
    environment: Mapping[str, str],
    stdin: bytes = b"",
) -> subprocess.CompletedProcess[bytes]:
    """Run the command.

    Parameters
    ----------
    arguments
        Without the program's name.
    cwd
        The folder where it runs.
    environment
        All of its environment variables.
    stdin
        What it reads.
    """
    from colorizer.cli.main import run

    words = [os.fspath(argument) for argument in arguments]
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as messages:
        given.write(stdin)
        given.seek(0)
        with _restored(cwd, environment), _alone(), _streams(given, output, messages):
            try:
                status = run(words)
            except SystemExit as leave:
                status = leave.code if isinstance(leave.code, int) else int(leave.code is not None)
        return subprocess.CompletedProcess(words, int(status), _content(output), _content(messages))


def decoded(done: subprocess.CompletedProcess[bytes]) -> subprocess.CompletedProcess[str]:
    """The same with the text of its streams, as `subprocess` decodes it."""
    texts = [io.TextIOWrapper(io.BytesIO(data), errors="surrogateescape").read() for data in (done.stdout, done.stderr)]
    return subprocess.CompletedProcess(done.args, done.returncode, *texts)


def _content(file: IO[bytes]) -> bytes:
    file.seek(0)
    return file.read()


@contextlib.contextmanager
def _restored(cwd: Path, environment: Mapping[str, str]) -> Iterator[None]:
    """Within this, folder and environment are the command's; afterwards all is as before, what it switches off too."""
    before, threads = Path.cwd(), cv2.getNumThreads()
    root = logging.getLogger()
    handlers = root.handlers[:]
    log_level = cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_FATAL)  # read from the environment only once
    os.chdir(cwd)
    # pytest listens to all that is logged; without a listener, warnings go to stderr
    root.handlers.clear()
    try:
        with mock.patch.dict(os.environ, environment, clear=True):
            yield
    finally:
        root.handlers[:] = handlers
        os.chdir(before)
        cv2.utils.logging.setLogLevel(log_level)
        cv2.setNumThreads(threads)


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """Processes that the command has left behind end, as they would with its own."""
    others = set(multiprocessing.active_children())
    try:
        yield
    finally:
        for child in set(multiprocessing.active_children()) - others:
            child.terminate()
            child.join()


@contextlib.contextmanager
def _streams(stdin: IO[bytes], stdout: IO[bytes], stderr: IO[bytes]) -> Iterator[None]:
    """Within this, the standard streams are these files, for Python as for native code."""
    files = (stdin, stdout, stderr)
    sys.stdout.flush()
    sys.stderr.flush()
    before = [os.dup(number) for number in range(len(files))]
    objects = sys.stdin, sys.stdout, sys.stderr
    for number, file in enumerate(files):
        os.dup2(file.fileno(), number)
    try:
        # as Python opens them: text of stdout has to be encodable, messages are escaped where it is not
        with (
            open(_STDIN, closefd=False) as sys.stdin,
            open(_STDOUT, "w", closefd=False) as sys.stdout,
            open(_STDERR, "w", errors="backslashreplace", buffering=1, closefd=False) as sys.stderr,
        ):
            yield
    finally:
        sys.stdin, sys.stdout, sys.stderr = objects
        for number, copy in enumerate(before):
            os.dup2(copy, number)
            os.close(copy)
