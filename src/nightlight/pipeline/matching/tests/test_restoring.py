# SPDX-License-Identifier: Apache-2.0
"""A backup loaded into a new cluster: the transaction numbers of the old one are not taken over."""

from __future__ import annotations

import hashlib
import json
import tempfile
import zlib
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from django.conf import settings

from nightlight.config import backup, postgres
from nightlight.trust.evidence.vault import current_vault

# What of a dump matters here; the rows as a cluster has them that has seen many transactions.
_DUMP = b"""
SET search_path = public;
CREATE TABLE matching_horizon (name text, transaction bigint, entry bigint);
INSERT INTO matching_horizon VALUES ('followed', 9000000001, 7);
CREATE TABLE matching_list (id bigint PRIMARY KEY);
INSERT INTO matching_list VALUES (1);
CREATE TABLE matching_entry (id bigint PRIMARY KEY, list bigint, transaction bigint);
INSERT INTO matching_entry VALUES (1, 1, 9000000000), (2, 1, 8000000000);
ALTER TABLE matching_entry ADD FOREIGN KEY (list) REFERENCES matching_list DEFERRABLE INITIALLY DEFERRED;
CREATE FUNCTION matching_stamp() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.transaction := pg_current_xact_id()::text::bigint;
    RETURN NEW;
END
$$;
CREATE TRIGGER matching_stamp BEFORE UPDATE ON matching_entry FOR EACH ROW EXECUTE FUNCTION matching_stamp();
SELECT pg_catalog.set_config('search_path', '', false);
"""


@pytest.mark.parametrize(("dump", "entries"), [(_DUMP, [0, 0]), (b"SELECT 1;\n", None)])
def test_a_restore_numbers_anew(dump: bytes, entries: list[int] | None) -> None:
    with tempfile.TemporaryDirectory(prefix="nightlight-restore-") as folder:  # a short path: it holds a socket
        home, source = Path(folder) / "home", Path(folder) / "copy"
        digest = hashlib.sha256(dump).hexdigest()
        (source / "pieces" / digest[:2]).mkdir(parents=True)
        (source / "pieces" / digest[:2] / digest).write_bytes(zlib.compress(dump))
        manifest = {"format": 1, "made_at": "2026-11-22T00:00:00Z", "pieces": [digest]}
        (source / "backup-20261122T000000Z.json").write_text(json.dumps(manifest))
        env = replace(settings.ENVIRONMENT, home=home, database_url="", database_owner_url="")
        try:
            backup.restore(env, source, make_store=lambda: current_vault().store)
            with psycopg.connect(postgres.url(home, role=postgres.SUPERUSER)) as database:
                if entries is None:
                    assert database.execute("SELECT to_regclass('public.matching_entry')").fetchone() == (None,)
                    return
                told = database.execute("SELECT transaction FROM public.matching_entry").fetchall()
                assert [number for (number,) in told] == entries
                told = database.execute("SELECT transaction, entry FROM public.matching_horizon").fetchall()
                assert told == [(0, 0)]
                database.execute("UPDATE public.matching_entry SET list = 1")  # is stamped as before
                assert database.execute("SELECT min(transaction) > 0 FROM public.matching_entry").fetchone() == (True,)
        finally:
            postgres.stop(home)
