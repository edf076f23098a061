"""`colorize video FILM... -o OUT`: films from file to file, and frames through pipes.

`colorize FILM...` comes here as well, see `colorizer.cli.routing`; what is done with each film is in
`colorizer.cli.film_jobs`.
"""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import click

from colorizer import Settings
from colorizer.cli.console import Console
from colorizer.cli.film_call import Call
from colorizer.cli.film_guidance import Guided, film_guidance_options
from colorizer.cli.helping import GuidedCommand
from colorizer.cli.option_groups import FILMS
from colorizer.cli.options import PATH, cluster_option, options_of, progress_option, quiet_option, switch, valued
from colorizer.errors import ExitStatus, UsageError
from colorizer.film.options import FilmOptions
from colorizer.jobs.interrupt import TerminatedError, terminable

PIPE = "-"
PIPED = {"y4m", "rawvideo"}
"""Options with which frames come through stdin."""


@click.command(
    cls=GuidedCommand,
    guide=FILMS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.argument("films", nargs=-1, type=PATH, metavar="FILM|FOLDER...")
@click.option(
    "-o",
    "--output",
    type=PATH,
    metavar="PATH",
    help="File to write: .mp4, .mov, .mkv, .webm or .avi; a folder for several films; - for a pipe. "
    "Default: film.color.mp4 beside film.mp4.",
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
    help="Only colour N frames spread over the film and write them, before and after, as one picture.",
)
@switch("--shots", help="Only list the shots, with their times and frames, and write a frame of each as one picture.")
@valued(
    "--references-out",
    type=PATH,
    metavar="FOLDER",
    help="Only write a frame of each shot in colour, to be corrected in an editor and given back with --references.",
)
@film_guidance_options
@switch("--compare", help="Also write before and after as one film, out.compare.mp4.")
@valued(
    "--compare-as",
    type=click.Choice(["side", "wipe"]),
    default="side",
    show_default=True,
    help="side: side by side; wipe: a line goes over the frames, to and fro.",
)
@switch("--dry-run", help="Only list what would be written, and say what would be left out.")
@valued("--report", type=PATH, metavar="FILE", help="Write a line of JSON for each film; - for stdout.")
@switch("--overwrite", help="Replace an output that exists; without it it is kept.")
@options_of(FilmOptions, Settings)
@cluster_option
@progress_option
@quiet_option
@switch("-v", "--verbose", help="Say what is used, and how often the network was asked.")
def video(films: tuple[Path, ...], output: Path | None, **options: Any) -> int:
    """Put colour into black-and-white film.

    Sound, subtitles, chapters and the time of every frame stay as they are, and so does all that is light and dark;
    only colour is new. A run that was stopped goes on where it was when the same command is given again.

    \b
      colorize film.mp4                            the same as: colorize video film.mp4
      colorize video film.mp4                      writes film.color.mp4 beside it
      colorize video film.mov -o out.mkv --codec ffv1
      colorize video film.mp4 --preview 12         writes film.preview.jpg first
      colorize video film.mp4 --references-out refs/     frames to correct, then:
      colorize video film.mp4 --references refs/
      colorize video shots/ -o colored/            a folder of numbered frames
      ffmpeg -i a.mpg -f yuv4mpegpipe - | colorize --y4m - -o - | ffmpeg -i - b.mkv
    """  # noqa: D301 - click's mark for lines to leave as they are
    film_options = FilmOptions(**{item.name: options.pop(item.name) for item in fields(FilmOptions)})
    settings = Settings(**{item.name: options.pop(item.name) for item in fields(Settings)})
    console = Console(quiet=options.pop("quiet"), verbose=options.pop("verbose"))
    call = Call(output, settings, film_options, console, Guided(options), **options)
    if call.cluster is not None and call.settings.device not in ("auto", "cpu"):
        raise UsageError("is not for films on a cluster, whose cores compute; leave it out", option="device")
    from colorizer.cli.film_jobs import FilmJobs, color_frames

    if call.y4m is not None or call.rawvideo is not None:
        return color_frames(call, films)
    if not films:
        raise UsageError("no FILM given; name one, or see colorize video --help")
    if Path(PIPE) in films:
        raise UsageError("a film cannot come through a pipe as a file; use --y4m - or --rawvideo")
    from colorizer.jobs.discover import expanded

    named = [film for pattern in films for film in expanded(pattern) if isinstance(film, Path)]
    try:
        with terminable():
            return FilmJobs(call).run(named)
    except KeyboardInterrupt as error:
        terminated = isinstance(error, TerminatedError)
        goes_on = "; the same command goes on where it was" if call.lasts else ""
        console.error(f"{'terminated' if terminated else 'interrupted'}{goes_on}")
        return ExitStatus.TERMINATED if terminated else ExitStatus.INTERRUPTED
