# SPDX-License-Identifier: Apache-2.0
"""Takes stills out of MP4 and WebM films. Sound is never decoded."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, BinaryIO

import av
import av.audio.stream
import av.subtitles.stream  # loaded when a file has such a stream, which is too late inside
from av.error import EOFError as EndOfFile
from av.error import InvalidDataError
from av.stream import Discard

from nightlight.trust.viewing.rendering.decoders import Decoded, Raster, check_pixels, finish
from nightlight.trust.viewing.rendering.terms import Kind, Limits, RenditionRefused, Wanted, Why

if TYPE_CHECKING:
    from collections.abc import Iterator

    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream
    from PIL.Image import Image

_CONTAINERS = {Kind.MP4: "mp4", Kind.WEBM: "webm"}
# Decoders that may be used at all, of the several hundred in the library.
_CODECS = "h264,hevc,mpeg4,vp8,vp9,libdav1d,av1"
_SEEK_FROM = 4.0  # seconds between stills from which looking for a key frame beats decoding on
_SHARE = 0.7  # of the processor time, for all stills together
_DAMAGED = 200  # pieces of a film that are passed over before it is given up
_UPRIGHT = {90: 8, 180: 3, 270: 6}  # the library counts degrees against the clock; EXIF has numbers


def decode(file: BinaryIO, kind: Kind, wanted: Wanted, limits: Limits) -> Decoded:
    """Return evenly spaced stills and the duration in seconds.

    Each still is the first at or after its place. In a film that is slow to decode it may lie before its place, as
    far as the processor time allows; ``at`` says where it lies.
    """
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
        duration = _duration(container, stream)
        rasters = tuple(_stills(container, stream, duration or 0.0, wanted, limits))
    if not rasters:
        raise RenditionRefused(Why.DAMAGED)
    return Decoded(rasters, duration=duration)


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


def _frames(container: InputContainer, stream: VideoStream) -> Iterator[VideoFrame]:
    """All frames from here; a damaged piece is passed over, as players do, so that the rest can be seen."""
    damaged = 0
    for packet in container.demux(stream):
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
