# SPDX-License-Identifier: Apache-2.0
"""What happened and how the platform tells it: one planned report from a person, a platform and a type."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from nightlight.exercise import chance, names, wording
from nightlight.exercise.details import details
from nightlight.exercise.files import Pool, choose_files
from nightlight.exercise.networks import leaked_address
from nightlight.exercise.people import Account, Person, young
from nightlight.exercise.plan import (
    AddressEvent,
    Associated,
    Email,
    IncidentType,
    Location,
    Party,
    PlannedReport,
    Slot,
)
from nightlight.exercise.reporters import BY_KEY, Clock, Ports, Reporter
from nightlight.exercise.truth import Spoken, TrueEvent

if TYPE_CHECKING:
    from random import Random

    from nightlight.exercise.danger import Risk

PUBLISHED = {
    IncidentType.MATERIAL: 31_901_234,
    IncidentType.UNSOLICITED: 35_624,
    IncidentType.TRAFFICKING: 18_336,
    IncidentType.MOLESTATION: 12_906,
    IncidentType.WORDS_OR_IMAGES: 7_517,
    IncidentType.DOMAIN_NAME: 1_948,
    IncidentType.TOURISM: 940,
}
"""NCMEC, CyberTipline 2022 report, reports by incident type (32,059,029 in all), without enticement."""

ENTICEMENT_SHARE = 546_000 / 20_500_000
"""Enticement grew to more than 546,000 of 20.5 million reports in 2024 (NCMEC figures): 2.7 %."""

PORT_KNOWN = {Ports.ALWAYS: 1.0, Ports.SOMETIMES: 0.5, Ports.NEVER: 0.0}

LOGINS = ("Login", "Login", "Login", "Registration", "Other", None)

BATCH_LABELS = (("viral",), ("potentialMeme",), ("viral", "potentialMeme"))

ELSEWHERE = {True: Location("Boise", "ID", "US"), False: Location("Kochi", "Kerala", "IN")}
"""Where a wrong estimate places a person, by whether the person is in India."""

SAME_MAIL = "victim and reported share an e-mail address"

WITH_RECIPIENT = {IncidentType.ENTICEMENT, IncidentType.UNSOLICITED}
WITH_VICTIM = {IncidentType.ENTICEMENT, IncidentType.MOLESTATION, IncidentType.TRAFFICKING}


def quotas(reports: int) -> dict[IncidentType, int]:
    """Return how many of `reports` have each type: published shares, and one of each from 50 reports on.

    Without that floor a small exercise would never show the rare types, which are the ones to be recognised.
    """
    floor = 1 if reports >= 50 else 0
    whole = sum(PUBLISHED.values())
    counts = {
        kind: max(floor, round(reports * (1 - ENTICEMENT_SHARE) * number / whole)) for kind, number in PUBLISHED.items()
    }
    counts[IncidentType.ENTICEMENT] = max(floor, round(reports * ENTICEMENT_SHARE))
    del counts[IncidentType.MATERIAL]
    return {IncidentType.MATERIAL: max(0, reports - sum(counts.values())), **counts}


@dataclass(frozen=True, slots=True)
class Told:
    """A planned report together with what is true: its addresses, the signs it shows, the lines it quotes."""

    report: PlannedReport
    events: tuple[TrueEvent, ...]
    risk: Risk | None = None
    signs: tuple[str, ...] = ()
    spoken: tuple[Spoken, ...] = ()


def tell(rng: Random, key: str, slot: Slot, pool: Pool, prior: tuple[str, ...]) -> Told:
    """Return the report that this platform would file about this person, gaps and contradictions included."""
    reporter = BY_KEY[slot.reporter]
    files = choose_files(rng, slot, pool, key)
    report = PlannedReport(
        key=key,
        order=0,
        reporter=reporter.key,
        kind=slot.kind,
        at=slot.at,
        files=files,
        people=(slot.person.key,),
    )
    if slot.planted is None and reporter.thin and rng.random() < 0.8:
        return _thin(rng, report, reporter, slot, prior)
    stated, true = _addresses(rng, key, reporter, slot)
    account = slot.person.account_on(reporter.key)
    reported = _reported(rng, reporter, slot, account, stated)
    reported, findings = _contradict(rng, reported, slot, reporter)
    if files and stated and rng.random() < 0.2:
        files = (replace(files[0], event=stated[-1]), *files[1:])
    report = replace(
        report,
        files=files,
        reported=(replace(reported, prior=prior),),
        details=details(rng, reporter, slot, account),
        platform=reporter.service if rng.random() < 0.6 else None,
        narrative=_narrative(rng, reporter, slot),
        findings=findings,
        law_enforcement=_law_enforcement(rng) if rng.random() < 0.02 else (),
        at_note=rng.choice((None, None, "Time of detection by our check, not of the upload.")),
    )
    return Told(_with_others(rng, report, reporter, slot.kind), true)


def tell_batch(rng: Random, key: str, slot: Slot, pool: Pool, others: tuple[Person, ...]) -> Told:
    """Return a batched viral-meme report: several users, each by identifier only, and exactly one file."""
    reporter = BY_KEY[slot.reporter]
    files = choose_files(rng, replace(slot, shared=slot.shared or pool.common(rng)), pool, key)
    people = (slot.person, *others)
    file = replace(
        files[0],
        annotations=rng.choice(BATCH_LABELS),
        described=True,
        location=None,
        state_hash=False,
        event=None,
        exif=(),
        note=None,
        supplemental=False,
    )
    return Told(
        PlannedReport(
            key=key,
            order=0,
            reporter=reporter.key,
            kind=slot.kind,
            at=slot.at,
            batched=True,
            files=(file,),
            reported=tuple(Party(identifier=one.account_on(reporter.key).identifier) for one in people),
            people=tuple(one.key for one in people),
        ),
        (),
    )


def _thin(rng: Random, report: PlannedReport, reporter: Reporter, slot: Slot, prior: tuple[str, ...]) -> Told:
    account = slot.person.account_on(reporter.key)
    stated, true = _addresses(rng, report.key, reporter, slot)
    party = Party(identifier=account.identifier, events=stated, prior=prior)
    findings = ("automated report without narrative", *(() if stated else ("no address",)))
    narrative = wording.THIN if rng.random() < 0.5 else None
    return Told(replace(report, reported=(party,), narrative=narrative, findings=findings), true)


def _addresses(
    rng: Random, key: str, reporter: Reporter, slot: Slot
) -> tuple[tuple[AddressEvent, ...], tuple[TrueEvent, ...]]:
    """Return the addresses as stated and as they were: ports get dropped, inside addresses leak."""
    lost = slot.planted is None and rng.random() < reporter.loses_address
    count = 0 if lost else rng.randint(*reporter.events)
    if slot.planted is not None:
        count = max(2, count)
    moments = sorted(chance.moment_between(rng, slot.at - timedelta(days=18), slot.at) for _ in range(count))
    if moments:
        moments[-1] = slot.at - timedelta(seconds=rng.randint(2, 240))
    stated, true = [], []
    for number, at in enumerate(moments):
        seen = slot.person.connect(rng, at)
        leaks = rng.random() < reporter.leaks_inside
        address = leaked_address(f"{key}/{number}", shared=rng.random() < 0.5) if leaks else seen.address
        knows_port = rng.random() < PORT_KNOWN[reporter.ports]
        last = number == len(moments) - 1
        event = AddressEvent(
            address=address,
            event="Upload" if last else rng.choice(LOGINS),
            at=at if rng.random() < 0.97 else None,
            port=seen.port if knows_port and not leaks else None,
            proxy=True if seen.behind and rng.random() < 0.4 else None,
        )
        stated.append(event)
        true.append(TrueEvent.of(key, slot.person.key, at, event, seen))
    return tuple(stated), tuple(true)


def _reported(rng: Random, reporter: Reporter, slot: Slot, account: Account, events: tuple[AddressEvent, ...]) -> Party:
    person = slot.person
    planted = slot.planted is not None
    knows_person = rng.random() < (0.8 if reporter.key in {"market", "mail"} else 0.3)
    knows_phone = planted or rng.random() < (0.8 if reporter.key == "market" else 0.3)
    note = rng.choice(wording.NOTES).format(payment=person.payment) if rng.random() < 0.2 else None
    return Party(
        identifier=account.identifier,
        service=reporter.service,
        screen_name=account.screen_name,
        display_names=(account.display_name,) if rng.random() < 0.7 else (),
        profile_url=account.profile_url if rng.random() < 0.6 else None,
        profile_bio=account.bio,
        first_name=person.first_name if knows_person else None,
        last_name=person.last_name if knows_person else None,
        phones=(person.phone,) if person.phone and knows_phone else (),
        emails=(account.email,) if account.email else (),
        postal=person.postal if reporter.key == "market" else None,
        born=person.born if knows_person and rng.random() < 0.5 else None,
        compromised=True if rng.random() < 0.02 else None,
        events=events,
        devices=person.devices if planted or rng.random() < 0.35 else (),
        group=rng.choice(names.GROUPS) if reporter.key == "chat" and rng.random() < 0.3 else None,
        disabled_at=slot.at + timedelta(minutes=rng.randint(1, 30)) if rng.random() < 0.5 else None,
        location=person.location() if rng.random() < 0.35 else None,
        all_emails=True if account.email and rng.random() < 0.1 else None,
        associated=_associated(rng, person, reporter) if rng.random() < 0.08 else (),
        note=note,
    )


def _associated(rng: Random, person: Person, reporter: Reporter) -> tuple[Associated, ...]:
    others = [account for account in person.accounts if account.platform != reporter.key]
    kind = rng.choice(("Linked", "Billing", "Other"))
    return tuple(
        Associated(kind, BY_KEY[other.platform].service, other.identifier, other.screen_name, other.email)
        for other in others[:1]
    )


def _contradict(rng: Random, party: Party, slot: Slot, reporter: Reporter) -> tuple[Party, tuple[str, ...]]:
    """Plant gaps and contradictions as real reports have them: findings, never violations of the schema."""
    findings: list[str] = []
    if not party.events:
        findings.append("no address")
    elif all(event.port is None for event in party.events):
        findings.append("no port")
    if any(event.at is None for event in party.events):
        findings.append("address without time")
    if reporter.clock is Clock.NO_ZONE:
        findings.append("time zone not stated")
    if party.born and rng.random() < 0.08:
        party = replace(party, age=slot.person.age_on(slot.at.date()) - rng.randint(9, 15))
        findings.append("age contradicts date of birth")
    if party.location and rng.random() < 0.06:
        party = replace(party, location=ELSEWHERE[party.location.country == "IN"])
        findings.append("estimated location does not fit the addresses")
    return party, tuple(findings)


def _narrative(rng: Random, reporter: Reporter, slot: Slot) -> str | None:
    if reporter.long_narrative:
        return wording.long_narrative(rng, slot.kind)
    if rng.random() < 0.1 and slot.planted is None:
        return None
    return wording.narrative(rng, slot.kind, slot.person.payment)


def _law_enforcement(rng: Random) -> tuple[tuple[str, str], ...]:
    return (
        ("agencyName", "Example City Police, Cyber Cell"),
        ("caseNumber", f"CR {rng.randint(1, 400):04d}/2026"),
        ("reportedToLe", "true"),
    )


def _with_others(rng: Random, report: PlannedReport, reporter: Reporter, kind: IncidentType) -> PlannedReport:
    """Add the young person on the other side, as recipient, victim or both."""
    if kind not in WITH_RECIPIENT | WITH_VICTIM:
        return report
    born, age = young(rng, report.at.date())
    name = rng.choice(names.PUPIL_NAMES)
    email = Email(f"{name.lower()}.{chance.hexadecimal(rng, 6)}@example.com")
    pupil = Party(
        identifier=chance.hexadecimal(rng, 16),
        service=reporter.service,
        first_name=name,
        emails=(email,),
        age=age,
        screen_name=f"{name.lower()}_{rng.choice(names.SCREEN_WORDS)}",
    )
    findings = report.findings
    harmed = kind in WITH_VICTIM and rng.random() < 0.8
    if harmed and report.reported[0].emails and rng.random() < 0.3:
        pupil = replace(pupil, emails=(report.reported[0].emails[0],))
        findings = (*findings, SAME_MAIL)
    victim = replace(pupil, school=rng.choice(names.SCHOOLS) if rng.random() < 0.5 else None,
                     born=born if rng.random() < 0.4 else None)  # fmt: skip
    asks_money = report.narrative is not None and "asked for money" in report.narrative
    return replace(
        report,
        recipients=(pupil,) if kind in WITH_RECIPIENT else (),
        victims=(victim,) if harmed else (),
        annotations=("sextortion",) if asks_money and kind is IncidentType.ENTICEMENT else report.annotations,
        findings=findings,
    )
