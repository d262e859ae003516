# SPDX-License-Identifier: Apache-2.0
"""What of a tip may be shown on pages: worked out by the background worker, which alone can open what was sent.

The worker reads the report, takes out what names a protected person, closes that for itself (trust/sealed), and keeps
the rest here. Pages read this and nothing else of a report. Derived: rebuilt whenever the rule that made it changes.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from django.conf import settings

from nightlight.foundation.tagged_json import Keeper, NotKept
from nightlight.pipeline.tips import people, reading, values
from nightlight.pipeline.tips.formats.cybertipline.check import Finding
from nightlight.pipeline.tips.models import Document, Shown, Tip, TipFile
from nightlight.pipeline.tips.people import Role
from nightlight.pipeline.tips.withholding import HeldBack, withhold
from nightlight.trust.retention.models import Apart
from nightlight.trust.sealed import keeping
from nightlight.trust.sealed.rules import Kind, Protected

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from nightlight.pipeline.tips.people import Party
    from nightlight.pipeline.tips.reading import Reading
    from nightlight.pipeline.tips.understanding import Understood
    from nightlight.pipeline.tips.withholding import Withheld

VERSION = reading.READING_VERSION * 100 + 2  # of the reading, and of what is taken out of it
TELLER = "/teller"  # the place under which the contact of who told something is sealed
# Findings whose sentence may hold words of the document.
_QUOTING = {"no-longer-valid", "tolerated"}


def _classes() -> Iterable[type]:
    for module in (values, people, reading):
        for kind in vars(module).values():
            if isinstance(kind, type) and kind.__module__ == module.__name__:
                yield kind
    yield from (Finding, HeldBack)


_KEEPER = Keeper(_classes())


@dataclass(frozen=True)
class ShownTip:
    """What may be shown of one tip; ``read`` is False while the worker has not read it (or never will: it is open).

    ``reading`` is None where the kept bytes could not be read. Documents come without their bodies.
    """

    tip: Tip
    read: bool
    reading: Reading | None
    held_back: Mapping[str, HeldBack]
    findings: tuple[Finding, ...]
    documents: tuple[Document, ...]
    files: tuple[TipFile, ...]
    contact: str = ""  # "left" where who told it can be reached, "call-back" where they ask for a call


def make(understood: Understood, *, by: str, at: datetime) -> Shown:
    """Return what may be shown of a tip, not saved; what may not is closed into sealed identities, which are saved."""
    found = _withheld(understood, at)
    if found is not None:
        subject = f"tip:{understood.tip.public_id}"
        apart = _apart(subject)
        people_of = tuple(_protected(party, party.source in apart) for party in found.protected if _facts(party))
        people_of += _teller(understood)
        keeping.renew(by=by, at=at, subject=subject, identities=people_of, rule_version=VERSION)
    return row_of(understood, found)


def row_of(understood: Understood, found: Withheld | None) -> Shown:
    """Return the row that is kept, for a tip and what was withheld of it."""
    kept = {
        "reading": _KEEPER.keep(found.reading) if found else None,
        "held_back": {source: _KEEPER.keep(held) for source, held in found.held_back.items()} if found else {},
        "findings": [_KEEPER.keep(_told(finding, found)) for finding in understood.findings],
        "contact": _contact(understood),
    }
    # JSON escapes what the database cannot hold in a text.
    return Shown(tip=understood.tip, version=VERSION, body=json.dumps(kept, separators=(",", ":")))


def _withheld(understood: Understood, at: datetime) -> Withheld | None:
    zone = ZoneInfo(settings.ENVIRONMENT.zone)
    apart = _apart(f"tip:{understood.tip.public_id}")
    return withhold(understood.reading, at.astimezone(zone).date(), apart) if understood.reading else None


def _apart(subject: str) -> frozenset[str]:
    return frozenset(Apart.objects.filter(subject=subject).values_list("part", flat=True))


def _told(finding: Finding, found: Withheld | None) -> Finding:
    """The finding without words about a protected person; without a reading nobody knows which words those are."""
    quotes = finding.code in _QUOTING and (found is None or found.covers(finding.path))
    return replace(finding, text="" if quotes or found is None else found.mask(finding.text))


def of(tip: Tip) -> ShownTip:
    """Return what may be shown of a tip, for pages. Three queries; opens nothing."""
    kept = Shown.objects.filter(tip=tip).first()
    documents = tuple(Document.objects.filter(tip=tip).defer("body", "key_part").order_by("id"))
    files = tuple(
        TipFile.objects.filter(tip=tip)
        .select_related("item__blob")
        .defer("item__name_closed", "item__name_key_part")
        .order_by("id")
    )
    if kept is None:
        return ShownTip(tip, read=False, reading=None, held_back={}, findings=(), documents=documents, files=files)
    told = json.loads(kept.body)
    try:
        found: Reading | None = _KEEPER.read(told["reading"])
        held = {source: _KEEPER.read(back) for source, back in told["held_back"].items()}
        findings = _KEEPER.read(told["findings"])
    except NotKept:  # the rules have changed since; the worker makes it anew
        return ShownTip(tip, read=False, reading=None, held_back={}, findings=(), documents=documents, files=files)
    return ShownTip(tip, True, found, held, findings, documents, files, told.get("contact", ""))


def _contact(understood: Understood) -> str:
    told = understood.told
    if told is None or not told.reachable:
        return ""
    return "call-back" if told.call_back else "left"


def _teller(understood: Understood) -> tuple[Protected, ...]:
    """Who told it, where they said how to reach them: closed like a protected person, and found by no search."""
    told = understood.told
    if told is None or not told.reachable:
        return ()
    facts = {"teller": [told.caller], "teller_contact": [told.contact]}
    kept = {name: [value for value in values if value] for name, values in facts.items()}
    return (Protected(TELLER, "Person who told us", Kind.TELLER, {name: v for name, v in kept.items() if v}),)


def _protected(party: Party, cleared: bool) -> Protected:
    facts = _facts(party)
    if cleared:  # under names that no search looks for: who was cleared matches nothing any more
        facts = {f"cleared_{name}": values for name, values in facts.items()}
    child = any(person.birth_date or person.ages for person in party.persons)
    kind = Kind.OTHER_PROTECTED
    if party.role is Role.VICTIM:
        kind = Kind.CHILD_VICTIM
    elif child and party.role is Role.REPORTED:
        kind = Kind.CHILD_REPORTED
    return Protected(source=party.source, pseudonym=party.pseudonym or party.source, kind=kind, facts=facts)


def _facts(party: Party) -> dict[str, list[str]]:
    """What names a party, by field, each value once and as sent."""
    facts: dict[str, list[str]] = {"name": [], "birth_date": [], "email": [], "phone": [], "address": []}
    for person in party.persons:
        facts["name"].append(" ".join(person.names))
        facts["birth_date"].append(person.birth_date.as_sent if person.birth_date else "")
        facts["email"] += [email.value for email in person.emails]
        facts["phone"] += [phone.value for phone in person.phones]
        for address in person.addresses:
            parts = (
                getattr(address, field.name)
                for field in fields(address)
                if field.name not in {"source", "kind", "street"}
            )
            facts["address"].append(", ".join(filter(None, (*address.street, *parts))))
    facts["account"] = [
        *(text.value for text in (*party.screen_names, *party.display_names)),
        *(account.identifier or "" for account in party.accounts),
    ]
    facts["school"] = [party.school or ""]
    facts["group"] = [party.group or ""]
    facts["device"] = [device.value for device in party.devices]
    facts["link"] = [link.url for link in (*party.profile_urls, *party.urls)]
    facts["network_address"] = [event.address_as_sent for event in party.network_events]
    facts["said"] = [text.value for text in party.statements]
    return {name: list(dict.fromkeys(v for v in told if v)) for name, told in facts.items() if any(told)}
