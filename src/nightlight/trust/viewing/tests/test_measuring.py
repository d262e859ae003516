# SPDX-License-Identifier: Apache-2.0
"""Files are measured for comparison where they are shown: shut in, within limits, as the published program would."""

from __future__ import annotations

import hashlib
import io
import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import av
import numpy as np
import pytest
from PIL import Image

from nightlight.foundation import pdq
from nightlight.trust.viewing.rendering import asking, films, stills
from nightlight.trust.viewing.rendering import measure as measuring
from nightlight.trust.viewing.rendering.measure import measure
from nightlight.trust.viewing.rendering.terms import (
    DEFAULT,
    Cost,
    Kind,
    Limits,
    RenditionRefused,
    Why,
)
from nightlight.trust.viewing.tests import files, hostile
from nightlight.trust.viewing.tests.pictures import in_this_process, spots

SLACK = 4  # seconds for starting and ending a process on a busy computer


def refusal(original: bytes, limits: Limits = DEFAULT) -> Why:
    with pytest.raises(RenditionRefused) as caught:
        measure([original], limits=limits)
    assert str(caught.value) == caught.value.why.sentence
    return caught.value.why


# --- refused ---


def test_a_document_has_no_fingerprint() -> None:
    assert refusal(files.pdf()) is Why.NO_PICTURE


def test_what_cannot_be_measured_is_refused_with_the_same_codes() -> None:
    good = files.good()
    assert refusal(b"plain words") is Why.NOT_ON_THE_LIST
    assert refusal(files.film("matroska", "libx264")) is Why.NOT_ON_THE_LIST
    assert refusal(good["jpeg"][:900]) is Why.DAMAGED
    assert refusal(good["mp4-h264"][:900]) is Why.DAMAGED
    assert refusal(good["png"], Limits(picture_bytes=1000)) is Why.TOO_LARGE
    assert refusal(good["png"], Limits(pixels=1000)) is Why.TOO_LARGE
    assert refusal(good["mp4-h264"], Limits(pixels=1000)) is Why.TOO_LARGE
    assert refusal(good["jpeg"], Limits(wall_seconds=0.0)) is Why.TOO_SLOW


@pytest.mark.parametrize("native", ["no", "yes"])
def test_memory_is_limited_on_both_paths(native: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NIGHTLIGHT_NATIVE", native)
    large = files.saved(Image.new("RGB", (4000, 4000), "navy"), "PNG")
    assert refusal(large, Limits(memory=16 << 20)) is Why.TOO_MUCH_MEMORY
    assert measure([large]).frames[0].quality == 0


def answer(head: bytes, rest: bytes) -> asking.Answer:
    return asking.Answer(len(head).to_bytes(4, "big") + head + rest, Cost(0, 0, 0))


def head_of(**changed: str) -> bytes:
    names = "resource_limits no_new_privileges no_capabilities nobody network_namespace landlock system_calls"
    held = ",".join(f'"{name}":1' for name in names.split())
    parts = {
        "protections": f"{{{held}}}",
        "width": "160",
        "height": "120",
        "duration": "null",
        "seen": "1",
        "frames": "[[null,50]]",
    } | changed
    return ("{" + ",".join(f'"{name}":{value}' for name, value in parts.items()) + "}").encode()


EIGHT = bytes(8 * pdq.BYTES)


@pytest.mark.parametrize(
    ("head", "rest"),
    [
        (b"[]", b""),
        (b"not json", EIGHT),
        (head_of(), EIGHT[:-1]),
        (head_of(), EIGHT + b"a zip file would go here"),
        (head_of(frames="[]"), b""),
        (head_of(frames="[[null,101]]"), EIGHT),
        (head_of(frames="[[null,-1]]"), EIGHT),
        (head_of(frames="[[null,true]]"), EIGHT),
        (head_of(frames="[[null,50.0]]"), EIGHT),
        (head_of(frames="[[NaN,50]]"), EIGHT),
        (head_of(frames="[[-1,50]]"), EIGHT),
        (head_of(frames='[["<script>",50]]'), EIGHT),
        (head_of(frames="[" + ",".join(["[0,50]"] * 25) + "]"), EIGHT * 25),
        (head_of(frames="[[null,50,1]]"), EIGHT),
        (head_of(frames="7"), EIGHT),
        (head_of(width="0"), EIGHT),
        (head_of(width="1e3"), EIGHT),
        (head_of(height='"120"'), EIGHT),
        (head_of(seen="-1"), EIGHT),
        (head_of(seen="99999999999"), EIGHT),
        (head_of(duration="1e999"), EIGHT),
        (head_of(protections="null"), EIGHT),
    ],
)
def test_a_child_that_was_taken_over_can_give_us_nothing_but_numbers(
    head: bytes, rest: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measuring, "run", lambda *_, **__: answer(head_of(), EIGHT))
    assert measure([files.good()["png"]]).frames[0].dihedral == (bytes(pdq.BYTES),) * 8
    monkeypatch.setattr(measuring, "run", lambda *_, **__: answer(head, rest))
    assert refusal(files.good()["png"]) is Why.CRASHED


def test_a_film_has_one_hash_for_each_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measuring, "run", lambda *_, **__: answer(head_of(), EIGHT))
    assert refusal(files.good()["mp4-h264"]) is Why.CRASHED


# --- measured ---


@pytest.mark.parametrize("name", [name for name in files.good() if name != "pdf"])
def test_every_format_is_measured_behind_every_protection(name: str) -> None:
    found = measure([files.good()[name]])
    assert (found.format.value, found.width, found.height) == (name.split("-", maxsplit=1)[0], 160, 120)
    assert found.protections.enough
    assert found.protections.system_calls
    assert found.cost.cpu_seconds > 0
    moving = found.format.moving
    assert (found.duration is None) == (not moving and "animated" not in name)
    assert len(found.frames) == (2 if moving else 12 if "animated" in name else 1)
    for frame in found.frames:
        assert frame.hash == frame.dihedral[0]
        assert len(frame.dihedral) == (1 if moving else 8)
        assert all(len(one) == pdq.BYTES for one in frame.dihedral)
        assert (frame.at is None) == (found.duration is None)


def test_without_the_compiled_core_the_child_finds_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    originals = [files.saved(spots(700, 500), "JPEG"), files.good()["png-palette"], files.good()["mp4-h264"]]
    before = [measure([original]) for original in originals]
    monkeypatch.setenv("NIGHTLIGHT_NATIVE", "no")
    for original, found in zip(originals, before, strict=True):
        again = measure([original])
        assert again.frames == found.frames
        assert again.protections == found.protections


# --- animations and films ---


def test_an_animation_is_measured_evenly_with_its_first_frame() -> None:
    data = files.animation("GIF", count=60, milliseconds=50)
    found = stills.measure(io.BytesIO(data), Kind.GIF, DEFAULT)
    assert (found.seen, found.duration, len(found.frames)) == (60, 3.0, 24)
    assert [frame.at for frame in found.frames[:4]] == [0.0, 0.1, 0.25, 0.35]
    first, _, _ = in_this_process(files.saved(files.frames(60)[0], "GIF"), Kind.GIF)
    assert pdq.distance(found.frames[0].hashes[: pdq.BYTES], first) <= 4


def moving(seconds: int, *, every: int, rate: int = 10, codec: str = "libx264") -> bytes:
    """A film that glides over a picture, with a key frame each ``every`` frames."""
    file = io.BytesIO()
    wide = spots(1400, 240, 5)
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream(codec, rate=rate, options={"g": str(every), "sc_threshold": "0"})
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = 322, 240, "yuv420p"
        for number in range(seconds * rate):
            left = 1000 * number // (seconds * rate)
            frame: av.VideoFrame = av.VideoFrame.from_image(  # type: ignore[no-untyped-call]
                wide.crop((left, 0, left + 322, 240))
            )
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return file.getvalue()


def test_key_frames_alone_are_decoded_where_they_are_close() -> None:
    found = films.measure(io.BytesIO(moving(20, every=10)), Kind.MP4, DEFAULT)
    assert found.duration == 20.0
    assert [frame.at for frame in found.frames] == [float(second) for second in range(20)]
    assert found.seen == 20
    # Closer than a second: still about one a second.
    found = films.measure(io.BytesIO(moving(20, every=3)), Kind.MP4, DEFAULT)
    assert len(found.frames) == found.seen == 20


def test_where_key_frames_lie_far_apart_the_frames_between_are_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    data = moving(30, every=300)
    found = films.measure(io.BytesIO(data), Kind.MP4, DEFAULT)
    assert len(found.frames) == 30
    assert all(0 <= (frame.at or 0) - second < 1 for second, frame in enumerate(found.frames))
    # Without time for that, what the key frames gave; without any, a refusal that says so.
    monkeypatch.setattr(films, "_FILLING", 0)
    assert [frame.at for frame in films.measure(io.BytesIO(data), Kind.MP4, DEFAULT).frames] == [0.0]
    with pytest.raises(RenditionRefused) as caught:
        films.measure(io.BytesIO(data), Kind.MP4, Limits(cpu_seconds=0))
    assert caught.value.why is Why.TOO_SLOW


def test_frames_are_measured_as_the_published_program_would() -> None:
    peer = pytest.importorskip("pdqhash", reason="the group of peers is not installed", exc_type=ImportError)
    data = moving(6, every=10)
    found = measure([data])
    assert (found.width, found.height, found.duration, found.frames_seen) == (322, 240, 6.0, 6)
    with av.open(io.BytesIO(data), "r") as container:
        frames = {round(float(frame.time or 0), 3): frame for frame in container.decode(video=0)}
    for mine in found.frames:
        assert mine.at is not None
        bits, quality = peer.compute(frames[mine.at].to_ndarray(format="rgb24"))
        assert pdq.distance(mine.hash, np.packbits(bits.astype(np.uint8)).tobytes()) <= 4
        assert abs(mine.quality - quality) <= 3


def test_no_film_has_more_than_six_hundred() -> None:
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("mpeg4", rate=1, options={"g": "1"})
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number in range(1500):
            image = Image.new("RGB", (64, 48), (number % 256, 0, 0))
            frame: av.VideoFrame = av.VideoFrame.from_image(image)  # type: ignore[no-untyped-call]
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    found = measure([file.getvalue()])
    assert found.duration == 1500.0
    assert 500 <= len(found.frames) <= 600
    assert max(frame.at or 0 for frame in found.frames) > 1490


# --- made to do harm ---


def test_hostile_files_are_measured_or_refused() -> None:
    made = list(hostile.hostile().items())
    dice = random.Random(4)
    sample = dice.sample(made, 56) + [
        (name, content)
        for name, content in made
        if name[4:] in ("jpeg-65500x1", "gif-many-large-frames", "png-1x2147483647", "webp-within")
    ]
    limits = Limits(cpu_seconds=1, wall_seconds=6.0)

    def look(content: bytes) -> tuple[str, Cost | None]:
        before = hashlib.sha256(content).digest()
        try:
            found = measure((content[at : at + 65536] for at in range(0, len(content), 65536)), limits=limits)
            said, cost = "measured", found.cost
            assert found.protections.enough
            assert all(0 <= frame.quality <= 100 for frame in found.frames)
        except RenditionRefused as refused:
            said, cost = refused.why.value, refused.cost  # type: ignore[assignment]
        assert hashlib.sha256(content).digest() == before
        return said, cost

    with ThreadPoolExecutor(2) as two:
        outcomes = list(two.map(look, (content for _, content in sample)))
    for (name, _), (said, cost) in zip(sample, outcomes, strict=True):
        assert said == "measured" or said in set(Why), name
        assert said not in (Why.NO_SANDBOX, Why.CRASHED), name
        if cost is not None:
            assert cost.cpu_seconds < limits.cpu_seconds + 1.5, name
            assert cost.wall_seconds < limits.wall_seconds + SLACK, name
    counted = Counter(said for said, _ in outcomes)
    assert counted["measured"] > 8
    assert counted["damaged"] > 8
