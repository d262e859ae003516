# SPDX-License-Identifier: Apache-2.0
"""``nightlight tip export`` leaves a whole file or none."""

from __future__ import annotations

import contextlib
import errno
from pathlib import Path
from unittest.mock import patch

import pytest

from nightlight.commands import base, tips
from nightlight.outlook.desk.tests import cast
from nightlight.outlook.exchange.tests.test_exporting import WHY
from nightlight.pipeline.tips.models import Tip
from nightlight.trust import identity

pytestmark = pytest.mark.django_db


def _export(number: str, output: Path, reason: str = WHY) -> None:
    with patch.object(base, "database", contextlib.nullcontext), identity.acting_as(service="command"):
        tips.export(number, output=output, reason=reason, form="json", bom=False, as_json=False)


def test_no_part_of_a_file_stays_when_the_disk_is_full(tmp_path: Path) -> None:
    tip, output = cast.Desk(cast.reporter()).full(), tmp_path / "tip.json"

    def full(path: Path, body: bytes) -> int:
        with path.open("wb") as file:
            file.write(body[:100])
        raise OSError(errno.ENOSPC, "No space left on device")

    with patch.object(Path, "write_bytes", full), pytest.raises(SystemExit):
        _export(tip.public_id, output)
    assert not output.exists()
    _export(tip.public_id, output)
    assert output.read_bytes().endswith(b"}")


def test_what_is_not_given_out_leaves_no_file(tmp_path: Path) -> None:
    tip, output = cast.Desk(cast.reporter()).full(), tmp_path / "tip.json"
    with pytest.raises(SystemExit):
        _export(tip.public_id, output, reason="Meera is named in these words")
    Tip.objects.filter(pk=tip.pk).update(set_apart=True)
    with pytest.raises(SystemExit):
        _export(tip.public_id, output)
    assert not output.exists()
