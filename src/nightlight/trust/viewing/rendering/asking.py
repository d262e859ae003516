# SPDX-License-Identifier: Apache-2.0
"""The conversation with the process that reads one file: start it, ask, listen, end it, and believe it nothing.

This module runs in our servers. It decodes nothing and imports no decoder. What is asked for, and what may come back,
is known to ``render`` and ``measure``.
"""

from __future__ import annotations

import fcntl
import json
import os
import select
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from nightlight.trust.viewing.rendering.sniff import HEAD, sniff
from nightlight.trust.viewing.rendering.terms import Cost, Kind, Limits, Protections, RenditionRefused, Why

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_CHILD = "nightlight.trust.viewing.rendering.child"
HEAD_AT_MOST = 16 << 10
_FIRST_EXIT = 64  # as child.EXITS counts; told again here, because the child is not believed to define it
REFUSALS = {_FIRST_EXIT + number: why for number, why in enumerate(Why)}
WRONG = (ValueError, TypeError, KeyError, RecursionError)
"""What checking an answer may raise; the caller makes one refusal of them."""
# numpy's mathematics would start a thread for each processor, and take memory for each, before a file is opened.
_ENVIRONMENT = {"OPENBLAS_NUM_THREADS": "1"}
_NATIVE = "NIGHTLIGHT_NATIVE"  # "no" holds for the child as well


@contextmanager
def held(original: Iterable[bytes], limits: Limits) -> Iterator[tuple[Kind, int]]:
    """Give the format of a file that comes in pieces, and an open descriptor of its bytes.

    They are held in memory, sealed against change, and never touch the disk. Raises RenditionRefused(not-on-the-list,
    too-large, no-sandbox).
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
        yield kind, descriptor
    finally:
        os.close(descriptor)


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
class Answer:
    """What a child said before it ended well, not yet checked, and what it cost."""

    output: bytes
    cost: Cost


def run(request: dict[str, Any], descriptor: int | None, *, output: int, limits: Limits) -> Answer:
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
        env=_ENVIRONMENT | ({_NATIVE: os.environ[_NATIVE]} if _NATIVE in os.environ else {}),
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
    return Answer(found, cost)


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
    return REFUSALS.get(status, Why.CRASHED)


def head_of(answer: Answer) -> tuple[dict[str, Any], memoryview]:
    """Return what an answer says of itself, and the bytes after it. Raises one of ``WRONG``."""
    length = int.from_bytes(answer.output[:4], "big")
    if not 0 < length <= HEAD_AT_MOST:
        not_ours()
    head = json.loads(answer.output[4 : 4 + length])
    if not isinstance(head, dict):
        not_ours()
    return head, memoryview(answer.output)[4 + length :]


def protections_of(head: dict[str, Any]) -> Protections:
    """Return what the child says held it in. Raises one of ``WRONG``."""
    held = Protections(**head["protections"])
    if not all(isinstance(value, int) for value in vars(held).values()):
        not_ours()
    return held


def whole(value: object, most: int) -> bool:
    """Whether it is a whole number from 1 to ``most``."""
    return type(value) is int and 1 <= value <= most


def seconds(value: object) -> float | None:
    """Return a time, or that there is none. Raises one of ``WRONG``."""
    if value is None:
        return None
    if type(value) not in (int, float) or not 0 <= value < 1e9:  # type: ignore[operator]
        not_ours()
    return float(value)  # type: ignore[arg-type]


def not_ours() -> NoReturn:
    """Say that our own program would not have said this."""
    raise ValueError
