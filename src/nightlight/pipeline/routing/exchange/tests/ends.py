# SPDX-License-Identifier: Apache-2.0
"""Two installations for tests: each has its keys; what the sending one wrote to the database is undone in between."""

from __future__ import annotations

import hashlib
import io
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from django.test import override_settings

from nightlight.foundation import public_ids
from nightlight.foundation.clock import stamp
from nightlight.pipeline.routing import offers
from nightlight.pipeline.routing.exchange import envelope, manifest, outbox, packing, partners, payload, receiving
from nightlight.pipeline.routing.exchange import keys as exchange_keys
from nightlight.pipeline.routing.models import Installation, Package
from nightlight.pipeline.tips import actions, closing, intake
from nightlight.pipeline.tips.formats.cybertipline import check
from nightlight.pipeline.tips.models import Document, Tip, TipFile
from nightlight.pipeline.tips.tests.example_reports import FILE_DETAILS_XML, REPORT_XML
from nightlight.trust.evidence import queries as evidence
from nightlight.trust.evidence.vault import current_vault
from nightlight.trust.units import actions as units
from nightlight.trust.units.models import Unit

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from nightlight.pipeline.routing.models import Offer
    from nightlight.trust.accounts.queries import ReporterLogin

NOW = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
SERVICE = "service:worker"


class End:
    """One of two installations; inside ``here()`` the process is it, and the database what it left."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder, self.name = folder / name, name

    @contextmanager
    def here(self) -> Iterator[None]:
        """Be this installation."""
        with override_settings(
            NIGHTLIGHT_EXCHANGE_KEYS_DIR=self.folder / "keys",
            NIGHTLIGHT_EXCHANGE_FOLDER=self.folder / "exchange",
            NIGHTLIGHT_EXCHANGE_NAME=self.name,
            NIGHTLIGHT_EXCHANGE_URL=f"https://{self.name.lower()}.example.org",
            NIGHTLIGHT_EXCHANGE_DISK=0,
        ):
            yield

    @property
    def keys(self) -> exchange_keys.Keys:
        """Its keys."""
        return exchange_keys.in_folder(self.folder / "keys")

    @property
    def card(self) -> str:
        """Its card."""
        with self.here():
            return exchange_keys.our_card()

    def knows(self, other: End, unit: str | None) -> Installation:
        """Trust the other one here; ``unit`` is the code of a new unit of ours that stands for it."""
        made: Unit | None = None
        if unit:
            root = Unit.objects.get(receives=True)
            made = units.add_unit(
                by="command:cli", at=NOW, parent=root, kind="state", code=unit, name=f"Unit of {other.name}"
            )
        with self.here():
            added = partners.add(by="officer:OF-1111-1111", at=NOW, card=other.card, unit=made)
            typed = other.keys.fingerprint
            assert partners.compare(by="officer:OF-2222-2222", at=NOW, installation=added, told=typed)
        added.refresh_from_db()
        return added


class _Undone(Exception):
    pass


@contextmanager
def undone() -> Iterator[None]:
    """Undo in the end whatever the block wrote to the database."""
    try:
        with transaction.atomic():
            yield
            raise _Undone
    except _Undone:
        pass


def sent(end: End, to: Installation, tips: Sequence[Tip], *, kind: str = "whole") -> list[Offer]:
    """Offer tips to the unit of another installation and put them into packages, built."""
    made = []
    with end.here():
        for tip in tips:
            assert to.unit is not None
            parties = [1] if kind == "part" else []
            made.append(
                offers.offer(
                    by="command:cli",
                    at=NOW,
                    tip=tip,
                    to=to.unit,
                    why="area",
                    kind=kind,
                    note="For you",
                    parties=parties,
                )
            )
        outbox.gather(by=SERVICE, at=LATER)
        build()
    return made


def build() -> None:
    """Put together every package that waits for it."""
    for package in Package.objects.filter(outgoing=True, state=Package.State.BUILDING):
        packing.build(package, by=SERVICE, at=LATER)


def bytes_of(end: End) -> list[bytes]:
    """Every package that lies ready at an installation, the oldest first."""
    with end.here():
        mine = Package.objects.filter(outgoing=True, sender=end.keys.fingerprint)
        ready = mine.filter(state=Package.State.READY).order_by("pk")
        return [receiving.path_of(one).read_bytes() for one in ready]


def carried(end: End, body: bytes) -> Package:
    """Bring a package to an installation on a stick."""
    with end.here():
        return receiving.take_file(io.BytesIO(body), at=LATER, by="command:cli")


def full(by: ReporterLogin, *, at: datetime = NOW) -> Tip:
    """A finished report with a file, its details and its receipt."""
    checked = check.check_report(
        REPORT_XML, profile=check.Profile.ADVISE, now=at, newer=True, known_reports=lambda ids: ids
    )
    report_id, public_id = actions.open_report(by=by, at=at, body=REPORT_XML, checked=checked, sent_from="192.0.2.1")
    with current_vault().stage() as staging:
        staging.write(f"a pattern of squares {public_id}".encode() * 5000)
        sealed = staging.seal()
    file_id, _md5 = actions.add_file(by=by, at=at, report_id=report_id, sealed=sealed, name_as_sent="pattern-07.png")
    details = FILE_DETAILS_XML.replace(b"7860042", str(report_id).encode()).replace(b"b0c1", file_id.encode())
    actions.describe_file(by=by, at=at, body=details, settings=intake.settings(), note=lambda _report: None)
    actions.finish(by=by, at=at + timedelta(seconds=2), report_id=report_id)
    return Tip.objects.get(public_id=public_id)


def facts(tip: Tip) -> dict[str, object]:
    """What must be the same at both ends."""
    return {
        "report": (tip.report_id, tip.source, tip.environment, tip.incident_type, tip.opened_at, tip.reporter.name),
        "documents": {
            (d.kind, d.file_id): (closing.opened(d, tip=tip.public_id), d.received_at)
            for d in Document.objects.filter(tip=tip)
        },
        "files": [
            (f.file_id, f.item.name_as_sent, b"".join(evidence.read(f.item)))
            for f in TipFile.objects.filter(tip=tip).order_by("pk")
        ],
    }


def statement(by: End, to: End, offer: Offer, kind: str, *, code: str = "", reason: str = "") -> manifest.Statement:
    """What one installation says of an offer of the other."""
    unsigned = manifest.Statement(
        kind=kind,  # type: ignore[arg-type]
        issuer=by.keys.fingerprint,
        receiver=to.keys.fingerprint,
        offer=offer.public_id,
        tip=offer.tip.public_id,
        at=stamp(LATER),
        code=code,
        reason=reason,
        reason_sha256=hashlib.sha256(reason.encode()).hexdigest(),
        leaf="0" * 64,
        signature="0" * 128,
    )
    return unsigned.signed(by.keys.signing)


def receipts(by: End, to: End, *statements: manifest.Statement) -> bytes:
    """A package of statements."""
    named = {"sender": by.keys.fingerprint, "receiver": to.keys.fingerprint}
    told = manifest.Manifest(
        format=manifest.FORMAT,
        kind="receipts",
        package=public_ids.new("PK"),
        made_at=stamp(LATER),
        card=by.card,
        head="",
        tips=[],
        statements=list(statements),
        **named,
    )
    out = io.BytesIO()
    written = payload.write(out, told, [], recipient=to.keys.recipient)
    header = envelope.Header(
        kind=envelope.Kind.RECEIPTS,
        id=told.package,
        made_at=LATER,
        sender_name=by.name,
        size=written.size,
        sha256=written.sha256,
        **named,
    )
    return envelope.sign(header, by.keys.signing).to_bytes() + out.getvalue()
