"""Sound in step with the pictures in AVI, which has no times: what begins later is preceded by silence.

Plain samples (PCM) are filled or cut to the sample. Of compressed sound only whole packets can be left out, and none
can be made; `AviSound.early` tells what then remains.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from colorizer.film.pyav import import_av

_PCM = re.compile(r"pcm_([suf])(\d+)(le|be)$")
_SILENT_BYTES = {"pcm_mulaw": b"\xff", "pcm_alaw": b"\xd5"}
"""Zero in the logarithmic codes of ITU-T G.711."""


def silence_of(codec: str) -> bytes | None:
    """The bytes of a silent sample; None of codecs that are not plain samples."""
    if codec in _SILENT_BYTES:
        return _SILENT_BYTES[codec]
    found = _PCM.match(codec)
    if not found:
        return None
    kind, bits, order = found[1], int(found[2]), found[3]
    value = 1 << (bits - 1) if kind == "u" else 0
    return value.to_bytes(bits // 8, "little" if order == "le" else "big")


class AviSound:
    """A stream of sound on its way into AVI.

    Parameters
    ----------
    stream
        PyAV's, of the sound as it is written.

    Attributes
    ----------
    early
        Seconds by which the sound comes too early, once its first packet has passed; negative if too late.
    """

    def __init__(self, stream: Any) -> None:
        context = stream.codec_context
        silent = silence_of({"pcm_u8": "pcm_u8le", "pcm_s8": "pcm_s8le"}.get(context.name, context.name))
        self._silent = None if silent is None else silent * context.layout.nb_channels
        self._rate = context.sample_rate
        self._begun = False
        self.early = Fraction(0)

    def aligned(self, packet: Any, target: Any) -> Iterator[Any]:
        """The packet, with silence before it where it is the first, or without what lies before the film's zero."""
        if self._begun:
            yield packet
            return
        start = (packet.pts if packet.pts is not None else packet.dts) * packet.time_base
        end = start + (packet.duration or 0) * packet.time_base
        if end <= 0 and start < 0:
            return
        self._begun = True
        if self._silent is None or start == 0:
            self.early = start
            yield packet
            return
        samples = round(start * self._rate)
        data, place = bytes(packet), 0
        if samples < 0:
            data = data[-samples * len(self._silent) :]
        while samples > place:  # a second at a time
            part = min(self._rate, samples - place)
            yield self._plain(self._silent * part, place, target)
            place += part
        yield self._plain(data, place, target)

    def _plain(self, data: bytes, place: int, target: Any) -> Any:
        """A packet of samples that begin at a place of the stream."""
        packet = import_av().Packet(data)
        packet.stream, packet.time_base = target, Fraction(1, self._rate)
        packet.pts = packet.dts = place
        packet.duration = len(data) // len(self._silent or data)
        packet.is_keyframe = True
        return packet
