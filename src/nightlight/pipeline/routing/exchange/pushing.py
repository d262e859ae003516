# SPDX-License-Identifier: Apache-2.0
"""Sends a package to another installation over HTTPS, from wherever the bytes there end, until it is verified there.

Each piece carries its digest and our signature; what the other side has counted lies on its disk. After any failure it
is asked again where to go on, so that a line or a machine that fails costs at most one piece.
"""

from __future__ import annotations

import hashlib
import time
from datetime import timedelta
from typing import TYPE_CHECKING, cast

import structlog

from nightlight.pipeline.routing.exchange import keys, outbox, receiving, wire
from nightlight.pipeline.routing.exchange.line import Line, Unreached
from nightlight.pipeline.routing.models import Installation, Package

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from nightlight.pipeline.routing.exchange.line import Answer

CHUNK = 4 * 2**20
LEAST_CHUNK = 256 * 2**10
POLLS = (0.2, 0.3, 0.5, 1.0, 1.0, 2.0, 2.0, 4.0, 4.0)  # seconds between questions whether it is verified
AGAIN = 15  # seconds until it is asked again, where that takes longer
# What may be otherwise later, and after how many seconds that is worth another try; all else is final.
_LATER = {"unknown-sender": 300, "ended": 3600, "no-room": 1800, "too-many": 60, "too-large": 3600, "busy": 5}
log = structlog.get_logger("exchange")


class _Refused(Exception):
    def __init__(self, code: str, why: str) -> None:
        super().__init__(why)
        self.code, self.why = code, why


class _Later(Exception):
    def __init__(self, why: str, wait: int = 0) -> None:
        super().__init__(why)
        self.why, self.wait = why, wait


def push_due(*, by: str, now: Callable[[], datetime], slice_of: float = 60.0) -> bool:
    """Send what is due, one installation after the other; return whether more waits.

    While others wait, each installation is given ``slice_of`` seconds, so that a slow one holds nobody up for long.
    """
    tried: set[int] = set()
    while True:
        waiting = [one for one in outbox.due(*outbox.UNDER_WAY, at=now()) if one.installation and one.installation.url]
        waiting = [one for one in waiting if one.pk not in tried]
        if not waiting:
            return False
        package = waiting[0]
        others = any(one.installation_id != package.installation_id for one in waiting)
        end = time.monotonic() + slice_of if others else None
        tried.add(package.pk)
        push(package, by=by, now=now, end=end)


def push(package: Package, *, by: str, now: Callable[[], datetime], end: float | None = None) -> None:
    """Take one package as far as it goes now. Raises nothing that the other side or the line brings about.

    ``end`` is a time of ``time.monotonic`` at which to stop between two pieces.
    """
    to = cast("Installation", package.installation)
    try:
        with Line(to.url, ca=to.ca) as line:
            _Push(package, to, line, by=by, now=now).run(end)
    except Unreached as failure:
        outbox.failed(package, why=failure.reason, at=now())
        log.warning("package-not-sent", package=package.public_id, to=to.public_id, why=failure.reason)
    except _Later as later:
        outbox.failed(package, why=later.why, at=now(), wait=later.wait)
        log.warning("package-waits", package=package.public_id, to=to.public_id, why=later.why)
    except _Refused as refusal:
        outbox.refused(package, code=refusal.code, why=refusal.why, at=now(), by=by)
        log.warning("package-refused", package=package.public_id, to=to.public_id, code=refusal.code)
    except FileNotFoundError:
        # Lost here, such as after an older backup was put back: put together anew, under a new name.
        outbox.refused(
            package, code="lost", why="Its file is gone here; a new package takes its place.", at=now(), by=by
        )
        outbox.renew(package, by=by, at=now())


class _Push:
    def __init__(self, package: Package, to: Installation, line: Line, *, by: str, now: Callable[[], datetime]) -> None:
        self.package, self.to, self.line, self.by, self.now = package, to, line, by, now
        self.ours = keys.ours()
        self.at_package = f"{wire.PACKAGES}/{package.package_id}"

    def run(self, end: float | None) -> None:
        package = self.package
        if package.state == Package.State.SENT:
            self._until_verified(self._ask("GET", wire.STATE))
            return
        told = self._told(self.line.ask("POST", wire.PACKAGES, body=package.header.encode("ascii")))
        if told.word("state") == wire.RECEIVING:
            self._move(told.number("offset"))
            outbox.moved_on(package, Package.State.SENDING, at=self.now(), by=self.by)
            if not self._send(end):
                return
            told = self._ask("POST", wire.COMPLETE)
            if told.code == "offset":
                raise _Later("the other side has less than was sent; sent again from there", 1)
        self._move(package.size)
        outbox.moved_on(package, Package.State.SENT, at=self.now(), by=self.by)
        self._until_verified(told)

    def _send(self, end: float | None) -> bool:
        """Send pieces until all are there; return False where time is up before."""
        package = self.package
        size = max(LEAST_CHUNK, CHUNK >> min(package.tries, 4))  # after a failure smaller pieces, on a line that breaks
        with receiving.path_of(package).open("rb") as file:
            while package.moved < package.size:
                if end is not None and time.monotonic() > end:
                    return False
                file.seek(package.moved)
                piece = file.read(size)
                if not piece:
                    raise FileNotFoundError
                told = self._ask("PATCH", wire.CHUNK, offset=package.moved, body=piece)
                if told.code != "offset" and told.word("state") != wire.RECEIVING:
                    return True  # it is whole there already
                self._move(told.number("offset"))
                package.tries = 0
                package.save(update_fields=["moved", "tries"])
        return True

    def _move(self, offset: int) -> None:
        if offset > self.package.size:
            raise Unreached("the answer cannot be read")
        self.package.moved = offset

    def _until_verified(self, told: Answer) -> None:
        for pause in (*POLLS, 0.0):
            state = told.word("state")
            if state == wire.TAKEN:
                outbox.moved_on(self.package, Package.State.DELIVERED, at=self.now(), by=self.by)
                return
            if state == wire.REFUSED:
                raise _Refused(told.word("code") or "refused", _sentence(told.told.get("why")))
            if state == wire.RECEIVING:  # the other side lost it, and begins anew
                outbox.moved_on(self.package, Package.State.SENDING, at=self.now(), by=self.by)
                raise _Later("the other side has lost bytes; sent again", 1)
            if pause:
                time.sleep(pause)
                told = self._ask("GET", wire.STATE)
        raise _Later("", AGAIN)

    def _ask(self, method: str, act: str, *, offset: int = 0, body: bytes = b"") -> Answer:
        package, digest = self.package, hashlib.sha256(body).digest()
        text = wire.signed(
            sender=self.ours.fingerprint, receiver=self.to.fingerprint, package=package.package_id, act=act,
            offset=offset, digest=digest,
        )  # fmt: skip
        headers = {"Authorization": wire.authorization(self.ours.fingerprint, text, self.ours.signing.sign)}
        if act == wire.CHUNK:
            headers |= {
                "Content-Type": "application/octet-stream",
                wire.OFFSET: str(offset),
                wire.DIGEST: wire.stating(digest),
            }
        path = f"{self.at_package}/complete" if act == wire.COMPLETE else self.at_package
        return self._told(self.line.ask(method, path, body=body, headers=headers))

    def _told(self, answer: Answer) -> Answer:
        if answer.status in {200, 201, 202} or (answer.status == 409 and answer.code == "offset"):
            return answer
        code, why = answer.code or f"http-{answer.status}", _sentence(answer.told.get("detail"))
        if answer.status == 404 and self.package.state != Package.State.READY:
            # It is not known there (any more): announced again.
            outbox.moved_on(self.package, Package.State.READY, at=self.now(), by=self.by)
            raise _Later("the other side does not know of it; announced again", 1)
        if answer.status >= 500 or answer.status in {404, 408, 429} or code in _LATER or not answer.code:
            raise _Later(why or f"the other side answers {answer.status}", answer.wait or _LATER.get(code, 0))
        raise _Refused(code, why)


def _sentence(text: object) -> str:
    """What the other side says, as one line of letters that can be shown; whoever wrote it is another installation."""
    if not isinstance(text, str):
        return ""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())[:280]


def clear_away(*, at: datetime) -> int:
    """Drop the files of packages that have arrived, were taken in or dropped; those refused after a week."""
    gone = 0
    over = (Package.State.DELIVERED, Package.State.TAKEN, Package.State.REFUSED)
    for package in Package.objects.filter(state__in=over).exclude(path=""):
        kept = package.state == Package.State.REFUSED and package.code not in {"discarded", "renewed"}
        if kept and package.state_at > at - timedelta(days=7):
            continue
        (receiving.folder() / package.path).unlink(missing_ok=True)
        package.path = ""
        package.save(update_fields=["path"])
        gone += 1
    return gone + _orphans(at)


def _orphans(at: datetime) -> int:
    """Files that no row names, left by a stop between the file and the row."""
    known = set(Package.objects.exclude(path="").values_list("path", flat=True))
    gone = 0
    for way in ("in", "out"):
        folder = receiving.folder() / way
        for path in folder.iterdir() if folder.is_dir() else ():
            if f"{way}/{path.name}" not in known and path.stat().st_mtime < at.timestamp() - 86_400:
                path.unlink(missing_ok=True)
                gone += 1
    return gone
