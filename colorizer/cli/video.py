"""`colorize video FILM -o OUT`: films from file to file, and frames through pipes."""

from __future__ import annotations

import sys
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal

import click

from colorizer import Settings
from colorizer.cli.options import options_of, switch, valued
from colorizer.errors import ExitStatus, UsageError, shown
from colorizer.settings import flag
from colorizer.video.options import Film

Kind = Literal["auto", "bar", "json", "none"]

PIPE = "-"
MARK = ".color"
"""Put before the suffix of the output's name where none is given."""

_FILM_ONLY = {"codec", "crf", "preset", "pixel_format", "audio_codec", "no_audio", "start", "end"}


@click.command(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.argument("film", required=False, type=click.Path(path_type=Path), metavar="FILM|FOLDER")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="File to write: .mp4, .mov, .mkv, .webm or .avi; - for a pipe. Default: film.color.mp4 beside film.mp4.",
)
@valued("--y4m", metavar="-", help="Read YUV4MPEG2 frames from stdin and write them to stdout.")
@valued(
    "--rawvideo",
    metavar="WxH@FPS:FORMAT",
    help="Read bare frames from stdin and write them to stdout: gray, yuv420p, yuv422p, yuv444p, or with 10le.",
)
@valued(
    "--preview",
    type=click.IntRange(1, 400),
    metavar="N",
    help="Only colour N frames spread over the film and write them as one contact sheet, a picture.",
)
@switch("--overwrite", help="Replace an output that exists.")
@options_of(Film, Settings)
@valued(
    "--progress",
    type=click.Choice(["auto", "bar", "json", "none"]),
    default="auto",
    show_default=True,
    help="A bar, lines of JSON, or nothing; auto shows a bar on a terminal.",
)
@switch("-q", "--quiet", help="Only errors on stderr.")
def video(film: Path | None, output: Path | None, **options: Any) -> int:
    r"""Put colour into black-and-white film.

    Sound, subtitles, chapters and the time of every frame stay as they are, and so does the luma plane; only chroma is
    new. A run that was stopped goes on where it was when the same command is given again.

    \b
      colorize video film.mp4                      writes film.color.mp4 beside it
      colorize video film.mov -o out.mkv --codec ffv1
      colorize video film.mp4 --preview 12         writes film.preview.jpg first
      colorize video shots/ -o colored/            a folder of numbered frames
      ffmpeg -i a.mpg -f yuv4mpegpipe - | colorize video --y4m - -o - | ffmpeg -i - b.mkv
    """
    treatment = Film(**{item.name: options.pop(item.name) for item in fields(Film)})
    settings = Settings(**{item.name: options.pop(item.name) for item in fields(Settings)})
    call = _Call(output, settings, treatment, **options)
    if call.y4m is not None or call.rawvideo is not None:
        return _pipe(call, film)
    if film is None:
        raise UsageError("no FILM given; name one, or see colorize video --help")
    if str(film) == PIPE:
        raise UsageError("a film cannot come through a pipe as a file; use --y4m - or --rawvideo")
    if call.preview:
        return _preview(call, film)
    return _folder(call, film) if film.is_dir() else _film(call, film)


@dataclass(frozen=True)
class _Call:
    """What the command was given, beside the film."""

    output: Path | None
    settings: Settings
    treatment: Film
    y4m: str | None
    rawvideo: str | None
    preview: int | None
    overwrite: bool
    progress: Kind
    quiet: bool

    def remark(self, text: str) -> None:
        """Print a line about the job, unless told to be quiet."""
        if not self.quiet:
            _say(f"colorize: {text}")

    @property
    def display(self) -> Kind:
        """How progress is shown."""
        return "none" if self.quiet and self.progress == "auto" else self.progress


def _say(line: str) -> None:
    click.echo(line, err=True)


def _film(call: _Call, film: Path) -> int:
    from colorizer.video.job import color_video
    from colorizer.video.progress import shown_progress

    target = call.output or film.with_name(f"{film.stem}{MARK}{film.suffix}")
    with shown_progress(call.display, _say) as tell:
        result = color_video(
            film, target, call.settings, call.treatment, overwrite=call.overwrite, tell=tell, remark=call.remark
        )
    for text in result.remarks:
        call.remark(text)
    call.remark(f"{shown(film)} -> {shown(target)}: {result.frames} frames")
    return ExitStatus.DONE


def _pipe(call: _Call, film: Path | None) -> int:
    if call.y4m is not None and call.rawvideo is not None:
        raise UsageError("--y4m and --rawvideo are two ways to read stdin; choose one")
    if call.y4m not in (None, PIPE) or (film is not None and str(film) != PIPE) or call.preview:
        raise UsageError("frames come through stdin: --y4m - -o -, or --rawvideo WxH@FPS:FORMAT -o -")
    if call.output is not None and str(call.output) != PIPE:
        raise UsageError("frames go to stdout; write -o - and redirect it, or pipe it to an encoder")
    for item in fields(Film):
        if item.name in _FILM_ONLY and getattr(call.treatment, item.name) != item.default:
            raise UsageError(f"{flag(item.name)}: frames in a pipe have none; give it to the encoder that follows")
    if sys.stdout.isatty():
        raise UsageError("stdout is a terminal; redirect it, or pipe it to an encoder")
    from colorizer.video.painting import Manner
    from colorizer.video.pipe import color_stream

    manner = Manner(call.treatment.steadiness, call.treatment.network_every)
    count = color_stream(
        sys.stdin.buffer, sys.stdout.buffer, call.settings, manner, raw=call.rawvideo, remark=call.remark
    )
    call.remark(f"{count} frames")
    return ExitStatus.DONE


def _preview(call: _Call, film: Path) -> int:
    from colorizer.video.preview import write_preview

    target = call.output or film.with_name(f"{film.stem}.preview.jpg")
    count = write_preview(film, target, call.preview or 1, call.settings, call.treatment, overwrite=call.overwrite)
    call.remark(f"{shown(film)} -> {shown(target)}: {count} frames")
    return ExitStatus.DONE


def _folder(call: _Call, folder: Path) -> int:
    from colorizer.video.numbered import color_numbered
    from colorizer.video.progress import shown_progress

    if call.output is None:
        raise UsageError(f"{shown(folder)}: name the folder for the coloured frames with -o")
    with shown_progress(call.display, _say) as tell:
        result = color_numbered(folder, call.output, call.settings, call.treatment, overwrite=call.overwrite, tell=tell)
    for text in result.remarks:
        call.remark(text)
    call.remark(f"{shown(folder)} -> {shown(call.output)}: {result.frames} frames")
    return ExitStatus.SOME_FAILED if result.failed else ExitStatus.DONE
