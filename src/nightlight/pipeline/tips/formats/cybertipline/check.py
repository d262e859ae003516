# SPDX-License-Identifier: Apache-2.0
"""The front door for documents: check a report or file description; say what it is, or why it is refused.

Source: reporting-api.md sections 1.8 (schema and rules), 1.9 (validators) and 1.10 (profiles).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nightlight.pipeline.tips.formats.cybertipline import times
from nightlight.pipeline.tips.formats.cybertipline.answers import Situation
from nightlight.pipeline.tips.formats.cybertipline.document import Document, Refused
from nightlight.pipeline.tips.formats.cybertipline.limits import Weight
from nightlight.pipeline.tips.formats.cybertipline.semantics import Finding, Inspection, Profile, is_true

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from lxml import etree

__all__ = [
    "CheckedFileDetails",
    "CheckedReport",
    "Finding",
    "Profile",
    "Refused",
    "Situation",
    "check_file_details",
    "check_report",
]

PARTIES = ("personOrUserReported", "intendedRecipient", "victim")
_NOT_IN_BATCH = ("internetDetails", "lawEnforcement", "intendedRecipient", "victim", "additionalInfo")
_NOT_ON_BATCHED_FILE = (
    "originalFileName",
    "locationOfFile",
    "originalFileHash",
    "ipCaptureEvent",
    "deviceId",
    "details",
    "additionalInfo",
)
_IDENTIFYING = (
    "espIdentifier",
    "screenName",
    "profileUrl",
    "ipCaptureEvent",
    "deviceId",
    "phone",
    "email",
    "url",
)


@dataclass(frozen=True, slots=True)
class CheckedReport:
    """What an accepted report says about itself; the bytes as received stay the record.

    `incident_at` is in UTC, and None when the reporter stated no time zone; `incident_at_sent` is the text as
    sent. `escalation` is the reporter's reason for urgency (a request, not a priority).
    """

    incident_type: str
    incident_at_sent: str
    incident_at: datetime | None
    zone_stated: bool
    batched: bool
    escalation: str | None
    persons_reported: int
    intended_recipients: int
    victims: int
    prior_reports: frozenset[int]
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class CheckedFileDetails:
    """What an accepted file description is about; `viewed_by_reporter` is None when it was not stated."""

    report_id: int
    file_id: str
    viewed_by_reporter: bool | None
    findings: tuple[Finding, ...]


def check_report(
    body: bytes,
    *,
    profile: Profile,
    now: datetime,
    newer: bool,
    known_reports: Callable[[frozenset[int]], frozenset[int]],
) -> CheckedReport:
    """Check the body of /submit; raise Refused (INVALID, FUTURE_DATE or MALFORMED_XML) otherwise.

    `now` is aware. `known_reports` is asked once, and only when the report names earlier ones: which of these
    ids are finished reports? `newer` accepts the elements of reporting-api.md 1.11.
    """
    document = Document(body, root_name="report", newer=newer, tolerant=profile is Profile.ADVISE)
    inspection = Inspection(document, profile=profile, now=now)
    inspection.walk()
    root = document.root
    summary = _required(root, "incidentSummary")
    batched = root.find("batchedReport") is not None
    persons, recipients, victims = (root.findall(name) for name in PARTIES)
    if batched:
        _check_batch(inspection, root, summary)
    elif len(persons) > 1:
        text = "only a batched report may name more than one personOrUserReported"
        inspection.report(Weight.DOCUMENTED, persons[1], "several-persons-reported", text)
    _check_emails(inspection, root)
    prior = _check_prior_reports(inspection, root, known_reports)
    if profile is not Profile.SANDBOX:
        _check_completeness(inspection, root, persons, recipients, victims)
    sent = summary.findtext("incidentDateTime", "")
    moment = times.quick_read(sent)
    return CheckedReport(
        incident_type=document.schema.incident_types[summary.findtext("incidentType", "")],
        incident_at_sent=sent,
        incident_at=moment.instant,
        zone_stated=moment.zone_stated,
        batched=batched,
        escalation=(summary.findtext("escalateToHighPriority") or "").strip() or None,
        persons_reported=len(persons),
        intended_recipients=len(recipients),
        victims=len(victims),
        prior_reports=prior,
        findings=tuple(inspection.findings),
    )


def check_file_details(
    body: bytes,
    *,
    profile: Profile,
    now: datetime,
    newer: bool,
    batched: Callable[[int, str], bool],
) -> CheckedFileDetails:
    """Check the body of /fileinfo; raise Refused when it is not accepted.

    `batched` is called once with the report id and file id of a document that follows the schema: it looks
    both up, raises Refused for a report or file that the caller does not have, and says whether the report is
    a batch.
    """
    document = Document(body, root_name="fileDetails", newer=newer, tolerant=profile is Profile.ADVISE)
    root = document.root
    report_id = _whole(root.findtext("reportId", ""))
    file_id = " ".join(root.findtext("fileId", "").split())
    in_batch = batched(report_id, file_id)
    inspection = Inspection(document, profile=profile, now=now)
    inspection.walk()
    if in_batch:
        _check_batched_file(inspection, root)
    viewed = root.findtext("fileViewedByEsp")
    _check_file(inspection, root, viewed)
    return CheckedFileDetails(
        report_id, file_id, None if viewed is None else is_true(viewed), tuple(inspection.findings)
    )


def _check_batch(inspection: Inspection, root: etree._Element, summary: etree._Element) -> None:
    """A batched report names accounts by their identifier and nothing else (reporting-api.md 1.8)."""
    forbidden = next(root.iterchildren(*_NOT_IN_BATCH), None)
    if forbidden is None:
        forbidden = summary.find("escalateToHighPriority")
    if forbidden is not None:
        text = f"element '{forbidden.tag}' is not allowed in a batched report"
        inspection.report(Weight.ALWAYS, forbidden, "not-in-batch", text)
    for person in root.iterchildren("personOrUserReported"):
        if [child.tag for child in person] != ["espIdentifier"]:
            text = "personOrUserReported holds an espIdentifier, and only that, in a batched report"
            inspection.report(Weight.ALWAYS, person, "not-in-batch", text)


def _check_emails(inspection: Inspection, root: etree._Element) -> None:
    """Every address of an email or newsgroup incident must be an email of one of the parties."""
    used = list(root.iter("emailAddress"))
    if not used and not inspection.notes:
        return
    owned = {name: _emails(root, name) for name in PARTIES}
    known = frozenset[str]().union(*owned.values())
    for address in used:
        if _folded(address) not in known:
            text = "element 'emailAddress' is not an email of a reported person, intended recipient or victim"
            inspection.report(Weight.ALWAYS, address, "email-of-nobody", text)
    for victim in root.iterchildren("victim"):
        for email in victim.iter("email"):
            if _folded(email) in owned["personOrUserReported"]:
                text = "a victim has the email of the reported person, who is shown to police as the suspect"
                inspection.report(Weight.NOTE, email, "victim-is-reported", text)


def _check_prior_reports(
    inspection: Inspection, root: etree._Element, known_reports: Callable[[frozenset[int]], frozenset[int]]
) -> frozenset[int]:
    """Reports named as earlier ones must exist."""
    named = [(element, _whole(element.text or "")) for element in root.iter("priorCTReports", "priorCTReport")]
    prior = frozenset(number for _, number in named)
    unknown = prior - known_reports(prior) if prior else prior
    for element, number in named:
        if number in unknown:
            text = f"element '{element.tag}' names report {number}, which does not exist"
            inspection.report(Weight.ALWAYS, element, "prior-report-unknown", text)
    return prior


def _check_completeness(
    inspection: Inspection,
    root: etree._Element,
    persons: list[etree._Element],
    recipients: list[etree._Element],
    victims: list[etree._Element],
) -> None:
    """Documented duties of the reporter, and the note that a report leads to nobody."""
    person = _required(_required(root, "reporter"), "reportingPerson")
    if person.find("email") is None:
        text = "the reportingPerson needs at least one email"
        inspection.report(Weight.DOCUMENTED, person, "reporter-without-email", text)
    for recipient in recipients:
        if len(notes := recipient.findall("additionalInfo")) > 1:
            text = "intendedRecipient takes one additionalInfo"
            inspection.report(Weight.DOCUMENTED, notes[1], "too-many", text)
    parties = (*persons, *recipients, *victims, *root.iterchildren("internetDetails"))
    if not any(next(party.iter(*_IDENTIFYING), None) is not None for party in parties):
        text = "the report names no account, address, device, contact or URL: there is nothing to follow"
        inspection.report(Weight.NOTE, root, "thin-report", text)


def _check_file(inspection: Inspection, root: etree._Element, viewed: str | None) -> None:
    if is_true(root.findtext("exifViewedByEsp")) and not is_true(viewed):
        text = "exifViewedByEsp is true, so fileViewedByEsp must be true"
        inspection.report(Weight.DOCUMENTED, root, "exif-without-file", text)
    if viewed is None:
        text = "fileViewedByEsp is not stated: whether a search warrant is needed may depend on it"
        inspection.report(Weight.NOTE, root, "viewing-not-stated", text)
    if root.findtext("fileRelevance") == "Supplemental Reported":
        meme = is_true(root.findtext("potentialMeme")) or root.find("fileAnnotations/potentialMeme") is not None
        if meme or root.find("industryClassification") is not None:
            text = "a supplemental file takes neither potentialMeme nor industryClassification"
            inspection.report(Weight.DOCUMENTED, _required(root, "fileRelevance"), "supplemental-classified", text)


def _check_batched_file(inspection: Inspection, root: etree._Element) -> None:
    """The file of a batch is viral or a meme, and nothing about it belongs to one account (reporting-api.md 1.8)."""
    forbidden = next(root.iterchildren(*_NOT_ON_BATCHED_FILE), None)
    if forbidden is not None:
        text = f"element '{forbidden.tag}' is not allowed for the file of a batched report"
        inspection.report(Weight.ALWAYS, forbidden, "not-in-batch", text)
    annotations = root.find("fileAnnotations")
    given = set() if annotations is None else {child.tag for child in annotations}
    if not given or not given <= {"viral", "potentialMeme"}:
        text = "the file of a batched report is annotated viral, potentialMeme or both, and nothing else"
        inspection.report(Weight.ALWAYS, root if annotations is None else annotations, "not-viral", text)
    if root.findtext("fileRelevance", "Reported") != "Reported":
        text = "the file of a batched report has the relevance Reported"
        inspection.report(Weight.ALWAYS, _required(root, "fileRelevance"), "not-in-batch", text)


def _emails(root: etree._Element, party: str) -> frozenset[str]:
    return frozenset(_folded(email) for person in root.iterchildren(party) for email in person.iter("email"))


def _folded(element: etree._Element) -> str:
    return (element.text or "").strip().casefold()


def _whole(text: str) -> int:
    """The number in a valid xs:long; its leading zeros go first, as Python refuses thousands of digits."""
    digits = text.lstrip("+-").lstrip("0")
    return -int(digits or 0) if text.startswith("-") else int(digits or 0)


def _required(element: etree._Element, name: str) -> etree._Element:
    """The child that a valid document always has."""
    child = element.find(name)
    assert child is not None  # noqa: S101  the schema was checked before
    return child
