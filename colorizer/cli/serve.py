"""`colorize serve`: parses, and has `colorizer.web` serve. The address is printed on stderr."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import fields
from typing import Any

import click

from colorizer import Settings
from colorizer.cli.console import Console
from colorizer.cli.options import options_of, size_in_bytes, switch, valued
from colorizer.errors import ExitStatus, MissingExtraError
from colorizer.web.limits import SERVER_SETTINGS, Limits

PACKAGES = ("starlette", "uvicorn", "python_multipart")


@click.command(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@valued("--host", default="127.0.0.1", show_default=True, metavar="ADDRESS", help="Address to listen on.")
@valued(
    "--port",
    type=click.IntRange(0, 65535),
    default=8313,
    show_default=True,
    metavar="N",
    help="Port to listen on; 0 takes a free one.",
)
@click.option(
    "--open/--no-open",
    "open_browser",
    default=True,
    envvar="COLORIZE_OPEN",
    help="Open the page in the browser, where there is a desktop.  [default: open]",
)
@valued(
    "--token",
    metavar="TEXT",
    help="Secret that clients have to show. Default: none on this machine alone, else a new one.",
)
@valued(
    "--allow-host",
    multiple=True,
    metavar="NAME",
    help="Further host name that the server is known by, such as a reverse proxy's.",
)
@valued(
    "--jobs",
    type=click.IntRange(1, 64),
    metavar="N",
    help="Pictures coloured at a time.  [default: 2, or 1 on one core]",
)
@options_of(Settings, only=SERVER_SETTINGS)
@options_of(Limits, kinds={"max_upload": size_in_bytes, "max_shelf": size_in_bytes})
@switch("-v", "--verbose", help="Print every request, and why what failed did.")
def serve(**options: Any) -> int:
    """Serve a page on this machine: drop pictures, see them in colour, compare, save.

    Only this machine can reach it, unless --host says otherwise; then a token is asked for. Pictures never leave the
    machine. Ctrl-C ends it.

    \b
      colorize serve                       opens the page
      colorize serve --port 0 --no-open    on a free port, which is printed
      curl --data-binary @photo.jpg http://127.0.0.1:8313/api/colorize -o photo.color.jpg
    """  # noqa: D301 - click's mark for lines to leave as they are
    limits = Limits(**{item.name: options.pop(item.name) for item in fields(Limits)})
    settings = Settings(**{name: options.pop(name) for name in SERVER_SETTINGS})
    _check_installed()

    from colorizer.web.server import ServerOptions, logging_to_stderr, serve_until_stopped

    server = ServerOptions(
        settings=settings,
        host=options["host"],
        port=options["port"],
        names=options["allow_host"],
        token=options["token"],
        workers=options["jobs"],
        open_browser=options["open_browser"],
        limits=limits,
    )
    with logging_to_stderr() if options["verbose"] else nullcontext():
        serve_until_stopped(server, Console().remark)
    return ExitStatus.DONE


def _check_installed() -> None:
    from importlib.util import find_spec

    missing = next((name for name in PACKAGES if find_spec(name) is None), None)
    if missing:
        raise MissingExtraError("the page", missing, "web")
