# SPDX-License-Identifier: Apache-2.0
"""Asks partners who hold what we hold: what is new first, then back from the newest, as much as they let us in a day.

Each partner is asked on its own: one that fails or is slow holds up no other. What was asked for is noted with its
answer, so that a stop half-way asks little twice and leaves nothing out.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import structlog
from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q

from nightlight.pipeline.linking import rows as linking
from nightlight.pipeline.linking.deconfliction import asking, contacts, partners, rules, wire
from nightlight.pipeline.linking.deconfliction.models import Held, Partner, Ring
from nightlight.pipeline.linking.models import Identifier
from nightlight.trust.accounts.models import Role
from nightlight.trust.custody import actions as custody
from nightlight.trust.sealed import box, keys
from nightlight.trust.sealed.box import Closed, Damaged, KeysRefused
from nightlight.trust.units import notices
from nightlight.trust.units.models import Unit

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from nightlight.pipeline.linking.deconfliction.wire import Said

MOST_QUESTIONS = 1000  # of one partner in one round; the rest comes in the next
LONGEST = timedelta(minutes=10)  # of one partner in one round
MOST_UNITS = 5  # of a partner that are kept for a value; the database keeps no more either
AFTER_A_FAILURE = timedelta(hours=1)
# Only what may be told now (who is in a tip that waits to be linked may just have been cleared), and of each digest the
# unit that holds its newest tip: in its name we ask.
_NEXT = """
SELECT d.id, d.digest, d.identifier_id, h.unit_id FROM linking_ringdigest d CROSS JOIN LATERAL (
    SELECT t.unit_id FROM linking_sighting s
    JOIN linking_subject p ON p.id = s.subject_id AND NOT p.gone AND p.side = 'suspect'
    JOIN tips_tip t ON t.id = s.tip_id AND t.state = 'received' AND NOT t.set_apart
    WHERE s.identifier_id = d.identifier_id AND s.side = 'suspect'
      AND NOT EXISTS (SELECT 1 FROM linking_waiting w WHERE w.tip_id = t.id)
    ORDER BY t.opened_at DESC, t.id DESC LIMIT 1) AS h
JOIN linking_identifier i ON i.id = d.identifier_id AND NOT i.silenced AND i.suspects BETWEEN 1 AND %(most)s
WHERE d.ring_id = %(ring)s AND {where}
  AND NOT EXISTS (SELECT 1 FROM linking_sighting x WHERE x.identifier_id = i.id AND (x.side = 'child' OR x.value = ''))
ORDER BY d.id {order} LIMIT %(batch)s
"""
_TIPS = """
SELECT DISTINCT t.id, t.public_id, t.unit_id FROM linking_sighting s
JOIN linking_subject p ON p.id = s.subject_id AND NOT p.gone AND p.side = 'suspect'
JOIN tips_tip t ON t.id = s.tip_id AND t.state = 'received' AND NOT t.set_apart
WHERE s.identifier_id = %s AND s.side = 'suspect'
  AND NOT EXISTS (SELECT 1 FROM linking_waiting w WHERE w.tip_id = t.id) ORDER BY t.id DESC LIMIT 20
"""
log = structlog.get_logger("deconfliction")


@dataclass(frozen=True, slots=True)
class Asked:
    """How a round with a partner went: digests asked for, how many it holds, and why it stopped before the end."""

    partner: str
    digests: int
    held: int
    why: str = ""


@dataclass(frozen=True, slots=True)
class _Row:
    key: int
    digest: bytes
    identifier: int
    unit: int


def ask_due(*, by: str, now: Callable[[], datetime]) -> list[Asked]:
    """Ask every partner that may be asked now."""
    at = now()
    due = Partner.objects.filter(ended_at=None).exclude(url="")
    done = []
    for partner in due.filter(Q(not_before=None) | Q(not_before__lte=at)).order_by("asked_at", "pk"):
        try:
            done.append(ask(partner, by=by, now=now))
        except Exception as error:  # whatever one partner brings about holds up no other
            log.exception("partner-defeats-us", partner=partner.public_id, error=type(error).__name__)
            done.append(_over(partner, 0, 0, "something failed here", now()))
    return done


def ask(partner: Partner, *, by: str, now: Callable[[], datetime]) -> Asked:
    """Ask one partner until it has heard everything, refuses, or the round is over. What it refuses is not raised."""
    ring = Ring.objects.filter(name=partner.ring).order_by("-epoch").first()
    if ring is None:
        return _over(partner, 0, 0, f"there is no key of the ring {partner.ring} here, or nothing is prepared", now())
    if partner.asked_epoch != ring.epoch:
        # A new key: everything is asked for once more. The middle is where the newest is now.
        with connection.cursor() as cursor:
            cursor.execute("SELECT coalesce(max(id), 0) FROM linking_ringdigest WHERE ring_id = %s", [ring.pk])
            (newest,) = cursor.fetchone()
        partner.asked_epoch, partner.asked_low, partner.asked_high = ring.epoch, newest + 1, newest
        partner.save(update_fields=["asked_epoch", "asked_low", "asked_high"])
    try:
        token = _secret(partner)
    except (Damaged, KeysRefused, UnicodeDecodeError):
        return _over(partner, 0, 0, "the token cannot be opened here; end the partner and add it anew", now())
    digests, held, end = 0, 0, now() + LONGEST
    for _question in range(MOST_QUESTIONS):
        rows, up = _next(partner, ring)
        if not rows:
            return _over(partner, digests, held, "", now())
        at = now()
        if at > end:
            break
        try:
            told = _put(partner, ring, rows, token=token, at=at)
        except wire.AskingFailed as failed:
            log.warning("partner-failed", partner=partner.public_id, status=failed.status, why=failed.reason)
            return _over(partner, digests, held, failed.reason, at, wait=failed.wait)
        with transaction.atomic():
            linking.tell_alone()
            Partner.objects.select_for_update().filter(pk=partner.pk).values_list("pk").get()
            hits = _keep(partner, rows, told, by=by, at=at)
            if up:
                partner.asked_high = max(row.key for row in rows)
            else:
                partner.asked_low = min(row.key for row in rows)
            partner.save(update_fields=["asked_low", "asked_high"])
            custody.append(
                by=by,
                at=at,
                kind="deconfliction.sent",
                subject=f"partner:{partner.public_id}",
                data={"ring": ring.name, "epoch": ring.epoch, "digests": len(rows), "held": hits},
            )
        digests, held = digests + len(rows), held + hits
    return _over(partner, digests, held, "", now())


def _next(partner: Partner, ring: Ring) -> tuple[list[_Row], bool]:
    """The digests to ask for next, all of one unit, and whether they are newer than what was asked for."""
    for where, order, up in (("d.id > %(high)s", "ASC", True), ("d.id < %(low)s", "DESC", False)):
        told = {
            "ring": ring.pk, "high": partner.asked_high, "low": partner.asked_low,
            "most": rules.MOST_PEOPLE, "batch": rules.MOST_AT_ONCE,
        }  # fmt: skip
        with connection.cursor() as cursor:
            cursor.execute(_NEXT.format(where=where, order=order), told)
            rows = [_Row(key, bytes(digest), *more) for key, digest, *more in cursor.fetchall()]
        # A question says whom to call: it is about one unit, and ends where the next unit begins.
        same = next((n for n, row in enumerate(rows) if row.unit != rows[0].unit), len(rows))
        if rows:
            return rows[:same], up
    return [], True


def _put(partner: Partner, ring: Ring, rows: Sequence[_Row], *, token: str, at: datetime) -> Sequence[Said]:
    unit = Unit.objects.get(pk=rows[0].unit)
    here = settings.NIGHTLIGHT_DECONFLICTION_NAME
    known = contacts.contact_of(unit)
    contact = rules.call(known.telephone, known.email, known.duty) if known else ""
    question: dict[str, Any] = {
        "ring": ring.name,
        "epoch": ring.epoch,
        "call": {"unit": unit.name, "contact": contact or f"No contact is set; ask the administrator of {here}."},
        "digests": [row.digest.hex() for row in rows],
    }
    return wire.ask(partner.url, token, question)


def _keep(partner: Partner, rows: Sequence[_Row], told: Sequence[Said], *, by: str, at: datetime) -> int:
    """Keep what the partner said with our tips, and tell the units that hold them; return how many digests it holds."""
    identifier_of = {row.digest: row.identifier for row in rows}
    newest: dict[int, str] = {}  # of each unit that learns something, its newest tip of which it does
    kinds: dict[str, set[str]] = {}  # of each tip that it knows of by now, since it was asked and holds the same
    kind_of = dict(Identifier.objects.filter(pk__in=identifier_of.values()).values_list("pk", "kind"))
    known = set(Held.objects.filter(partner=partner, identifier__in=kind_of).values_list("tip_id", "identifier_id"))
    seen: Counter[bytes] = Counter()
    tips: set[int] = set()
    for one in told:
        seen[one.digest] += 1
        if seen[one.digest] > MOST_UNITS or identifier_of[one.digest] not in kind_of:
            continue
        for tip, public_id, unit in _tips(identifier_of[one.digest]):
            tips.add(tip)
            Held.objects.update_or_create(
                tip_id=tip,
                identifier_id=identifier_of[one.digest],
                partner=partner,
                their_unit=one.unit,
                defaults={
                    "call": one.contact,
                    "since": date.fromisoformat(f"{one.since}-01") if one.since else None,
                    "at": at,
                },
            )
            if (tip, identifier_of[one.digest]) not in known:
                newest.setdefault(unit, public_id)
                kinds.setdefault(public_id, set()).add(kind_of[identifier_of[one.digest]])
    with connection.cursor() as cursor:
        cursor.execute("SELECT linking_held_newest(%s, %s)", [sorted(tips), partner.pk])
    fresh = [{"tip": public_id, "kinds": sorted(them)} for public_id, them in sorted(kinds.items())]
    asking.log_told(fresh, by=by, at=at, to=f"partner:{partner.public_id}")
    for unit, public_id in newest.items():
        for role in (Role.TRIAGE_OFFICER, Role.INVESTIGATOR, Role.COMMANDER):
            notices.tell_role(
                unit_id=unit, role=role, kind="deconfliction.held", subject=f"tip:{public_id}", at=at,
                about=f"partner:{partner.public_id}",
            )  # fmt: skip
    return len({one.digest for one in told})


def _tips(identifier: int) -> list[tuple[int, str, int]]:
    with connection.cursor() as cursor:
        cursor.execute(_TIPS, [identifier])
        return list(cursor.fetchall())


def _over(partner: Partner, digests: int, held: int, why: str, at: datetime, *, wait: int = 0) -> Asked:
    partner.asked_at, partner.why = at, rules.one_line(why)
    later = timedelta(seconds=wait) if wait else AFTER_A_FAILURE
    partner.not_before = at + later if why else None
    partner.save(update_fields=["asked_at", "why", "not_before"])
    return Asked(partner.name, digests, held, partner.why)


def _secret(partner: Partner) -> str:
    closed = Closed(bytes(partner.secret_key_part), bytes(partner.secret))
    return box.unseal(keys.current_keyring(), closed, partners.context(partner.public_id)).decode()
