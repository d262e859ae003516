# SPDX-License-Identifier: Apache-2.0
"""Takes in CyberTips that police downloaded: one JSON file, a folder, or a ZIP of thousands.

Each file is one transaction, so an import that is stopped can be started again and goes on where it was. What
cannot be read is kept as a tip in the state "could not be read", never dropped.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from typing import IO, TYPE_CHECKING

from django.db import transaction

from nightlight.foundation import public_ids
from nightlight.foundation.refusals import Conflict
from nightlight.pipeline.tips import closing, rules
from nightlight.pipeline.tips.formats import cybertip_json
from nightlight.pipeline.tips.models import (
    Document,
    DocumentKind,
    Import,
    ImportedFile,
    ImportState,
    ImportUpload,
    Outcome,
    Source,
    State,
    Tip,
)
from nightlight.pipeline.tips.reading import IncidentType, Reading
from nightlight.pipeline.tips.summarising import summarise
from nightlight.trust.accounts import actions as accounts
from nightlight.trust.accounts.models import Environment, Origin
from nightlight.trust.custody import actions as custody
from nightlight.trust.evidence import actions as evidence
from nightlight.trust.evidence.vault import current_vault

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime
    from pathlib import Path

    from nightlight.trust.units.models import Unit

# One CyberTip is some kilobytes; a file past this is not one, and must not fill the memory.
MAX_FILE = 64 * 1024 * 1024
# What is dropped on the page is unpacked in the worker's memory, never on disk in the clear.
MAX_UPLOAD = 512 * 1024 * 1024
_UNNAMED_REPORTER = "Reporter not named"


class NotImportable(Exception):
    """The thing named is no file, folder or ZIP that could hold CyberTips; the message says why."""


@dataclass(frozen=True)
class Candidate:
    """One file of an import, not yet read. ``open`` gives its bytes."""

    name: str
    open: Callable[[], IO[bytes]]
    is_json: bool


@dataclass
class Tally:
    """What became of an import's files, and how often something in them was not understood."""

    outcomes: Counter[str] = field(default_factory=Counter)
    unknown_paths: Counter[str] = field(default_factory=Counter)
    reasons: list[tuple[str, str]] = field(default_factory=list)

    def note(self, entry: ImportedFile) -> None:
        """Count one file."""
        self.outcomes[entry.outcome] += 1
        if entry.outcome in {Outcome.UNREADABLE, Outcome.NOT_A_TIP}:
            self.reasons.append((entry.name, entry.reason))


def candidates(path: Path) -> list[Candidate]:
    """Return the files to import from a file, a folder (with its sub-folders) or a ZIP, in order of name.

    Raises NotImportable.
    """
    if path.is_dir():
        found = sorted(p for p in path.rglob("*") if p.is_file())
        return [Candidate(str(p.relative_to(path)), partial(_open, p), _json_name(p.name)) for p in found]
    if not path.is_file():
        raise NotImportable(f"{path} does not exist.")
    if zipfile.is_zipfile(path):
        return list(_in_zip(zipfile.ZipFile(path)))
    return [Candidate(path.name, partial(_open, path), _json_name(path.name))]


def _open(path: Path) -> IO[bytes]:
    return path.open("rb")


def _json_name(name: str) -> bool:
    return name.lower().endswith(".json")


def _in_zip(archive: zipfile.ZipFile) -> Iterator[Candidate]:
    seen: Counter[str] = Counter()
    for entry in sorted((e for e in archive.infolist() if not e.is_dir()), key=lambda e: e.filename):
        seen[entry.filename] += 1  # a ZIP may hold one name twice; both count
        name = entry.filename if seen[entry.filename] == 1 else f"{entry.filename}#{seen[entry.filename]}"
        yield Candidate(name, partial(archive.open, entry), _json_name(entry.filename))


@transaction.atomic
def start(*, by: str, at: datetime, name: str, expected: int, unit: Unit | None = None) -> Import:
    """Open an import and record that it began. Its tips are held by ``unit``, unless said by the one that receives."""
    held_by = {"unit": unit} if unit else {}
    batch = Import.objects.create(
        public_id=public_ids.new("IM"),
        name=name[:255],
        by=by,
        started_at=at,
        state=ImportState.RUNNING,
        expected=expected,
        **held_by,
    )
    custody.append(
        by=by,
        at=at,
        kind="tips.import-started",
        subject=f"import:{batch.public_id}",
        data={"name": batch.name, "expected": expected},
    )
    return batch


def run(
    batch: Import,
    files: Iterable[Candidate],
    *,
    at: Callable[[], datetime],
    each: Callable[[ImportedFile], None] | None = None,
) -> Tally:
    """Import the files one by one and return the tally. Files this import has entered before are passed over."""
    tally = Tally()
    done = {entry.name: entry for entry in batch.entries.all()}
    try:
        for candidate in files:
            entry = done.get(candidate.name[:1024])
            if entry is None:
                entry = take(batch, candidate, at=at(), tally=tally)
            tally.note(entry)
            if each:
                each(entry)
    except BaseException:  # also when somebody stops it: what was imported stays, and the page says so
        Import.objects.filter(pk=batch.pk).update(state=ImportState.STOPPED)
        raise
    _finish(batch, tally, at())
    return tally


def take(batch: Import, candidate: Candidate, *, at: datetime, tally: Tally) -> ImportedFile:
    """Import one file: a new tip, one already here, or one that is kept without being understood."""
    problem, body = "", b""
    try:
        with candidate.open() as handle:
            body = handle.read(MAX_FILE + 1)
    except (OSError, RuntimeError, zipfile.BadZipFile, NotImplementedError) as error:
        problem = f"It could not be opened: {error}"
    if len(body) > MAX_FILE:
        problem = f"It is larger than {MAX_FILE // 2**20} MB"
    sha256 = hashlib.sha256(body).digest()
    with transaction.atomic():
        if not candidate.is_json:
            problem = problem or "Its name does not end in .json."
        if problem:
            return _enter(batch, candidate, sha256, Outcome.NOT_A_TIP, at, reason=problem)
        known = Document.objects.filter(kind=DocumentKind.DOWNLOAD, tip__payload_sha256=sha256).first()
        if known:
            return _enter(batch, candidate, sha256, Outcome.KNOWN, at, tip=known.tip)
        try:
            found = cybertip_json.read(body)
        except cybertip_json.Unreadable as unreadable:
            tip = _keep(batch, body, sha256, found=None, at=at)
            return _enter(batch, candidate, sha256, Outcome.UNREADABLE, at, tip=tip, reason=str(unreadable))
        tip = _keep(batch, body, sha256, found=found, at=at)
        tally.unknown_paths.update(unknown.path for unknown in found.unknown)
        return _enter(batch, candidate, sha256, Outcome.NEW, at, tip=tip)


def _keep(batch: Import, body: bytes, sha256: bytes, *, found: Reading | None, at: datetime) -> Tip:
    esp = found.reporter.esp_name if found else None
    reporter = accounts.reporter_named(by=batch.by, at=at, name=esp or _UNNAMED_REPORTER, origin=Origin.DOWNLOAD)
    state = State.RECEIVED if found else State.UNREADABLE
    kind = found.incident.type if found else IncidentType.UNSTATED
    tip = Tip.objects.create(
        public_id=public_ids.new("NL"),
        report_id=rules.new_report_id(),
        source=Source.DOWNLOAD,
        environment=Environment.PRODUCTION,
        reporter=reporter,
        sent_by=batch.by,
        incident_type=kind.value,
        batched=False,
        escalated=bool(found and found.incident.escalation is not None),
        payload_sha256=sha256,
        opened_at=at,
        state=state,
        state_at=at,
        unit_id=batch.unit_id,
    )
    closed = closing.close(body, tip=tip.public_id, kind=DocumentKind.DOWNLOAD)
    Document.objects.create(
        tip=tip,
        kind=DocumentKind.DOWNLOAD,
        file_id="",
        body=closed.body,
        key_part=closed.key_part,
        size=len(body),
        sha256=sha256,
        received_at=at,
    )
    custody.append(
        by=batch.by,
        at=at,
        kind="tip.imported",
        subject=f"tip:{tip.public_id}",
        data={
            "report_id": tip.report_id,
            "source": str(tip.source),
            "environment": str(tip.environment),
            "reporter": reporter.public_id,
            "sent_by": batch.by,
            "incident_type": tip.incident_type,
            "batched": False,
            "escalated": tip.escalated,
            "external_number": (found and found.external_number) or "",
            "import": batch.public_id,
            "unit": batch.unit.public_id,
            "readable": found is not None,
            "report_sha256": sha256.hex(),
            "size": len(body),
        },
    )
    summarise([tip], by=batch.by, at=at)
    return tip


def _enter(
    batch: Import,
    candidate: Candidate,
    sha256: bytes,
    outcome: Outcome,
    at: datetime,
    *,
    tip: Tip | None = None,
    reason: str = "",
) -> ImportedFile:
    return ImportedFile.objects.create(
        batch=batch, name=candidate.name[:1024], sha256=sha256, outcome=outcome, tip=tip, reason=reason, at=at
    )


@transaction.atomic
def _finish(batch: Import, tally: Tally, at: datetime) -> None:
    Import.objects.filter(pk=batch.pk).update(state=ImportState.DONE)
    custody.append(
        by=batch.by,
        at=at,
        kind="tips.import-finished",
        subject=f"import:{batch.public_id}",
        data={str(outcome): count for outcome, count in sorted(tally.outcomes.items())},
    )


def start_upload(*, by: str, at: datetime, name: str, chunks: Iterable[bytes], unit_id: int) -> Import:
    """Put what was dropped on the import page into the vault and have the worker import it for the unit.

    To be called as the intake (``identity.receiving``), which can take in bytes that another unit has as well.
    Raises Conflict if it is larger than MAX_UPLOAD; then nothing is kept.
    """
    with current_vault().stage() as staging:
        size = 0
        for chunk in chunks:
            size += len(chunk)
            if size > MAX_UPLOAD:
                limit = MAX_UPLOAD // 2**20
                raise Conflict(
                    f"This is more than {limit} MB. Import it with 'nightlight import', or in smaller parts."
                )
            staging.write(chunk)
        sealed = staging.seal()
    with transaction.atomic():
        batch = Import.objects.create(
            public_id=public_ids.new("IM"),
            name=name[:255],
            by=by,
            started_at=at,
            state=ImportState.WAITING,
            unit_id=unit_id,
        )
        subject = f"import:{batch.public_id}"
        item = evidence.receive(by=by, at=at, sealed=sealed, name_as_sent=name[:255], context=subject, data={})
        ImportUpload.objects.create(batch=batch, item_id=item.id)
        # story.py defers tasks.import_upload on this event, in this transaction.
        custody.append(by=by, at=at, kind="tips.upload-received", subject=subject, data={"name": batch.name})
    return batch


def run_upload(*, public_id: str, at: Callable[[], datetime]) -> None:
    """Import an uploaded file in the worker. Safe to run twice: it goes on where it was."""
    from nightlight.trust.evidence import queries as evidence_queries

    batch = Import.objects.get(public_id=public_id)
    if batch.state == ImportState.DONE:
        return
    body = io.BytesIO(b"".join(evidence_queries.read(batch.upload.item)))
    if zipfile.is_zipfile(body):
        files = list(_in_zip(zipfile.ZipFile(body)))
    else:
        files = [Candidate(batch.name, lambda: io.BytesIO(body.getvalue()), _json_name(batch.name))]
    Import.objects.filter(pk=batch.pk).update(state=ImportState.RUNNING, expected=len(files))
    run(batch, files, at=at)
