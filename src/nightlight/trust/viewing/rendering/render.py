# SPDX-License-Identifier: Apache-2.0
"""Has a file decoded in a process of its own, watches over it, and makes pictures of the pixels it hands over.

This module runs in our servers. It decodes nothing, imports no decoder, and believes the child nothing but numbers
it has checked: the PNG files are put together here, so that nothing but pixels can be in them.
"""

from __future__ import annotations

import fcntl
import json
import os
import select
import signal
import struct
import subprocess
import sys
import time
import zlib
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from nightlight.trust.viewing.rendering.sniff import HEAD, sniff
from nightlight.trust.viewing.rendering.terms import (
    DEFAULT,
    Cost,
    Kind,
    Limits,
    Picture,
    Protections,
    Rendition,
    RenditionRefused,
    Wanted,
    Why,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

_CHILD = "nightlight.trust.viewing.rendering.child"
_HEAD_AT_MOST = 16 << 10
_FIRST_EXIT = 64  # as child.EXITS counts; told again here, because the child is not believed to define it
_REFUSALS = {_FIRST_EXIT + number: why for number, why in enumerate(Why)}
_WRONG = (ValueError, TypeError, KeyError, RecursionError)


def render(original: Iterable[bytes], *, wanted: Wanted, limits: Limits = DEFAULT) -> Rendition:
    """Return pictures of a file given in pieces. Takes up to ``limits.wall_seconds``; never call it in a transaction.

    The original is held in memory, sealed against change, and never touches the disk. Raises RenditionRefused.
    """
    pieces = iter(original)
    head = b""
    for piece in pieces:
        head += piece
        if len(head) >= HEAD:
            break
    kind = sniff(head[:HEAD])
    most = limits.film_bytes if kind.moving else limits.picture_bytes
    descriptor = _memory()
    try:
        _copy(descriptor, head, pieces, most)
        request = {"kind": kind, "wanted": asdict(wanted), "limits": asdict(limits), "original": descriptor}
        output = _HEAD_AT_MOST + 4 + wanted.pictures * wanted.size * (1 + wanted.size * wanted.channels)
        answer = _run(request, descriptor, output=output, limits=limits)
    finally:
        os.close(descriptor)
    return _read(answer, kind, wanted)


def protections(limits: Limits = DEFAULT) -> Protections:
    """Return what would hold a reader of files in on this computer. Raises RenditionRefused if it cannot be tried."""
    answer = _run({"kind": None, "limits": asdict(limits)}, None, output=_HEAD_AT_MOST + 4, limits=limits)
    try:
        return _protections(_head(answer)[0])
    except _WRONG:
        raise RenditionRefused(Why.CRASHED, answer.cost) from None


def _memory() -> int:
    try:
        return os.memfd_create("original", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    except (AttributeError, OSError) as missing:  # not Linux, or not allowed: it would have to touch the disk
        raise RenditionRefused(Why.NO_SANDBOX) from missing


def _copy(descriptor: int, head: bytes, pieces: Iterable[bytes], most: int) -> None:
    total = 0
    for piece in _with(head, pieces):
        total += len(piece)
        if total > most:
            raise RenditionRefused(Why.TOO_LARGE)
        rest = memoryview(piece)
        while rest:
            rest = rest[os.write(descriptor, rest) :]
    os.lseek(descriptor, 0, os.SEEK_SET)
    seals = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE
    fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, seals)


def _with(head: bytes, pieces: Iterable[bytes]) -> Iterable[bytes]:
    yield head
    yield from pieces


@dataclass(frozen=True)
class _Answer:
    output: bytes
    cost: Cost


def _run(request: dict[str, Any], descriptor: int | None, *, output: int, limits: Limits) -> _Answer:
    """Start the child, ask, read up to ``output`` bytes, and end it. Raises RenditionRefused if it gave no answer."""
    began = time.monotonic()
    child = subprocess.Popen(  # noqa: S603 - our own program, no words of others
        [sys.executable, "-I", "-X", "utf8", "-m", _CHILD],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        pass_fds=() if descriptor is None else (descriptor,),
        start_new_session=True,
        cwd="/",
        env={},
    )
    found = b""
    try:
        found, why = _converse(child, json.dumps(request).encode(), output, began + limits.wall_seconds)
        if why is None:
            ended = _wait(child, began + limits.wall_seconds)
            why = None if ended else Why.TOO_SLOW
    finally:
        status, usage = _end(child)
    used = usage.ru_utime + usage.ru_stime
    cost = Cost(time.monotonic() - began, used, usage.ru_maxrss * 1024)
    why = why or _why(status)
    if why is not None:
        raise RenditionRefused(why, cost)
    return _Answer(found, cost)


def _converse(child: subprocess.Popen[bytes], request: bytes, most: int, deadline: float) -> tuple[bytes, Why | None]:
    """Ask, and read until the child closes its side; a refusal if it takes too long or says too much."""
    assert child.stdin is not None and child.stdout is not None  # noqa: S101 - for the type checker
    try:
        child.stdin.write(request)  # less than a pipe holds: this does not wait
        child.stdin.close()
    except BrokenPipeError:
        return b"", Why.CRASHED
    poll = select.poll()
    poll.register(child.stdout, select.POLLIN | select.POLLHUP)
    found = bytearray()
    while True:
        left = deadline - time.monotonic()
        if left <= 0 or not poll.poll(left * 1000):
            return b"", Why.TOO_SLOW
        piece = os.read(child.stdout.fileno(), 1 << 16)
        if not piece:
            return bytes(found), None
        found += piece
        if len(found) > most:
            return b"", Why.CRASHED


def _wait(child: subprocess.Popen[bytes], deadline: float) -> bool:
    """Wait until the child has ended, without reaping it."""
    while os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.002)
    return True


def _end(child: subprocess.Popen[bytes]) -> tuple[int, Any]:
    """Kill the child and what it may have started, reap it, and say how it ended and what it used."""
    try:
        os.killpg(child.pid, signal.SIGKILL)  # not reaped yet, so the number is still its own
    except (ProcessLookupError, PermissionError):
        child.kill()
    _, raw, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(raw)
    for pipe in (child.stdin, child.stdout):
        if pipe is not None:
            pipe.close()
    return child.returncode, usage


def _why(status: int) -> Why | None:
    if status == 0:
        return None
    if status == -signal.SIGXCPU:
        return Why.TOO_SLOW
    if status == -signal.SIGKILL:  # not by us: the kernel ran out of memory
        return Why.TOO_MUCH_MEMORY
    return _REFUSALS.get(status, Why.CRASHED)


def _read(answer: _Answer, kind: Kind, wanted: Wanted) -> Rendition:
    """Check every number and make the pictures. Whatever is wrong is one refusal: it was not our program any more."""
    try:
        return _checked(answer, kind, wanted)
    except _WRONG:
        raise RenditionRefused(Why.CRASHED, answer.cost) from None


def _checked(answer: _Answer, kind: Kind, wanted: Wanted) -> Rendition:
    head, rest = _head(answer)
    pictures = []
    for width, height, channels, at in head["pictures"]:
        if not (_whole(width, wanted.size) and _whole(height, wanted.size) and channels == wanted.channels):
            _not_ours()
        length = height * (1 + width * channels)
        pictures.append(Picture(_png(width, height, channels, rest[:length]), width, height, _seconds(at)))
        rest = rest[length:]
    if len(rest) or not 1 <= len(pictures) <= wanted.pictures:
        _not_ours()
    pages = head["pages"]
    if pages is not None and not _whole(pages, 1 << 31):
        _not_ours()
    return Rendition(kind, tuple(pictures), _seconds(head["duration"]), pages, _protections(head), answer.cost)


def _head(answer: _Answer) -> tuple[dict[str, Any], memoryview]:
    length = int.from_bytes(answer.output[:4], "big")
    if not 0 < length <= _HEAD_AT_MOST:
        _not_ours()
    head = json.loads(answer.output[4 : 4 + length])
    if not isinstance(head, dict):
        _not_ours()
    return head, memoryview(answer.output)[4 + length :]


def _protections(head: dict[str, Any]) -> Protections:
    held = Protections(**head["protections"])
    if not all(isinstance(value, int) for value in vars(held).values()):
        _not_ours()
    return held


def _whole(value: object, most: int) -> bool:
    return type(value) is int and 1 <= value <= most


def _seconds(value: object) -> float | None:
    if value is None:
        return None
    if type(value) not in (int, float) or not 0 <= value < 1e9:  # type: ignore[operator]
        _not_ours()
    return float(value)  # type: ignore[arg-type]


def _not_ours() -> NoReturn:
    raise ValueError


def _png(width: int, height: int, channels: int, lines: memoryview) -> bytes:
    """Make a PNG of filtered lines (PNG specification, 9.2): a header, the pixels, the end, and nothing else."""
    stride = 1 + width * channels
    if len(lines) != height * stride or max(lines[::stride]) > 4:
        _not_ours()
    header = struct.pack(">IIBBBBB", width, height, 8, 0 if channels == 1 else 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(lines, 6)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    )
