# SPDX-License-Identifier: Apache-2.0
"""Whoever steals the database, the vault, the logs or a backup's data reads no name of a child in it."""

from __future__ import annotations

import base64
import os
import pwd
import re
import subprocess
import tempfile
import time
import zipfile
import zlib
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest

from nightlight.config import postgres
from tests.wire_client import Client, report

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from tests.installation import Installation

# Words that occur nowhere else. A name of any length is looked for whole and in its words.
FIRST, LAST = "Zyxandra", "Quillfeatherby"
SCREEN, SCHOOL = "zyx-paperkite-77", "Cerulean Gradient Schoolhouse"
NUMBER, MAIL = "5550173942", "zyxandra.q@mail.example.org"
WORDS = (FIRST, LAST, SCREEN, SCHOOL, NUMBER, MAIL, "Lapisgade")
# Not of the child, sent by the same report: shows that the looking finds what lies there.
OPEN = "marble-lantern-4410"

CHILD = (
    f"<victim><victimPerson><firstName>{FIRST}</firstName><lastName>{LAST}</lastName>"
    f'<phone countryCallingCode="+91">{NUMBER}</phone><email>{MAIL}</email>'
    f"<address><address>9 Lapisgade</address><city>Pune</city><country>IN</country></address><age>11</age>"
    f"<dateOfBirth>2015-02-03</dateOfBirth></victimPerson>"
    f"<screenName>{SCREEN}</screenName><displayName>{FIRST} Q</displayName><schoolName>{SCHOOL}</schoolName>"
    f"<additionalInfo>{FIRST} told a teacher.</additionalInfo></victim>"
    f"<additionalInfo>{FIRST} {LAST} ({SCREEN}) wrote to us; call {NUMBER}.</additionalInfo>"
)
REPORTED = (
    f"<personOrUserReported><screenName>{OPEN}</screenName>"
    f"<additionalInfo>Asked {SCREEN} for the way to {SCHOOL}.</additionalInfo></personOrUserReported>"
)


@dataclass(frozen=True)
class Filed:
    """A finished report that names a child wherever a report can."""

    report_id: int
    tip: str


@pytest.fixture(scope="module")
def filed(installation: Installation) -> Filed:
    """Wait until the worker has read it."""
    client = Client(installation.base, installation.reporter("Example Lanterns"))
    opened = client.submit(report(extra=REPORTED + CHILD))
    assert opened.code == 0, opened
    assert opened.report_id is not None
    sent = client.upload(opened.report_id, b"a benign pattern of lanterns", name=f"{FIRST} {LAST} at {SCHOOL}.png")
    told = (
        f"<originalFileName>{SCREEN}.png</originalFileName>"
        f"<additionalInfo>A drawing that {FIRST} was sent.</additionalInfo>"
    )
    assert client.fileinfo(opened.report_id, sent.file_id, told).code == 0
    # A second one is never finished: nobody reads it, and it must be as closed as the first.
    left_open = client.submit(report(extra=REPORTED + CHILD))
    assert client.upload(left_open.report_id, b"another pattern", name=f"{FIRST}.png").code == 0
    assert client.finish(opened.report_id).code == 0
    for _ in range(120):
        shown = installation.json("tip", "show", str(opened.report_id))
        if shown["reading"]:
            return Filed(opened.report_id, str(shown["id"]))
        time.sleep(0.5)
    raise AssertionError("the worker did not read the tip")


def _forms(word: str) -> Iterator[tuple[str, bytes]]:
    """The ways in which a word may lie in a file: as it is, or as an encoding of our own tools would write it."""
    for said in {word, word.lower(), word.upper()}:
        # In UTF-16 without the outermost zero byte, so that it is met in both orders of bytes.
        for encoding, raw in (("UTF-8", said.encode()), ("UTF-16", said.encode("utf-16-le")[:-1])):
            yield encoding, raw
            yield f"{encoding} in hex", raw.hex().encode()
            yield f"{encoding} in hex", raw.hex().upper().encode()
            # Wherever the word begins within a longer text: the part that does not depend on its neighbours.
            for shift in range(3):
                within = base64.b64encode(b"\x00" * shift + raw)
                kept = within[(0, 2, 3)[shift] : len(within) - (4 if (shift + len(raw)) % 3 else 0)]
                yield f"{encoding} in base64", kept
                yield f"{encoding} in base64", kept.replace(b"+", b"-").replace(b"/", b"_")


def _any_of(forms: Collection[bytes]) -> bytes:
    """A pattern for any of these, as a tree: hundreds of megabytes are looked through for hundreds of forms."""
    if b"" in forms:
        return b""
    first = sorted({form[:1] for form in forms})
    parts = [re.escape(one) + _any_of({form[1:] for form in forms if form[:1] == one}) for one in first]
    return parts[0] if len(parts) == 1 else b"(?:" + b"|".join(parts) + b")"


_HOW = {form: f"{word} in {way}" for word in WORDS for way, form in _forms(word)}
_SEALED = re.compile(_any_of(_HOW.keys()))
_OPEN = re.compile(_any_of({form for _, form in _forms(OPEN)}))


def _found(data: bytes, where: object) -> list[str]:
    """What names the child in these bytes."""
    return [f"{where}: {_HOW[hit[0]]}, byte {hit.start()}" for hit in islice(_SEALED.finditer(data), 5)]


def _files(folder: Path, *, but: Iterable[str] = ()) -> Iterator[tuple[Path, bytes]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink() and not set(path.relative_to(folder).parts) & set(but):
            try:
                yield path, path.read_bytes()
            except FileNotFoundError:  # written anew by the server meanwhile
                continue


def _as_superuser(installation: Installation) -> str:
    return postgres.url(installation.home, role=postgres.SUPERUSER)


def _run(program: str, *arguments: str, ends_with: bytes = b"") -> bytes:
    """Run one of PostgreSQL's programs as who owns the data, and return what it prints."""
    owner = pwd.getpwnam("nightlight-db") if os.geteuid() == 0 else None
    done = subprocess.run(
        [str(postgres.bin_folder() / program), *arguments],
        capture_output=True,
        check=False,
        timeout=120,
        cwd="/",
        user=owner and owner.pw_uid,
        group=owner and owner.pw_gid,
        extra_groups=[] if owner else None,
    )
    assert done.returncode == 0 or (ends_with and ends_with in done.stderr), done.stderr[-800:]
    return done.stdout


def test_the_looking_finds_every_form() -> None:
    for encoding in ("utf-8", "utf-16-le", "utf-16-be"):
        for before in ("", "a", "ab", "abc"):
            raw = f"{before}{FIRST} and more".encode(encoding)
            for data in (raw, raw.hex().encode(), base64.b64encode(raw), base64.urlsafe_b64encode(raw)):
                assert _SEALED.search(b"xx" + data), (encoding, before, data)
    assert not _SEALED.search(b"Kiran Sample, marble-lantern, \x00\x01")


def test_a_dump_names_no_child(installation: Installation, filed: Filed) -> None:
    dump = _run("pg_dump", _as_superuser(installation))
    assert filed.tip.encode() in dump
    assert _OPEN.search(dump), "what is not a child's is in the dump, so it would be found"
    assert _found(dump, "dump") == []


def test_pages_in_the_write_ahead_log_name_no_child_once_unpacked(installation: Installation, filed: Filed) -> None:
    # The log keeps whole pages compressed, where looking at the bytes finds nothing.
    folder = postgres.data_folder(installation.home)
    with psycopg.connect(_as_superuser(installation), autocommit=True) as database:
        # A record that waits in memory for its second half to be written would be a broken end: write all there is.
        database.execute("SELECT pg_logical_emit_message(true, 'tests', 'all before this is on the disk')")
        found = database.execute(
            "SELECT min(name), max(name) FILTER (WHERE name <= pg_walfile_name(pg_current_wal_lsn()))"
            " FROM pg_ls_waldir() WHERE name ~ '^[0-9A-F]{24}$'"
        ).fetchone()
    assert found
    first, last = found
    with tempfile.TemporaryDirectory(prefix="nightlight-pages-") as place:
        Path(place).chmod(0o777)
        options = ["--quiet", "--path", str(folder / "pg_wal"), f"--save-fullpage={place}/pages"]
        # The log of a running server has no other end than a record that is not there yet.
        _run("pg_waldump", *options, first, last, ends_with=b"invalid record length")
        pages = list(_files(Path(place)))
        assert pages
        leaks = [leak for path, data in pages for leak in _found(data, path.name)]
    assert leaks == []


def test_the_servers_own_files_name_no_child(installation: Installation, filed: Filed) -> None:
    with psycopg.connect(_as_superuser(installation), autocommit=True) as database:
        database.execute("CHECKPOINT")
        database.execute("SELECT pg_switch_wal()")
        database.execute("CHECKPOINT")
    folder = postgres.data_folder(installation.home)
    leaks, seen = [], set()
    for path, data in _files(folder):
        seen.add(path.relative_to(folder).parts[0])
        leaks += _found(data, path)
    assert {"base", "pg_wal", "global"} <= seen
    assert leaks == []


def test_strings_over_the_servers_files_names_no_child(installation: Installation, filed: Filed) -> None:
    try:
        subprocess.run(["strings", "--version"], capture_output=True, check=True)
    except (FileNotFoundError, subprocess.CalledProcessError):
        pytest.skip("the program strings is not installed; the bytes themselves are looked through above")
    folder = postgres.data_folder(installation.home)
    leaks = []
    for kind in ("s", "l", "b"):  # single bytes, and both orders of 16 bits
        paths = [str(path) for path in sorted(folder.rglob("*")) if path.is_file()]
        done = subprocess.run(["strings", "-a", "-e", kind, "-n", "6", *paths], capture_output=True, check=False)
        assert done.stdout
        leaks += _found(done.stdout, f"strings -e {kind}")
    assert leaks == []


def test_vault_and_logs_name_no_child(installation: Installation, filed: Filed) -> None:
    leaks = [leak for path, data in _files(installation.home, but=["postgres"]) for leak in _found(data, path)]
    assert leaks == []
    log = (installation.home / "up.log").read_bytes()
    assert log
    assert _found(log, "up.log") == []


def test_a_backup_names_no_child(installation: Installation, filed: Filed, tmp_path: Path) -> None:
    installation.run("backup", str(tmp_path / "copy"))
    leaks, pieces = [], 0
    for path, data in _files(tmp_path / "copy"):
        leaks += _found(data, path)
        try:
            leaks += _found(zlib.decompress(data), f"{path}, unpacked")
            pieces += 1
        except zlib.error:
            continue
    assert pieces, "the pieces of the dump could be unpacked"
    assert leaks == []


def test_a_bundle_for_the_court_names_no_child(installation: Installation, filed: Filed, tmp_path: Path) -> None:
    installation.run("custody", "export", filed.tip, str(tmp_path / "bundle.zip"))
    with zipfile.ZipFile(tmp_path / "bundle.zip") as bundle:
        leaks = [leak for name in bundle.namelist() for leak in _found(bundle.read(name), name)]
        assert filed.tip.encode() in b"".join(map(bundle.read, bundle.namelist()))
    assert leaks == []


def test_the_command_names_no_child_unless_it_is_given_a_reason(installation: Installation, filed: Filed) -> None:
    refused = installation.run("tip", "show", filed.tip, "--sealed", "because", expect=1)
    assert "15 characters" in refused.stderr
    plain = installation.run("tip", "show", filed.tip, "--json").stdout
    assert _found(plain.encode(), "tip show") == []
    assert OPEN in plain
    assert "Child 1" in plain
    assert _found(installation.run("tip", "show", filed.tip).stdout.encode(), "tip show") == []
    reason = "A court has asked for the whole report"
    whole = installation.json("tip", "show", filed.tip, "--sealed", reason)
    assert FIRST in str(whole["reading"])
    assert [file["name_as_sent"] for file in whole["files"]] == [f"{FIRST} {LAST} at {SCHOOL}.png"]  # type: ignore[attr-defined]
    with psycopg.connect(_as_superuser(installation)) as database:
        rows = database.execute(
            "SELECT body FROM custody_event WHERE kind = 'tip.viewed' AND subject = %s ORDER BY id DESC LIMIT 1",
            [f"tip:{filed.tip}"],
        ).fetchall()
    assert "command line, sealed opened" in rows[0][0]
    assert reason not in rows[0][0]
