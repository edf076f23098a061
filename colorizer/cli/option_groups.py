"""Where each option stands in a command's help, and the everyday words for those that most people use.

A new option goes into a group of `--help-all`; into `--help` only where most people would want it.
"""

from __future__ import annotations

from colorizer.cli.helping import Guide

_ABOUT = ("help", "help_all")

_NETWORK = ("model", "prototxt", "bin_centres", "weights_dir", "fit", "size", "fast")
_COLORS = ("temperature", "saturation", "strength", "keep_color", "compat")
_MACHINE = ("engine", "precision", "device", "threads")

PICTURES = Guide(
    everyday={
        "Where results go": {
            "output": "File or folder to write. Without it, photo.color.jpg beside photo.jpg.",
            "overwrite": "Replace results that exist; without it they are kept.",
            "compare": "Also write before and after, side by side.",
            "dry_run": "Only list what would be done.",
        },
        "The colours": {
            "model": "Which network guesses the colours: lite is built in, zhang16 is larger and has richer colours. "
            "Without it, the best that is installed.",
            "saturation": "1.3 for stronger colours, 0.7 for paler ones.",
            "temperature": "Towards 0.1 vivid and patchy, towards 1 calm.",
            "strength": "0.5 goes only half the way from the picture as it is to the new colours.",
            "keep_color": "Leave colour photographs as they are, and colour the others.",
        },
        "What you know of the colours": {
            "hint": "A place and its colour: 0.42,0.61=#b03028 (from the left and the top), or =navy, =grey, =keep.",
        },
        "The files": {
            "format": "Such as png or tiff. Without it, what the result's name says.",
            "quality": "Of JPEG and its like; 95 unless you say otherwise.",
        },
        "What is said": {
            "quiet": "Say nothing but errors.",
            "verbose": "Say what is used and how long it takes.",
        },
    },
    groups={
        "Which pictures": ("files_from", "include", "exclude", "max_pixels"),
        "Where results go": ("output", "suffix", "overwrite", "update", "dry_run", "fail_fast", "compare", "sheet"),
        "The colours": _COLORS,
        "What you know of the colours": (
            "hint",
            "hints",
            "no_hints",
            "carry",
            "reference",
            "reference_as",
            "palette",
            "variants",
            "variant",
        ),
        "The network": _NETWORK,
        "The files": ("format", "quality", "subsampling", "profile", "keep_luma", "no_mark", "keep_times"),
        "The machine": (*_MACHINE, "jobs", "memory", "cluster"),
        "What is said": ("report", "progress", "quiet", "verbose", "version", *_ABOUT),
    },
    more="Every option: colorize --help-all.",
    details="Exit status: 0 all done, 1 some pictures failed, 2 wrong use or missing weights, 130 interrupted. Each "
    "option may come from the environment: COLORIZE_MODEL, COLORIZE_SATURATION, ...",
)

FILMS = Guide(
    everyday={
        "Where results go": {
            "output": "File to write; its name says the kind, such as out.mkv. Without it, film.color.mp4 beside "
            "film.mp4.",
            "preview": "First look: only N pictures from the film, before and after, on one sheet.",
            "compare": "Also write before and after as one film.",
            "overwrite": "Replace a result that exists; without it it is kept.",
        },
        "Which part": {
            "start": "Begin here: seconds, or hours:minutes:seconds.",
            "end": "Stop here.",
        },
        "The colours": {
            "model": "Which network guesses the colours: lite is built in, zhang16 is larger and has richer colours.",
            "saturation": "1.3 for stronger colours, 0.7 for paler ones.",
            "keep_color": "Leave scenes that are in colour as they are.",
            "every": "auto is several times as fast: the network looks only when the picture changes.",
        },
        "What you know of the colours": {
            "references_out": "Only write a picture of each shot, to be corrected in an editor.",
            "references": "Pictures of the film in colour, such as those corrected ones: their shots follow them.",
        },
        "The file": {
            "codec": "Such as h265 or ffv1. Without it, h264, which plays everywhere.",
        },
        "What is said": {
            "quiet": "Say nothing but errors.",
        },
    },
    groups={
        "Where frames come from and go": ("output", "y4m", "rawvideo", "overwrite", "dry_run", "start", "end"),
        "A first look": ("preview", "shots", "compare", "compare_as"),
        "The colours": (*_COLORS, "steadiness", "every", "match_shots"),
        "What you know of the colours": (
            "references",
            "references_out",
            "reference",
            "reference_as",
            "palette",
            "hints",
            "no_hints",
            "carry",
        ),
        "The network": _NETWORK,
        "The file": (
            "codec",
            "crf",
            "preset",
            "hardware",
            "pixel_format",
            "audio_codec",
            "no_audio",
            "deinterlace",
            "no_mark",
        ),
        "The machine": (*_MACHINE, "cluster"),
        "What is said": ("report", "progress", "quiet", "verbose", *_ABOUT),
    },
    more="Every option: colorize video --help-all.",
    details="Exit status: 0 all done, 1 some films failed, 2 wrong use or missing weights, 130 interrupted, 143 "
    "terminated; the same command then goes on.",
)

WATCHING = Guide(
    everyday={
        "Where results go": {
            "output": "Folder for the results, made if it is new.",
            "report": "Also write a line for each picture into this file.",
        },
        "When a picture is complete": {
            "settle": "When its file has been at rest for so long; 2 unless you say otherwise.",
            "polling": "on to look at the folder now and then, where the system does not tell of changes.",
            "interval": "Time between two such looks; 10 unless you say otherwise.",
        },
        "The colours": {
            "model": "Which network guesses the colours: lite is built in, zhang16 is larger and has richer colours.",
            "saturation": "1.3 for stronger colours, 0.7 for paler ones.",
            "keep_color": "Leave colour photographs as they are, and colour the others.",
        },
        "What is said": {
            "quiet": "Say nothing but errors.",
            "verbose": "Say what is used and how long it takes.",
        },
    },
    groups={
        "When a picture is complete": ("settle", "polling", "interval"),
        "Which pictures": ("include", "exclude", "max_pixels"),
        "Where results go": ("output", "suffix", "update", "compare"),
        "The colours": _COLORS,
        "What you know of the colours": ("no_hints", "carry", "reference", "reference_as", "palette", "variant"),
        "The network": _NETWORK,
        "The files": ("format", "quality", "subsampling", "profile", "keep_luma", "no_mark", "keep_times"),
        "The machine": (*_MACHINE, "jobs", "memory"),
        "What is said": ("report", "quiet", "verbose", *_ABOUT),
    },
    more="Every option: colorize watch --help-all. As a service: docs/watch.md.",
    details="Exit status: 0 stopped, 2 wrong use or missing weights, 130 stopped at once. Each option may come from "
    "the environment: COLORIZE_MODEL, COLORIZE_SETTLE, ...",
)

TRAINING = Guide(
    everyday={
        "What to train, and where to": {
            "listing": "Tell which networks there are; with a network's name, all of its recipe.",
            "out": "Folder for the network and its report. The same command goes on where it was broken off.",
            "start": "Begin from what was trained before; for lite: --start lite.",
        },
        "How long": {
            "minutes": "So long at most.",
            "epochs": "Meet each photograph so often.",
            "patience": "Stop after so many measurements that were no better.",
        },
        "The photographs": {
            "validate": "Others to measure on. Without it a tenth of them is kept apart.",
        },
        "How": {
            "size": "Side in pixels of what the network sees.",
            "batch": "Pictures at a time; fewer need less memory.",
            "encoder_weights": "Weights for the encoder that some networks borrow.",
        },
        "What is said": {
            "quiet": "Say nothing but errors.",
        },
    },
    groups={
        "What to train, and where to": ("listing", "out", "start", "encoder_weights"),
        "The photographs": ("validate", "validation_share", "validation_pictures"),
        "How long": ("epochs", "steps", "minutes", "patience", "save_every"),
        "How": ("size", "batch", "rate", "seed", "precision", "settings"),
        "The machine": ("device", "threads"),
        "What is said": ("quiet", "verbose", *_ABOUT),
    },
    more="Every option: colorize train --help-all. See docs/training.md and docs/student-networks.md.",
)
