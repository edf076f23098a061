"""Networks that the page has the server download: each once at a time, in a thread, with how far it is.

A download begins by a click on the machine that the server runs on, never by itself and never from elsewhere.
"""

from __future__ import annotations

import ipaddress
import os
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from colorizer.errors import ColorizerError
from colorizer.networks import load_catalog, open_store
from colorizer.web.problems import ProblemError
from colorizer.web.wording import worded

OFFLINE_VARIABLE = "COLORIZER_OFFLINE"


@dataclass
class Progress:
    """How a download stands; see `colorizer.networks.download.transfer.Listener`."""

    state: str = "running"  # or "done", "failed"
    received: int = 0  # bytes
    total: int = 0  # bytes; 0 where it is not known yet
    problem: str = ""

    def message(self, text: Any) -> None:
        """What happened; the page shows the end alone."""

    def begin(self, name: str, total: int, done: int) -> None:  # noqa: ARG002 - one file is shown like another
        """Bytes of a file begin to arrive."""
        self.received, self.total = done, total

    def advance(self, count: int) -> None:
        """So many bytes more have arrived."""
        self.received += count

    def end(self) -> None:
        """No more bytes arrive for now."""

    def describe(self) -> dict[str, Any]:
        """As JSON has it."""
        return {"state": self.state, "received": self.received, "total": self.total, "problem": self.problem}


class Downloads:
    """The downloads since the server was started.

    Parameters
    ----------
    weights_dir
        The server's own folder of models.
    """

    def __init__(self, weights_dir: Path | None) -> None:
        self._weights_dir = weights_dir
        self._lock = threading.Lock()
        self._known: dict[str, Progress] = {}

    def progress(self, name: str) -> Progress | None:
        """How the download of a network stands; None where there was none."""
        return self._known.get(name)

    def start(self, name: str, client: str | None) -> Progress:
        """Begin to download a network, unless that is under way.

        Parameters
        ----------
        name
            Of the catalogue.
        client
            The address of who asks.

        Raises
        ------
        ProblemError
            Somebody elsewhere asks, the network is unknown, or it cannot be downloaded.
        """
        if not _is_here(client):
            raise ProblemError(403, "a download is started on the machine that colorize runs on")
        if os.environ.get(OFFLINE_VARIABLE):
            raise ProblemError(409, f"downloads are off ({OFFLINE_VARIABLE})")
        spec = load_catalog().find(name)
        if spec is None:
            raise ProblemError(404, "no network of that name can be downloaded; see /api/models")
        if spec.import_only or spec.packaged:
            why = "built in; there is nothing to download" if spec.packaged else "no download; it can only be imported"
            raise ProblemError(409, f"{name} is {why}")
        with self._lock:
            known = self._known.get(name)
            if known is not None and known.state == "running":
                return known
            progress = self._known[name] = Progress()
        # a daemon, so that a server that is ended does not wait; what has arrived is gone on from
        threading.Thread(target=self._run, args=(name, progress), name=f"download {name}", daemon=True).start()
        return progress

    def _run(self, name: str, progress: Progress) -> None:
        from colorizer.networks.download.fetch import download_model

        spec = load_catalog().find(name)
        try:
            if spec is not None:
                download_model(spec, open_store(self._weights_dir), progress)
        except ColorizerError as error:
            progress.problem = worded(error)
            progress.state = "failed"
        except Exception as error:  # whatever it is, the page has to hear that it ended
            progress.problem = f"the download failed ({type(error).__name__})"
            progress.state = "failed"
        else:
            progress.state = "done"


def _is_here(client: str | None) -> bool:
    try:
        return ipaddress.ip_address(client or "").is_loopback
    except ValueError:
        return False
