# SPDX-License-Identifier: Apache-2.0
"""The commands of a recipient: make a key, open what was handed over; both say what is wrong in a sentence."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from typer.testing import CliRunner

from nightlight.commands import exports
from nightlight.trust.evidence import envelope
from nightlight.trust.sealed.box import Sealer
from nightlight.trust.viewing import exporting

if TYPE_CHECKING:
    from pathlib import Path

    from nightlight.foundation.digests import Bytes

run = CliRunner()


def _package(path: Path, public: bytes, told: bytes) -> None:
    key = b"k" * envelope.KEY_SIZE
    closed = Sealer(public).seal(key, exporting.MAGIC)
    with path.open("wb") as out:
        out.write(exporting.MAGIC + closed.key_part + closed.body)

        def sink(piece: Bytes) -> None:
            out.write(piece)

        writer = envelope.EncryptingWriter(key, exporting.MAGIC.hex(), sink)
        writer.write(told)
        writer.finish()


def test_a_key_is_never_written_over_and_is_readable_by_its_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "my.key"
    made = run.invoke(exports.app, ["key", str(file), "--json"])
    assert made.exit_code == 0
    assert len(json.loads(made.stdout)["public_key"]) == 64
    assert file.stat().st_mode & 0o777 == 0o600
    before = file.read_bytes()
    assert run.invoke(exports.app, ["key", str(file)]).exit_code == 1
    assert file.read_bytes() == before


def test_what_cannot_be_opened_leaves_nothing_behind(tmp_path: Path) -> None:
    key, other, package, out = (tmp_path / name for name in ("a.key", "b.key", "x.nlx", "x.zip"))
    public = json.loads(run.invoke(exports.app, ["key", str(key), "--json"]).stdout)["public_key"]
    run.invoke(exports.app, ["key", str(other)])
    _package(package, bytes.fromhex(public), b"a benign pattern")
    assert run.invoke(exports.app, ["open", str(package), str(out), "--key", str(other)]).exit_code == 1
    assert not out.exists()
    other.write_text("no key")
    assert run.invoke(exports.app, ["open", str(package), str(out), "--key", str(other)]).exit_code == 1
    assert not out.exists()
    assert run.invoke(exports.app, ["open", str(package), str(out), "--key", str(key)]).exit_code == 0
    assert out.read_bytes() == b"a benign pattern"
    assert run.invoke(exports.app, ["open", str(package), str(out), "--key", str(key)]).exit_code == 1
    assert out.read_bytes() == b"a benign pattern"
