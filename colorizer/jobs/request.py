"""What a user asks for, made ready to run: inputs found, outputs planned, the model known, memory shared out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from colorizer.errors import OptionRef, OutputError, Remedy, UsageError, shown
from colorizer.guidance.files import SUFFIX
from colorizer.io.address import Address, Remote
from colorizer.io.anywhere import ANYWHERE, of_job
from colorizer.io.atomic import remove_leftovers
from colorizer.io.machine import usable_memory
from colorizer.io.storage import Storage
from colorizer.jobs.batch import Batch, Run
from colorizer.jobs.discover import Filter, about_films, discover
from colorizer.jobs.executors.base import Executor
from colorizer.jobs.executors.cluster.executor import Limits, RayExecutor, Sight
from colorizer.jobs.executors.local import StartedProcesses, local_executor
from colorizer.jobs.memory import DEFAULT_FRACTION, affordable_processes, process_memory
from colorizer.jobs.plan import Naming, Task, is_output_folder, plan
from colorizer.jobs.run import OutputPolicy
from colorizer.media import READABLE_SUFFIXES, SUFFIXES, Output, colored_suffix, suffix_by_content, target_format
from colorizer.media.formats import WHAT_IS_READ
from colorizer.networks import Model, resolve_model
from colorizer.settings import Settings

_MOST_LOOKED_AT = 8
"""Folders that each machine of a cluster is asked about."""

ONE_BESIDE = "photo" + SUFFIX
"""What the hints file of `photo.jpg` is called."""


@dataclass(frozen=True)
class Request:
    """A job as the user names it.

    Attributes
    ----------
    inputs
        Files, folders and patterns.
    output
        A file, a folder, or None for results beside their inputs.
    settings, policy
        How pictures are coloured and written.
    name_filter
        Which files of folders are meant.
    infix
        What goes before the suffix of an output's name; None for the usual.
    overwrite, update
        What is done again, see `Batch`.
    jobs
        How many processes; None: one for each core, while there is memory for their networks.
    memory
        Bytes for the pictures under way; None: half of what this process may use.
    cluster
        The cluster whose machines do the work, `auto` or its address; `jobs` and `memory` are then how many processes
        at most, and bytes on each machine. None: this machine.
    """

    inputs: Sequence[Address]
    output: Address | None
    settings: Settings
    policy: OutputPolicy
    name_filter: Filter = Filter()
    infix: str | None = None
    overwrite: bool = False
    update: bool = False
    jobs: int | None = None
    memory: int | None = None
    cluster: str | None = None


@dataclass(frozen=True)
class Prepared:
    """A job that can be run.

    Attributes
    ----------
    batch
        What will be done.
    model
        With which network.
    others
        How many files of the folders are neither pictures nor films.
    films
        Films in the folders, which a job of pictures leaves alone.
    """

    batch: Batch
    model: Model
    others: int
    films: tuple[Address, ...]

    def start(self) -> Run:
        """Make the output folder, where it is new, clear away what a killed run has left, and begin.

        Raises
        ------
        OutputError
            The folder cannot be made.
        """
        root = self.batch.root
        if root is not None:
            make_ready(root, self.batch.storage)
        else:
            for folder in {task.target.parent for task in self.batch.tasks if isinstance(task.target, Path)}:
                remove_leftovers(folder, below=False)
        return Run(self.batch, self.model)


def make_ready(root: Address, storage: Storage = ANYWHERE) -> None:
    """Make an output folder where it is new, and clear away what a killed run has left in it; elsewhere, list it.

    Raises
    ------
    OutputError
        It cannot be made, or a server does not answer.
    """
    try:
        storage.make_folder(root)
    except OSError as error:
        remedy = getattr(error, "remedy", Remedy.ANOTHER_FOLDER)
        raise OutputError(f"{shown(root)}: the folder cannot be made ({error.strerror})", remedy=remedy) from error
    storage.survey(root)
    if isinstance(root, Path):
        remove_leftovers(root)


def refuse_times(writing: Output, target: Address) -> None:
    """Refuse to give a result the times of its original where that cannot be done.

    Raises
    ------
    UsageError
        It goes to a store.
    """
    if writing.keep_times and isinstance(target, Remote):
        raise UsageError("a store gives times itself; leave it out", option="keep_times")


def naming(writing: Output, infix: str | None = None, storage: Storage = ANYWHERE) -> Naming:
    """How results are called, by how they are written; `infix` goes before the suffix, None for the usual."""
    return Naming(
        tuple(SUFFIXES),
        lambda suffix: colored_suffix(suffix, writing),
        lambda source: colored_suffix(suffix_by_content(source, storage), writing),
        infix,
    )


def prepare(
    request: Request,
    *,
    executor: Executor | None = None,
    started: StartedProcesses | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> Prepared:
    """Find everything that can be wrong with a job before it starts.

    Parameters
    ----------
    request
        The job.
    executor
        Who does the work; None: the cluster that the request names, or else as many processes of this machine as
        `request.jobs` and `request.memory` say.
    started
        Processes that have been started already, for these to begin with.
    say
        Told what a user should know of machines of a cluster.

    Raises
    ------
    UsageError
        Inputs, outputs and options do not fit together.
    InputError
        A folder cannot be read.
    OutputError
        The output's suffix is unknown.
    WeightsError
        The model is missing or damaged.
    """
    output = request.output
    writing = request.policy.output
    storage = of_job((*request.inputs, output), ahead=executor is None and request.cluster is None)
    selection = discover(
        request.inputs, tuple(READABLE_SUFFIXES), name_filter=request.name_filter, output=output, storage=storage
    )
    if not selection.pictures:
        nothing = f"no pictures found in {', '.join(map(shown, request.inputs)) or 'an empty list'}"
        if selection.films:
            raise UsageError(about_films(selection.films).about(nothing, "; "))
        raise UsageError(f"{nothing}; check the name, or name the files themselves: {WHAT_IS_READ} are read")
    if request.policy.guiding.for_one and (selection.folder or len(selection.pictures) > 1):
        what = OptionRef("hints" if request.policy.guiding.file else "hint")
        raise UsageError(
            f"is for one picture; for several, put {ONE_BESIDE} beside each, and they are found", option=what
        )
    named = naming(writing, request.infix, storage)
    tasks = plan(selection.pictures, output, named, folder=selection.folder, storage=storage)
    storage.look_up(task.source for task in tasks)
    refuse_times(writing, tasks[0].target)
    if tasks[0].target == output:
        target_format(output, writing)
    settings = request.settings
    model = resolve_model(settings.model, prototxt=settings.prototxt, weights_dir=settings.weights_dir)
    if executor is None and request.cluster is not None:
        executor = _on_cluster(request, request.cluster, tasks, model, say)
    if executor is None:
        budget = request.memory or int(usable_memory() * DEFAULT_FRACTION)
        executor = local_executor(request.jobs or affordable_processes(model, settings), budget, started)
    several = selection.folder or len(tasks) > 1
    into = output is not None and is_output_folder(output, named.suffixes, several=several, storage=storage)
    batch = Batch(
        tasks=tasks,
        settings=settings,
        policy=request.policy,
        root=output if selection.folder or into else None,
        overwrite=request.overwrite,
        update=request.update,
        executor=executor,
        storage=storage,
    )
    return Prepared(batch, model, selection.others, selection.films)


def _on_cluster(
    request: Request, address: str, tasks: Sequence[Task], model: Model, say: Callable[[str], None]
) -> Executor:
    limits = Limits(
        min(request.jobs or len(tasks), len(tasks)), request.memory, process_memory(model, request.settings)
    )
    # what lies elsewhere, all machines reach by its address
    sources = list({task.source.parent: task.source for task in tasks if isinstance(task.source, Path)}.values())
    targets = list(dict.fromkeys(task.target.parent for task in tasks if isinstance(task.target, Path)))
    # a folder that is yet to be made is there by the time that machines are asked for it
    inside = isinstance(request.output, Path) and tasks[0].target != request.output
    folders = [request.output] if inside and isinstance(request.output, Path) else targets
    return RayExecutor(address, limits, Sight(sources[:_MOST_LOOKED_AT], folders[:_MOST_LOOKED_AT]), say)
