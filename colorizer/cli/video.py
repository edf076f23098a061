"""`colorize video FILM... -o OUT`: films from file to file, and frames through pipes.

`colorize FILM...` comes here as well, see `colorizer.cli.routing`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from colorizer import Settings
from colorizer.cli.console import Console
from colorizer.cli.helping import GuidedCommand
from colorizer.cli.option_groups import FILMS
from colorizer.cli.options import PATH, cluster_option, options_of, progress_option, quiet_option, switch, valued
from colorizer.cli.progress import Choice, Kind, chosen_kind, film_display
from colorizer.cli.streams import standard_input, standard_output
from colorizer.cli.wording import Said, counted
from colorizer.errors import ColorizerError, ExitStatus, InputError, UsageError, shown
from colorizer.film.formats import is_video, target_beside, target_in
from colorizer.film.options import FilmOptions

if TYPE_CHECKING:
    from colorizer.film.job import Encode, Progress

PIPE = "-"
PIPED = {"y4m", "rawvideo"}
"""Options with which frames come through stdin."""

_STEADYING = {"steadiness", "every"}
"""Options of films that frames in pipes and folders have too."""


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
    help="Only colour N frames spread over the film and write them as one contact sheet, a picture.",
)
@switch("--overwrite", help="Replace an output that exists.")
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
      colorize video shots/ -o colored/            a folder of numbered frames
      ffmpeg -i a.mpg -f yuv4mpegpipe - | colorize --y4m - -o - | ffmpeg -i - b.mkv
    """  # noqa: D301 - click's mark for lines to leave as they are
    film_options = FilmOptions(**{item.name: options.pop(item.name) for item in fields(FilmOptions)})
    settings = Settings(**{item.name: options.pop(item.name) for item in fields(Settings)})
    console = Console(quiet=options.pop("quiet"), verbose=options.pop("verbose"))
    call = _Call(output, settings, film_options, console, **options)
    if call.cluster is not None and call.settings.device not in ("auto", "cpu"):
        raise UsageError("is not for films on a cluster, whose cores compute; leave it out", option="device")
    if call.y4m is not None or call.rawvideo is not None:
        return _pipe(call, films)
    if not films:
        raise UsageError("no FILM given; name one, or see colorize video --help")
    if Path(PIPE) in films:
        raise UsageError("a film cannot come through a pipe as a file; use --y4m - or --rawvideo")
    from colorizer.jobs.discover import expanded

    named = [film for pattern in films for film in expanded(pattern) if isinstance(film, Path)]
    if len(named) == 1:
        return _one(call, named[0], _target(call, named[0]))
    return _several(call, named)


@dataclass(frozen=True)
class _Call:
    """What the command was given, beside the film."""

    output: Path | None
    settings: Settings
    film_options: FilmOptions
    console: Console
    y4m: str | None
    rawvideo: str | None
    preview: int | None
    overwrite: bool
    cluster: str | None
    progress: Choice

    def remark(self, said: Said) -> None:
        """Print a line about the job, unless told to be quiet."""
        self.console.remark(said)

    @property
    def progress_kind(self) -> Kind:
        """How progress is shown."""
        return chosen_kind(self.progress, bar=not self.console.quiet)


def _target(call: _Call, film: Path) -> Path:
    """Where a film, a folder's frames or a contact sheet go."""
    output = call.output
    if film.is_dir():
        if output is None:
            raise UsageError(f"{shown(film)}: name the folder for the coloured frames with -o")
        return output
    if output is not None and not output.is_dir():
        return output
    if call.preview:
        return (output or film.parent) / f"{film.stem}.preview.jpg"
    return target_beside(film) if output is None else target_in(output, film)


def _one(call: _Call, film: Path, target: Path) -> int:
    if film.is_dir():
        if call.preview:
            raise UsageError(f"{shown(film)}: is a folder; --preview is for film files")
        return _folder(call, film, target)
    return _preview(call, film, target) if call.preview else _film(call, film, target)


def _several(call: _Call, films: list[Path]) -> int:
    """Films one after another; one that fails does not stop the others."""
    if call.output is not None and not call.output.is_dir():
        raise UsageError(f"{shown(call.output)}: no such folder, and several films need one; create it first")
    if folder := next((film for film in films if film.is_dir()), None):
        raise UsageError(f"{shown(folder)}: is a folder; colour its frames by a command of their own")
    source_of: dict[Path, Path] = {}
    for film in films:
        other = source_of.setdefault(_target(call, film), film)
        if other is not film:
            raise UsageError(
                f"{shown(_target(call, film))}: both {shown(other)} and {shown(film)} would be written there; "
                "colour them apart"
            )
    failed = 0
    for target, film in source_of.items():
        try:
            _refuse_picture(film)
            _one(call, film, target)
        except ColorizerError as error:
            failed += 1
            call.console.error(error)
    call.remark(f"{counted(len(films) - failed, 'film')} coloured{f', {failed} failed' if failed else ''}")
    return ExitStatus.SOME_FAILED if failed else ExitStatus.DONE


def _refuse_picture(path: Path) -> None:
    """PyAV would take a picture for a film of one frame."""
    from colorizer.media.formats import HEAD_SIZE, format_of

    with suppress(OSError), path.open("rb") as file:
        if not is_video(path) and format_of(file.read(HEAD_SIZE)):
            raise InputError(f"{shown(path)}: is a picture; colour it with a command of its own")


@contextmanager
def _progress(call: _Call) -> Iterator[Callable[[Progress], None]]:
    """Show progress within this; what is yielded is told of it."""
    with film_display(call.progress_kind) as display:
        display.begin()
        yield lambda progress: display.move(progress.done, progress.total, progress.resumed)


def _film(call: _Call, film: Path, target: Path) -> int:
    from colorizer.film.job import color_video

    with _progress(call) as on_progress, _encoding(call, film, target) as encode:
        result = color_video(
            film,
            target,
            call.settings,
            call.film_options,
            overwrite=call.overwrite,
            on_progress=on_progress,
            on_note=call.remark,
            encode=encode,
        )
    for text in result.notes:
        call.remark(text)
    if call.console.verbose:
        call.remark(f"{result.recipe}; the network was asked for {result.network_calls} frames")
    call.remark(f"{shown(film)} -> {shown(target)}: {counted(result.frames, 'frame')}")
    return ExitStatus.DONE


@contextmanager
def _encoding(call: _Call, film: Path, target: Path) -> Iterator[Encode | None]:
    """Who makes a film's segments: None for this process; on a cluster, Ctrl-C lets those under way be finished."""
    if call.cluster is None:
        yield None
        return
    from colorizer.jobs.executors.cluster.executor import RayExecutor, Sight
    from colorizer.jobs.films import encode_on
    from colorizer.jobs.interrupt import interruptible

    executor = RayExecutor(call.cluster, sight=Sight([film], [target.parent]), say=call.remark)

    def stop() -> None:
        executor.stop()
        call.remark("stopping when the segments under way are done; once more to stop at once")

    with interruptible(stop):
        yield encode_on(executor)


def _pipe(call: _Call, films: tuple[Path, ...]) -> int:
    if call.y4m is not None and call.rawvideo is not None:
        raise UsageError("--y4m and --rawvideo are two ways to read stdin; choose one")
    if call.y4m not in (None, PIPE) or set(films) - {Path(PIPE)} or call.preview:
        raise UsageError("frames come through stdin: --y4m - -o -, or --rawvideo WxH@FPS:FORMAT -o -")
    if call.output is not None and str(call.output) != PIPE:
        raise UsageError("frames go to stdout; write -o - and redirect it, or pipe it to an encoder")
    _refuse_film_options(call, "frames in a pipe have none; give it to the program before or after")
    source, target = standard_input(), standard_output(instead="pipe it to an encoder")
    from colorizer.film.coloring import SteadyingOptions
    from colorizer.film.pipe import color_stream

    steadying = SteadyingOptions(call.film_options.steadiness, call.film_options.network_every)
    count = color_stream(source, target, call.settings, steadying, rawvideo=call.rawvideo, on_note=call.remark)
    call.remark(counted(count, "frame"))
    return ExitStatus.DONE


def _refuse_film_options(call: _Call, why: str) -> None:
    if call.cluster is not None:
        raise UsageError("is for film files, and folders of pictures", option="cluster", remedy="leave it out")
    for item in fields(FilmOptions):
        if item.name not in _STEADYING and getattr(call.film_options, item.name) != item.default:
            raise UsageError(why, option=item.name)


def _preview(call: _Call, film: Path, target: Path) -> int:
    if call.cluster is not None:
        raise UsageError("is for the whole film", option="cluster", remedy="leave it out")
    from colorizer.film.preview import write_preview

    count = write_preview(film, target, call.preview or 1, call.settings, call.film_options, overwrite=call.overwrite)
    call.remark(f"{shown(film)} -> {shown(target)}: {counted(count, 'frame')}")
    return ExitStatus.DONE


def _folder(call: _Call, folder: Path, target: Path) -> int:
    _refuse_film_options(call, "a folder of frames has none; leave it out")
    from colorizer.film.numbered import color_numbered

    with _progress(call) as on_progress:
        result = color_numbered(
            folder,
            target,
            call.settings,
            call.film_options,
            overwrite=call.overwrite,
            on_progress=on_progress,
        )
    for text in result.notes:
        call.remark(text)
    call.remark(f"{shown(folder)} -> {shown(target)}: {counted(result.frames, 'frame')}")
    return ExitStatus.SOME_FAILED if result.failed else ExitStatus.DONE
