"""What `colorize video` does with each film, folder or pipe, and what it says about it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from colorizer.cli.film_call import Call
from colorizer.cli.progress import film_display
from colorizer.cli.streams import standard_input, standard_output, standard_text
from colorizer.cli.wording import counted, worded
from colorizer.errors import ColorizerError, ExitStatus, InputError, UsageError, shown
from colorizer.film.formats import is_video

if TYPE_CHECKING:
    from colorizer.film.encoding import Encode, Progress
    from colorizer.film.guidance.files import FilmGuiding
    from colorizer.jobs.plan import Task
    from colorizer.jobs.report import Report
    from colorizer.jobs.run import Outcome

_PIPE = "-"


class FilmJobs:
    """Films one after another; one that fails does not stop the others.

    Parameters
    ----------
    call
        What the command was given.
    """

    def __init__(self, call: Call) -> None:
        self._call = call
        self._report: Report | None = None

    def run(self, films: list[Path]) -> int:
        """Do them; the exit status."""
        call = self._call
        with ExitStack() as stack:
            if call.report is not None and not any(film.is_dir() for film in films):
                from colorizer.jobs.report import Report

                shared = standard_text() if str(call.report) == _PIPE else None
                self._report = stack.enter_context(Report(call.report, shared, words=worded))
            if len(films) == 1:
                return self._one(films[0], call.target(films[0]))
            return self._several(films)

    def _several(self, films: list[Path]) -> int:
        call = self._call
        if call.output is not None and not call.output.is_dir():
            raise UsageError(f"{shown(call.output)}: no such folder, and several films need one; create it first")
        if folder := next((film for film in films if film.is_dir()), None):
            raise UsageError(f"{shown(folder)}: is a folder; colour its frames by a command of their own")
        if call.guided.for_one or call.references_out:
            option = call.guided.for_one or "references_out"
            raise UsageError("is for one film; colour the others by commands of their own", option=option)
        source_of: dict[Path, Path] = {}
        for film in films:
            other = source_of.setdefault(call.target(film), film)
            if other is not film:
                raise UsageError(
                    f"{shown(call.target(film))}: both {shown(other)} and {shown(film)} would be written there; "
                    "colour them apart"
                )
        failed = 0
        for target, film in source_of.items():
            try:
                _refuse_picture(film)
                self._one(film, target)
            except ColorizerError as error:
                failed += 1
                call.console.error(error)
        if call.lasts:
            call.remark(f"{counted(len(films) - failed, 'film')} coloured{f', {failed} failed' if failed else ''}")
        return ExitStatus.SOME_FAILED if failed else ExitStatus.DONE

    def _one(self, film: Path, target: Path) -> int:
        call = self._call
        if film.is_dir():
            if call.preview:
                raise UsageError(f"{shown(film)}: is a folder; --preview is for film files")
            return _references(call, film, target) if call.references_out else _folder(call, film, target)
        if call.preview:
            return _preview(call, film, target)
        if call.shots:
            return _shots(call, film, target)
        if call.references_out:
            return _references(call, film, target)
        if call.dry_run:
            return _dry_run(call, film, target)
        return self._film(film, target)

    def _film(self, film: Path, target: Path) -> int:
        from colorizer.jobs.plan import Task
        from colorizer.jobs.run import Outcome, Status

        task, begun = Task(film, target), time.perf_counter()
        try:
            outcome = self._colored(task, film, target)
        except ColorizerError as error:
            self._add(Outcome(task, Status.FAILED, time.perf_counter() - begun, error=error))
            raise
        self._add(outcome)
        return ExitStatus.DONE

    def _add(self, outcome: Outcome) -> None:
        if self._report is not None:
            self._report.add(outcome)

    def _colored(self, task: Task, film: Path, target: Path) -> Outcome:
        from colorizer.film.comparison import comparison_of, write_comparison
        from colorizer.film.job import color_video
        from colorizer.jobs.run import Outcome, Status

        call, begun = self._call, time.perf_counter()
        if target.exists() and not call.overwrite and not (film.exists() and target.samefile(film)):
            call.remark(f"{shown(target)}: exists, kept (--overwrite replaces it)")
            return Outcome(task, Status.KEPT, time.perf_counter() - begun)
        guiding = _guiding(call, film)
        with _progress(call) as on_progress, _encoding(call, film, target) as encode:
            result = color_video(
                film,
                target,
                call.settings,
                call.film_options,
                guiding=guiding,
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
        if call.compare:
            place = comparison_of(target)
            write_comparison(film, target, place, call.film_options, call.compare_as)
            call.remark(f"{shown(place)}: before and after")
        return Outcome(
            task,
            Status.COLORED,
            time.perf_counter() - begun,
            result.pixels,
            notes=result.notes,
            used=result.recipe,
            making=result.making,
            frames=result.frames,
        )


def _guiding(call: Call, film: Path) -> FilmGuiding:
    """What is said of a film, or of a folder of frames; a hints file that was found by itself is named."""
    guiding = call.guided.of(film)
    if guiding.hints is not None and call.guided.for_one != "hints":
        call.remark(f"{shown(film)}: guided by {shown(guiding.hints)}")
    return guiding


def _refuse_picture(path: Path) -> None:
    """PyAV would take a picture for a film of one frame."""
    from colorizer.media.formats import HEAD_SIZE, format_of

    with suppress(OSError), path.open("rb") as file:
        if not is_video(path) and format_of(file.read(HEAD_SIZE)):
            raise InputError(f"{shown(path)}: is a picture; colour it with a command of its own")


@contextmanager
def _progress(call: Call) -> Iterator[Callable[[Progress], None]]:
    """Show progress within this; what is yielded is told of it."""
    with film_display(call.progress_kind) as display:
        display.begin()
        yield lambda progress: display.move(progress.done, progress.total, progress.resumed)


@contextmanager
def _encoding(call: Call, film: Path, target: Path) -> Iterator[Encode | None]:
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


def color_frames(call: Call, films: tuple[Path, ...]) -> int:
    """Colour frames that come through a pipe.

    Raises
    ------
    UsageError
        Options are given that frames in a pipe do not have.
    """
    if call.y4m is not None and call.rawvideo is not None:
        raise UsageError("--y4m and --rawvideo are two ways to read stdin; choose one")
    if call.y4m not in (None, _PIPE) or set(films) - {Path(_PIPE)} or call.preview:
        raise UsageError("frames come through stdin: --y4m - -o -, or --rawvideo WxH@FPS:FORMAT -o -")
    if call.output is not None and str(call.output) != _PIPE:
        raise UsageError("frames go to stdout; write -o - and redirect it, or pipe it to an encoder")
    call.refuse_film_options("frames in a pipe have none; give it to the program before or after")
    guiding = call.guided.of_all_frames()
    source, target = standard_input(), standard_output(instead="pipe it to an encoder")
    from colorizer.film.coloring import SteadyingOptions
    from colorizer.film.pipe import color_stream

    steadying = SteadyingOptions(call.film_options.steadiness, call.film_options.network_every)
    count = color_stream(
        source, target, call.settings, steadying, guiding=guiding, rawvideo=call.rawvideo, on_note=call.remark
    )
    call.remark(counted(count, "frame"))
    return ExitStatus.DONE


def _preview(call: Call, film: Path, target: Path) -> int:
    from colorizer.film.preview import write_preview

    guiding = call.guided.of(film)
    count = write_preview(film, target, call.preview or 1, call.settings, call.film_options, guiding=guiding)
    call.remark(f"{shown(film)} -> {shown(target)}: {counted(count, 'frame')}")
    return ExitStatus.DONE


def _shots(call: Call, film: Path, target: Path) -> int:
    from colorizer.film.picking import timecode
    from colorizer.film.preview import write_shots

    shots = write_shots(film, target, call.settings, call.film_options)
    for shot in shots:
        times = timecode(shot.begin), timecode(shot.end)
        click.echo("\t".join(map(str, (shot.number, shot.first, shot.last, *times))))
    call.remark(
        f"{shown(film)} -> {shown(target)}: {counted(len(shots), 'shot')} (number, first and last frame, their times)"
    )
    return ExitStatus.DONE


def _references(call: Call, film: Path, folder: Path) -> int:
    matched = call.guided.match_shots
    if film.is_dir():
        call.refuse_film_options("a folder of frames has none; leave it out", folder=True)
        from colorizer.film.guided_folder import write_folder_references

        found = write_folder_references(film, folder, call.settings, match_shots=matched, overwrite=call.overwrite)
    else:
        from colorizer.film.picking import write_references

        how = call.settings, call.film_options
        found = write_references(film, folder, *how, match_shots=matched, overwrite=call.overwrite)
    kept = sum(1 for _ in folder.glob("ref_*.png")) - len(found)
    count = counted(len(found), "frame") + (f", {kept} kept" if kept else "")
    remedy = f"correct those that need it, then: --references {shown(folder)}"
    call.remark(f"{shown(film)} -> {shown(folder)}: {count}; {remedy}")
    return ExitStatus.DONE


def _dry_run(call: Call, film: Path, target: Path) -> int:
    from colorizer.film.job import plan_video

    plan = plan_video(film, target, call.film_options)
    click.echo(f"{shown(film)}\t{shown(target)}")
    for note in plan.notes:
        call.remark(note)
    height, width = plan.pixels
    count = "an unknown number of" if plan.frames is None else f"about {plan.frames}"
    kept = "; it exists" + (" and is replaced" if call.overwrite else ", and is kept") if target.exists() else ""
    call.remark(f"{shown(target)}: {count} frames of {width}x{height}, {plan.encoder} {plan.pixel_format}{kept}")
    return ExitStatus.DONE


def _folder(call: Call, folder: Path, target: Path) -> int:
    call.refuse_film_options("a folder of frames has none; leave it out", folder=True)
    from colorizer.film.numbered import color_numbered

    guiding = _guiding(call, folder)
    with _progress(call) as on_progress:
        result = color_numbered(
            folder,
            target,
            call.settings,
            call.film_options,
            guiding=guiding,
            overwrite=call.overwrite,
            on_progress=on_progress,
        )
    for text in result.notes:
        call.remark(text)
    kept = f", {result.kept} of them there already and kept (--overwrite replaces them)" if result.kept else ""
    call.remark(f"{shown(folder)} -> {shown(target)}: {counted(result.frames, 'frame')}{kept}")
    return ExitStatus.SOME_FAILED if result.failed else ExitStatus.DONE
