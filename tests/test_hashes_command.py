# SPDX-License-Identifier: Apache-2.0
"""Lists at the command line of a real installation, under the roles that commands have: whole or not at all."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import psycopg

from nightlight.config import postgres
from nightlight.pipeline.matching.lists.tests.material import hash_set, media, packed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.installation import Installation


def _list(installation: Installation, name: str, *more: str) -> str:
    words = ("--owner", "Example Centre", "--legal-basis", "Example Act", "--scheme", "vic")
    made = installation.json("hashes", "add-list", name, *words, "--scheme-version", "2.0/US", *more)
    return str(made["list"])


def _told(installation: Installation, *words: str, expect: int = 0) -> dict[str, Any]:
    return dict(installation.json(*words, expect=expect))


def _stats(installation: Installation, name: str) -> dict[str, Any]:
    (found,) = _told(installation, "hashes", "stats", name)["lists"]
    return dict(found)


def test_a_list_is_read_in_asked_handed_out_and_verified(installation: Installation, tmp_path: Path) -> None:
    words = ("--owner", "o", "--legal-basis", "b", "--scheme")
    assert "no scheme nobody" in installation.run("hashes", "add-list", "X", *words, "nobody", expect=2).stderr
    _list(installation, "Commands")
    records = [media(number) for number in range(1, 31)]
    records[3] |= {"MD5": "zz", "SHA1": None}
    file = tmp_path / "list.json"
    file.write_bytes(packed(hash_set(records)))
    assert "--replace" in installation.run("hashes", "import", "Commands", str(file), expect=2).stderr
    assert "no list" in installation.run("hashes", "import", "Nobody", str(file), "--add", expect=1).stderr
    told = installation.json("hashes", "import", "Commands", str(file), "--replace", expect=3)
    assert (told["rows"], told["added"], told["format"], told["state"]) == (30, 29, "vic", "whole")
    assert told["notes"]
    again = installation.json("hashes", "import", "Commands", str(file), "--replace", expect=3)
    assert (again["unchanged"], again["added"], again["edition"]) == (29, 0, 2)

    cut = tmp_path / "cut.json"
    cut.write_bytes(file.read_bytes()[:-50])
    assert "list is as it was" in installation.run("hashes", "import", "Commands", str(cut), "--add", expect=1).stderr
    seen = _stats(installation, "Commands")
    assert (seen["entries"], seen["edition_in_use"]) == (29, 2)
    assert seen["newest"]["state"] == "failed"

    bad = tmp_path / "bad.csv"
    installation.json("hashes", "bad-rows", "Commands", "--edition", "2", "--to", str(bad))
    assert {row["row"] for row in csv.DictReader(bad.read_text().splitlines())} == {"4"}
    out = tmp_path / "out.csv"
    export = ("hashes", "export", "Commands", "--to", str(out), "--reason")
    assert "for whom" in installation.run(*export, "short", expect=1).stderr
    assert installation.json(*export, "Order 12 of an example court")["rows"] == 29

    md5 = str(media(7)["MD5"])
    (found,) = _told(installation, "hashes", "find", md5)["found"]
    assert (found["entry"], found["classification"], found["standing"], found["by"]) == ("7", "1", "listed", "md5")
    assert installation.json("hashes", "find", "0" * 31 + "1", expect=1) == {"found": []}
    assert "hex digits" in installation.run("hashes", "find", "xyz", expect=2).stderr
    assert "either" in installation.run("hashes", "find", expect=2).stderr
    unknown = tmp_path / "random.bin"
    unknown.write_bytes(os.urandom(1000))
    assert installation.json("hashes", "find", "--file", str(unknown), expect=1) == {"found": []}
    assert installation.json("hashes", "verify")["ok"] is True


def test_partners_are_let_in_and_out(installation: Installation) -> None:
    _list(installation, "Shared")
    issued = installation.json("hashes", "members", "add", "Example Chat", "--number", "101")
    assert len(str(issued["secret"])) == 43
    installation.run("hashes", "members", "add", "Example Chat", "--number", "102", expect=2)
    installation.run("hashes", "members", "give", "101", "Shared", expect=1)
    address = ("--slug", "shared", "--owner-number", "1", "--owner-name", "Example Centre")
    installation.run("hashes", "members", "share", "Shared", *address)
    installation.run("hashes", "members", "give", "101", "Shared", "--may-answer")
    members = _told(installation, "hashes", "members", "list")["members"]
    (member,) = [one for one in members if one["number"] == 101]
    assert member["access"][0]["may_answer"] is True
    assert str(issued["secret"]) not in str(member)
    installation.run("hashes", "members", "take", "101", "Shared")
    installation.run("hashes", "members", "end", "Example Chat")
    installation.run("hashes", "members", "end", "Example Chat", expect=1)


def test_a_feed_is_set_up_without_its_password_on_the_command_line(installation: Installation, tmp_path: Path) -> None:
    _list(installation, "Fed")
    secret = tmp_path / "password"
    secret.write_text("an invented password\n")
    words = ("hashes", "feed", "Fed", "--username", "us", "--password-file", str(secret), "--every", "10080", "--url")
    assert "https" in installation.run(*words, "http://hashes.example.org", expect=2).stderr
    with _nobody_is_let_in() as address:
        installation.run(*words, address)
        failed = installation.run("hashes", "poll", "Fed", "--json", expect=1)
    assert "an invented password" not in failed.stdout + failed.stderr
    assert _stats(installation, "Fed")["feed"]["failing"] is True


@contextmanager
def _nobody_is_let_in() -> Iterator[str]:
    """A server that refuses every login: which nobody tries again, as they would where nothing answers."""

    class Refuses(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(401)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Refuses) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/none"
        finally:
            server.shutdown()


def test_an_import_that_is_killed_leaves_the_list_as_it_was(installation: Installation, tmp_path: Path) -> None:
    _list(installation, "Killed")
    first, second = tmp_path / "first.json", tmp_path / "second.json"
    first.write_bytes(packed(hash_set([media(number) for number in range(1, 50)])))
    second.write_bytes(packed(hash_set([media(number) | {"Category": 5} for number in range(20, 12_020)])))
    installation.json("hashes", "import", "Killed", str(first), "--replace")
    before = _stats(installation, "Killed")
    database = postgres.url(installation.home, role=postgres.SUPERUSER)
    with psycopg.connect(database) as blocker:  # whoever writes an entry now waits, and is killed waiting
        blocker.execute("LOCK TABLE matching_entry IN EXCLUSIVE MODE")
        child = subprocess.Popen(
            [sys.executable, "-m", "nightlight", "hashes", "import", "Killed", str(second), "--replace"],
            env=installation.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            _wait_until_it_writes(database, child)
        finally:
            child.send_signal(signal.SIGKILL)
            child.wait(30)
    after = _stats(installation, "Killed")
    assert [after[name] for name in ("entries", "withdrawn", "by_classification", "edition_in_use")] == [
        before[name] for name in ("entries", "withdrawn", "by_classification", "edition_in_use")
    ]
    assert after["newest"]["state"] in {"loading", "failed"}
    _wait_until_nobody_holds_the_list(database)
    told = installation.json("hashes", "import", "Killed", str(second), "--replace")
    assert (told["edition"], told["added"], told["updated"], told["withdrawn"]) == (3, 11_970, 25, 19)


def _wait_until_it_writes(database: str, child: subprocess.Popen[bytes]) -> None:
    waiting = "SELECT 1 FROM pg_locks WHERE relation = 'matching_entry'::regclass AND NOT granted"
    with psycopg.connect(database, autocommit=True) as looking:
        end = time.monotonic() + 120
        while not looking.execute(waiting).fetchone():
            assert child.poll() is None, "it ended before it wrote"
            assert time.monotonic() < end
            time.sleep(0.05)


def _wait_until_nobody_holds_the_list(database: str) -> None:
    held = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1 AND mode = 'ExclusiveLock'"
    with psycopg.connect(database, autocommit=True) as looking:
        end = time.monotonic() + 60
        while looking.execute(held).fetchone() and time.monotonic() < end:
            time.sleep(0.05)
