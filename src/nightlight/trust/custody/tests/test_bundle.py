# SPDX-License-Identifier: Apache-2.0
"""A court can check a bundle without us, and anything changed in it is refused."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from django.db import transaction

from nightlight.foundation.refusals import Conflict, NotFound

from .. import actions, verify_bundle
from ..bundle import VERIFIER, export
from .conftest import START, Log

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pytest_django import Settings

    from ..checkpoint import SigningKey

PHOTO, VIDEO = b"a grey gradient", b"a calendar"
SUBJECTS = ["tip:NL-1", "item:EV-1"]


@pytest.fixture
def bundle(log: Log) -> bytes:
    """Entries about a tip and an item of evidence, fixed by three heads, the last larger than all of them."""
    log.append(5)
    log.head()
    log.append(300)
    with transaction.atomic():
        actions.append(
            by="reporter:RP-1",
            at=START,
            kind="evidence.received",
            subject="item:EV-1",
            data={"files": [{"name": "photo.png", "sha256": _sha256(PHOTO)}, {"sha256": _sha256(VIDEO)}]},
        )
    log.head()
    log.append(50)
    log.head()
    return _export(SUBJECTS)


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _export(subjects: list[str]) -> bytes:
    out = io.BytesIO()
    export(subjects=subjects, to=out)
    return out.getvalue()


def _unpack(bundle: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(bundle)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _pack(files: Mapping[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


def _run(path: Path, *arguments: str | Path) -> tuple[int, str]:
    """Run the stand-alone checker as a court would: by itself, seeing none of our packages."""
    done = subprocess.run(
        [sys.executable, "-I", str(VERIFIER), str(path), *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
    )
    assert done.stderr == ""
    return done.returncode, done.stdout


def _holds(files: Mapping[str, bytes], trusted: str | None = None) -> bool:
    try:
        verify_bundle.check_bundle(dict(files), trusted)
    except Exception:  # the checker's own last resort
        return False
    return True


def test_a_subject_without_entries_is_refused(log: Log) -> None:
    log.grow(5)
    with pytest.raises(NotFound, match="tip:NL-9"):
        _export(["tip:NL-1", "tip:NL-9"])


def test_entries_under_no_signed_head_are_refused(log: Log) -> None:
    log.append(3)
    with pytest.raises(Conflict, match="1 entries are not under a signed tree head"):
        _export(["tip:NL-1"])
    log.head()
    log.append(3)
    actions.sequence(at=START)
    with pytest.raises(Conflict, match="1 entries are not under a signed tree head"):
        _export(["tip:NL-1"])


def test_a_change_of_any_byte_of_any_file_is_refused(bundle: bytes) -> None:
    files = _unpack(bundle)
    key = files["public-key.txt"].decode()
    # Of the hundred entries two are enough; of a long file, some three hundred bytes.
    names = [name for name in files if not name.startswith("events/") or name.endswith(("001.json", "305.json"))]
    assert len(names) == 4 + 3 + 2
    for name in names:
        content = files[name]
        for index in range(0, len(content), max(1, len(content) // 300)):
            for change in (0x01, 0x20, 0x80):
                changed = bytearray(content)
                changed[index] ^= change
                if name == "public-key.txt" and changed.split() == content.split():
                    continue  # another kind of white space after the key
                assert not _holds({**files, name: bytes(changed)}, key), (name, index, change)


def _edit_manifest(
    edit: Callable[[dict[str, list[dict[str, object]]]], object],
) -> Callable[[dict[str, bytes]], None]:
    def change(files: dict[str, bytes]) -> None:
        manifest = json.loads(files["bundle.json"])
        edit(manifest)
        files["bundle.json"] = json.dumps(manifest).encode()

    return change


def _exchange_events(files: dict[str, bytes]) -> None:
    first, second = "events/000000000001.json", "events/000000000004.json"
    files[first], files[second] = files[second], files[first]


CHANGES: dict[str, Callable[[dict[str, bytes]], object]] = {
    "an entry left out": lambda files: files.pop("events/000000000001.json"),
    "an entry added": lambda files: files.update({"events/000000000999.json": b"{}"}),
    "two entries exchanged": _exchange_events,
    "a file added": lambda files: files.update({"notes.txt": b""}),
    "the key left out": lambda files: files.pop("public-key.txt"),
    "no key": lambda files: files.update({"public-key.txt": b""}),
    "the latest checkpoint left out": lambda files: files.pop("checkpoints/000000000356.txt"),
    "an earlier checkpoint left out": lambda files: files.pop("checkpoints/000000000005.txt"),
    "a checkpoint of another size": lambda files: files.update(
        {"checkpoints/000000000356.txt": files["checkpoints/000000000306.txt"]}
    ),
    "the signature cut off": lambda files: files.update(
        {"checkpoints/000000000356.txt": files["checkpoints/000000000356.txt"].partition(b"\n\n")[0] + b"\n\n"}
    ),
    "the manifest left out": lambda files: files.pop("bundle.json"),
    "a subject more": _edit_manifest(lambda manifest: manifest["subjects"].append({})),
    "no entries": _edit_manifest(lambda manifest: manifest.update(events=[])),
    "an entry twice": _edit_manifest(lambda manifest: manifest["events"].append(manifest["events"][0])),
    "another place": _edit_manifest(lambda manifest: manifest["events"][0].update(position=2)),
    "a negative place": _edit_manifest(lambda manifest: manifest["events"][0].update(position=-1)),
    "a shorter path": _edit_manifest(lambda manifest: manifest["events"][0]["path"].pop()),  # type: ignore[attr-defined]
    "no consistency": _edit_manifest(lambda manifest: manifest["checkpoints"][0].update(consistency=[])),
    "no checkpoints": _edit_manifest(lambda manifest: manifest.update(checkpoints=[])),
    "only early checkpoints": _edit_manifest(lambda manifest: manifest["checkpoints"].pop()),
    "a newer form": _edit_manifest(lambda manifest: manifest.update(v=2)),  # type: ignore[call-overload]
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_bundle_with_something_changed_is_refused(bundle: bytes, what: str) -> None:
    files = _unpack(bundle)
    assert _holds(files)
    CHANGES[what](files)
    assert not _holds(files)


def test_the_checker_ends_with_1_for_whatever_is_no_bundle(bundle: bytes, tmp_path: Path) -> None:
    path = tmp_path / "bundle.zip"
    for content in (b"", b"nothing", bundle[: len(bundle) // 2], _pack({}), _pack({"bundle.json": b"["})):
        path.write_bytes(content)
        status, said = _run(path)
        assert (status, said[:9]) == (1, "NOT VALID")
    assert _run(tmp_path / "absent.zip")[0] == 1


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_the_checker_refuses_a_zip_with_two_files_of_one_name(bundle: bytes, tmp_path: Path) -> None:
    out = io.BytesIO(bundle)
    with zipfile.ZipFile(out, "a") as archive:
        archive.writestr("README.txt", "another")
    (tmp_path / "bundle.zip").write_bytes(out.getvalue())
    status, said = _run(tmp_path / "bundle.zip")
    assert (status, said) == (1, "NOT VALID: the ZIP holds two files of one name\n")


def test_the_checker_refuses_a_key_that_did_not_sign(bundle: bytes, stranger: SigningKey, tmp_path: Path) -> None:
    (tmp_path / "bundle.zip").write_bytes(bundle)
    status, said = _run(tmp_path / "bundle.zip", "--key", str(stranger.verifier))
    assert (status, said) == (1, "NOT VALID: the bundle was made under another key than the one given\n")
    assert _run(tmp_path / "bundle.zip", "--key", "nonsense")[0] == 1


def test_the_checker_refuses_files_that_no_entry_names(bundle: bytes, tmp_path: Path) -> None:
    (tmp_path / "bundle.zip").write_bytes(bundle)
    folder = tmp_path / "files"
    assert _run(tmp_path / "bundle.zip", "--files", folder)[0] == 1
    folder.mkdir()
    assert _run(tmp_path / "bundle.zip", "--files", folder)[0] == 1
    (folder / "photo.png").write_bytes(PHOTO)
    (folder / "other.png").write_bytes(b"another gradient")
    status, said = _run(tmp_path / "bundle.zip", "--files", folder)
    assert status == 1
    assert "other.png: no entry states its SHA-256" in said


def test_the_checker_accepts_a_bundle_with_its_key_and_files(bundle: bytes, log: Log, tmp_path: Path) -> None:
    path, folder, key = tmp_path / "bundle.zip", tmp_path / "files", tmp_path / "key.txt"
    path.write_bytes(bundle)
    (folder / "deeper").mkdir(parents=True)
    (folder / "deeper" / "renamed.png").write_bytes(PHOTO)
    key.write_text(f"{log.key.verifier}\n")
    status, said = _run(path, "--key", key, "--files", folder)
    assert status == 0, said
    assert said.endswith("Files    1 digests match; 1 more are stated without a file here\nVALID\n")
    assert (
        "  2026-11-22T09:30:01.000000Z test.happened by command:test on tip:NL-1 signed 2026-11-22T09:30:05.0" in said
    )
    assert "as given" in said
    assert "compare it with the published key" in _run(path)[1]


def test_the_checker_accepts_the_unpacked_folder_and_its_own_copy_in_it(bundle: bytes, tmp_path: Path) -> None:
    with zipfile.ZipFile(io.BytesIO(bundle)) as archive:
        archive.extractall(tmp_path / "bundle")
    inside = tmp_path / "bundle" / "verify_bundle.py"
    assert inside.read_bytes() == VERIFIER.read_bytes()
    done = subprocess.run([sys.executable, "-I", "-B", str(inside), str(tmp_path / "bundle")], check=False)
    assert done.returncode == 0
    assert _run(tmp_path / "bundle")[0] == 0


def test_entries_signed_by_a_retired_key_are_still_proved(
    log: Log, stranger: SigningKey, settings: Settings, tmp_path: Path
) -> None:
    log.grow(5)
    first_key = str(log.key.verifier)
    Path(settings.NIGHTLIGHT_CUSTODY_KEY_FILE).unlink()
    settings.NIGHTLIGHT_CUSTODY_RETIRED_KEYS = [first_key]
    from .. import keys

    log.key = keys.signing_key()
    log.grow(9)
    (tmp_path / "bundle.zip").write_bytes(_export(["tip:NL-1"]))
    status, said = _run(tmp_path / "bundle.zip")
    assert status == 0, said


def test_the_same_history_under_the_same_head_gives_the_same_bytes(bundle: bytes) -> None:
    assert _export(SUBJECTS[::-1]) == bundle


def test_the_checker_is_one_short_file_that_needs_nothing_of_ours() -> None:
    source = VERIFIER.read_text()
    assert source.count("\n") < 250
    assert "nightlight" not in source
    assert "\nfrom ." not in source
