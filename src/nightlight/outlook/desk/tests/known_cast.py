# SPDX-License-Identifier: Apache-2.0
"""Lists and matches for the pages' tests: written as matching writes them, and judged by its own rules."""

from __future__ import annotations

import hashlib
from collections import Counter
from datetime import timedelta
from itertools import count
from typing import TYPE_CHECKING, Any

from nightlight.foundation import pdq, public_ids
from nightlight.outlook.desk.tests import cast, pictures
from nightlight.pipeline.matching import judging, keeping, rules
from nightlight.pipeline.matching.finding import Found
from nightlight.pipeline.matching.models import (
    Edition,
    Entry,
    Fingerprint,
    HashList,
    How,
    Match,
    Near,
    Progress,
    Purpose,
)
from nightlight.pipeline.tips import actions, intake, summarising
from nightlight.pipeline.tips.models import Tip, TipFile
from nightlight.trust.evidence.vault import current_vault

if TYPE_CHECKING:
    from datetime import datetime

    from django.test import Client

    from nightlight.trust.evidence.models import Blob, Item

_number = count(1)


def hash_list(name: str = "National list", *, scheme: str = "vic", version: str = "2.0/UK", **more: Any) -> HashList:  # noqa: ANN401
    """A list with one whole version."""
    purpose = more.pop("purpose", Purpose.KNOWN)
    made = HashList.objects.create(
        public_id=public_ids.new("HL"),
        name=name,
        owner=more.pop("owner", "Example Centre"),
        legal_basis="Example Act, section 1",
        scheme=scheme,
        scheme_version=version,
        purpose=purpose,
        made_at=cast.NOON,
        made_by="command:cli",
    )
    edition(made, 1)
    return made


def edition(of: HashList, number: int, **more: Any) -> Edition:  # noqa: ANN401
    """A version of a list, whole unless said otherwise."""
    told = {
        "state": "whole",
        "source": "csv",
        "name": "example-list.csv",
        "replaces": True,
        "started_at": cast.NOON,
        "ended_at": cast.NOON + timedelta(minutes=2),
        "by": "command:cli",
        "rows": 1204,
        "good": 1200,
        "added": 1200,
    }
    return Edition.objects.create(hash_list=of, number=number, **{**told, **more})


def entry(of: HashList, **more: Any) -> Entry:  # noqa: ANN401
    """An entry of a list."""
    told = {"source_id": f"example-{next(_number)}", "classification": "1", "edition": 1, "changed_at": cast.NOON}
    return Entry.objects.create(hash_list=of, **{**told, **more})


def tip(desk: cast.Desk, **more: Any) -> tuple[Tip, Item]:  # noqa: ANN401
    """A tip with one file of random-looking bytes."""
    body = more.pop("body", b"") or f"a pattern of squares {next(_number)}".encode()
    return pictures.tip_with_file(desk, body, **more)


def tip_of(desk: cast.Desk, bodies: list[bytes], *, at: datetime = cast.NOON) -> tuple[Tip, list[Item]]:
    """A finished and read tip with so many files, in this order."""
    report_id, public_id = desk.opened(cast.PLAIN, at)
    for number, body in enumerate(bodies, 1):
        with current_vault().stage() as staging:
            staging.write(body)
            sealed = staging.seal()
        name = f"pattern-{number}.png"
        file_id, _md5 = actions.add_file(by=desk.by, at=at, report_id=report_id, sealed=sealed, name_as_sent=name)
        details = pictures.DETAILS.format(report=report_id, file=file_id, viewed="true", more="").encode()
        actions.describe_file(by=desk.by, at=at, body=details, settings=intake.settings(), note=lambda _report: None)
    actions.finish(by=desk.by, at=at + timedelta(seconds=2), report_id=report_id)
    made = Tip.objects.get(public_id=public_id)
    summarising.summarise([made], by="service:worker", at=at)
    return made, [file.item for file in TipFile.objects.filter(tip=made).select_related("item__blob").order_by("id")]


def same_bytes(of: HashList, item: Item, *, agree: tuple[str, ...] = rules.DIGESTS, **more: Any) -> Entry:  # noqa: ANN401
    """An entry that states digests of a file, and the match; with ``keep`` beside those that stand."""
    blob = item.blob
    differ = tuple(more.pop("differ", ()))
    stated = {name: bytes(getattr(blob, name)) for name in agree}
    stated |= {name: hashlib.new(name, b"another file").digest() for name in differ}
    before = Match.objects.filter(blob=blob, how=How.DIGEST, ended_at=None) if more.pop("keep", False) else ()
    stands = [
        Found(blob.pk, match.entry_id, How.DIGEST, tuple(match.agree.split()), tuple(match.differ.split()))
        for match in before
    ]
    made = entry(of, **{**stated, **more})
    stands.append(Found(blob.pk, made.pk, How.DIGEST, agree, differ))
    keeping.matches([blob.pk], stands, hows=[How.DIGEST], at=cast.NOON)
    return made


def fingerprint(blob: Blob, **more: Any) -> Fingerprint:  # noqa: ANN401
    """A fingerprint of a file: eight orientations of hashes drawn from its digest."""
    turns = [hashlib.sha256(bytes(blob.sha256) + bytes([turn])).digest() for turn in range(8)]
    told = {
        "version": rules.VERSION,
        "format": "jpeg",
        "pdq": turns[0],
        "quality": 88,
        "dihedral": b"".join(turns),
        "width": 1280,
        "height": 960,
        "at": cast.NOON,
    }
    return Fingerprint.objects.create(blob=blob, **{**told, **more})


def flipped(value: bytes, bits: int) -> bytes:
    """A hash that differs in so many bits, spread over it."""
    number = int.from_bytes(value, "big")
    for place in range(bits):
        number ^= 1 << (place * 37 % pdq.BITS)
    return number.to_bytes(pdq.BYTES, "big")


def near(of: HashList, item: Item, *, distance: int = 21, turn: int = 3, **more: Any) -> Entry:  # noqa: ANN401
    """An entry whose picture is nearly that of a file that has a fingerprint, turned, and the match."""
    turns = rules.hashes(bytes(item.blob.fingerprint.dihedral))
    told = {"pdq": flipped(turns[turn], distance), "pdq_quality": 93, "media": "image", **more}
    made = entry(of, **told)
    found = Found(item.blob_id, made.pk, How.PDQ, distance=distance, orientation=turn)
    keeping.matches([item.blob_id], [found], hows=[How.PDQ], at=cast.NOON)
    return made


def alike(one: Item, other: Item, *, distance: int = 9, turn: int = 1) -> Near:
    """Two files of tips that are nearly the same picture; the later one first."""
    return Near.objects.create(
        blob_id=one.blob_id, other_id=other.blob_id, distance=distance, orientation=turn, version=rules.VERSION
    )


def looked_up(of: Tip, *, done: bool = True, measured: int | None = None) -> Progress:
    """Judge the files of a tip by the rules and write it down, as the worker does."""
    blobs = list(TipFile.objects.filter(tip=of).order_by("id").values_list("item__blob_id", flat=True))
    keeping.sightings(blobs)
    counted = Counter(judging.states(of.pk, blobs, looked_up=done))
    told = {state: counted[rules.State(state)] for state in ("known", "near", "disputed", "seen", "new")}
    row, _ = Progress.objects.update_or_create(
        tip=of,
        defaults={
            "version": rules.VERSION,
            "digests_at": cast.NOON,
            "finished_at": cast.NOON if done else None,
            "files": len(blobs),
            "measured": len(blobs) if measured is None else measured,
            **told,
        },
    )
    return row


def page_of(client: Client, tip: Tip, more: str = "", *, status: int = 200) -> str:
    """The words of a tip's page, or of a page below it."""
    answer = client.get(f"/tips/{tip.public_id}/{more}")
    assert answer.status_code == status
    return " ".join(answer.content.decode().split())


def first_card(client: Client, tip: Tip) -> str:
    """What the page says of the first file."""
    return page_of(client, tip).split('id="known-1"')[1].split("</article>")[0]
