# SPDX-License-Identifier: Apache-2.0
"""Puts together what is understood of a stored tip: its reading, and what the checks found in it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from nightlight.pipeline.tips import closing, intake, reading
from nightlight.pipeline.tips.formats import cybertip_json, hotline
from nightlight.pipeline.tips.formats.cybertipline import check, read
from nightlight.pipeline.tips.formats.cybertipline.document import Refused
from nightlight.pipeline.tips.models import Document, DocumentKind, Source, State, Tip, TipFile

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from nightlight.pipeline.tips.formats.cybertipline.check import Finding
    from nightlight.pipeline.tips.reading import Reading

# Told by people, not reported by a platform.
TOLD = frozenset({Source.HOTLINE, Source.PHONE})


@dataclass(frozen=True)
class Understood:
    """Everything understood of one tip, children's names included: for the worker and the command line.

    ``reading`` is None where the kept bytes could not be read.
    """

    tip: Tip
    reading: Reading | None
    findings: tuple[Finding, ...]
    documents: tuple[Document, ...]
    files: tuple[TipFile, ...]
    told: hotline.Told | None = None  # what was told, where people did and not a platform: it says how to reach them
    dangers: tuple[
        tuple[str, datetime], ...
    ] = ()  # additions that say that a child is in danger now, and when they came


def understand(tip: Tip) -> Understood:
    """Read a tip anew from the bytes received, and check it once more. Never fails on what is stored."""
    (found,) = understand_all([tip])
    return checked(found)


def checked(understood: Understood) -> Understood:
    """Return the same with what the checks find in it."""
    return replace(understood, findings=_findings(understood.tip, understood.documents))


def understand_all(tips: Sequence[Tip]) -> list[Understood]:
    """Read many tips anew, with two queries for all of them and without checking them."""
    documents, files = defaultdict(list), defaultdict(list)
    for document in Document.objects.filter(tip__in=tips).order_by("id"):
        documents[document.tip_id].append(document)
    for file in TipFile.objects.filter(tip__in=tips).select_related("item__blob").order_by("id"):
        files[file.tip_id].append(file)
    return [_read(tip, tuple(documents[tip.pk]), tuple(files[tip.pk])) for tip in tips]


def _read(tip: Tip, documents: tuple[Document, ...], files: tuple[TipFile, ...]) -> Understood:
    if tip.source in TOLD:
        return _told(tip, documents, files)
    if tip.source == Source.DOWNLOAD:
        found = _download(tip, documents)
    else:
        report, details = _parts(tip, documents)
        told = [closing.opened(d, tip=tip.public_id) for d in details]
        found = read.read_report(report, told, [_received(f) for f in files])
    return Understood(tip, found, (), documents, files)


def _told(tip: Tip, documents: tuple[Document, ...], files: tuple[TipFile, ...]) -> Understood:
    bodies = [(d.kind, d.file_id, closing.opened(d, tip=tip.public_id)) for d in documents]
    try:
        body = next(found for kind, _number, found in bodies if kind == DocumentKind.TOLD)
        later = [(number, found) for kind, number, found in bodies if kind == DocumentKind.ADDITION]
        told, first = hotline.told_of(body), None
        if told.follows:
            first = _first_told(told.follows)
            told = hotline.following(told, hotline.told_of(first))
        came = {d.file_id: d.received_at for d in documents if d.kind == DocumentKind.ADDITION}
        dangers = tuple((number, came[number]) for number, found in later if hotline.added_of(found).danger == "yes")
        reading = hotline.read(body, later, first)
        return Understood(tip, reading, (), documents, files, told=told, dangers=dangers)
    except (hotline.Unreadable, StopIteration):  # written by ourselves, so this is a form that has changed since
        return Understood(tip, None, (), documents, files)


def _first_told(follows: str) -> bytes:
    """What was told first: it says which words name the child. Raises Unreadable where it is not here any more."""
    found = Document.objects.filter(tip__public_id=follows, kind=DocumentKind.TOLD).exclude(key_part=b"").first()
    if found is None:  # destroyed, or another installation's: without it, nobody knows what to mask
        raise hotline.Unreadable("What it was added to is gone.")
    return closing.opened(found, tip=follows)


def _parts(tip: Tip, documents: tuple[Document, ...]) -> tuple[bytes, list[Document]]:
    report = next(closing.opened(d, tip=tip.public_id) for d in documents if d.kind == DocumentKind.REPORT)
    return report, [d for d in documents if d.kind == DocumentKind.FILE_DETAILS]


def _download(tip: Tip, documents: tuple[Document, ...]) -> Reading | None:
    if tip.state == State.UNREADABLE:
        return None
    try:
        return cybertip_json.read(closing.opened(documents[0], tip=tip.public_id))
    except cybertip_json.Unreadable:  # read when it came, so this is a rule that has changed since
        return None


def _received(file: TipFile) -> reading.ReceivedFile:
    digests = file.item.blob.digests
    return reading.ReceivedFile(
        file_id=file.file_id,
        name_as_sent=file.item.name_as_sent,
        size=digests.size,
        md5=digests.md5,
        sha1=digests.sha1,
        sha256=digests.sha256,
        received_at=file.item.received_at,
    )


def _findings(tip: Tip, documents: tuple[Document, ...]) -> tuple[Finding, ...]:
    """Check what came once more, as of when it came: what the reporter left out or got wrong.

    Reports were accepted then, so a refusal now only means that the rules have grown stricter since.
    """
    if tip.source != Source.API:
        return ()
    report, details = _parts(tip, documents)
    settings = intake.settings()
    found: list[Finding] = []
    try:
        found += check.check_report(
            report,
            profile=check.Profile.ADVISE,
            now=tip.opened_at,
            newer=settings.newer,
            known_reports=lambda ids: ids,
        ).findings
        for document in details:
            told = check.check_file_details(
                closing.opened(document, tip=tip.public_id),
                profile=check.Profile.ADVISE,
                now=document.received_at,
                newer=settings.newer,
                batched=lambda _report, _file: tip.batched,
            )
            found += told.findings
    except Refused as refused:
        found.append(check.Finding("no-longer-valid", "report", refused.description, 0))
    return tuple(found)
