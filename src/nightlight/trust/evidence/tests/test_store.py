# SPDX-License-Identifier: Apache-2.0
"""A store keeps a file once, whole, and says so only when that is true."""

from __future__ import annotations

import resource
import shutil
import stat
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from obstore.store import MemoryStore

from nightlight.trust.evidence.object_store import PART_SIZE, ObjectStore
from nightlight.trust.evidence.store import Absent, FolderStore, Occupied, StoreFailed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from nightlight.trust.evidence.store import Store

HERE, THERE = "ab" * 16, "cd" * 16

# Runs in a process of its own, whose limits or whose disk are small.
FILL = """
import sys
from pathlib import Path
from nightlight.trust.evidence.store import FolderStore, StoreFailed
store = FolderStore(Path(sys.argv[1]))
file = store.create("ab" * 16)
try:
    for _ in range(64):
        file.write(bytes(65536))
    file.commit()
except StoreFailed as refusal:
    file.abort()
    print(refusal.reason, "| left behind:", sum(1 for _ in store.stored()))
"""


@pytest.fixture(params=["folder", "memory", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    if request.param == "folder":
        yield FolderStore(tmp_path / "vault")
    elif request.param == "memory":
        yield ObjectStore(MemoryStore())
    else:
        yield request.getfixturevalue("bucket")


@pytest.fixture(scope="module")
def mock_s3() -> Iterator[str]:
    """The address of moto: a mock of S3, in a process of its own."""
    command = [sys.executable, "-c", SERVE_MOTO]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.kill()


SERVE_MOTO = """
import time
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
host, port = server.get_host_and_port()
print(f"http://{host}:{port}", flush=True)
time.sleep(3600)
"""


@pytest.fixture
def bucket(mock_s3: str) -> ObjectStore:
    import httpx

    name = f"evidence-{datetime.now(UTC).timestamp():.6f}".replace(".", "-")
    httpx.put(f"{mock_s3}/{name}").raise_for_status()
    options = {
        "endpoint": mock_s3,
        "region": "us-east-1",
        "access_key_id": "example",
        "secret_access_key": "example",
        "allow_http": "true",
        "virtual_hosted_style_request": "false",
    }
    return ObjectStore.from_url(f"s3://{name}/vault", options)


def put(store: Store, locator: str, *pieces: bytes) -> None:
    file = store.create(locator)
    for piece in pieces:
        file.write(piece)
    file.commit()


@pytest.mark.parametrize("locator", ["", "ab", "AB" * 16, "../" + "a" * 29, "a" * 31 + "/", "ab" * 16 + "\n"])
def test_what_is_no_locator_never_becomes_a_path(store: Store, locator: str) -> None:
    for use in (store.create, store.size, store.remove, lambda it: next(iter(store.open(it)))):
        with pytest.raises(ValueError, match="32 lower-case hex"):
            use(locator)


def test_a_file_is_written_once(store: Store) -> None:
    put(store, HERE, b"first")
    with pytest.raises(Occupied):
        put(store, HERE, b"second")
    assert b"".join(store.open(HERE)) == b"first"


def test_a_large_file_does_not_overwrite_either(store: Store) -> None:
    put(store, HERE, b"first")
    with pytest.raises(Occupied):
        put(store, HERE, bytes(PART_SIZE), b"one more byte than a part holds")
    assert b"".join(store.open(HERE)) == b"first"


def test_what_is_not_there_is_absent(store: Store) -> None:
    assert store.size(HERE) is None
    with pytest.raises(Absent):
        next(iter(store.open(HERE)))
    with pytest.raises(Absent):
        store.remove(HERE)


@pytest.mark.parametrize("size", [10, PART_SIZE + 10, 3 * PART_SIZE + 10])
def test_a_file_given_up_leaves_nothing_behind(store: Store, size: int) -> None:
    file = store.create(HERE)
    for _ in range(0, size, 65536):
        file.write(bytes(65536))
    file.abort()
    file.abort()
    assert store.size(HERE) is None
    assert list(store.stored()) == []


@pytest.mark.parametrize("size", [0, 1, PART_SIZE, PART_SIZE + 1, 2 * PART_SIZE + 12345])
def test_what_was_written_is_read_and_listed(store: Store, size: int) -> None:
    data = (b"gradient" * (size // 8 + 1))[:size]
    put(store, HERE, *(data[at : at + 100_000] for at in range(0, size, 100_000)))
    put(store, THERE, b"another")
    assert store.size(HERE) == size
    assert b"".join(store.open(HERE)) == data
    listed = {found.locator: found for found in store.stored()}
    assert {locator: found.size for locator, found in listed.items()} == {HERE: size, THERE: 7}
    assert abs(listed[HERE].changed_at - datetime.now(UTC)) < timedelta(minutes=5)


def test_a_removed_file_is_gone(store: Store) -> None:
    put(store, HERE, b"left over")
    store.remove(HERE)
    assert store.size(HERE) is None


def test_a_limit_of_the_system_is_reported_and_nothing_is_left(tmp_path: Path) -> None:
    def small_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))

    done = subprocess.run(
        [sys.executable, "-c", FILL, tmp_path / "vault"],
        preexec_fn=small_files,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "File too large | left behind: 0" in done.stdout


def test_a_full_disk_is_reported_and_nothing_is_left(tmp_path: Path) -> None:
    script = 'mount -t tmpfs -o size=2m tmpfs "$1" && exec "$2" -c "$3" "$1/vault"'
    done = subprocess.run(
        [
            "unshare",
            "--user",
            "--map-root-user",
            "--mount",
            "sh",
            "-c",
            script,
            "sh",
            tmp_path,
            sys.executable,
            FILL,
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode and "vault" not in done.stderr:
        pytest.skip("this system does not let us mount a small disk of our own")
    assert "the vault's disk is full | left behind: 0" in done.stdout


def test_a_folder_that_cannot_be_used_is_refused(tmp_path: Path) -> None:
    (tmp_path / "vault").write_text("a file where the folder should be")
    with pytest.raises(StoreFailed, match="preparing the vault folder"):
        FolderStore(tmp_path / "vault")


def test_a_service_that_does_not_answer_is_reported() -> None:
    options = {
        "endpoint": "http://127.0.0.1:9",
        "region": "us-east-1",
        "access_key_id": "example",
        "secret_access_key": "example",
        "allow_http": "true",
    }
    store = ObjectStore.from_url("s3://evidence/vault", options)
    with pytest.raises(StoreFailed, match="making an evidence file durable"):
        put(store, HERE, b"gradient")


def test_files_and_folders_are_private(tmp_path: Path) -> None:
    put(FolderStore(tmp_path / "vault"), HERE, b"gradient")
    assert stat.S_IMODE((tmp_path / "vault").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "vault" / "ab").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "vault" / "ab" / HERE).stat().st_mode) == 0o600


@pytest.mark.skipif(not shutil.which("strace"), reason="strace is not installed")
def test_the_file_and_its_folder_reach_the_disk_before_commit_returns(tmp_path: Path) -> None:
    vault = tmp_path / "vault"
    FolderStore(vault)
    script = (
        "from pathlib import Path; from nightlight.trust.evidence.store import FolderStore\n"
        f"file = FolderStore(Path({str(vault)!r})).create({HERE!r}); file.write(b'gradient'); file.commit()\n"
        "print('COMMITTED', flush=True)"
    )
    trace = tmp_path / "trace"
    command = [
        "strace",
        "-f",
        "-y",
        "-o",
        str(trace),
        "-e",
        "trace=fsync,write",
        sys.executable,
        "-c",
        script,
    ]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("this system does not allow tracing")
    calls = trace.read_text()
    until_commit = calls[calls.index("gradient") : calls.index("COMMITTED")]
    synced = [line for line in until_commit.splitlines() if "fsync" in line]
    assert f"ab/{HERE}>" in synced[0]
    assert f"{vault}/ab>" in synced[1]
