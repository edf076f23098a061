"""`colorize completion SHELL`, and what is answered when a shell asks how a line may go on.

click speaks the shells' protocols; it is told here of the commands beside the default one, and of models.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping

import click
from click.shell_completion import BashComplete, CompletionItem, ShellComplete, get_completion_class

from colorizer.cli.commands import load_command
from colorizer.errors import ColorizerError, ExitStatus

COMPLETION_VARIABLE = "_COLORIZE_COMPLETE"
"""Set by the shell's script, to what it asks: `bash_complete`, `zsh_source`, ..."""

SHELLS = ("bash", "zsh", "fish")

BASH = """\
%(complete_func)s() {
    local IFS=$'\\n' response kind value
    COMPREPLY=()
    response=$(env COMP_WORDS="${COMP_WORDS[*]}" COMP_CWORD=$COMP_CWORD %(complete_var)s=bash_complete "$1")
    compopt -o filenames
    for response in $response; do
        kind=${response%%%%,*} value=${response#*,}
        case $kind in
            dir) COMPREPLY+=($(compgen -d -- "${COMP_WORDS[COMP_CWORD]}")) ;;
            file) COMPREPLY+=($(compgen -f -- "${COMP_WORDS[COMP_CWORD]}")) ;;
            *) COMPREPLY+=("$value") ;;
        esac
    done
}
complete -o nosort -F %(complete_func)s %(prog_name)s
"""
"""click's own script forgets commands where files are offered too."""


class _Bash(BashComplete):
    source_template = BASH

    @staticmethod
    def _check_version() -> None:
        """Not by starting a bash, which need not be the one that asks; `compopt` came with bash 4."""


@click.command(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.argument("shell", type=click.Choice(SHELLS))
def completion(shell: str) -> int:
    """Print a script that lets the shell complete commands, options, files and the names of networks.

    \b
      eval "$(colorize completion bash)"        in ~/.bashrc
      eval "$(colorize completion zsh)"         in ~/.zshrc
      colorize completion fish > ~/.config/fish/completions/colorize.fish
    """  # noqa: D301 - click's mark for lines to leave as they are
    click.echo(_completer(shell, click.Command("colorize")).source())
    return ExitStatus.DONE


def answer(instruction: str, commands: Mapping[str, str], default: Callable[[list[str]], str]) -> int:
    """Print how the line in the environment may go on.

    Parameters
    ----------
    instruction
        What the shell asks, such as `bash_complete`.
    commands
        The commands beside the default one, and where they are.
    default
        Where the command is that is meant by arguments that begin with none of these.
    """
    shell, _, asked = instruction.partition("_")
    if shell not in SHELLS or asked != "complete":
        return ExitStatus.WRONG_USE
    words, incomplete = _completer(shell, click.Command("colorize")).get_completion_args()
    named = words[0] if words and words[0] in commands else None
    command = load_command(commands[named] if named else default(words))
    completer = _completer(shell, command)
    items = completer.get_completions(words[1:] if named else words, incomplete)
    if not words and not incomplete.startswith("-"):
        items = [*_named(commands, incomplete), *items]
    for item in items:
        click.echo(completer.format_completion(item))
    return ExitStatus.DONE


def complete_models(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Names of networks that are here or can be had."""
    from colorizer.networks.catalog import load_catalog
    from colorizer.networks.inventory import inventory
    from colorizer.networks.store import open_store

    with contextlib.suppress(ColorizerError):
        items = inventory(open_store(None), load_catalog())
        return [CompletionItem(item.name, help=item.title) for item in items if item.name.startswith(incomplete)]
    return []


def complete_models_or_files(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Names of networks, and files that may be one."""
    automatic = [CompletionItem("auto", help="the best that is installed")] if "auto".startswith(incomplete) else []
    return [*automatic, *complete_models(ctx, param, incomplete), CompletionItem(incomplete, type="file")]


def _named(commands: Mapping[str, str], incomplete: str) -> list[CompletionItem]:
    names = [name for name in commands if name.startswith(incomplete)]
    return [CompletionItem(name, help=load_command(commands[name]).get_short_help_str()) for name in names]


def _completer(shell: str, command: click.Command) -> ShellComplete:
    kind = _Bash if shell == "bash" else get_completion_class(shell)
    assert kind is not None  # noqa: S101 - one of SHELLS, which click knows
    return kind(command, {}, "colorize", COMPLETION_VARIABLE)
