# SPDX-License-Identifier: Apache-2.0
"""Benign pictures, tips that carry them, and lists that know them, for these tests."""

from __future__ import annotations

import hashlib
import io
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from nightlight.foundation import pdq, public_ids
from nightlight.pipeline.matching import following, looking_up, queries
from nightlight.pipeline.matching.models import Entry, HashList, Purpose
from nightlight.pipeline.tips import actions
from nightlight.pipeline.tips.formats.cybertipline import check
from nightlight.pipeline.tips.models import Tip
from nightlight.trust.accounts import actions as accounts
from nightlight.trust.accounts import queries as accounts_queries
from nightlight.trust.custody.models import Event
from nightlight.trust.evidence.vault import current_vault

if TYPE_CHECKING:
    from nightlight.pipeline.matching.rules import State
    from nightlight.trust.accounts.queries import ReporterLogin

NOON = datetime(2026, 11, 20, 6, 30, tzinfo=UTC)
_REPORT = b"""<report><incidentSummary>
<incidentType>Child Pornography (possession, manufacture, and distribution)</incidentType>
<incidentDateTime>2026-01-05T10:15:30Z</incidentDateTime></incidentSummary>
<reporter><reportingPerson><email>desk@chat.example.org</email></reportingPerson></reporter>
<personOrUserReported><screenName>%s</screenName></personOrUserReported></report>"""
_number = count(1)
BY = "service:worker"


def pattern(seed: int, size: tuple[int, int] = (320, 240)) -> Image.Image:
    """A picture of soft coloured squares, another for each seed."""
    squares = np.random.default_rng(seed).integers(0, 256, (9, 12, 3), dtype=np.uint8)
    return Image.fromarray(squares).resize(size, Image.Resampling.BICUBIC)


def png(image: Image.Image) -> bytes:
    """The picture as a file."""
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def hash_of(image: Image.Image) -> bytes:
    """Its PDQ."""
    return pdq.of_luma(np.asarray(image.convert("L"))).hash


def reporter(name: str = "Example Chat", environment: str = "production") -> ReporterLogin:
    """A reporter with a credential."""
    issued = accounts.add_credential(by="command:cli", at=NOON, name=name, environment=environment)
    login = accounts_queries.reporter_login(issued.username, issued.password)
    assert login is not None
    return login


def tip(by: ReporterLogin, *files: bytes, at: datetime = NOON) -> Tip:
    """A finished report with these files, sent as reporters send."""
    body = _REPORT % f"grey-heron-{next(_number)}".encode()
    checked = check.check_report(body, profile=check.Profile.ADVISE, now=at, newer=True, known_reports=lambda ids: ids)
    report_id, public_id = actions.open_report(by=by, at=at, body=body, checked=checked, sent_from="192.0.2.1")
    for number, content in enumerate(files):
        with current_vault().stage() as staging:
            staging.write(content)
            sealed = staging.seal()
        actions.add_file(by=by, at=at, report_id=report_id, sealed=sealed, name_as_sent=f"pattern-{number}.png")
    actions.finish(by=by, at=at + timedelta(seconds=1), report_id=report_id)
    return Tip.objects.get(public_id=public_id)


def look_up() -> None:
    """What the worker does when tips came in."""
    assert not looking_up.look_up_new(by=BY, now=lambda: NOON, patience=120)


def follow() -> None:
    """What the worker does when a list changed, an hour later."""
    assert not following.follow(by=BY, now=lambda: NOON + timedelta(hours=1), patience=120)


def states(of: Tip) -> list[State]:
    """What is told about the files of a tip, in their order."""
    _progress, found = queries.of_tip(of)
    return [one.state for _item, one in sorted(found.items())]


def events(of: Tip) -> list[str]:
    """What the log says happened to a tip after it came."""
    rows = Event.objects.filter(subject=f"tip:{of.public_id}").order_by("id")
    return [kind for kind in rows.values_list("kind", flat=True) if kind != "tip.received"]


def hash_list(name: str = "Example List", *, scheme: str = "industry", purpose: str = Purpose.KNOWN) -> HashList:
    """A list without entries."""
    return HashList.objects.create(
        public_id=public_ids.new("HL"),
        name=name,
        owner="Example Centre",
        legal_basis="Example Act, section 1",
        scheme=scheme,
        scheme_version="1",
        purpose=purpose,
        made_at=NOON,
        made_by="command:cli",
    )


def entry(of: HashList, content: bytes | None = None, image: Image.Image | None = None, **more: Any) -> Entry:  # noqa: ANN401
    """An entry that stands, by digests of a file, by the fingerprint of a picture, or as told."""
    told: dict[str, Any] = {"classification": "A1", "edition": 1, "changed_at": NOON}
    if content is not None:
        told |= {name: hashlib.new(name, content).digest() for name in ("md5", "sha1")}
    if image is not None:
        told |= {"pdq": hash_of(image), "pdq_quality": 100}
    return Entry.objects.create(hash_list=of, source_id=f"7/{next(_number)}", **{**told, **more})
