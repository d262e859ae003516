# SPDX-License-Identifier: Apache-2.0
"""What a report sent through the CyberTipline Reporting API says, element by element, with nothing left out.

The reader follows the API's schema of November 2025 and the newer elements seen since, but holds no document
to it: whatever order, number or content the elements have, each is either understood or kept as unknown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nightlight.foundation.xml import XmlRefused, parse
from nightlight.pipeline.tips.formats.cybertipline.read_people import (
    addresses,
    devices,
    emails,
    network_events,
    parties,
    person,
    phones,
)
from nightlight.pipeline.tips.formats.parts import Part, from_xml
from nightlight.pipeline.tips.people import Link, Person, with_pseudonyms
from nightlight.pipeline.tips.reading import (
    ClaimedHash,
    FileReading,
    Incident,
    InternetDetail,
    LawEnforcement,
    Reading,
    ReceivedFile,
    ReporterStatement,
    incident_type,
)
from nightlight.pipeline.tips.values import NamedValue, Stated

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

FORMAT = "NCMEC CyberTipline Reporting API"

NOT_PARSED = "the document could not be parsed"
NOT_THIS_DOCUMENT = "not the root element of this document"
OTHER_REPORT = "names another report"
REPLACED_LATER = "replaced by a later description of the same file"

# The last three are newer than the schema of November 2025.
_REPORT_FLAGS = (
    "sextortion",
    "csamSolicitation",
    "minorToMinorInteraction",
    "spam",
    "sadisticOnlineExploitation",
    "informational",
    "potentialAggravatingFactors",
    "instrumentalUse",
)
_FILE_FLAGS = (
    "animeDrawingVirtualHentai",
    "potentialMeme",
    "viral",
    "possibleSelfProduction",
    "physicalHarm",
    "violenceGore",
    "bestiality",
    "liveStreaming",
    "infant",
    "generativeAi",
)
_PLACES = {
    "webPageIncident": "web page",
    "emailIncident": "email",
    "newsgroupIncident": "newsgroup",
    "chatImIncident": "chat",
    "onlineGamingIncident": "game",
    "cellPhoneIncident": "phone",
    "nonInternetIncident": "offline",
    "peer2peerIncident": "peer to peer",
}
_NAMES_OF_PLACES = (
    "name",
    "chatClient",
    "chatRoomName",
    "gameName",
    "console",
    "locationName",
    "client",
    "fileNames",
)


def read_report(report_xml: bytes, file_details: Sequence[bytes] = (), files: Sequence[ReceivedFile] = ()) -> Reading:
    """The reading of a stored report, of its fileDetails documents in the order received, and of its files.

    Never refuses: a document that cannot be parsed is kept whole among the unknown, with the reason.
    """
    report = _tree(report_xml, "report", "report")
    details = [_tree(body, "fileDetails", f"fileDetails[{number}]") for number, body in enumerate(file_details, 1)]
    current, replaced = _latest(details)
    incident = _incident(report)
    return Reading(
        format=FORMAT,
        format_version=report.text_of("@xsi:noNamespaceSchemaLocation"),
        external_number=_report_number(details),
        incident=incident,
        reporter=_reporter(report),
        parties=with_pseudonyms(parties(report), incident.at.day if incident.at else None),
        webs=tuple(_places(report)),
        law_enforcement=_law_enforcement(report),
        files=tuple(_files(current, files)),
        statements=report.texts_of("additionalInfo"),
        # Last, because it holds what the lines above did not take.
        unknown=(
            *(left for document in (report, *current) for left in document.leftovers()),
            *(left for document in replaced for left in document.leftovers(REPLACED_LATER)),
        ),
    )


def _tree(body: bytes, name: str, path: str) -> Part:
    try:
        # Received and stored already, so its size was accepted then.
        tree = from_xml(parse(body, max_bytes=len(body) + 1), path)
    except XmlRefused as refused:
        tree = Part(name).take(path)
        words = body.decode("utf-8", "replace").replace("\x00", "\ufffd")
        tree.note(f"{NOT_PARSED}: {refused}", words)
        return tree
    if tree.name != name:
        tree.note(NOT_THIS_DOCUMENT, tree.name)
    return tree


def _incident(report: Part) -> Incident:
    part = report.first("incidentSummary") or Part("incidentSummary").take(f"{report.path}/incidentSummary")
    as_sent = part.text_of("incidentType")
    escalation = part.first("escalateToHighPriority")
    annotations = part.first("reportAnnotations")
    batched = report.first("batchedReport")
    return Incident(
        type=incident_type(as_sent),
        source=part.path,
        type_as_sent=as_sent,
        at=part.moment_of("incidentDateTime"),
        at_description=part.text_of("incidentDateTimeDescription"),
        platform=part.text_of("platform"),
        # The element asks for high priority by being there, reason or no reason.
        escalation=None if escalation is None else escalation.text() or "",
        annotations=() if annotations is None else annotations.flags_among(_REPORT_FLAGS),
        batched_reason=None if batched is None else batched.text_of("@reason") or "",
    )


def _reporter(report: Part) -> ReporterStatement:
    part = report.first("reporter") or Part("reporter").take(f"{report.path}/reporter")
    return ReporterStatement(
        source=part.path,
        reporting_person=_person(part, "reportingPerson"),
        contact_person=_person(part, "contactPerson"),
        company_template=part.text_of("companyTemplate"),
        terms_of_service=part.text_of("termsOfService"),
        legal_url=part.text_of("legalURL"),
    )


def _person(part: Part, name: str) -> Person | None:
    described = part.first(name)
    return None if described is None else person(described)


def _places(report: Part) -> Iterator[InternetDetail]:
    for detail in report.every("internetDetails"):
        for element, kind in _PLACES.items():
            if (part := detail.first(element)) is not None:
                yield _place(part, kind)


def _place(part: Part, kind: str) -> InternetDetail:
    return InternetDetail(
        kind=kind,
        source=part.path,
        links=tuple(Link(url.value, url.source) for url in part.texts_of("url")),
        emails=emails(part, "emailAddress"),
        phones=phones(part, "phoneNumber"),
        addresses=addresses(part, "incidentAddress"),
        named=tuple(
            NamedValue(name, text.value, text.source) for name in _NAMES_OF_PLACES for text in part.texts_of(name)
        ),
        contents=part.texts_of("content"),
        network_events=network_events(part),
        latitude=part.text_of("latitude"),
        longitude=part.text_of("longitude"),
        third_party_hosted=part.stated_of("@thirdPartyHostedContent"),
        statements=part.texts_of("additionalInfo"),
    )


def _law_enforcement(report: Part) -> LawEnforcement | None:
    part = report.first("lawEnforcement")
    if part is None:
        return None
    abroad = part.first("servedLegalProcessInternational")
    return LawEnforcement(
        source=part.path,
        agency=part.text_of("agencyName"),
        case_number=part.text_of("caseNumber"),
        officer=_person(part, "officerContact"),
        reported=part.stated_of("reportedToLe"),
        served_domestic=part.stated_of("servedLegalProcessDomestic"),
        served_international=Stated.NOT_STATED if abroad is None else abroad.stated(),
        country=None if abroad is None else abroad.text_of("@fleaCountry"),
    )


def _report_number(details: Sequence[Part]) -> str | None:
    """The report's number, which only its fileDetails state; one that names another report is noted."""
    number: str | None = None
    for document in details:
        stated = document.text_of("reportId")
        if number and stated and stated != number:
            document.note(OTHER_REPORT, stated, inside="reportId")
        number = number or stated
    return number


def _latest(details: Sequence[Part]) -> tuple[list[Part], list[Part]]:
    """The descriptions that stand, and those replaced: of two for one file, the later stands."""
    last = {file_id: document for document in details if (file_id := document.text_of("fileId"))}
    stands = [last.get(document.text_of("fileId") or "", document) is document for document in details]
    return (
        [document for document, keep in zip(details, stands, strict=True) if keep],
        [document for document, keep in zip(details, stands, strict=True) if not keep],
    )


def _files(details: Sequence[Part], files: Sequence[ReceivedFile]) -> Iterator[FileReading]:
    """The files received, in that order, then those that are described but did not arrive."""
    by_id = {document.text_of("fileId"): document for document in details}
    for received in files:
        document = by_id.get(received.file_id) or Part("fileDetails").take(f"file[{received.file_id}]")
        yield _file(document, received.file_id, received)
    arrived = {received.file_id for received in files}
    for document in details:
        file_id = document.text_of("fileId")
        if file_id not in arrived and not document.is_empty():
            yield _file(document, file_id, None)


def _file(part: Part, file_id: str | None, received: ReceivedFile | None) -> FileReading:
    annotations = part.first("fileAnnotations")
    meme = part.stated_of("potentialMeme")
    flags = () if annotations is None else annotations.flags_among(_FILE_FLAGS)
    name = part.text_of("fileName")
    return FileReading(
        source=part.path,
        file_id=file_id,
        received=received,
        name_as_sent=name or (received.name_as_sent if received else None),
        original_name=part.text_of("originalFileName"),
        uploaded_at=part.moment_of("uploadedToEspTimestamp"),
        location=part.text_of("locationOfFile"),
        viewed_by_esp=part.stated_of("fileViewedByEsp"),
        exif_viewed_by_esp=part.stated_of("exifViewedByEsp"),
        publicly_available=part.stated_of("publiclyAvailable"),
        relevance=part.text_of("fileRelevance"),
        potential_meme=Stated.YES if meme is Stated.NOT_STATED and "potentialMeme" in flags else meme,
        annotations=flags,
        industry_classification=part.text_of("industryClassification"),
        hashes=tuple(
            ClaimedHash(claimed.text_of("@hashType"), value, claimed.path)
            for claimed in part.every("originalFileHash")
            if (value := claimed.text())
        ),
        network_events=network_events(part),
        devices=devices(part),
        metadata=tuple(
            NamedValue(
                name=pair.text_of("name") or "",
                value=pair.text_of("value") or "",
                source=pair.path,
                group=details.text_of("@type"),
            )
            for details in part.every("details")
            for pair in details.every("nameValuePair")
        ),
        statements=part.texts_of("additionalInfo"),
    )
