# SPDX-License-Identifier: Apache-2.0
"""The commands of deconfliction: what they refuse, and that a partner set up with them asks and is asked."""

from __future__ import annotations

import json
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from nightlight.commands import base
from nightlight.commands.deconfliction import app
from nightlight.pipeline.linking.deconfliction.models import Partner

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _here(monkeypatch: pytest.MonkeyPatch, settings: Settings, tmp_path: Path) -> None:
    """The commands use the database of the test."""
    monkeypatch.setattr(base, "database", nullcontext)
    settings.NIGHTLIGHT_DECONFLICTION_KEYS_DIR = tmp_path / "rings"


def run(*words: str, status: int = 0, given: str = "") -> str:
    done = CliRunner().invoke(app, list(words), input=given)
    assert done.exit_code == status, done.output
    return done.stdout


def test_a_partner_is_set_up_listed_asked_in_vain_and_ended(tmp_path: Path) -> None:
    run("new-key", "A ring", "2026-11", status=2)
    run("new-key", "states", "2026-11")
    run("new-key", "states", "2026-11", status=2)
    run("add", "East", "--ring", "states", status=2)
    run("add", "East", "--ring", "states", "--url", "http://east.example.org", status=2, given="secret\n")
    (tmp_path / "token").write_text("nlt_TK-7F3K-9QTX_secret\n")
    secret = ("--secret-file", str(tmp_path / "token"))
    run("add", "East", "--ring", "states", "--url", "http://127.0.0.1:9", *secret)
    assert json.loads(run("prepare", "--json")) == {
        "rings": [{"ring": "states", "epoch": "2026-11", "added": 0, "removed": 0}]
    }
    assert json.loads(run("ask", "--partner", "East", "--json")) == {
        "asked": [{"partner": "East", "digests": 0, "held": 0, "why": ""}]
    }
    (listed,) = json.loads(run("list", "--json"))["partners"]
    assert (listed["name"], listed["ring"], listed["ended_at"]) == ("East", "states", None)
    assert "secret" not in run("list")
    run("ask", "--partner", "Nobody", status=1)
    run("end", Partner.objects.get().public_id)
    run("end", "East", status=1)
    assert "ended" in run("list")


def test_a_key_that_others_may_read_prepares_nothing() -> None:
    path = run("new-key", "states", "2026-11").strip()
    Path(path).chmod(0o644)
    run("prepare", status=1)
