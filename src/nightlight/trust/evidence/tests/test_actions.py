# SPDX-License-Identifier: Apache-2.0
"""A file is recorded each time it comes, kept once, and never lost between vault and record."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from django.db import DatabaseError, connection, transaction

from nightlight.foundation import public_ids
from nightlight.trust.custody.models import Event
from nightlight.trust.evidence import actions, keys, queries
from nightlight.trust.evidence.envelope import Damaged
from nightlight.trust.evidence.keys import KeysRefused
from nightlight.trust.evidence.models import Blob, BlobKey, Item
from nightlight.trust.evidence.rules import storable
from nightlight.trust.evidence.store import FolderStore
from nightlight.trust.evidence.tests.vaults import flip_a_bit, lies_at, seal
from nightlight.trust.evidence.vault import Sealed, current_vault

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_django import DjangoAssertNumQueries, Settings

    from nightlight.trust.evidence.actions import Received
    from nightlight.trust.evidence.vault import Vault

AT = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
DAY = timedelta(hours=24)
REPORTER, COMMAND = "reporter:RP-EXAMPLE", "command:sweep"
GRADIENT = bytes(range(256)) * 500


def receive(sealed: Sealed, *, name: str = "gradient.png", context: str = "tip:NL-EXAMPLE") -> Received:
    with transaction.atomic():
        return actions.receive(
            by=REPORTER, at=AT, sealed=sealed, name_as_sent=name, context=context, data={"file_id": "f1"}
        )


def stored(vault: Vault) -> set[str]:
    return {found.locator for found in vault.store.stored()}


def event(kind: str) -> Event:
    return Event.objects.get(kind=kind)


def facts(received: Event) -> dict[str, object]:
    data: dict[str, object] = json.loads(received.body)["data"]
    return data


# --- receiving ---------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize("table", ["evidence_blob", "evidence_item"])
@pytest.mark.parametrize("change", ["UPDATE {} SET public_id = ''", "DELETE FROM {}", "TRUNCATE {} CASCADE"])
def test_what_was_received_cannot_be_changed_or_removed(vault: Vault, table: str, change: str) -> None:
    receive(seal(vault, GRADIENT))
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # as after a commit
    with (
        pytest.raises(DatabaseError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(change.format(table))


@pytest.mark.usefixtures("committed")
def test_a_file_is_not_received_outside_a_transaction(vault: Vault) -> None:
    with pytest.raises(RuntimeError, match="in the transaction of what it belongs to"):
        actions.receive(by=REPORTER, at=AT, sealed=seal(vault, b""), name_as_sent="", context="", data={})
    assert not Blob.objects.exists()


@pytest.mark.django_db
def test_a_caller_cannot_state_what_the_event_states_by_itself(vault: Vault) -> None:
    with pytest.raises(ValueError, match="sha256"), transaction.atomic():
        actions.receive(by=REPORTER, at=AT, sealed=seal(vault, b""), name_as_sent="", context="", data={"sha256": "00"})
    assert not Item.objects.exists()


@pytest.mark.usefixtures("committed")
def test_nothing_is_recorded_or_removed_when_the_transaction_fails(vault: Vault) -> None:
    receive(seal(vault, GRADIENT))
    again, other = seal(vault, GRADIENT), seal(vault, b"a calendar")
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        receive(again)
        receive(other)
        raise ZeroDivisionError
    assert Item.objects.count() == Blob.objects.count() == Event.objects.count() == 1
    assert {again.locator, other.locator} <= stored(vault)


@pytest.mark.django_db
def test_a_received_file_is_recorded_with_its_key_and_its_custody_event(vault: Vault) -> None:
    sealed = seal(vault, GRADIENT)
    received = receive(sealed)
    item = Item.objects.select_related("blob__key").get(pk=received.id)
    assert received.new_bytes
    assert public_ids.normalise(item.public_id) == received.public_id
    assert received.public_id.startswith("EV-")
    assert (item.received_at, item.name_as_sent, item.source, item.context) == (
        AT,
        "gradient.png",
        REPORTER,
        "tip:NL-EXAMPLE",
    )
    assert item.blob.public_id == received.blob
    assert queries.sealed(item.blob) == sealed
    logged = event("evidence.received")
    assert (logged.actor, logged.subject, logged.at) == (REPORTER, f"item:{received.public_id}", AT)
    assert facts(logged) == {
        "md5": sealed.digests.md5,
        "sha1": sealed.digests.sha1,
        "sha256": sealed.digests.sha256,
        "size": len(GRADIENT),
        "blob": received.blob,
        "context": "tip:NL-EXAMPLE",
        "name_sha256": hashlib.sha256(b"gradient.png").hexdigest(),
        "new_bytes": True,
        "file_id": "f1",
    }
    assert b"".join(queries.read(item)) == GRADIENT


@pytest.mark.usefixtures("committed")
def test_the_same_bytes_are_kept_once_and_recorded_twice(vault: Vault) -> None:
    first, second = seal(vault, GRADIENT), seal(vault, GRADIENT)
    one, other = receive(first, name="a.png"), receive(second, name="b.png")
    assert (one.new_bytes, other.new_bytes) == (True, False)
    assert one.blob == other.blob
    assert one.public_id != other.public_id
    assert [item.name_as_sent for item in Item.objects.order_by("pk")] == ["a.png", "b.png"]
    assert stored(vault) == {first.locator}
    assert [facts(row)["new_bytes"] for row in Event.objects.order_by("pk")] == [True, False]
    assert b"".join(queries.read(Item.objects.get(pk=other.id))) == GRADIENT


@pytest.mark.usefixtures("committed")
def test_one_sealed_copy_received_in_two_contexts_stays(vault: Vault) -> None:
    sealed = seal(vault, GRADIENT)
    receive(sealed, context="tip:NL-ONE")
    receive(sealed, context="tip:NL-OTHER")
    vault.check(sealed)


@pytest.mark.usefixtures("committed")
@pytest.mark.parametrize("left", [None, 1000])
def test_a_new_good_copy_restores_an_earlier_one_that_was_lost(vault: Vault, tmp_path: Path, left: int | None) -> None:
    first = seal(vault, GRADIENT)
    receive(first)
    path = lies_at(tmp_path / "vault", first)
    if left is None:
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:left])
    receive(seal(vault, GRADIENT))
    assert stored(vault) == {first.locator}
    vault.check(first)


@pytest.mark.usefixtures("committed")
def test_a_damaged_new_copy_does_not_pass_for_a_lost_one(vault: Vault, tmp_path: Path) -> None:
    first = seal(vault, GRADIENT)
    receive(first)
    lies_at(tmp_path / "vault", first).unlink()
    second = seal(vault, GRADIENT)
    flip_a_bit(lies_at(tmp_path / "vault", second))
    with pytest.raises(Damaged):
        receive(second)
    assert Item.objects.count() == 1


@pytest.mark.usefixtures("committed")
def test_eight_senders_of_the_same_bytes_at_once_make_one_blob_and_eight_items(vault: Vault) -> None:
    copies = [seal(vault, GRADIENT) for _ in range(8)]

    def send(sealed: Sealed) -> Received:
        try:
            return receive(sealed)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        received = list(pool.map(send, copies))
    assert sum(one.new_bytes for one in received) == 1
    assert len({one.public_id for one in received}) == Item.objects.count() == 8
    assert Blob.objects.count() == BlobKey.objects.count() == 1
    assert stored(vault) == {Blob.objects.get().locator}
    vault.check(queries.sealed(Blob.objects.get()))


@pytest.mark.django_db
def test_an_identifier_that_is_taken_is_drawn_again(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    first = receive(seal(vault, GRADIENT))
    # Eight draws repeat what is taken: both ids, then each alone, for new bytes and for known ones.
    fresh = public_ids.new
    draws = [first.blob, first.public_id, fresh("BL"), first.public_id, first.public_id]

    def drawn(prefix: str) -> str:
        return draws.pop(0) if draws else fresh(prefix)

    monkeypatch.setattr(public_ids, "new", drawn)
    assert receive(seal(vault, b"a calendar")).new_bytes
    assert not draws
    draws += [first.blob, first.public_id, first.public_id, first.public_id]
    assert not receive(seal(vault, GRADIENT)).new_bytes
    assert not draws
    assert Item.objects.count() == 3
    assert Blob.objects.count() == 2


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("../../etc/calendar.txt", "../../etc/calendar.txt"),
        ("nul\0.png", "nul\\x00.png"),
        ("half\udc80.png", "half\\udc80.png"),
        ("कैलेंडर.png", "कैलेंडर.png"),
        ("", ""),
    ],
)
def test_a_name_is_kept_as_sent_as_far_as_a_column_can_hold_it(vault: Vault, sent: str, kept: str) -> None:
    received = receive(seal(vault, GRADIENT), name=sent)
    assert storable(sent) == kept
    assert Item.objects.get(pk=received.id).name_as_sent == kept
    digest = hashlib.sha256(kept.encode()).hexdigest() if kept else ""
    assert facts(event("evidence.received")).get("name_sha256", "") == digest


@pytest.mark.usefixtures("committed")
def test_receiving_takes_two_round_trips(vault: Vault, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    sealed = seal(vault, GRADIENT)
    with transaction.atomic(), django_assert_num_queries(2):
        actions.receive(by=REPORTER, at=AT, sealed=sealed, name_as_sent="", context="tip:NL-EXAMPLE", data={})


# --- sweeping ----------------------------------------------------------------------------------

# A process that seals a file, records it, and is killed before it commits.
KILLED = """
import json, sys, time
import django
from django.conf import settings
django.setup()
from django.db import connection, transaction
place, keys, database = sys.argv[1:]
settings.NIGHTLIGHT_VAULT, settings.NIGHTLIGHT_VAULT_KEYS_DIR = place, keys
connection.settings_dict.update(json.loads(database))
from nightlight.trust.evidence.tests.test_actions import GRADIENT, receive
from nightlight.trust.evidence.tests.vaults import seal
from nightlight.trust.evidence.vault import current_vault
with transaction.atomic():
    receive(seal(current_vault(), GRADIENT))
    print("recorded, not committed", flush=True)
    time.sleep(60)
"""


@pytest.mark.usefixtures("committed")
def test_a_process_killed_before_its_commit_leaves_a_file_that_is_swept(vault: Vault, tmp_path: Path) -> None:
    database = {name: str(connection.settings_dict[name]) for name in ("NAME", "USER", "PASSWORD", "HOST", "PORT")}
    command = [sys.executable, "-c", KILLED, f"{tmp_path}/vault", f"{tmp_path}/keys", json.dumps(database)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "recorded, not committed\n"
        process.kill()
    assert not Blob.objects.exists()
    assert len(stored(vault)) == 1
    assert actions.sweep(by=COMMAND, at=datetime.now(UTC) + timedelta(hours=23)) == 0
    assert actions.sweep(by=COMMAND, at=datetime.now(UTC) + timedelta(hours=25)) == 1
    assert stored(vault) == set()


@pytest.mark.django_db
def test_a_sweep_of_what_may_be_about_to_be_recorded_is_refused(vault: Vault) -> None:
    seal(vault, GRADIENT)
    with pytest.raises(ValueError, match="younger than an hour"):
        actions.sweep(by=COMMAND, at=datetime.now(UTC), older_than=timedelta(minutes=59))


@pytest.mark.django_db
def test_a_sweep_never_removes_what_a_record_lists(vault: Vault) -> None:
    sealed = seal(vault, GRADIENT)
    receive(sealed)
    assert actions.sweep(by=COMMAND, at=datetime.now(UTC) + 365 * DAY) == 0
    vault.check(sealed)
    assert not Event.objects.filter(kind="evidence.swept").exists()


@pytest.mark.django_db
def test_a_sweep_removes_what_is_old_and_unlisted_and_says_so(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(actions, "BATCH", 2)
    left_over = [seal(vault, bytes([number])) for number in range(5)]
    kept = seal(vault, GRADIENT)
    receive(kept)
    assert actions.sweep(by=COMMAND, at=datetime.now(UTC) + timedelta(hours=25)) == 5
    assert stored(vault) == {kept.locator}
    swept = event("evidence.swept")
    assert (swept.actor, swept.subject) == (COMMAND, "vault:evidence")
    assert facts(swept) == {
        "files": 5,
        "bytes": sum(one.stored_size for one in left_over),
        "older_than_seconds": 86400,
    }


# --- changing master keys ----------------------------------------------------------------------


@pytest.mark.django_db
def test_a_wrapped_key_that_was_altered_stops_the_change_of_keys(vault: Vault, tmp_path: Path) -> None:
    receive(seal(vault, GRADIENT))
    BlobKey.objects.update(wrapped_key=bytes(40))
    keys.add_to_folder(tmp_path / "keys")
    with pytest.raises(KeysRefused, match="does not open"):
        actions.rewrap(by=COMMAND, at=AT)


@pytest.mark.django_db
def test_after_rewrapping_old_files_open_and_the_old_master_key_may_go(
    vault: Vault, tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(actions, "BATCH", 2)
    items = [receive(seal(vault, GRADIENT + bytes([number]))) for number in range(5)]
    old = vault.keyring.current
    new = keys.add_to_folder(tmp_path / "keys").id
    receive(seal(vault, b"sealed under the old key by a process that does not know the new one yet"))
    assert actions.rewrap(by=COMMAND, at=AT + DAY) == 6
    assert actions.rewrap(by=COMMAND, at=AT + DAY) == 0
    assert queries.keys_in_use() == {new: 6}
    (tmp_path / "keys" / "0001.key").unlink()
    (tmp_path / "keys").rename(tmp_path / "only-the-new-key")
    settings.NIGHTLIGHT_VAULT_KEYS_DIR = tmp_path / "only-the-new-key"
    assert current_vault().keyring.ids == {new}
    for number, received in enumerate(items):
        assert b"".join(queries.read(Item.objects.get(pk=received.id))) == GRADIENT + bytes([number])
    logged = [facts(row) for row in Event.objects.filter(kind="evidence.keys-rewrapped").order_by("pk")]
    assert [row["blobs"] for row in logged] == [2, 2, 2]
    assert logged[0] == {"from": {old: 2}, "to": new, "blobs": 2}
    assert set(BlobKey.objects.values_list("wrapped_at", flat=True)) == {AT + DAY}
    assert isinstance(current_vault().store, FolderStore)
