# SPDX-License-Identifier: Apache-2.0
"""The background steps of the exchange. Each takes up whatever is to be done, wherever the last one stopped.

They exclude one another by locks of the database session, which end with the process that held them: where a worker was
killed, the next one goes on at once and need not wait until the queue has given its jobs back.
"""

from __future__ import annotations

import contextlib
import time
from datetime import timedelta
from typing import TYPE_CHECKING

import structlog
from django.db import connection
from django.db.models import Q

from nightlight.foundation import clock
from nightlight.pipeline.routing.exchange import outbox, packing, pushing, returning, unpacking
from nightlight.pipeline.routing.models import Package
from nightlight.trust import work

if TYPE_CHECKING:
    from collections.abc import Iterator

_STATES = Package.State
_TO_TAKE = Q(outgoing=False, state__in=(_STATES.COMPLETE, _STATES.UNPACKING))
_MOST_ROUNDS = 60
log = structlog.get_logger("exchange")


@contextlib.contextmanager
def _alone(what: str) -> Iterator[bool]:
    """Whether nobody else is at this; then nobody else is, until the block ends or the process does."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 8))", [what])
        (mine,) = cursor.fetchone()
    try:
        yield mine
    finally:
        if mine:
            with contextlib.suppress(Exception), connection.cursor() as cursor:  # a lost session holds nothing
                cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 8))", [what])


@work.task(acts_as="exchange", queue="exchange", once=True)
def dispatch() -> None:
    """Put what was offered to units of other installations into packages, and receipts that are owed."""
    for _round in range(_MOST_ROUNDS):
        with _alone("gather") as mine:
            if not mine:
                return
            rest = outbox.gather(by=work.SERVICE, at=clock.now())
            if not rest:
                if not _receipts_wait():
                    returning.gather(by=work.SERVICE, at=clock.now())
                break
        time.sleep(min(rest, 2.0))
    work.wait_for_those_under_way()
    if outbox.due(_STATES.BUILDING, at=clock.now()).exists():
        work.defer_once(build)


def _receipts_wait() -> bool:
    """Whether more receipts are just being written: those of one package travel together."""
    since = clock.now() - timedelta(minutes=1)
    going = Package.objects.filter(outgoing=True, kind=Package.Kind.RECEIPTS, made_at__gt=since)
    return Package.objects.filter(outgoing=False, state=_STATES.UNPACKING).exists() and going.exists()


@work.task(acts_as="exchange", queue="exchange", once=True)
def build() -> None:
    """Put packages together, one at a time, and have them sent."""
    with _alone("build") as mine:
        if not mine:
            return
        for package in outbox.due(_STATES.BUILDING, at=clock.now()):
            try:
                packing.build(package, by=work.SERVICE, at=clock.now())
            except Exception as error:  # whatever one package brings about holds up no other
                log.exception("package-not-built", package=package.public_id, error=type(error).__name__)
                package.refresh_from_db()
                outbox.failed(package, why="it could not be put together here", at=clock.now())
            else:
                work.defer_once(push)


@work.task(acts_as="exchange", queue="exchange", once=True)
def push() -> None:
    """Send what is ready, and ask after what was sent."""
    with _alone("push") as mine:
        if mine:
            pushing.push_due(by=work.SERVICE, now=clock.now)


@work.task(acts_as="exchange", queue="exchange", once=True)
def unpack() -> None:
    """Verify and take in what has arrived."""
    with _alone("unpack") as mine:
        if not mine:
            return
        for package in Package.objects.filter(_TO_TAKE).order_by("pk"):
            unpacking.take(package, by=work.SERVICE, at=clock.now())
    work.defer_once(dispatch)  # receipts are owed now


@work.task(acts_as="exchange", queue="exchange", once=True)
def renew() -> None:
    """Begin packages in the place of those that were refused and that somebody wants tried again."""
    for package in Package.objects.filter(outgoing=True, state=_STATES.REFUSED, code="again"):
        outbox.renew(package, by=work.SERVICE, at=clock.now())
    work.defer_once(build)
    work.defer_once(push)


@work.task(acts_as="exchange", queue="exchange", every="* * * * * */20")
def tend() -> None:
    """See to whatever waits: what is due again, and what a stop left half-way."""
    at = clock.now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT 1 FROM routing_installation WHERE state = 'trusted')")
        if not cursor.fetchone()[0]:
            return
    work.defer_once(dispatch)
    if outbox.due(_STATES.BUILDING, at=at).exists():
        work.defer_once(build)
    if outbox.due(*outbox.UNDER_WAY, at=at).exclude(installation__url="").exists():
        work.defer_once(push)
    if Package.objects.filter(_TO_TAKE).exists():
        work.defer_once(unpack)


@work.task(acts_as="exchange", queue="exchange", every="11 * * * *")
def clear_up() -> None:
    """Drop files that are needed no longer, and tell of packages that do not arrive."""
    pushing.clear_away(at=clock.now())
    outbox.tell_late(at=clock.now())
