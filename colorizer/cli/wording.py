"""How the command line spells what the library says: options as flags, remedies as what to type."""

from __future__ import annotations

from typing import TypeAlias

from colorizer.errors import ColorizerError, Message, OptionRef, Remedy

Said: TypeAlias = Message | ColorizerError | str
"""What the library says: an error, a message, or words that name no option and no command."""

REMEDIES: dict[Remedy, str] = {
    Remedy.LEAVE_OUT: "leave out {what}",
    Remedy.TAKE: "take {what}",
    Remedy.CHOOSE: "choose {what}",
    Remedy.CHOOSE_ANOTHER: "choose another {what}",
    Remedy.CHOOSE_OUTPUT: "choose {what} with -o",
    Remedy.ANOTHER_OUTPUT: "choose another place with -o",
    Remedy.ANOTHER_NAME: "give another name with -o",
    Remedy.SHORTER_NAME: "give a shorter name with -o",
    Remedy.ANOTHER_FOLDER: "choose another folder with -o",
    Remedy.ANOTHER_FORMAT: "write another format with --format",
    Remedy.MORE_ROOM: "free some space, or choose another place with -o",
    Remedy.IF_TRUSTED: "if the file can be trusted: {what}",
    Remedy.ANOTHER_STORE: "make room or name another folder: --weights-dir DIR, or COLORIZER_HOME",
    Remedy.LOCAL_STORE: "name a folder on a local disk with --weights-dir",
    Remedy.COLOR_FILMS: "for films: colorize {films}",
    Remedy.OVERWRITE: "--overwrite replaces it",
    Remedy.WRITE_PNG: "make PNG of them: ffmpeg -i {names} -pix_fmt rgb48be frames/%06d.png",
    Remedy.WRITE_YUV4MPEG2: "write one with ffmpeg ... -f yuv4mpegpipe -strict -1 -",
    Remedy.INSTALL_EXTRA: "pip install 'colorize-photos[{extra}]'",
    Remedy.DOWNLOAD_MODEL: "get it with: colorize weights download {model}",
    Remedy.VERIFY_OR_TRY: "run `colorize weights verify`, or try {what}",
    Remedy.INSTALL_PACKAGE: "pip install {package}",
    Remedy.REINSTALL: "try pip install --force-reinstall {package}",
    Remedy.INSTALL_OPENCV: "on a machine without a screen install opencv-python-headless in place of opencv-python: "
    "pip uninstall opencv-python; pip install 'opencv-python-headless>=4.10'",
    Remedy.GET_CUDA: "for CUDA, either `pip uninstall onnxruntime` and `pip install onnxruntime-gpu`, or build OpenCV "
    "with -D WITH_CUDA=ON -D WITH_CUDNN=ON -D OPENCV_DNN_CUDA=ON",
    Remedy.BUILT_IN_TABLE: "leave --bin-centres out to use the built-in table",
    Remedy.GIVE: "give {what}",
    Remedy.GIVE_WEIGHTS: "with --prototxt, {what} takes the .caffemodel",
    Remedy.NAME_IT: "name it with {what}",
    Remedy.NAME_BOTH: "give it to {what}, and the prototxt to {other}",
    Remedy.NAME_A_MODEL: "{what} takes a name or the path of a {kinds}",
    Remedy.OR_USE: "or use {what}",
    Remedy.NAME_TO_IMPORT: "to take it all the same, give it a name of your own with {what}",
    Remedy.ANOTHER_NAME_OR_REMOVE: "choose another one, or first: colorize weights remove {model}",
    Remedy.USE_MODEL: "use it with: colorize --model {model}",
    Remedy.RICHER_COLORS: "for richer colours: colorize weights download {model}",
    Remedy.REPLACE_MODEL: "replace it with: colorize weights download {model}",
    Remedy.IMPORT_AGAIN: "run `colorize weights remove {model}` and import it again",
    Remedy.IMPORT_AS: "get it there and run: colorize weights import FILE... --name {model}",
    Remedy.LIST_MODELS: "`colorize weights list` shows which there are; one of your own is given by its path, "
    "such as {path}",
    Remedy.CHECK_OR_DOWNLOAD: "check the path, or run `colorize weights download`",
    Remedy.GET_RELEASE: "give the Caffe release's .caffemodel (`colorize weights download`)",
    Remedy.FETCH_FROM_LFS: "run `git lfs pull` where it came from, or download the file",
    Remedy.UNPACK: "unpack it with `{command}`",
    Remedy.RENAME_AND_UNPACK: "rename it to {renamed} and unpack it with `{command}`",
    Remedy.UNPACK_AND_GIVE: "unpack it with `{command}` and give the file in it",
    Remedy.BRING_FILE: "leave out {what} and COLORIZER_OFFLINE, or bring the file from another machine and run: "
    "colorize weights import {file}",
    Remedy.FIND_FILE: "no place is known that still serves it: find the file ({known_by}) and run: "
    "colorize weights import {file}",
    Remedy.ANOTHER_MIRROR: "try again later, name another source with {what}, or bring the file and run: "
    "colorize weights import {file}",
    Remedy.IMPORT_LOCAL_FILE: "a file on this machine comes in with: colorize weights import FILE",
    Remedy.READ_AS_CAFFE: "run it with --engine opencv, on OpenCV 4",
    Remedy.EXPORT_TO_ONNX: "export the network to ONNX where it was trained (torch.onnx.export), and run: "
    "colorize weights import NET.onnx",
    Remedy.DESCRIBE: "describe it by a descriptor (docs/networks.md)",
    Remedy.SAY_ON_IMPORT: "say it with: colorize weights import FILE {what}",
    Remedy.IMPORT_MODEL: "run `colorize weights import FILE` again, or mend its descriptor",
    Remedy.START_CLUSTER: "start one with `ray start --head`, and on other machines `ray start --address HOST:6379`",
    Remedy.ANOTHER_PORT: "stop that, or take another one with {what} (0 takes a free one)",
    Remedy.SMALLER_SHARE: "take a smaller --validation-share, or more photographs",
    Remedy.LARGER_SHARE: "take a larger --validation-share, more photographs, or others with --validate",
    Remedy.SMALLER_BATCH: "take fewer pictures at a time with --batch, or a smaller --size",
    Remedy.ANOTHER_RUN: "choose another folder with --out, or give the command that this one was begun with",
    Remedy.GO_ON: "free some space; what was trained until {when} is kept, and the same command goes on from there",
}
"""The words for each kind; a test holds them to be complete, and to use the same values as the library's."""

_SPELLINGS = {"output": "-o"}
"""Options whose flag is not their name."""


def flag(option: OptionRef | str) -> str:
    """An option, given by its name in Python, as it is typed; with its value where there is one."""
    option = OptionRef(option) if isinstance(option, str) else option
    name = _SPELLINGS.get(option.name, "--" + option.name.replace("_", "-"))
    return f"{name} {option.value}" if option.value else name


def counted(count: int, noun: str) -> str:
    """So many of something: "1 picture", "2 pictures"."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def worded(said: Said) -> str:
    """A message as the command line writes it."""
    if isinstance(said, ColorizerError):
        said = said.message
    return said if isinstance(said, str) else said.spelled(flag, REMEDIES.__getitem__)
