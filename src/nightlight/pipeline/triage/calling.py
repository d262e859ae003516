# SPDX-License-Identifier: Apache-2.0
"""Calls people about alerts until one of them answers: by page at once, then by e-mail and webhook; ever further up.

Level 0 are those on duty in the unit that holds the tip, level 1 its commanders, level 2 and on the units above it.
What leaves the building names the tip, the unit and the address of its page, and says nothing of what it is about.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING

import structlog
from django.conf import settings
from django.db import InterfaceError, OperationalError, transaction
from django.db.models import Exists, Max, OuterRef, Q, Subquery

from nightlight.pipeline.triage.models import Alert, AlertCall
from nightlight.trust.accounts.models import Role, User
from nightlight.trust.custody import actions as custody
from nightlight.trust.units import notices, queries
from nightlight.trust.units.models import Post, Shift

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from nightlight.trust.units.models import Unit

_PAGE, _MAIL, _HOOK = "page", "e-mail", "webhook"
_WRONG = "wrong-address"
TRY_AGAIN = timedelta(seconds=50)  # the step comes round every minute
AGAIN = timedelta(minutes=1)
_ON_DUTY = (Role.TRIAGE_OFFICER, Role.COMMANDER)
_HIGHEST = 32_000  # what the column holds; at five minutes a level that is over a hundred days
EACH_RUN = 50
log = structlog.get_logger("alerts")


@dataclass(frozen=True, slots=True)
class Called:
    """Whom one alert called at which level."""

    alert: str
    level: int
    people: tuple[str, ...]


def call_due(*, by: str, now: Callable[[], datetime]) -> list[Called]:
    """Page whoever is next in line for every alert whose time has come. Safe to run twice, and by two at once.

    Each alert is a transaction of its own; one that cannot be called for now is tried again and holds up no other.
    """
    called = []
    # What has called nobody yet goes first, however many others are called again.
    due = Alert.objects.filter(call_at__lte=now()).order_by("level", "call_at").values_list("pk", flat=True)
    for key in list(due[:EACH_RUN]):
        try:
            if (told := _call(key, by=by, at=now())) is not None:
                called.append(told)
        except (OperationalError, InterfaceError):  # the database itself: nothing else will go better
            raise
        except Exception:
            log.exception("call-failed", alert=key)
            # It waits a minute, so that many such ones do not keep the others from their turn.
            Alert.objects.filter(pk=key, call_at__lte=now()).update(call_at=now() + AGAIN)
    return called


@transaction.atomic
def _call(key: int, *, by: str, at: datetime) -> Called | None:
    waiting = Alert.objects.select_for_update(of=("self",), no_key=True, skip_locked=True)
    alert = waiting.filter(pk=key, call_at__lte=at).select_related("tip__unit").first()
    if alert is None:
        return None  # somebody answered, or another worker is calling
    if alert.tip.set_apart:  # whoever it reports was cleared
        Alert.objects.filter(pk=key).update(call_at=None)
        return None
    level, people = _next_in_line(alert.tip.unit, alert.level, at)
    for person in people:
        notices.tell_person(
            user_id=person.pk, kind="alert", subject=f"tip:{alert.tip.public_id}", about=alert.public_id, at=at
        )
    AlertCall.objects.bulk_create(
        AlertCall(alert=alert, level=level, how=_PAGE, whom=f"{person} ({person.public_id})", sent=True, at=at)
        for person in people
    )
    if not people:
        AlertCall.objects.create(alert=alert, level=level, how=_PAGE, whom="", sent=False, why="nobody-to-call", at=at)
    Alert.objects.filter(pk=key).update(
        level=min(level + 1, _HIGHEST), call_at=at + timedelta(minutes=settings.NIGHTLIGHT_ALERT_MINUTES)
    )
    names = tuple(person.public_id for person in people)
    custody.append(
        by=by,
        at=at,
        kind="alert.called",
        subject=f"tip:{alert.tip.public_id}",
        data={"alert": alert.public_id, "level": level, "how": _PAGE, "people": list(names)},
    )
    return Called(alert.public_id, level, names)


def _next_in_line(unit: Unit, level: int, at: datetime) -> tuple[int, Sequence[User]]:
    """Whom to call at this level, or at the next one that has anybody: nobody waits for an empty chair."""
    above = queries.above(unit)[::-1]  # the next one up first
    upwards = range(level, max(level, len(above) + 1) + 1)
    # Where nobody is left further up, whoever there is below is called again.
    for tried in (*upwards, *reversed(range(min(level, len(above) + 2)))):
        if people := _people(unit, above, tried, at):
            return max(level, tried), people
    return level, ()


def _people(unit: Unit, above: Sequence[Unit], level: int, at: datetime) -> Sequence[User]:
    if level == 0:
        return _on_shift(unit, at) or _holding(unit, (Role.TRIAGE_OFFICER,), at)
    if level == 1:
        return _holding(unit, (Role.COMMANDER,), at)
    # Past the top, the top is called again and again.
    return _holding(above[min(level - 2, len(above) - 1)] if above else unit, _ON_DUTY, at)


def _on_shift(unit: Unit, at: datetime) -> list[User]:
    shifts = Shift.objects.filter(unit=unit, starts_at__lte=at, ends_at__gt=at)
    there = set(shifts.values_list("user_id", flat=True))
    return [person for person in _holding(unit, _ON_DUTY, at) if person.pk in there]


def _holding(unit: Unit, roles: Sequence[Role], at: datetime) -> list[User]:
    held = Post.objects.active(at).filter(unit=unit, role__in=roles)
    return list(User.objects.filter(pk__in=held.values("user_id"), is_active=True).order_by("pk"))


def deliver_due(*, by: str, now: Callable[[], datetime]) -> int:
    """Tell the addresses of the installation of every alert that called since; return how many went out.

    For one process at a time: the task holds a lock. What went out or failed is written down one by one, so a worker
    that dies leaves the rest to the next. A failure is kept with its class and stops no other; it is tried again each
    minute until it goes out, or until the next in line are called and the address is told of that.
    """
    if not settings.NIGHTLIGHT_ALERT_URLS:
        return 0
    sent = 0
    # Only what was told since people were last called counts: a tip that is handed over begins anew.
    last_page = AlertCall.objects.filter(alert=OuterRef(OuterRef("pk")), how=_PAGE).order_by("-id").values("id")[:1]
    settled = (
        AlertCall.objects.filter(alert=OuterRef("pk"), id__gt=Subquery(last_page))
        .exclude(how=_PAGE)
        .filter(_settled(now()))
    )
    named = {whom for whom, _ in (_named(n, url) for n, url in enumerate(settings.NIGHTLIGHT_ALERT_URLS, 1))}
    untold = reduce(or_, (~Exists(settled.filter(whom=whom)) for whom in named))
    waiting = Alert.objects.filter(untold, call_at__isnull=False, level__gt=0).select_related("tip__unit")
    # The first calls first, and of those the newest: an address that does not answer holds up the oldest.
    alerts = list(waiting.order_by("level", "-raised_at")[:EACH_RUN])
    told = _told(alerts, now())
    for alert in alerts:
        level = alert.level - 1
        for number, url in enumerate(settings.NIGHTLIGHT_ALERT_URLS, 1):
            whom, how = _named(number, url)
            if whom in told[alert.pk]:
                continue
            why = deliver(url, *_text(alert, level))
            _keep(alert, level, how, whom, why, by=by, at=now())
            sent += not why
    return sent


def _settled(at: datetime) -> Q:
    """What is not to be sent (again) just now: it went out, never can, or failed a moment ago."""
    return Q(sent=True) | Q(why=_WRONG) | Q(at__gt=at - TRY_AGAIN)


def _told(alerts: Sequence[Alert], at: datetime) -> dict[int, set[str]]:
    """Which addresses need not be told now, by alert."""
    found: dict[int, set[str]] = defaultdict(set)
    calls = AlertCall.objects.filter(alert__in=alerts).exclude(how=_PAGE).filter(_settled(at))
    pages = AlertCall.objects.filter(alert__in=alerts, how=_PAGE).order_by().values("alert_id")
    last = dict(pages.annotate(last=Max("id")).values_list("alert_id", "last"))
    for key, alert, whom in calls.values_list("id", "alert_id", "whom"):
        if key > last.get(alert, 0):
            found[alert].add(whom)
    return found


def _named(number: int, url: str) -> tuple[str, str]:
    """What an address may be called, and how it tells: by its place and its scheme, never by what stands in it."""
    scheme = url.partition("://")[0].lower()
    return f"{number}: {scheme}", _MAIL if scheme.startswith("mailto") else _HOOK


def _text(alert: Alert, level: int) -> tuple[str, str]:
    """Title and text of what leaves the building: which tip, where it is held, where to answer; nothing else."""
    tip, unit = alert.tip.public_id, alert.tip.unit.name
    host = next(iter(settings.ENVIRONMENT.hosts), "")
    scheme = "http" if settings.ENVIRONMENT.insecure_http else "https"
    page = f"{scheme}://{host}/tips/{tip}/" if host else f"/tips/{tip}/"
    title = f"Nightlight alert: {tip}"
    return title, f"A tip needs somebody now: {tip}, held by {unit}. Call number {level + 1}. Answer for it at {page}"


@transaction.atomic
def _keep(alert: Alert, level: int, how: str, whom: str, why: str, *, by: str, at: datetime) -> None:
    AlertCall.objects.create(alert=alert, level=level, how=how, whom=whom, sent=not why, why=why, at=at)
    custody.append(
        by=by,
        at=at,
        kind="alert.called",
        subject=f"tip:{alert.tip.public_id}",
        data={"alert": alert.public_id, "level": level, "how": how, "address": whom, "sent": not why, "why": why},
    )


def deliver(url: str, title: str, text: str) -> str:
    """Send a message to an address; return the class of what went wrong, empty if it went out. Never raises.

    Classes: "wrong-address", "no-connection", "not-taken" (it answered with a no), "failed:<exception>".
    """
    import apprise  # half a second and much memory, in no other process than the one that sends

    with _unheard() as heard:
        try:
            service = apprise.Apprise.instantiate(url, suppress_exceptions=True)
            if service is None:
                return _WRONG
            if service.notify(body=text, title=title):
                return ""
        except Exception as error:
            return f"failed:{type(error).__name__}"
    return "no-connection" if any("onnection" in said for said in heard) else "not-taken"


@contextmanager
def _unheard() -> Iterator[list[str]]:
    """Keep to ourselves what the library logs, which may hold the address and its password."""
    heard: list[str] = []

    class Hearing(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            heard.append(record.getMessage())

    logger, ours = logging.getLogger("apprise"), Hearing(logging.WARNING)
    before = logger.propagate
    logger.addHandler(ours)
    logger.propagate = False
    try:
        yield heard
    finally:
        logger.removeHandler(ours)
        logger.propagate = before
