# SPDX-License-Identifier: Apache-2.0
"""What the tip page says, worked out before any template: what it is, how urgent, whose, what next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from nightlight.outlook.desk import facts, known, network, wording
from nightlight.outlook.desk.next_step import NextStep, next_step
from nightlight.pipeline.tips.models import State
from nightlight.pipeline.tips.people import Role
from nightlight.pipeline.tips.queries import type_label
from nightlight.pipeline.tips.values import Stated

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from nightlight.outlook.desk.facts import Fact, PartyCard
    from nightlight.outlook.desk.known import Known, Sum
    from nightlight.pipeline.matching.models import Progress
    from nightlight.pipeline.matching.queries import FileKnown
    from nightlight.pipeline.tips.models import Tip
    from nightlight.pipeline.tips.people import Party
    from nightlight.pipeline.tips.reading import ClaimedHash, FileReading, Reading, ReceivedFile
    from nightlight.pipeline.tips.shown import ShownTip


@dataclass(frozen=True, slots=True)
class Glance:
    """One number of the first lines, where it leads, and what to mind about it."""

    number: int
    label: str
    anchor: str
    mind: str = ""


@dataclass(frozen=True, slots=True)
class FileCard:
    """One file as the page shows it: words and digests, never the file."""

    anchor: str
    number: int
    name: str
    size: str
    digests: tuple[tuple[str, str], ...]
    arrived: bool
    viewed: Stated
    facts: tuple[Fact, ...]
    annotations: tuple[str, ...]
    claimed: tuple[tuple[str, str, str], ...]
    metadata: tuple[tuple[str, str], ...]
    known: Known | None = None  # None where no file came, and where files are not looked up

    @property
    def look(self) -> bool:
        """Whether a page offers to look at it."""
        return self.arrived and (self.known is None or self.known.look)


@dataclass(frozen=True, slots=True)
class Remark:
    """Something an officer should know about the quality of a tip, and how often it was found."""

    title: str
    text: str
    paths: tuple[str, ...]
    times: int


@dataclass(frozen=True, slots=True)
class NotUnderstood:
    """A value that has no place here; the value itself is held back where it may name a child."""

    path: str
    value: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class TipPage:
    """Everything the page of one tip shows but its history."""

    tip: Tip
    title: str
    type_as_sent: str
    urgency: str | None
    next_step: NextStep
    glances: tuple[Glance, ...]
    reported: str
    reading: Reading | None
    parties: tuple[PartyCard, ...]
    protected: int
    events: tuple[network.EventRow, ...]
    drawing: network.TimeLine | None
    files: tuple[FileCard, ...]
    known: Sum | None
    annotations: tuple[str, ...]
    narratives: tuple[str, ...]
    reporter: tuple[Fact, ...]
    reporter_texts: tuple[Fact, ...]
    places: tuple[tuple[str, tuple[Fact, ...]], ...]
    agency: tuple[Fact, ...]
    remarks: tuple[Remark, ...]
    not_understood: tuple[NotUnderstood, ...]
    mask: Callable[[str], str]


def build(
    shown: ShownTip,
    *,
    repeats: str | None,
    progress: Progress | None = None,
    found: Mapping[int, FileKnown] | None = None,
) -> TipPage:
    """Return the page of a tip from what may be shown of it; names of victims and children are not in that.

    ``progress`` and ``found`` are what matching says of its files (``matching.queries.of_tip``).
    """
    tip = shown.tip
    zone = ZoneInfo(settings.ENVIRONMENT.zone)
    reading = shown.reading
    if reading is None:
        return _unread(shown, next_step(shown, repeats))
    events = network.rows(reading)
    incident = reading.incident
    files = _files(shown, reading, found or {})
    total = known.sum_of(tip, progress, [(card.number, card.known) for card in files if card.known])
    cards = tuple(
        facts.party_card(number, party, shown.held_back.get(party.source))
        for number, party in enumerate(sorted(reading.parties, key=_importance), 1)
    )
    return TipPage(
        tip=tip,
        title=type_label(tip.incident_type),
        type_as_sent=incident.type_as_sent or "",
        urgency=incident.escalation if tip.escalated or incident.escalation is not None else None,
        next_step=next_step(shown, repeats, total),
        glances=tuple(_glances(reading, shown, events, total)),
        reported=_reported(cards),
        reading=reading,
        parties=cards,
        protected=len(shown.held_back),
        events=events,
        drawing=network.time_line(events, incident.at.utc if incident.at else None, zone),
        files=files,
        known=total,
        annotations=tuple(map(wording.humane, incident.annotations)),
        narratives=tuple(text.value for text in reading.statements),
        reporter=facts.reporter_facts(reading.reporter),
        reporter_texts=facts.reporter_texts(reading.reporter),
        places=tuple((wording.humane(place.kind), facts.place_facts(place)) for place in reading.webs),
        agency=facts.agency_facts(reading.law_enforcement) if reading.law_enforcement else (),
        remarks=tuple(_remarks(shown)),
        not_understood=tuple(NotUnderstood(u.path, u.value or None, u.reason) for u in reading.unknown),
        mask=lambda text: text,
    )


def _unread(shown: ShownTip, step: NextStep) -> TipPage:
    tip = shown.tip
    return TipPage(
        tip=tip,
        title=_("A report that could not be read") if shown.read else type_label(tip.incident_type),
        type_as_sent="",
        urgency=None,
        next_step=step,
        glances=(),
        reported="",
        reading=None,
        parties=(),
        protected=0,
        events=(),
        drawing=None,
        files=(),
        known=None,
        annotations=(),
        narratives=(),
        reporter=(),
        reporter_texts=(),
        places=(),
        agency=(),
        remarks=(),
        not_understood=(),
        # What cannot be read cannot be searched for names either: show nothing of what the sender wrote.
        mask=lambda _text: _("held back: the report could not be read, so names in it are not known"),
    )


_ROLES_IN_ORDER = (Role.REPORTED, Role.VICTIM, Role.RECIPIENT, Role.ASSOCIATED)


def _importance(party: Party) -> int:
    return _ROLES_IN_ORDER.index(party.role)


def _glances(
    reading: Reading, found: ShownTip, events: tuple[network.EventRow, ...], total: Sum | None
) -> Iterable[Glance]:
    reported = len(reading.parties_as(Role.REPORTED))
    victims = len(reading.parties_as(Role.VICTIM))
    yield Glance(reported, ngettext("reported person", "reported people", reported), "#people")
    if victims:
        yield Glance(victims, ngettext("victim", "victims", victims), "#people", _("names held back"))
    without = sum(not row.port for row in events)
    held = sum(back.network_events for back in found.held_back.values())
    mind = _("%(n)d without port") % {"n": without} if without else ""
    if held and not events:
        mind = _("%(n)d more held back") % {"n": held}
    yield Glance(len(events), ngettext("network event", "network events", len(events)), "#network", mind)
    viewed = sum(file.viewed_by_esp is Stated.YES for file in reading.files)
    mind = _("%(n)d viewed by the reporter") % {"n": viewed} if reading.files else ""
    if total is not None:
        mind = f"{total.told} · {mind}"
    yield Glance(len(reading.files), ngettext("file", "files", len(reading.files)), "#files", mind)


def _reported(cards: tuple[PartyCard, ...]) -> str:
    role = wording.role(Role.REPORTED)
    named = [card.name or card.pseudonym for card in cards if card.role == role]
    if len(named) > 3:
        return _("%(first)s and %(n)d more") % {"first": ", ".join(named[:3]), "n": len(named) - 3}
    return ", ".join(named)


def _files(shown: ShownTip, reading: Reading, found: Mapping[int, FileKnown]) -> tuple[FileCard, ...]:
    """The files as the report describes them, each with what is known of the one that came."""
    items = {file.file_id: file.item_id for file in shown.files} if shown.tip.state == State.RECEIVED else {}
    of_file = {file_id: known.of_file(found[item]) for file_id, item in items.items() if item in found}
    return tuple(
        _file(number, file, of_file.get(file.received.file_id) if file.received else None)
        for number, file in enumerate(reading.files, 1)
    )


def _file(number: int, file: FileReading, of: Known | None) -> FileCard:
    received = file.received
    said: list[Fact] = []
    said.append(_one(_("Viewed by the reporter"), _VIEWED[file.viewed_by_esp]()))
    if file.exif_viewed_by_esp is not Stated.NOT_STATED:
        said.append(_one(_("Metadata viewed by the reporter"), wording.stated(file.exif_viewed_by_esp)))
    said.append(_one(_("Publicly available"), wording.stated(file.publicly_available)))
    relevance = file.relevance or _("Reported (not stated, so by the interface's rule)")
    said.append(_one(_("Relevance"), relevance))
    if file.original_name and file.original_name != file.name_as_sent:
        said.append(_one(_("Original name"), file.original_name))
    if file.uploaded_at is not None:
        said.append(facts.Fact(_("Uploaded to the service"), (facts.Line("", "", file.uploaded_at),)))
    if file.industry_classification:
        said.append(_one(_("Industry classification"), file.industry_classification))
    if file.location:
        said.append(_one(_("Where it lay (text only; do not open)"), file.location))
    if file.tags:
        said.append(facts.Fact(_("Tags"), tuple(facts.Line(tag.value) for tag in file.tags)))
    said += [facts.Fact(_("What the reporter adds"), (facts.Line(t.value),), prose=True) for t in file.statements]
    return FileCard(
        anchor=f"file-{number}",
        number=number,
        name=file.name_as_sent or file.original_name or _("no name"),
        size=wording.size(received.size) if received else "",
        digests=((("MD5", received.md5), ("SHA-1", received.sha1), ("SHA-256", received.sha256)) if received else ()),
        arrived=received is not None,
        viewed=file.viewed_by_esp,
        facts=tuple(said),
        annotations=tuple(map(wording.humane, file.annotations)),
        claimed=tuple(_claimed(hash_, received) for hash_ in file.hashes),
        metadata=tuple((" · ".join(filter(None, (m.group, m.name))), m.value) for m in file.metadata),
        known=of,
    )


_VIEWED: dict[Stated, Callable[[], str]] = {
    Stated.YES: lambda: _("Yes: a person at the reporter viewed the entire file"),
    Stated.NO: lambda: _("No: nobody at the reporter viewed the entire file"),
    Stated.NOT_STATED: lambda: _("Not stated; do not assume either"),
    Stated.UNREADABLE: lambda: _("Unreadable; do not assume either"),
}


def _one(label: str, text: str) -> Fact:
    return facts.Fact(label, (facts.Line(text),))


def _claimed(stated: ClaimedHash, received: ReceivedFile | None) -> tuple[str, str, str]:
    """A hash the reporter states, and whether the file that came has it."""
    kind = (stated.kind or "").upper().replace("-", "")
    ours = {"MD5": received.md5, "SHA1": received.sha1, "SHA256": received.sha256}.get(kind) if received else None
    if ours is None:
        verdict = _("not checked")
    elif ours == stated.value.strip().lower():
        verdict = _("the file received has it")
    else:
        verdict = _("the file received has another")
    return stated.kind or _("kind not stated"), stated.value, verdict


def _remarks(shown: ShownTip) -> Iterable[Remark]:
    """The findings, the same kind told once; what could quote a protected part came without its words."""
    grouped: dict[str, list[tuple[str, str]]] = {}
    for finding in shown.findings:
        grouped.setdefault(finding.code, []).append((finding.path, finding.text))
    for code, places in grouped.items():
        said = next((text for _path, text in places if text), "")
        yield Remark(wording.finding(code), said, tuple(path for path, _text in places[:10]), len(places))
