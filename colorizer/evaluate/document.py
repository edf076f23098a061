"""A report as one HTML file that needs no other: no script, nothing fetched, light or dark as the reader has it."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape


def document(title: str, style: str, body: Sequence[str]) -> str:
    """The whole file.

    Parameters
    ----------
    title
        In plain text.
    style
        CSS.
    body
        Lines of markup.
    """
    return "\n".join(
        [
            "<!DOCTYPE html>",
            '<html lang="en">',
            "<head>",
            '<meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            # without one a browser asks the server for it, if the report is served
            '<link rel="icon" href="data:,">',
            f"<title>{escape(title)}</title>",
            f"<style>{style}</style>",
            "</head>",
            "<body><main>",
            *body,
            "</main></body>",
            "</html>",
            "",
        ]
    )
