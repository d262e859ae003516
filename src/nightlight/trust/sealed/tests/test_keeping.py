# SPDX-License-Identifier: Apache-2.0
"""What is kept of protected people is kept closed, follows the record, and can be destroyed for good."""

from __future__ import annotations

import base64
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.db import DatabaseError, connection, transaction
from psycopg import sql

from nightlight.foundation.refusals import Conflict, NotFound
from nightlight.trust.custody.models import Event
from nightlight.trust.sealed import actions, box, keeping, keys, queries, rules
from nightlight.trust.sealed.models import Identity, SearchDigest, State, Unsealing
from nightlight.trust.sealed.tests.conftest import AT, CHILD, LAW, OTHER, REASON, TIP

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from nightlight.trust.sealed.rules import Protected
    from nightlight.trust.sealed.tests.conftest import World

LATER = AT + timedelta(hours=1)


def renew(*identities: Protected, subject: str = TIP, rule_version: int = 1) -> keeping.Renewed | None:
    return keeping.renew(
        by="service:worker", at=LATER, subject=subject, identities=identities, rule_version=rule_version
    )


def kept(subject: str = TIP) -> dict[str, tuple[str, bytes]]:
    """Return source -> public id and closed bytes."""
    rows = Identity.objects.filter(subject=subject)
    return {row.source: (row.public_id, bytes(row.key_part) + bytes(row.body)) for row in rows}


def facts(row: Identity) -> dict[str, list[str]]:
    opened: dict[str, list[str]] = json.loads(box.unseal(keys.current_keyring(), row.closed, actions.context_of(row)))
    return opened


def renewals() -> list[dict[str, Any]]:
    return [json.loads(event.body)["data"] for event in Event.objects.filter(kind="sealed.renewed").order_by("id")]


# ------------------------------------------------------------------ refusals


def test_two_people_of_one_source_or_pseudonym_are_refused(world: World) -> None:
    with pytest.raises(ValueError, match="same source"):
        renew(CHILD, replace(OTHER, source=CHILD.source))
    with pytest.raises(ValueError, match="same pseudonym"):
        renew(CHILD, replace(OTHER, pseudonym=CHILD.pseudonym))


def test_what_was_destroyed_is_not_kept_again(world: World) -> None:
    keeping.destroy(by="officer:OF-1", at=LATER, subject=TIP)
    with pytest.raises(Conflict, match="destroyed"):
        renew(CHILD)
    with pytest.raises(NotFound):
        keeping.destroy(by="officer:OF-1", at=LATER, subject=TIP)
    with pytest.raises(NotFound):
        keeping.destroy(by="officer:OF-1", at=LATER, subject="tip:NL-NONE")


def test_a_destroyed_identity_cannot_get_its_key_part_back(world: World, child: Identity) -> None:
    keeping.destroy(by="officer:OF-1", at=LATER, subject=TIP)
    with pytest.raises(DatabaseError), transaction.atomic():
        Identity.objects.filter(pk=child.pk).update(key_part=child.key_part)


# ------------------------------------------------------------------ keeping


def test_a_record_without_protected_people_leaves_no_trace(world: World) -> None:
    assert renew(subject="tip:NL-NONE") is None
    assert len(renewals()) == 1


def test_closing_needs_no_private_key(sealing: Path, world: World) -> None:
    (sealing / "0001.key").unlink()
    assert renew(CHILD, subject="tip:NL-OTHER") is not None


def test_the_same_again_changes_nothing_and_says_nothing(world: World) -> None:
    before = kept()
    assert renew(OTHER, CHILD) is None
    assert kept() == before
    assert len(renewals()) == 1


@pytest.mark.parametrize(
    "changed",
    [
        replace(CHILD, facts={**CHILD.facts, "name": ["Zyxandra Quillfeather"]}),
        replace(CHILD, facts={**CHILD.facts, "birth_date": []}),
        replace(CHILD, pseudonym="Child C"),
        replace(CHILD, kind=rules.Kind.CHILD_REPORTED),
    ],
)
def test_whoever_is_read_otherwise_is_closed_anew_under_the_same_id(world: World, changed: Protected) -> None:
    before = kept()
    public_id = before[CHILD.source][0]
    assert renew(changed, OTHER) == keeping.Renewed((public_id,), ())
    after = kept()
    assert after[CHILD.source][0] == public_id
    assert after[CHILD.source][1] != before[CHILD.source][1]
    assert after[OTHER.source] == before[OTHER.source]
    row = Identity.objects.get(public_id=public_id)
    assert facts(row) == {name: list(values) for name, values in changed.facts.items() if values}
    assert (row.pseudonym, row.kind) == (changed.pseudonym, changed.kind)
    assert set(row.digests.values_list("kind", flat=True)) == {kind.value for kind, _ in rules.terms(changed.facts)}
    assert renewals()[-1] == {"rule_version": 1, "closed": {public_id: keeping.closed_digest(row.closed)}, "gone": []}


def test_another_rule_closes_everything_anew(world: World) -> None:
    ids = {public_id for public_id, _ in kept().values()}
    renewed = renew(CHILD, OTHER, rule_version=2)
    assert renewed is not None
    assert set(renewed.closed) == ids
    assert renew(CHILD, OTHER, rule_version=2) is None


def test_two_people_may_exchange_their_pseudonyms(world: World) -> None:
    renewed = renew(replace(CHILD, pseudonym=OTHER.pseudonym), replace(OTHER, pseudonym=CHILD.pseudonym))
    assert renewed is not None
    assert len(renewed.closed) == 2
    assert facts(Identity.objects.get(pseudonym="Child B"))["name"] == list(CHILD.facts["name"])


def test_who_is_no_longer_there_goes_and_their_pseudonym_is_free(world: World) -> None:
    gone = kept()[CHILD.source][0]
    renewed = renew(replace(OTHER, pseudonym="Child A"))
    assert renewed is not None
    assert renewed.gone == (gone,)
    assert not SearchDigest.objects.exclude(identity__source=OTHER.source).exists()
    assert [row.pseudonym for row in queries.of_record(TIP)] == ["Child A"]


def test_a_new_sealing_key_takes_over_at_the_next_reading(
    world: World, sealing: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (old,) = queries.keys_in_use()
    new = keys.add_to_folder(sealing)
    monkeypatch.setattr(keys, "_FRESH", 1e-9)  # half a minute later
    assert queries.keys_in_use() == {old: 2}
    assert renew(CHILD, OTHER) is not None
    assert queries.keys_in_use() == {new.id.hex(): 2}


def test_two_workers_that_read_one_record_at_once_agree(transactional_db: None, sealing: Path) -> None:
    start = threading.Barrier(4)

    def work(_: int) -> bool:
        try:
            start.wait()
            return renew(CHILD, OTHER) is not None
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        changed = list(pool.map(work, range(4)))
    assert sorted(changed) == [False, False, False, True]
    assert len(kept()) == 2
    assert len(renewals()) == 1


# ------------------------------------------------------------------ destroying


def test_destroying_erases_every_way_to_the_name(world: World, child: Identity) -> None:
    by = world.viewer()
    row, key = actions.ask(
        by=by,
        at=AT,
        identity=child.public_id,
        reason_kind="child-in-danger",
        reason=REASON,
        case_number="14/2026",
        minutes=30,
        law=LAW,
    )
    actions.answer(by="service:worker", at=AT, unsealing=row.public_id, law=LAW)
    renew(CHILD, subject="tip:NL-OTHER")
    ids = keeping.destroy(by="officer:OF-1", at=AT, subject=TIP)
    assert ids == tuple(sorted(public_id for public_id, _ in kept().values()))
    child.refresh_from_db()
    assert child.destroyed
    assert bytes(child.body)
    with pytest.raises(box.Damaged, match="destroyed"):
        facts(child)
    assert not SearchDigest.objects.filter(identity__subject=TIP).exists()
    row = Unsealing.objects.get(pk=row.pk)
    assert (row.state, row.answer_body) == (State.CLOSED, None)
    with pytest.raises(Conflict, match="is over"):
        actions.read(by=by, at=AT, unsealing=row.public_id, private_key=key, law=LAW)
    with pytest.raises(Conflict, match="was destroyed"):
        actions.ask(
            by=by,
            at=AT,
            identity=child.public_id,
            reason_kind="child-in-danger",
            reason=REASON,
            case_number="14/2026",
            minutes=30,
            law=LAW,
        )
    hits = actions.search(by=by, at=AT, kind="name", text="Zyxandra", law=LAW)
    assert [hit.subject for hit in hits] == ["tip:NL-OTHER"]
    (event,) = Event.objects.filter(kind="sealed.destroyed")
    assert (event.subject, json.loads(event.body)["data"]) == (TIP, {"identities": list(ids)})


# ------------------------------------------------------------------ no name in clear


def _spellings(name: str) -> dict[str, bytes]:
    """Return the ways in which a name could lie in a dump, as bytes of lower-case text."""
    found: dict[str, bytes] = {}
    for encoding in ("utf-8", "utf-16-le", "utf-16-be", "latin-1"):
        raw = name.encode(encoding)
        found |= {encoding: raw, f"{encoding} hex": raw.hex().encode()}
        for shift in range(3):  # base64 of a text that begins elsewhere in a group of three bytes
            coded = base64.b64encode(b"\0" * shift + raw)
            found[f"{encoding} base64 {shift}"] = coded[4 if shift else 0 : -4]
    # What is shorter would be met by chance.
    return {how: raw for how, raw in found.items() if len(raw) >= 6}


def _traces(dump: bytes, names: Sequence[str]) -> list[str]:
    lowered = dump.lower()
    return [
        f"{name} as {how}"
        for name in names
        for spelling in {name, name.lower(), name.upper()}
        for how, raw in _spellings(spelling).items()
        if (raw in dump if "base64" in how else raw.lower() in lowered)
    ]


def test_the_spellings_are_found_where_they_are() -> None:
    name = "Quillfeather"
    for how, raw in _spellings(name).items():
        assert _traces(b"..." + raw + b"...", [name]), how
    for prefix in (b"", b"x", b"xy"):
        assert _traces(base64.b64encode(prefix + name.encode() + b"tail"), [name])
    assert not _traces(b"a sentence without it", [name])


def _dump() -> bytes:
    """Return every row of every table, as the database writes it out in a backup."""
    connection.ensure_connection()
    with connection.connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        tables = [row[0] for row in cursor.fetchall()]
        assert {"sealed_identity", "sealed_search_digest", "sealed_unsealing", "custody_event"} <= set(tables)
        lines = []
        for table in tables:
            with cursor.copy(sql.SQL("COPY {} TO STDOUT").format(sql.Identifier(table))) as copy:
                lines += [bytes(line) for line in copy]
    return b"".join(lines)


def test_a_dump_of_the_database_holds_no_name_in_any_spelling(world: World, child: Identity) -> None:
    by = world.viewer()
    actions.search(by=by, at=AT, kind="name", text="Zyxandra Quillfeather", law=LAW)
    row, key = actions.ask(
        by=by,
        at=AT,
        identity=child.public_id,
        reason_kind="child-in-danger",
        reason=REASON,
        case_number="14/2026",
        minutes=30,
        law=LAW,
    )
    assert actions.answer(by="service:worker", at=AT, unsealing=row.public_id, law=LAW)
    with pytest.raises(Conflict):
        actions.read(by=by, at=AT, unsealing=row.public_id, private_key=box.one_time().secret, law=LAW)
    assert actions.read(by=by, at=AT, unsealing=row.public_id, private_key=key, law=LAW)["name"]
    dump = _dump()
    assert REASON.encode() in dump  # the dump does hold what lies in clear
    protected = [
        "Zyxandra",
        "Quillfeather",
        "Möller",
        "Orvokki",
        "Tesselate",
        "5550123456",
        "55501 23456",
        "Pattern Lane",
        "2014-02-30",
    ]
    protected += ["zyx.quill", "Blue Gradient", "moller"]
    assert _traces(dump, protected) == []
    assert key.hex().encode() not in dump
