# SPDX-License-Identifier: Apache-2.0
"""What is printed of a tip: the first page and what was reported, from the same words that the tip's page shows.

The order is that of the clearing house's own PDF: first page, A reported, B worked out by machines, C added by
officers, D with whom it is (``added.py`` makes the last three). "MD5:", "Filename:" and "IP Address:" stay in English,
each on a line of its own: public programs look for them.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from nightlight.outlook.desk.templatetags.desk import full, in_utc
from nightlight.outlook.exchange.sheets import MOST_OF_REPORT, MOST_OF_REST, Block, Line, Section, Sheet, bounded
from nightlight.pipeline.tips.models import DocumentKind
from nightlight.pipeline.tips.people import Role
from nightlight.pipeline.tips.values import Stated

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from nightlight.outlook.desk.facts import Fact, PartyCard
    from nightlight.outlook.desk.facts import Line as FactLine
    from nightlight.outlook.desk.network import EventRow
    from nightlight.outlook.desk.tip_page import FileCard, TipPage
    from nightlight.pipeline.tips.models import Document
    from nightlight.pipeline.tips.reading import Reading
    from nightlight.pipeline.tips.values import Moment

IP_ADDRESS, MD5, FILENAME = "IP Address", "MD5", "Filename"
MOST_EVENTS = 250  # network events of one person, file or place that are printed
_REPORTS = ("report", "download", "told")  # kinds of documents that are the report itself, the first that is there


def sheet(
    page: TipPage,
    *,
    at: datetime,
    officer: str,
    reason: str,
    documents: Sequence[Document],
    priority: Block,
    added: Iterable[Section],
) -> Sheet:
    """Put a tip's sheet together: what its page shows, how urgent it is (``priority``), and what was added here."""
    tip = page.tip
    digest = report_digest(documents)
    test = _("Test report. Nothing in it is real.") if tip.environment == "test" else ""
    return Sheet(
        tip=tip.public_id,
        title=_("Tip %(id)s") % {"id": tip.public_id},
        at=at,
        warning=test,
        front=bounded(
            (
                _numbers(page),
                _summary(page),
                priority,
                Block(_("Export"), (Line(_("Why"), reason), *_later(documents))),
            ),
            MOST_OF_REST,
        ),
        sections=(reported(page), *(replace(part, blocks=bounded(part.blocks, MOST_OF_REST)) for part in added)),
        footer=(
            _("Exported for %(who)s at %(at)s, tip %(id)s")
            % {"who": officer, "at": moment_of(at), "id": tip.public_id},
            _("SHA-256 of the report as received: %(digest)s") % {"digest": digest or _("nothing was kept")},
        ),
    )


def report_digest(documents: Iterable[Document]) -> str:
    """SHA-256 of the report as it was received, in hex; empty where nothing was kept."""
    kept = {document.kind: bytes(document.sha256).hex() for document in documents if not document.file_id}
    return next((kept[kind] for kind in _REPORTS if kind in kept), "")


def addition_digests(documents: Iterable[Document]) -> list[str]:
    """SHA-256 of each text that was added later, as it was received, in hex, in the order in which they came."""
    return [bytes(one.sha256).hex() for one in documents if one.kind == DocumentKind.ADDITION]


def _later(documents: Iterable[Document]) -> Iterator[Line]:
    for number, digest in enumerate(addition_digests(documents), 1):
        yield Line(_("SHA-256 of addition %(n)d as received") % {"n": number}, digest)


def moment_of(at: datetime) -> str:
    """A time of ours in the officers' zone and in UTC."""
    here, there = full(at), in_utc(at)
    return here if here == there else f"{here} ({there})"


def moment(of: Moment) -> str:
    """A time as a sender wrote it: understood where it can be, and the words sent."""
    if of.utc is not None and of.offset_minutes == 0:
        return moment_of(of.utc)
    if of.utc is not None:
        return _("%(time)s, sent as %(sent)s") % {"time": moment_of(of.utc), "sent": of.as_sent}
    return _("%(sent)s, zone %(zone)s") % {"sent": of.as_sent, "zone": of.zone}


# --- first page -----------------------------------------------------------------------------------------------------


def _numbers(page: TipPage) -> Block:
    tip, reading = page.tip, page.reading
    lines = [Line(_("Received"), moment_of(tip.opened_at)), Line(_("Report number"), str(tip.report_id))]
    if reading and reading.external_number and reading.external_number != str(tip.report_id):
        lines.append(Line(_("Number at its source"), reading.external_number))
    if reading and reading.received_by_source:
        lines.append(Line(_("Received by the source"), moment(reading.received_by_source)))
    lines.append(Line(_("Reported by"), tip.reporter.name))
    lines.append(Line(_("How it came"), str(tip.get_source_display())))
    return Block("", tuple(lines))


def _summary(page: TipPage) -> Block:
    lines = [Line(_("Incident type"), page.title)]
    if page.reading is None:
        lines.append(Line("", _("The report could not be read, or not yet: nothing of what was sent is printed here.")))
        return Block(_("Executive summary"), tuple(lines))
    reading = page.reading
    came = sum(file.arrived for file in page.files)
    if came == len(page.files):
        lines.append(Line(_("Uploaded files"), str(came)))
    else:
        said = _("%(n)d described, %(came)d of them came") % {"n": len(page.files), "came": came}
        lines.append(Line(_("Uploaded files"), said))
    viewed = sum(file.viewed is Stated.YES for file in page.files)
    lines.append(Line(_("Viewed by the reporter in full"), str(viewed)))
    for label, role in ((_("Reported people"), Role.REPORTED), (_("Recipients"), Role.RECIPIENT)):
        lines.append(Line(label, str(len(reading.parties_as(role)))))
    if page.protected:
        said = _("%(n)d, under pseudonyms (victims, children, their accounts, and who was cleared)") % {
            "n": page.protected
        }
        lines.append(Line(_("People held back"), said))
    with_port = sum(bool(row.port) for row in page.events)
    said = _("%(n)d, %(port)d of them with port") % {"n": len(page.events), "port": with_port}
    lines.append(Line(_("Network events"), said))
    return Block(_("Executive summary"), tuple(lines))


# --- A ----------------------------------------------------------------------------------------------------------------


def reported(page: TipPage) -> Section:
    """Everything the reporter said, as far as it may be shown."""
    blocks: list[Block] = []
    if page.reading is not None:
        found = (*_incident(page, page.reading), *_people(page), *_files(page), *_not_understood(page))
        blocks = [block for block in found if block.lines or block.prose]
    return Section(
        _("A. Reported information"),
        _("Stated by the reporter, unverified. A reported person is not an offender until a court says so."),
        bounded(blocks, MOST_OF_REPORT),
    )


def _incident(page: TipPage, reading: Reading) -> Iterator[Block]:
    yield Block(_("Reporter"), tuple(_lines(page.reporter)), tuple(_prose(page.reporter_texts[:1])))
    incident = reading.incident
    lines = []
    if page.type_as_sent:
        lines.append(Line(_("Incident type as sent"), page.type_as_sent))
    # Often the time of detection at the provider, not of the offence : nobody is to take one for the other.
    when = moment(incident.at) if incident.at else _("not stated")
    lines.append(Line(_("Incident time (may be when it was detected)"), when))
    if incident.at_description:
        lines.append(Line(_("About that time"), incident.at_description))
    if incident.platform:
        lines.append(Line(_("Platform"), incident.platform))
    lines += [Line(_("Marked by the reporter"), mark) for mark in page.annotations]
    yield Block(_("Incident"), tuple(lines), page.narratives)
    for kind, place in page.places:
        yield Block(kind, tuple(_lines(place)), tuple(_prose(place)))
    of_one = {
        *(card.pseudonym for card in page.parties),
        *(_("File %(n)d") % {"n": file.number} for file in page.files),
    }
    rows = [row for row in page.events if row.whose not in of_one]
    yield Block(_("Network events of these places"), tuple(_events(rows)))
    if page.agency:
        yield Block(_("Police the reporter has dealt with"), tuple(_lines(page.agency)))


def _people(page: TipPage) -> Iterator[Block]:
    events = _by_whose(page)
    for card in page.parties:
        title = " · ".join(filter(None, (card.pseudonym, "" if card.held_back else card.name, card.relation)))
        if card.held_back:
            yield Block(title, tuple(_held(card)))
        else:
            lines = (*_lines(card.facts), *_events(events.get(card.pseudonym, ())))
            yield Block(title, lines or (Line("", _("Nothing further is stated.")),), tuple(_prose(card.facts)))


def _held(card: PartyCard) -> Iterator[Line]:
    held = card.held_back
    if held is None:
        return
    yield Line("", _("Name held back."))
    yield from (Line(_("Age stated"), str(age)) for age in held.ages)
    for label, number in (
        (_("Accounts withheld"), held.accounts),
        (_("Contacts withheld"), held.contacts),
        (_("Network events withheld"), held.network_events),
        (_("Devices withheld"), held.devices),
        (_("Texts withheld"), held.statements),
    ):
        if number:
            yield Line(label, str(number))


def _by_whose(page: TipPage) -> Mapping[str, list[EventRow]]:
    found: dict[str, list[EventRow]] = {}
    for row in page.events:
        found.setdefault(row.whose, []).append(row)
    return found


def _events(rows: Sequence[EventRow]) -> Iterator[Line]:
    for row in rows[:MOST_EVENTS]:
        yield from _event(row)
    if len(rows) > MOST_EVENTS:
        more = {"n": f"{len(rows) - MOST_EVENTS:,}"}
        yield Line("", _("%(n)s more network events are not printed: take this tip as CyberTip JSON as well.") % more)


def _event(row: EventRow) -> Iterator[Line]:
    yield Line(IP_ADDRESS, row.address)
    if row.as_sent:
        yield Line(_("Address as sent"), row.as_sent)
    if row.port:
        yield Line(_("Port"), row.port)
    yield Line(_("Time"), moment(row.moment) if row.moment else _("not stated"))
    said = ", ".join(filter(None, (row.event_name, row.proxy, *row.missing)))
    if said:
        yield Line(_("Event"), said)


def _files(page: TipPage) -> Iterator[Block]:
    events = _by_whose(page)
    for file in page.files:
        whose = _events(events.get(_("File %(n)d") % {"n": file.number}, ()))
        lines = (*_file(file), *_lines(file.facts), *whose)
        yield Block(_("File %(n)d") % {"n": file.number}, lines, tuple(_prose(file.facts)))


def _file(file: FileCard) -> Iterator[Line]:
    yield Line(FILENAME, file.name)
    if not file.arrived:
        yield Line("", _("Described only; the file itself is not here."))
    yield from (Line(kind, digest) for kind, digest in file.digests)
    if file.size:
        yield Line(_("Size"), file.size)
    for kind, value, verdict in file.claimed:
        # A file that is not here is known by the digest that was stated for it.
        label = MD5 if kind == MD5 and not file.arrived else _("%(kind)s as stated") % {"kind": kind}
        yield Line(label, value)
        yield Line("", verdict)
    yield from (Line(_("Marked by the reporter"), mark) for mark in file.annotations)
    yield from (Line(name, value) for name, value in file.metadata)


def _not_understood(page: TipPage) -> Iterator[Block]:
    if page.not_understood:
        lines = (
            Line(one.path, f"{_('held back') if one.value is None else one.value} ({one.reason})")
            for one in page.not_understood
        )
        yield Block(_("Without a field here"), tuple(lines))


# --- facts as lines ---------------------------------------------------------------------------------------------------


def _lines(found: Iterable[Fact]) -> Iterator[Line]:
    for fact in found:
        if not fact.prose:
            yield from (Line(fact.label, _said(line)) for line in fact.lines)


def _prose(found: Iterable[Fact]) -> Iterator[str]:
    for fact in found:
        if fact.prose:
            yield from (f"{fact.label}: {line.text}" for line in fact.lines)


def _said(line: FactLine) -> str:
    notes = ", ".join(filter(None, (line.note, moment(line.moment) if line.moment else "")))
    return f"{line.text} ({notes})" if line.text and notes else line.text or notes
