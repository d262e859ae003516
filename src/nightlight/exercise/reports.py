# SPDX-License-Identifier: Apache-2.0
"""Writes a planned report down as the XML its platform would send (CyberTipline Reporting API schema)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

from lxml import etree

from nightlight.exercise import wording
from nightlight.exercise.patterns import draw
from nightlight.exercise.plan import Fault
from nightlight.exercise.reporters import BY_KEY, Clock, Reporter

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nightlight.exercise.plan import AddressEvent, Associated, Detail, Party, PlannedFile, PlannedReport

INDIA = timezone(timedelta(hours=5, minutes=30))

XSI = "http://www.w3.org/2001/XMLSchema-instance"


@dataclass(frozen=True, slots=True)
class Role:
    """Which elements a party has; `person` is the name of its person element."""

    element: str
    person: str
    person_required: bool = False
    school: bool = False
    group: bool = True
    associated: bool = True


REPORTED = Role("personOrUserReported", "personOrUserReportedPerson")
RECIPIENT = Role("intendedRecipient", "intendedRecipientPerson", associated=False)
VICTIM = Role("victim", "victimPerson", person_required=True, school=True, group=False)
ROLES = (REPORTED, RECIPIENT, VICTIM)


def write_report(report: PlannedReport, ids: Mapping[str, int]) -> bytes:
    """Return the `report` document; `ids` gives the numbers of earlier reports, unknown priors are left out.

    A report with a `fault` comes out as broken as the plan says.
    """
    reporter = BY_KEY[report.reporter]
    pen = _Pen(reporter)
    root = pen.root("report")
    if report.batched:
        pen.add(root, "batchedReport", reason="VIRAL_POTENTIAL_MEME")
    _summary(pen, root, report)
    for detail in report.details:
        _detail(pen, root, detail)
    if report.law_enforcement:
        agency = pen.add(root, "lawEnforcement")
        for name, text in report.law_enforcement:
            pen.add(agency, name, text)
    _reporter(pen, root, reporter)
    for role, parties in zip(ROLES, (report.reported, report.recipients, report.victims), strict=True):
        for party in parties:
            _party(pen, root, role, party, ids)
    pen.maybe(root, "additionalInfo", report.narrative)
    if report.fault is not None:
        _spoil(root, report.fault)
    body = pen.bytes(root)
    return body[: len(body) * 2 // 3] if report.fault is Fault.CUT_SHORT else body


def write_file_details(report: PlannedReport, file: PlannedFile, report_id: int, file_id: str) -> bytes:
    """Return the `fileDetails` document of an uploaded file; in a batched report only what it may have."""
    pen = _Pen(BY_KEY[report.reporter])
    root = pen.root("fileDetails")
    pen.add(root, "reportId", str(report_id))
    pen.add(root, "fileId", file_id)
    if not report.batched:
        pen.add(root, "originalFileName", file.name)
    pen.maybe(root, "uploadedToEspTimestamp", pen.moment(file.uploaded_at))
    pen.maybe(root, "locationOfFile", file.location)
    pen.truth(root, "fileViewedByEsp", file.viewed)
    pen.truth(root, "exifViewedByEsp", file.exif_viewed)
    pen.truth(root, "publiclyAvailable", file.public)
    if file.supplemental:
        pen.add(root, "fileRelevance", "Supplemental Reported")
    if file.annotations:
        annotations = pen.add(root, "fileAnnotations")
        for annotation in file.annotations:
            pen.flag(annotations, annotation)
    pen.maybe(root, "industryClassification", file.classification)
    if file.state_hash:
        digest = hashlib.md5(draw(file.picture), usedforsecurity=False).hexdigest()
        pen.add(root, "originalFileHash", digest, hashType="MD5")
    if file.event is not None:
        _event(pen, root, file.event)
    if file.exif:
        details = pen.add(root, "details", type="EXIF")
        for name, value in file.exif:
            pair = pen.add(details, "nameValuePair")
            pen.add(pair, "name", name)
            pen.add(pair, "value", value)
    pen.maybe(root, "additionalInfo", file.note)
    return pen.bytes(root)


class _Pen:
    """Writes elements in one reporter's dialect."""

    def __init__(self, reporter: Reporter) -> None:
        self._dialect, self._clock = reporter.dialect, reporter.clock

    def root(self, name: str) -> etree._Element:
        if not self._dialect.schema_hint:
            return etree.Element(name)
        root = etree.Element(name, nsmap={"xsi": XSI})
        root.set(f"{{{XSI}}}noNamespaceSchemaLocation", "cybertipline.xsd")
        return root

    def add(self, parent: etree._Element, name: str, text: str | None = None, **attributes: str) -> etree._Element:
        element = etree.SubElement(parent, name, attributes)
        element.text = text
        return element

    def maybe(self, parent: etree._Element, name: str, text: str | None) -> None:
        if text is not None:
            self.add(parent, name, text)

    def truth(self, parent: etree._Element, name: str, value: bool | None) -> None:
        if value is not None:
            self.add(parent, name, "true" if value else "false")

    def flag(self, parent: etree._Element, name: str) -> None:
        self.add(parent, name, "true" if self._dialect.written_flags else None)

    def moment(self, at: datetime | None) -> str | None:
        return None if at is None else write_moment(at, self._clock)

    def bytes(self, root: etree._Element) -> bytes:
        dialect = self._dialect
        return etree.tostring(root, encoding="UTF-8", xml_declaration=dialect.declaration, pretty_print=dialect.pretty)


def write_moment(at: datetime, clock: Clock) -> str:
    """Return an aware moment as xs:dateTime in the manner of `clock`; one manner leaves the zone out."""
    plain = "%Y-%m-%dT%H:%M:%S"
    if clock is Clock.ZULU:
        return at.strftime(f"{plain}Z")
    if clock is Clock.MILLISECONDS:
        return at.strftime(f"{plain}.000+00:00")
    local = at.astimezone(INDIA).strftime(plain)
    return f"{local}+05:30" if clock is Clock.INDIA else local


def _summary(pen: _Pen, root: etree._Element, report: PlannedReport) -> None:
    summary = pen.add(root, "incidentSummary")
    pen.add(summary, "incidentType", report.kind.value)
    pen.maybe(summary, "platform", report.platform)
    pen.maybe(summary, "escalateToHighPriority", report.escalation)
    if report.annotations:
        annotations = pen.add(summary, "reportAnnotations")
        for annotation in report.annotations:
            pen.flag(annotations, annotation)
    pen.maybe(summary, "incidentDateTime", pen.moment(report.at))
    pen.maybe(summary, "incidentDateTimeDescription", report.at_note)


def _detail(pen: _Pen, root: etree._Element, detail: Detail) -> None:
    incident = pen.add(pen.add(root, "internetDetails"), detail.kind)
    for name, text in detail.fields:
        pen.add(incident, name, text)


def _reporter(pen: _Pen, root: etree._Element, reporter: Reporter) -> None:
    element = pen.add(root, "reporter")
    person = pen.add(element, "reportingPerson")
    pen.add(person, "firstName", reporter.service)
    pen.add(person, "lastName", "Safety Desk")
    pen.add(person, "email", reporter.desk)
    if not reporter.thin:
        template = wording.TEMPLATE.format(name=reporter.name, kind=reporter.kind, desk=reporter.desk)
        pen.add(element, "companyTemplate", template)
        pen.add(element, "termsOfService", wording.TERMS)
        pen.add(element, "legalURL", reporter.url("legal"))


def _party(pen: _Pen, root: etree._Element, role: Role, party: Party, ids: Mapping[str, int]) -> None:
    element = pen.add(root, role.element)
    _person(pen, element, role, party)
    pen.maybe(element, "espIdentifier", party.identifier)
    pen.maybe(element, "espService", party.service)
    pen.truth(element, "compromisedAccount", party.compromised)
    pen.maybe(element, "screenName", party.screen_name)
    for name in party.display_names:
        pen.add(element, "displayName", name)
    pen.maybe(element, "profileUrl", party.profile_url)
    pen.maybe(element, "profileBio", party.profile_bio)
    for event in party.events:
        _event(pen, element, event)
    for device in party.devices:
        item = pen.add(element, "deviceId")
        pen.add(item, "idType", device.kind)
        pen.add(item, "idValue", device.value)
        pen.maybe(item, "eventName", device.event)
        pen.maybe(item, "dateTime", pen.moment(device.at))
    if role.school:
        pen.maybe(element, "schoolName", party.school)
    for key in party.prior:
        if key in ids:
            pen.add(element, "priorCTReports", str(ids[key]))
    if role.group:
        pen.maybe(element, "groupIdentifier", party.group)
    if party.disabled_at is not None:
        disabled = pen.add(element, "accountPermanentlyDisabled", "true")
        disabled.set("disabledDate", pen.moment(party.disabled_at) or "")
    if party.location is not None:
        place = pen.add(element, "estimatedLocation")
        pen.add(place, "city", party.location.city)
        pen.add(place, "region", party.location.region)
        pen.add(place, "countryCode", party.location.country)
    pen.truth(element, "allEmailsReported", party.all_emails)
    if role.associated:
        for account in party.associated:
            _associated(pen, element, account)
    pen.maybe(element, "additionalInfo", party.note)


def _person(pen: _Pen, parent: etree._Element, role: Role, party: Party) -> None:
    known = (party.first_name, party.last_name, party.phones, party.emails, party.postal, party.age)
    if not (role.person_required or party.born or any(known)):
        return
    person = pen.add(parent, role.person)
    pen.maybe(person, "firstName", party.first_name)
    pen.maybe(person, "lastName", party.last_name)
    for phone in party.phones:
        item = pen.add(person, "phone", phone.number, type=phone.kind, countryCallingCode=phone.code)
        if phone.verified is not None:
            item.set("verified", str(phone.verified).lower())
    for email in party.emails:
        item = pen.add(person, "email", email.address)
        if email.kind is not None:
            item.set("type", email.kind)
        if email.verified is not None:
            item.set("verified", str(email.verified).lower())
    if party.postal is not None:
        _postal(pen, person, party)
    pen.maybe(person, "age", None if party.age is None else str(party.age))
    pen.maybe(person, "dateOfBirth", None if party.born is None else party.born.isoformat())


def _postal(pen: _Pen, person: etree._Element, party: Party) -> None:
    postal = party.postal
    if postal is None:
        return
    address = pen.add(person, "address", type="Shipping")
    pen.add(address, "address", postal.street)
    pen.add(address, "city", postal.city)
    pen.add(address, "zipCode", postal.code)
    pen.add(address, "state" if postal.country == "US" else "nonUsaState", postal.region)
    pen.add(address, "country", postal.country)


def _event(pen: _Pen, parent: etree._Element, event: AddressEvent) -> None:
    item = pen.add(parent, "ipCaptureEvent")
    pen.add(item, "ipAddress", event.address)
    pen.maybe(item, "eventName", event.event)
    pen.maybe(item, "dateTime", pen.moment(event.at))
    pen.truth(item, "possibleProxy", event.proxy)
    pen.maybe(item, "port", None if event.port is None else str(event.port))


def _associated(pen: _Pen, parent: etree._Element, account: Associated) -> None:
    item = pen.add(parent, "associatedAccount", type=account.kind)
    pen.add(item, "platform", account.platform)
    if account.email is not None:
        pen.add(item, "email", account.email.address)
    pen.add(item, "espIdentifier", account.identifier)
    pen.add(item, "screenName", account.screen_name)


def _spoil(root: etree._Element, fault: Fault) -> None:
    """Break the form of the document; the other faults are already in the facts."""
    if fault is Fault.WRONG_ORDER:
        root.append(root[0])
    for kind in root.iter("incidentType"):
        if fault is Fault.UNKNOWN_TYPE:
            kind.text = "Something else"
    for country in root.iter("countryCode"):
        if fault is Fault.LOWER_CASE_COUNTRY and country.text:
            country.text = country.text.lower()
