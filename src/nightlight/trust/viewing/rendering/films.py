# SPDX-License-Identifier: Apache-2.0
"""Takes stills or fingerprints out of MP4 and WebM films. Sound is never decoded."""

from __future__ import annotations

import math
import time
from contextlib import contextmanager
from itertools import pairwise
from typing import TYPE_CHECKING, BinaryIO

import av
import av.audio.stream
import av.subtitles.stream  # loaded when a file has such a stream, which is too late inside
from av.error import EOFError as EndOfFile
from av.error import InvalidDataError
from av.stream import Discard

from nightlight.foundation import pdq
from nightlight.trust.viewing.rendering.decoders import Decoded, Raster, check_pixels, finish
from nightlight.trust.viewing.rendering.measuring import Found, FrameFound, until
from nightlight.trust.viewing.rendering.terms import MOST_HASHES, Kind, Limits, RenditionRefused, Wanted, Why

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from av.container import InputContainer
    from av.packet import Packet
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream
    from PIL.Image import Image

_CONTAINERS = {Kind.MP4: "mp4", Kind.WEBM: "webm"}
# Decoders that may be used at all, of the several hundred in the library.
_CODECS = "h264,hevc,mpeg4,vp8,vp9,libdav1d,av1"
_SEEK_FROM = 4.0  # seconds between stills from which looking for a key frame beats decoding on
_SHARE = 0.7  # of the processor time, for all stills together
_DAMAGED = 200  # pieces of a film that are passed over before it is given up
_EACH = 1.0  # seconds from one fingerprint to the next
_EARLY = 0.02  # of a step: a frame this little too early belongs to the next place
_GAP = 2  # places between key frames from which those between are decoded
_SHORT = 10.0  # seconds of film that are decoded at little cost, so that no place is left empty
_FILLING = 0.35  # of the processor time, for them
_UPRIGHT = {90: 8, 180: 3, 270: 6}  # the library counts degrees against the clock; EXIF has numbers


def decode(file: BinaryIO, kind: Kind, wanted: Wanted, limits: Limits) -> Decoded:
    """Return evenly spaced stills and the duration in seconds.

    Each still is the first at or after its place. In a film that is slow to decode it may lie before its place, as
    far as the processor time allows; ``at`` says where it lies.
    """
    with _opened(file, kind, limits) as (container, stream):
        duration = _duration(container, stream)
        rasters = tuple(_stills(container, stream, duration or 0.0, wanted, limits))
    if not rasters:
        raise RenditionRefused(Why.DAMAGED)
    return Decoded(rasters, duration=duration)


def measure(file: BinaryIO, kind: Kind, limits: Limits) -> Found:
    """Return the fingerprints of about one frame for each second, at most ``MOST_HASHES`` evenly spread.

    Key frames first: they are decoded without the frames between them, which is several times quicker. Only where they
    lie far apart the frames between are decoded too, from the beginning, as far as a share of the processor time goes.
    """
    with _opened(file, kind, limits) as (container, stream):
        duration = _duration(container, stream)
        sampler = _Sampler(stream, max(_EACH, (duration or 0.0) / MOST_HASHES), limits)
        asked: set[int] = set()

        def first_key_of_its_place(packet: Packet[VideoStream]) -> bool:
            place = sampler.place(None if packet.pts is None else float(packet.pts * packet.time_base))
            new = packet.is_keyframe and place not in asked
            if new:
                asked.add(place)
            return new

        deadline = until(limits)
        sampler.take(_frames(container, stream, chosen=first_key_of_its_place, deadline=deadline))
        gap = sampler.largest_gap(duration)
        if gap > _GAP or (gap > 1 and duration is not None and duration <= _SHORT):
            container.seek(stream.start_time or 0, stream=stream)
            stream.codec_context.skip_frame = "NONREF"  # what no other frame builds on: not needed either
            deadline = min(deadline, until(limits, _FILLING))
            sampler.take(_frames(container, stream, deadline=deadline))
        size = stream.codec_context.width, stream.codec_context.height
    if not sampler.found:
        raise RenditionRefused(Why.TOO_SLOW if time.process_time() > deadline else Why.DAMAGED)
    check_pixels(size, limits.pixels)
    frames = tuple(frame for _, frame in sorted(sampler.found.items()))
    return Found(*size, duration=duration, seen=sampler.seen, frames=frames)


class _Sampler:
    """Keeps the fingerprint of one frame for each place, which is a step long, in a film."""

    def __init__(self, stream: VideoStream, step: float, limits: Limits) -> None:
        self.start = float((stream.start_time or 0) * (stream.time_base or 0))
        self.step = step
        self.limits = limits
        self.found: dict[int, FrameFound] = {}
        self.seen = 0

    def place(self, seconds: float | None) -> int:
        """The number of the place in which a time lies."""
        return 0 if seconds is None else max(0, int((seconds - self.start) / self.step + _EARLY))

    def take(self, frames: Iterator[VideoFrame]) -> None:
        """Measure each frame whose place is still empty."""
        for frame in frames:
            self.seen += 1
            place = self.place(frame.time)
            if place >= MOST_HASHES:
                return
            if place not in self.found:
                check_pixels((frame.width, frame.height), self.limits.pixels)
                at = None if frame.time is None else round(max(0.0, frame.time - self.start), 3)
                fingerprint = pdq.of_luma(_luma(frame))
                self.found[place] = FrameFound(at, fingerprint.quality, fingerprint.hash)

    def largest_gap(self, duration: float | None) -> int:
        """How many places lie between neighbours at most; the end of the film is a neighbour too."""
        end = self.place(None if duration is None else self.start + duration)
        places = sorted({-1, *self.found, min(end, MOST_HASHES)})
        return max((after - before for before, after in pairwise(places)), default=MOST_HASHES)


def _luma(frame: VideoFrame) -> memoryview:
    """The grey of a frame in the full range from 0 to 255, without the bytes that fill up its lines."""
    grey = frame.reformat(format="gray")
    plane = grey.planes[0]
    width, height, stride = grey.width, grey.height, plane.line_size
    data = bytes(plane)
    if stride != width:
        data = b"".join(data[start : start + width] for start in range(0, height * stride, stride))
    return memoryview(data[: width * height]).cast("B", (height, width))


@contextmanager
def _opened(file: BinaryIO, kind: Kind, limits: Limits) -> Iterator[tuple[InputContainer, VideoStream]]:
    """Give the film and the one stream of it that is decoded."""
    options = {"codec_whitelist": _CODECS}
    form = _CONTAINERS[kind]
    with av.open(file, mode="r", format=form, metadata_errors="ignore", container_options=options) as container:
        if not container.streams.video:
            raise RenditionRefused(Why.DAMAGED)
        stream = container.streams.video[0]
        for other in container.streams:
            if other is not stream:
                other.discard = Discard.all
        context = stream.codec_context
        if context.codec.name not in _CODECS.split(","):
            raise RenditionRefused(Why.NOT_ON_THE_LIST)
        context.thread_count, context.thread_type = 1, "NONE"
        check_pixels((context.width, context.height), limits.pixels)
        yield container, stream


def _duration(container: InputContainer, stream: VideoStream) -> float | None:
    if stream.duration is not None and stream.time_base is not None:
        seconds = float(stream.duration * stream.time_base)
    elif container.duration is not None:
        seconds = container.duration / av.time_base
    else:
        return None
    return round(seconds, 3) if 0 < seconds < 1e7 else None


def _stills(
    container: InputContainer, stream: VideoStream, duration: float, wanted: Wanted, limits: Limits
) -> Iterator[Raster]:
    step = duration / wanted.frames
    numbers = range(wanted.frames) if wanted.frame is None else [wanted.frame]
    start = float((stream.start_time or 0) * (stream.time_base or 0))
    frames = _frames(container, stream)
    budget = limits.cpu_seconds * _SHARE / len(numbers)
    last: VideoFrame | None = None
    for number in numbers:
        target = start + (number + 0.5) * step
        if stream.time_base and (step > _SEEK_FROM or wanted.frame is not None) and target - start > _SEEK_FROM:
            container.seek(round(target / stream.time_base), stream=stream)
            frames = _frames(container, stream)
        found = _first_from(frames, target, time.process_time() + budget)
        if found is None and last is None and number != numbers[0]:
            return
        last = found or last
        if last is None:
            return
        yield _raster(last, wanted, limits, start)
        if found is None:  # the film ended early: the same still again would say nothing
            return


def _frames(
    container: InputContainer,
    stream: VideoStream,
    *,
    chosen: Callable[[Packet[VideoStream]], bool] | None = None,
    deadline: float = math.inf,
) -> Iterator[VideoFrame]:
    """All frames from here; a damaged piece is passed over, as players do, so that the rest can be seen.

    Pieces that are not ``chosen`` are not decoded. Ends when ``time.process_time`` says ``deadline``.
    """
    damaged = 0
    for packet in container.demux(stream):
        if time.process_time() > deadline:
            return
        if chosen and packet.size and not chosen(packet):
            continue
        try:
            frames = packet.decode()
        except InvalidDataError:
            damaged += 1
            if damaged > _DAMAGED:
                return
        except EndOfFile:
            return
        else:
            yield from frames


def _first_from(frames: Iterator[VideoFrame], target: float, until: float) -> VideoFrame | None:
    found: VideoFrame | None = None
    for frame in frames:
        found = frame
        if frame.time is None or frame.time >= target or time.process_time() > until:
            break
    return found


def _raster(frame: VideoFrame, wanted: Wanted, limits: Limits, start: float) -> Raster:
    check_pixels((frame.width, frame.height), limits.pixels)
    # Shrunk in two steps: the library's own scaler saves making a large picture in memory.
    scale = min(1.0, 2 * wanted.size / max(frame.width, frame.height))
    width, height = max(2, round(frame.width * scale)), max(2, round(frame.height * scale))
    image: Image = frame.to_image(  # type: ignore[no-untyped-call]
        width=width, height=height, interpolation="AREA"
    )
    at = None if frame.time is None else round(max(0.0, frame.time - start), 3)
    return finish(image, wanted, orientation=_UPRIGHT.get(round(frame.rotation) % 360, 1), at=at)
