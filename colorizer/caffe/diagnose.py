"""What a file is that is no Caffe file: most failures to load a network begin with such a one.

Downloads go wrong in a few well-known ways (a Git LFS pointer, a web page, an archive) and users mix up formats. Each
is known by its first bytes, and each gets a message of its own, so that no parser's puzzlement is the first thing a
user hears. Whether a file of the right kind is intact is the readers' business.
"""

from __future__ import annotations

import os
import shlex
import stat
import subprocess
import zipfile
from pathlib import Path
from typing import Literal

from colorizer.errors import Remedy, WeightsError, shown

HEAD_BYTES = 4096
"""Enough of a file to know it by; the first line of a web page may follow a screen of white space."""

FileKind = Literal["caffemodel", "prototxt"]

_MEANT = {"caffemodel": "a network's weights (a .caffemodel)", "prototxt": "a network's description (a .prototxt)"}
_ZIP = b"PK\x03\x04"
_GZIP = b"\x1f\x8b"
_HTML = (b"<!doctype html", b"<html", b"<head", b"<?xml", b"<!--")
_ARCHIVES = {
    b"\xfd7zXZ\x00": "xz archive",
    b"BZh": "bzip2 archive",
    b"7z\xbc\xaf\x27\x1c": "7-Zip archive",
    b"Rar!\x1a\x07": "RAR archive",
}
_PICTURES = {
    b"\x89PNG\r\n": "PNG picture",
    b"\xff\xd8\xff": "JPEG picture",
    b"GIF8": "GIF picture",
    b"II*\x00": "TIFF picture",
    b"MM\x00*": "TIFF picture",
}
_OTHERS = {
    b"\x89HDF\r\n": "HDF5 file",
    b"\x93NUMPY": "NumPy array",
    b"%PDF": "PDF document",
}
_TORCH_MEMBERS = ("data.pkl", "constants.pkl")
_PICKLE_PROTOCOLS = range(2, 6)
_ONNX_IR_LIMIT = 32
_ONNX_SECOND_KEYS = b"\x12\x1a\x22\x28\x32\x3a\x42"  # producer .. graph, opset_import: fields 2 to 8 of a ModelProto
_CAFFEMODEL_STARTS = (b"\n", b"\x12", b"\xa2\x06")  # NetParameter: name, layers, layer
_PROTOTXT_WORDS = (b"name:", b"layer {", b"layer{", b"layers {", b"layers{", b"input:", b"input_dim:", b"input_shape")


def diagnose(path: Path, meant: FileKind = "caffemodel") -> None:
    """Return if the file may be what is meant, else say what it is.

    Parameters
    ----------
    path
        The file that was given.
    meant
        What is to be read from it.

    Raises
    ------
    WeightsError
        The file is missing, no file, empty, or known to be something else.
    """
    head = _head(path)
    name = shown(path)
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if text.startswith(b"version https://git-lfs"):
        raise WeightsError(f"{name} is a Git LFS pointer, not the file itself", remedy=Remedy.FETCH_FROM_LFS)
    if text.lower().startswith(_HTML):
        raise WeightsError(
            f"{name} is a web page, not {_MEANT[meant]}: the download was answered with a page; "
            "delete it and download again from another place"
        )
    if head.startswith(_GZIP):
        raise _gzip_error(path)
    if head.startswith(_ZIP):
        raise _zip_error(path)
    if head[:1] == b"\x80" and len(head) > 1 and head[1] in _PICKLE_PROTOCOLS:
        raise _torch_error(name)
    if _is_onnx(head):
        raise WeightsError(f"{name} is an ONNX model, not {_MEANT[meant]}; give the Caffe file")
    for kinds, remedy in ((_ARCHIVES, "unpack it first"), (_PICTURES, _correct(meant)), (_OTHERS, _correct(meant))):
        for signature, kind in kinds.items():
            if head.startswith(signature):
                raise WeightsError(f"{name} is a {kind}, not {_MEANT[meant]}; {remedy}")
    if meant == "caffemodel" and _is_prototxt(text):
        raise WeightsError(f"{name} is a prototxt, not {_MEANT['caffemodel']}; give the .caffemodel that belongs to it")
    if meant == "prototxt" and _is_binary(head):
        kind = "a caffemodel" if head.startswith(_CAFFEMODEL_STARTS) else "no text"
        raise WeightsError(f"{name} is {kind}, not {_MEANT['prototxt']}; give the .prototxt")


def _head(path: Path) -> bytes:
    name = shown(path)
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise WeightsError(f"{name} is a folder, not a file; give the file in it")
        if not stat.S_ISREG(status.st_mode):
            raise WeightsError(f"{name} is no regular file; give a file on disk")
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
    except FileNotFoundError as error:
        raise WeightsError(f"{name} does not exist", remedy=Remedy.CHECK_OR_DOWNLOAD) from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "no file can have this name"
        raise WeightsError(f"cannot read {name}: {reason}; check the path and its permissions") from error
    if not head:
        raise WeightsError(f"{name} is empty; delete it and download it again")
    return head


def _correct(meant: FileKind) -> str:
    return f"give the .{meant} file"


def _command(*words: str) -> str:
    return subprocess.list2cmdline(words) if os.name == "nt" else shlex.join(words)


def _gzip_error(path: Path) -> WeightsError:
    name = shown(path)
    text = f"{name} is compressed with gzip"
    if path.suffix == ".gz":
        return WeightsError(text, remedy=Remedy.UNPACK, command=_command("python", "-m", "gzip", "-d", name))
    renamed = f"{name}.gz"
    command = _command("python", "-m", "gzip", "-d", renamed)
    return WeightsError(text, remedy=Remedy.RENAME_AND_UNPACK, renamed=renamed, command=command)


def _zip_error(path: Path) -> WeightsError:
    name = shown(path)
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.namelist()
    except (OSError, ValueError, NotImplementedError, zipfile.BadZipFile):
        return WeightsError(f"{name} is a damaged zip archive; download it again")
    if any(member.rsplit("/", 1)[-1] in _TORCH_MEMBERS for member in members):
        return _torch_error(name)
    unpack = _command("python", "-m", "zipfile", "-e", name, shown(path.parent))
    return WeightsError(f"{name} is a zip archive", remedy=Remedy.UNPACK_AND_GIVE, command=unpack)


def _torch_error(name: str) -> WeightsError:
    return WeightsError(
        f"{name} is a PyTorch model (.pth), which holds the weights in another form", remedy=Remedy.GET_RELEASE
    )


def _is_onnx(head: bytes) -> bool:
    """A ModelProto begins with its ir_version (field 1, a small number), which no NetParameter does."""
    return len(head) > 2 and head[0] == 0x08 and 0 < head[1] < _ONNX_IR_LIMIT and head[2] in _ONNX_SECOND_KEYS


def _is_binary(head: bytes) -> bool:
    return b"\x00" in head or any(byte < 0x20 and byte not in b"\t\n\v\f\r" for byte in head)


def _is_prototxt(text: bytes) -> bool:
    """Text whose first line that is neither blank nor a comment begins like a network's description."""
    if _is_binary(text):
        return False
    lines = (line.strip() for line in text.splitlines())
    first = next((line for line in lines if line and not line.startswith(b"#")), b"")
    return first.startswith(_PROTOTXT_WORDS)
