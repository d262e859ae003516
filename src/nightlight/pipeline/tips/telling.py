# SPDX-License-Identifier: Apache-2.0
"""Takes what somebody tells: on the hotline page, on the telephone, and later with the code they were given.

One transaction keeps the words, closed, together with the custody event; what follows is what follows every tip. To be
called as the intake (``identity.receiving``), which adds what comes and reads no report.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import IntegrityError, connection, transaction

from nightlight.foundation import public_ids
from nightlight.foundation.refusals import Conflict, NotFound
from nightlight.foundation.storable import storable
from nightlight.pipeline.tips import closing, rules, telling_codes
from nightlight.pipeline.tips.formats import hotline
from nightlight.pipeline.tips.formats.hotline import Added, Told
from nightlight.pipeline.tips.models import Document, DocumentKind, Source, State, Tip, Unread
from nightlight.pipeline.tips.models_telling import TellingLimit
from nightlight.pipeline.tips.reading import IncidentType
from nightlight.trust.accounts import actions as accounts
from nightlight.trust.accounts.models import Environment, Origin
from nightlight.trust.custody import actions as custody

if TYPE_CHECKING:
    from datetime import datetime

    from nightlight.trust.units.viewer import Held

BY = "service:hotline"
REPORTERS = {hotline.HOTLINE: "Public hotline", hotline.TELEPHONE: "Telephone call"}
_SOURCES = {hotline.HOTLINE: Source.HOTLINE, hotline.TELEPHONE: Source.PHONE}
_LOCK = 0x4E4C5443  # of additions, in the numbers of advisory locks
MOST_ADDITIONS = 50  # with one code, in all
CODES_PER_ADDRESS = 60  # codes shown within an hour
CODES_PER_HOUR = 2000
_ALL = bytes(telling_codes.LIMIT_KEY)  # under which all are counted together

# One more of what is counted, unless the limit is reached; no row then.
_COUNT = """
INSERT INTO tips_tellinglimit (key, kind, hour, number) VALUES (%s, %s, %s, 1)
ON CONFLICT (hour, kind, key) DO UPDATE SET number = tips_tellinglimit.number + 1
WHERE tips_tellinglimit.number < %s RETURNING number
"""
_DAY_KEY = """
INSERT INTO tips_tellinglimit (key, kind, hour, number) VALUES (%s, 'key', %s, 0)
ON CONFLICT (hour) WHERE kind = 'key' DO NOTHING
"""
# Written out: the intake may not read back what Django would ask for.
_DOCUMENT = """
INSERT INTO tips_document (tip_id, kind, file_id, body, key_part, size, sha256, received_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
"""
_CODE = "INSERT INTO tips_tellingcode (tip_id, digest, made_at) VALUES (%s, %s, %s)"


class TooOften(Conflict):
    """The limit of an hour is reached, for this address or for all together."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What was made of what was told: the tip "NL-…", and the code to come back with ("" where none was asked for)."""

    tip: str
    code: str


def admit(*, address: str, at: datetime, per_address: int, per_hour: int, kind: str = TellingLimit.Kind.TOLD) -> None:
    """Count one more try of this address within the hour, and of all; raises TooOften where a limit is reached.

    The address itself is kept nowhere, and what is counted is gone after the hour: whoever tells next deletes it, or
    the sweep. What is refused is not counted, so that nobody fills the table.
    """
    hour = at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    with transaction.atomic():
        sweep(at=at)
        key = telling_codes.limit_key(_key_of(hour), address)
        reached = TellingLimit.objects.filter(key=_ALL, kind=kind, hour=hour, number__gte=per_hour)
        if reached.exists() or not _one_more(key, kind, hour, per_address) or not _one_more(_ALL, kind, hour, per_hour):
            raise TooOften("This is more than is taken within an hour.")


def sweep(*, at: datetime) -> int:
    """Delete what was counted in earlier hours, and the keys of earlier days; return how many rows went."""
    hour = at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    counted = TellingLimit.objects.exclude(kind=TellingLimit.Kind.KEY).filter(hour__lt=hour)
    keys = TellingLimit.objects.filter(kind=TellingLimit.Kind.KEY, hour__lt=hour.replace(hour=0))
    return int(counted.delete()[0] + keys.delete()[0])


def _key_of(hour: datetime) -> bytes:
    """The key under which addresses are counted on a day: random, in no file, and gone with the day."""
    day = hour.replace(hour=0)
    with connection.cursor() as cursor:
        cursor.execute(_DAY_KEY, [secrets.token_bytes(telling_codes.LIMIT_KEY), day])
    (key,) = TellingLimit.objects.filter(kind=TellingLimit.Kind.KEY, hour=day).values_list("key", flat=True)
    return bytes(key)


def _one_more(key: bytes, kind: str, hour: datetime, at_most: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, [key, kind, hour, at_most])
        return cursor.fetchone() is not None


def take(*, by: str, at: datetime, told: Told, with_code: bool, held_by: Held | None = None, form: str = "") -> Taken:
    """Keep what was told as a new tip and return its public id and the code, which is shown once.

    ``held_by`` is the post of the officer who took a call: their unit holds the tip; else the one that receives.
    ``form`` names the form that was sent: the same words from the same form again (a page that was loaded again) are
    answered with the same tip and the same code. Raises Conflict for a text that is empty, too long, or cannot be kept.
    """
    code = telling_codes.code_of(settings.NIGHTLIGHT_TELLING_KEY, form) if form and with_code else ""
    try:
        return _again(code, told) or _take(by=by, at=at, told=told, with_code=with_code, held_by=held_by, code=code)
    except IntegrityError:  # sent twice at once, and the other was first
        again = _again(code, told)
        if again is None:
            raise
        return again


def _again(code: str, told: Told) -> Taken | None:
    """What this form was answered with already; None where it was not, or with other words."""
    found = _tip_of(code) if code else None
    if found is None or not storable(told.what):
        return None
    tip, public_id, _apart = found
    same = Tip.objects.filter(pk=tip, payload_sha256=hashlib.sha256(hotline.write(told)).digest())
    # Other words from a form that was sent already (somebody went back) are a tip of their own.
    return Taken(public_id, code) if same.exists() else None


def _take(*, by: str, at: datetime, told: Told, with_code: bool, held_by: Held | None, code: str = "") -> Taken:
    _check(told.what, {name: getattr(told, name) for name in Told.__dataclass_fields__})
    body = hotline.write(told)
    sha256 = hashlib.sha256(body).digest()
    if with_code and (not code or _tip_of(code) is not None):
        code = telling_codes.new_code()
    with transaction.atomic():
        reporter = accounts.reporter_named(by=by, at=at, name=REPORTERS[told.channel], origin=Origin.PEOPLE)
        tip = Tip.objects.create(
            public_id=public_ids.new("NL"),
            report_id=rules.new_report_id(),
            source=_SOURCES[told.channel],
            environment=Environment.PRODUCTION,
            reporter=reporter,
            sent_by=by,
            incident_type=IncidentType.UNSTATED.value,
            batched=False,
            escalated=told.danger == "yes",
            payload_sha256=sha256,
            opened_at=at,
            state=State.RECEIVED,
            state_at=at,
            **({"unit_id": held_by.unit_id} if held_by else {}),
        )
        _keep(tip.pk, tip.public_id, body, at, kind=DocumentKind.TOLD)
        if code:
            _remember(tip.pk, code, at)
        custody.append(
            by=by,
            at=at,
            kind="tip.told",
            subject=f"tip:{tip.public_id}",
            data={
                "report_id": tip.report_id,
                "source": str(tip.source),
                "environment": str(tip.environment),
                "reporter": reporter.public_id,
                "sent_by": by,
                "incident_type": tip.incident_type,
                "batched": False,
                "escalated": tip.escalated,
                "unit": held_by.unit if held_by else "",
                "report_sha256": sha256.hex(),
                "size": len(body),
                "language": told.language,
                "contact": told.reachable,
            },
        )
    return Taken(tip.public_id, code)


def add(*, at: datetime, code: str, added: Added, form: str = "") -> None:
    """Keep what whoever has the code adds to what they told before.

    ``form`` names the form that was sent: only the same words from the same form are not kept again. What is added to a
    tip that was set apart, which few may see, is a new tip as well. Raises NotFound where there is no such code,
    Conflict for a text that cannot be kept or where too much was added.
    """
    _check(added.what, {"what": added.what})
    body = hotline.write(added)
    number = hashlib.sha256(form.encode() + b"\n" + body).hexdigest()[:16] if form else secrets.token_hex(8)
    with transaction.atomic():
        found = _tip_of(code)
        if found is None:
            raise NotFound("There is no such code.")
        tip, public_id, apart = found
        _one_at_a_time(tip)
        additions = Document.objects.filter(tip_id=tip, kind=DocumentKind.ADDITION)
        if additions.filter(file_id=number).exists():
            return  # a page that was loaded again
        if additions.count() >= MOST_ADDITIONS:
            raise Conflict("So much was added with this code that no more can be.")
        _keep(tip, public_id, body, at, kind=DocumentKind.ADDITION, number=number)
        new = {"taken_as": _taken_anew(public_id, added, at)} if apart else {}
        custody.append(
            by=BY,
            at=at,
            kind="tip.added-to",
            subject=f"tip:{public_id}",
            data={
                "addition": number,
                "addition_sha256": hashlib.sha256(body).hexdigest(),
                "size": len(body),
                "danger": added.danger == "yes",
                **new,
            },
        )


def _taken_anew(public_id: str, added: Added, at: datetime) -> str:
    """Take what was added as a tip of its own: who was cleared stays cleared, and what is new is worked on."""
    told = Told(hotline.HOTLINE, added.what, danger=added.danger or "unknown", follows=public_id)
    return _take(by=BY, at=at, told=told, with_code=False, held_by=None).tip


def _tip_of(code: str) -> tuple[int, str, bool] | None:
    """The tip with this code: its key, its public id, and whether it was set apart."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT tip_id, public_id, apart FROM tips_told(%s)", [_digest_of(code)])
        found = cursor.fetchone()
    return None if found is None else (found[0], found[1], found[2])


def _one_at_a_time(tip: int) -> None:
    """Two additions to one tip wait for each other, so that one form sent twice at once is kept once."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_LOCK, tip % 2**31])


def state_of(code: str, at: datetime) -> str | None:
    """Return how far it was at the end of yesterday: received, looked-at, passed-on or closed; None for no such code.

    By the rules of what reporters are told (docs/exchange/feedback.md): to the day; from the day after it came every
    tip is looked at; and nothing new while it is held back, sealed or set apart.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT tips_told_state(%s, %s, %s)", [_digest_of(code), at, settings.ENVIRONMENT.zone])
        (state,) = cursor.fetchone()
    return None if state is None else str(state)


def _digest_of(code: str) -> bytes:
    # What is no code at all is asked for as well, so that every wrong code is answered alike.
    return telling_codes.digest(settings.NIGHTLIGHT_TELLING_KEY, telling_codes.meant(code) or "")


def _remember(tip: int, code: str, at: datetime) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_CODE, [tip, _digest_of(code), at])


def _keep(tip: int, public_id: str, body: bytes, at: datetime, *, kind: str, number: str = "") -> None:
    """Keep the bytes, closed, and have the worker read the tip."""
    closed = closing.close(body, tip=public_id, kind=kind, file_id=number)
    with connection.cursor() as cursor:
        cursor.execute(
            _DOCUMENT,
            [tip, kind, number, closed.body, closed.key_part, len(body), hashlib.sha256(body).digest(), at],
        )
    Unread.objects.bulk_create([Unread(tip_id=tip)], ignore_conflicts=True)


def _check(what: str, fields: dict[str, str]) -> None:
    if not what.strip():
        raise Conflict("Say in a few words what happened.")
    if hotline.too_long(fields):
        raise Conflict("One of the texts is longer than can be taken.")
    if not all(map(storable, fields.values())):
        raise Conflict("One of the texts holds characters that cannot be kept.")
