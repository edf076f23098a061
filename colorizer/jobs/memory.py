"""How much memory pictures and networks take while they are worked on, and so how many go side by side."""

from __future__ import annotations

from PIL import Image

from colorizer.io.address import Address
from colorizer.io.anywhere import ANYWHERE
from colorizer.io.machine import usable_cores, usable_memory
from colorizer.io.storage import Storage
from colorizer.networks import Model
from colorizer.settings import DEFAULT_SIZE, Settings

DEFAULT_FRACTION = 0.5
"""Of the memory this process may use; the rest is for the networks, the system and the user's other programs."""

PROCESS_MEMORY = 128 << 20
"""Bytes that a process takes before it has a network."""

NETWORK_EXPANSION = 5
"""Bytes that a network takes at most for a byte of its weights, in the engine that wants most of them."""

BYTES_PER_PIXEL_SEEN = 400
"""What a pass holds for each pixel that the network sees beyond the usual size: its widest layers, and logits."""

GUIDED_BYTES = 64 << 20
"""What hints on a picture take, whatever its size: see `colorizer.guidance.session`."""

BYTES_PER_PIXEL_DESCRIBED = 8000
"""The same of networks of other people: measured in ONNX Runtime, DeOldify's layers at full and half size take 7,600
beyond what its weights are counted for, and DDColor's decoder of 512 channels 4,500."""

RESULT_CHANNELS = 3

CODEC_BYTES_PER_SAMPLE = 2
"""Encoded data and codecs' buffers, beside the decoded samples: generous for what does not compress at all."""

UNKNOWN_EXPANSION = 20
"""Decoded bytes per byte of a file whose header tells nothing."""

_DEEP_MODES: dict[str, int] = {"I": 4, "F": 4, "I;16": 2, "I;16B": 2, "I;16L": 2}


def memory_needed(path: Address, storage: Storage = ANYWHERE) -> int:
    """Bytes that a picture needs at most while it is decoded, coloured and encoded, as far as its header tells.

    Input and output are whole in memory, and codecs have buffers of their own. A file that cannot be read needs
    nothing, since it fails at once.
    """
    found = storage.stamp(path)
    if found is None:
        return 0
    try:
        with storage.open_read(path, peek=True) as file, Image.open(file) as image:
            width, height = image.size
            sample = _DEEP_MODES.get(image.mode, 1)
            # Pillow calls 16-bit RGB by an 8-bit name; the file's length gives it away, and guards against both errors
            samples = width * height * (len(image.getbands()) + RESULT_CHANNELS)
    except Image.DecompressionBombError:
        return UNKNOWN_EXPANSION * max(found.size, 1 << 30)
    except Exception:
        return UNKNOWN_EXPANSION * found.size
    needed: int = samples * (sample + CODEC_BYTES_PER_SAMPLE) + 2 * found.size
    return needed


def affordable_processes(model: Model, settings: Settings | None = None) -> int:
    """How many processes, each with a network of its own, to have at a time: one for each core, if there is room."""
    room = usable_memory() * (1 - DEFAULT_FRACTION)
    return max(1, min(usable_cores(), int(room / process_memory(model, settings))))


def process_memory(model: Model, settings: Settings | None = None) -> int:
    """Bytes that a process takes with a network of its own, beside the picture that it is at."""
    largest = model.sizes_for(settings or Settings())[-1]
    if model.descriptor is None:
        seen = BYTES_PER_PIXEL_SEEN * max(0, largest**2 - DEFAULT_SIZE**2)
    else:
        seen = BYTES_PER_PIXEL_DESCRIBED * largest**2
    return PROCESS_MEMORY + NETWORK_EXPANSION * model.weights_size + seen
