# SPDX-License-Identifier: Apache-2.0
"""Gathers what is known of many tips, with the same few queries however many they are. For the worker, which sees all.

What has not been worked out yet (files being looked up, a tip not linked) is unknown, never a no.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from django.db.models import Max

from nightlight.pipeline.matching.models import FileState
from nightlight.pipeline.matching.models import Progress as LookedUp
from nightlight.pipeline.matching.rules import State
from nightlight.pipeline.tips.models import Document, DocumentKind, LikelyDuplicate, Source
from nightlight.pipeline.tips.reading import Incident, IncidentType, Reading, ReporterStatement
from nightlight.pipeline.tips.understanding import understand_all
from nightlight.pipeline.triage import language, records
from nightlight.pipeline.triage.facts import Answer, Facts, Linked, facts, reported_parties
from nightlight.pipeline.triage.linked import Link, linked
from nightlight.pipeline.triage.models import OfficerFact
from nightlight.pipeline.triage.vocabulary import CRISIS, FACTS, ONLY_YES
from nightlight.trust.retention.models import Apart

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from nightlight.pipeline.tips.models import Tip, TipFile
    from nightlight.pipeline.tips.understanding import Understood
    from nightlight.pipeline.tips.values import Moment

_CLOCKS = timedelta(days=1)
VIRAL = 5  # tips that carry one picture, from which on it is called passed around


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a tip: its facts, and with which tips it may stand in one row of the queue.

    ``person`` is the key of whom its first reported person is taken for, if in more tips than this one; ``picture``
    the key of the one picture that all its files are copies of, if very many tips carry it; ``first`` the first of the
    tips that are one report sent again and again, if this is one of them. The counts hold this one too.
    ``newest_sign`` is the newest moment at which anything in an imported report happened, or at which an officer said
    that something is so; None where the report has no time at all. What reporters send is new when it comes, and so
    is what people add to what they told. ``danger`` is the newest addition that says that a child is in danger now, and
    when it came.
    """

    tip: Tip
    facts: Facts
    person: int | None = None
    tips_of_person: int = 1
    picture: int | None = None
    tips_of_picture: int = 1
    first: int | None = None
    newest_sign: datetime | None = None
    danger: tuple[str, datetime] | None = None


def erased(tips: Sequence[Tip]) -> set[int]:
    """Return those of them that were destroyed, of which nothing can be known any more."""
    gone = Document.objects.filter(tip__in=tips, key_part=b"").exclude(kind=DocumentKind.RECEIPT)
    return set(gone.values_list("tip_id", flat=True))


def gather(tips: Sequence[Tip], at: datetime) -> list[Known]:
    """Return what is known of these tips at ``at``, in their order. Raises where a report cannot be opened."""
    understood = understand_all(tips)
    states, links = _states(tips), linked(tips)
    answers, apart = _answers(tips), cleared(tips)
    first, found_out, ends = _first(tips), _found_out(tips), records.ends_of(tips)
    found = []
    for one in understood:
        tip = one.tip
        link = links.get(tip.pk)
        reading = without(one.reading or _unread(tip), apart.get(tip.public_id, frozenset()))
        words = list(texts(reading))
        told = facts(
            reading,
            file_states=_of_files(one.files, states.get(tip.pk), link),
            linked=None if link is None else _told(link, one.files),
            language=words_of(reading, words),
            officer=answers.get(tip.pk, {}),
            at=at,
            received_at=tip.state_at,
            records_end=ends.get(tip.pk, ()),
            unread=one.reading is None or bool(language.unread(words)),
        )
        shared = link is not None and link.tips_of_first > 1
        picture, many = _picture(one, link)
        found.append(
            Known(
                tip=tip,
                facts=told,
                person=link.person if link and shared else None,
                tips_of_person=link.tips_of_first if link and shared else 1,
                picture=picture,
                tips_of_picture=many,
                first=first.get(tip.pk),
                newest_sign=_newest_sign(one, reading, found_out.get(tip.pk), at),
                danger=max(one.dangers, key=lambda said: said[1], default=None),
            )
        )
    return found


def _first(tips: Sequence[Tip]) -> dict[int, int]:
    """The first of the reports that each repeats, and each that is repeated itself."""
    keys = {tip.pk for tip in tips}
    earlier: dict[int, int] = {}
    asked = keys
    while asked:  # a report that repeats one may have been repeated in its turn
        rows = dict(LikelyDuplicate.objects.filter(tip__in=asked).values_list("tip_id", "earlier_id"))
        earlier |= rows
        asked = set(rows.values()) - earlier.keys()
    repeated = set(LikelyDuplicate.objects.filter(earlier__in=keys).values_list("earlier_id", flat=True))
    found = {tip: tip for tip in repeated}
    for tip in keys & earlier.keys():
        root = tip
        while root in earlier:
            root = earlier[root]
        found[tip] = root
    return found


def _states(tips: Sequence[Tip]) -> dict[int, dict[int, State]]:
    """What looking up says of each file by tip and file; a tip that nobody has looked at is not there."""
    looked_up = LookedUp.objects.filter(tip__in=tips).values_list("tip_id", flat=True)
    found: dict[int, dict[int, State]] = {tip: {} for tip in looked_up}
    for tip, blob, state in FileState.objects.filter(tip__in=tips).values_list("tip_id", "blob_id", "state"):
        found.setdefault(tip, {})[blob] = State(state)
    return found


def _of_files(
    files: Sequence[TipFile], states: Mapping[int, State] | None, link: Link | None
) -> dict[str, State] | None:
    """What looking up says of each file; what very many have passed on meanwhile is not new, whoever came first."""
    if states is None:
        return None if files else {}
    viral = _passed_on(files, link)
    found = {file.file_id: states[file.item.blob_id] for file in files if file.item.blob_id in states}
    return {name: State.SEEN if state is State.NEW and name in viral else state for name, state in found.items()}


def _passed_on(files: Sequence[TipFile], link: Link | None) -> frozenset[str]:
    """The files that very many tips carry, in whatever copy."""
    pictures = link.pictures if link is not None else {}
    return frozenset(file.file_id for file in files if pictures.get(file.item.blob_id, (0, 0))[1] >= VIRAL)


def _answers(tips: Sequence[Tip]) -> dict[int, dict[str, Answer]]:
    """What officers found out, the latest about each fact; one that was taken back is unknown again."""
    found: dict[int, dict[str, Answer]] = defaultdict(dict)
    for row in OfficerFact.objects.filter(tip__in=tips).select_related("by").order_by("id"):
        fact = FACTS.get(row.fact)
        if fact is None or not fact.officer:  # the vocabulary has changed since
            continue
        value = row.moment if row.value is None else row.value
        if value is None:
            found[row.tip_id].pop(row.fact, None)
        else:
            found[row.tip_id][row.fact] = Answer(value, f"{row.by.public_id} {row.at:%Y-%m-%dT%H:%MZ}")
    return found


def _found_out(tips: Sequence[Tip]) -> dict[int, datetime]:
    """When an officer last said that something is so, by tip."""
    said = OfficerFact.objects.filter(tip__in=tips, value=True).order_by()
    return dict(said.values("tip_id").annotate(last=Max("at")).values_list("tip_id", "last"))


def _newest_sign(one: Understood, reading: Reading, found_out: datetime | None, at: datetime) -> datetime | None:
    """The newest time in what is known; one still to come is a mistake of somebody's clock."""
    moments = [reading.incident.at, reading.received_by_source, *(event.moment for event in reading.network_events)]
    times = [time for moment in moments if moment is not None and (time := _roughly(moment)) is not None]
    if one.tip.source != Source.DOWNLOAD:
        times.append(one.tip.state_at)
    times += [document.received_at for document in one.documents if document.kind == DocumentKind.ADDITION]
    if found_out is not None:
        times.append(found_out)
    return max((time for time in times if time < at + _CLOCKS), default=None)


def _roughly(moment: Moment) -> datetime | None:
    """The time, to the day where the sender states no zone."""
    if moment.utc is not None or moment.wall_clock is None:
        return moment.utc
    return datetime.fromisoformat(moment.wall_clock).replace(tzinfo=UTC)


def cleared(tips: Sequence[Tip]) -> dict[str, frozenset[str]]:
    """The places of people who were cleared, by tip."""
    found: dict[str, set[str]] = defaultdict(set)
    subjects = [f"tip:{tip.public_id}" for tip in tips]
    for subject, part in Apart.objects.filter(subject__in=subjects).values_list("subject", "part"):
        found[subject.removeprefix("tip:")].add(part)
    return {tip: frozenset(parts) for tip, parts in found.items()}


def without(reading: Reading, apart: frozenset[str]) -> Reading:
    """The report without people who were cleared, and without the accounts that belong to them."""
    if not apart:
        return reading
    kept = tuple(one for one in reading.parties if one.source not in apart and one.belongs_to not in apart)
    return replace(reading, parties=kept)


def _unread(tip: Tip) -> Reading:
    """What is known of a report that cannot be read any more: it stands in the queue, and says that nobody knows."""
    incident = Incident(IncidentType.UNSTATED, "report", escalation="" if tip.escalated else None)
    return Reading("unread", incident, ReporterStatement("report"))


def _told(link: Link, files: Sequence[TipFile]) -> Linked:
    return Linked(link.tips, link.providers, link.span_days, _passed_on(files, link), link.found)


def _picture(one: Understood, link: Link | None) -> tuple[int | None, int]:
    """The one picture that all files of a tip are copies of, and how many tips carry it; None if there is none."""
    if link is None or not one.files:
        return None, 1
    groups = {link.pictures.get(file.item.blob_id) for file in one.files}
    group = groups.pop() if len(groups) == 1 else None
    return group if group is not None and group[1] >= VIRAL else (None, 1)


def words_of(reading: Reading, words: Sequence[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    """Return where the ``words`` of a report say what nothing takes back, by finding; their language stays behind.

    Words of danger count everywhere, that somebody has children around only in texts about the reported people: their
    profiles, and what the reporter adds. In chats and pages "my teacher" is somebody else's. Nor is it asked of a
    reported person whose stated age is under eighteen: a pupil has teachers, and lives with brothers and sisters.
    """
    reported = reported_parties(reading)
    grown = [one for one in reported if not one.protected]
    groups = [one.statements for one in grown]
    if grown or not reported:
        groups.append(reading.statements)
    about = {*(text.source for group in groups for text in group), *(f"{one.source}/bio" for one in grown)}
    found: dict[str, list[str]] = defaultdict(list)
    for code, place in language.for_rules(language.read(words)):
        if code in CRISIS or (code in ONLY_YES and place in about):
            found[code].append(place)
    return {code: tuple(places) for code, places in found.items()}


def texts(reading: Reading) -> Iterator[tuple[str, str]]:
    """Yield every free text of a report with its place: what people wrote, and what the reporter wrote about it.

    Not what reporters say of themselves, nor descriptions of people.
    """
    incident = reading.incident
    if incident.escalation:
        yield f"{incident.source}/escalateToHighPriority", incident.escalation
    if incident.at_description:
        yield f"{incident.source}/incidentDateTimeDescription", incident.at_description
    groups = [reading.statements]
    groups += [said for web in reading.webs for said in (web.contents, web.statements)]
    groups += [party.statements for party in reading.parties]
    groups += [file.statements for file in reading.files]
    for group in groups:
        yield from ((text.source, text.value) for text in group)
    yield from ((f"{party.source}/bio", party.bio) for party in reading.parties if party.bio)
    yield from ((unknown.path, unknown.value) for unknown in reading.unknown if unknown.value)
