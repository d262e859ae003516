# SPDX-License-Identifier: Apache-2.0
"""``nightlight doctor --production`` refuses each thing that is too weak for real reports, by its name."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING, cast

import psycopg
import pytest
from django.contrib.auth.hashers import make_password

from nightlight.commands import organisation, production
from nightlight.config import environment, postgres

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.installation import Installation


NAMESAKE = organisation.PEOPLE[0].username  # called like somebody of the exercise, with a password of their own


@pytest.fixture(scope="module")
def staffed(guarded: Installation) -> Installation:
    """The installation with the people whom others answer to."""
    people = {"meera": "administrator", "kavita": "commander", "joseph": "auditor", NAMESAKE: "intake-analyst"}
    for username, role in people.items():
        guarded.json("person", "add", username, "--role", role)
    return guarded


def _refused(installation: Installation, **settings: str) -> list[str]:
    """What the doctor calls wrong, with some settings changed for this look."""
    changed = replace(installation, settings=installation.settings | settings)
    told = changed.json("doctor", "--production", expect=None)
    findings = cast("list[dict[str, object]]", told["findings"])
    wrong = [str(finding["text"]) for finding in findings if finding["ok"] is False]
    assert told["ok"] is (not wrong)
    return wrong


@contextlib.contextmanager
def _changed(installation: Installation, change: str, back: str) -> Iterator[None]:
    """Change something in the database past everything, as its superuser; then put it back."""
    url = postgres.url(installation.home, role=postgres.SUPERUSER)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(change.encode())
        try:
            yield
        finally:
            connection.execute(back.encode())


WEAK = [
    ("NIGHTLIGHT_DEMO", "yes"),
    ("NIGHTLIGHT_INSECURE_HTTP", "yes"),
    ("NIGHTLIGHT_SECOND_FACTOR", "offered"),
    ("NIGHTLIGHT_IDLE_LOCK", "600"),
    ("NIGHTLIGHT_HOSTS", "*"),
    ("NIGHTLIGHT_HOSTS", ""),
    ("NIGHTLIGHT_PROXIES", "*"),
    ("NIGHTLIGHT_CUSTODY_ORIGIN", ""),
    ("NIGHTLIGHT_LOG_LEVEL", "DEBUG"),
]


@pytest.mark.parametrize(("setting", "value"), WEAK)
def test_a_weak_setting_is_refused_by_its_name_and_nothing_else_is(
    guarded: Installation, setting: str, value: str
) -> None:
    settings = environment.read(guarded.environment | {setting: value})
    wrong = [finding.text for finding in production.settings(settings) if finding.ok is False]
    assert any(setting in text for text in wrong), wrong
    also = {"NIGHTLIGHT_DEMO": "NIGHTLIGHT_SECOND_FACTOR"}.get(setting, setting)  # a demo only offers it
    assert all(setting in text or also in text for text in wrong), wrong


def test_the_command_names_every_weak_setting(staffed: Installation) -> None:
    wrong = _refused(staffed, **dict(WEAK))
    assert len(wrong) == len(dict(WEAK))
    assert all(any(setting in text for text in wrong) for setting, _ in WEAK)


def test_a_missing_policy_and_a_table_without_row_security_are_named(staffed: Installation) -> None:
    with _changed(
        staffed,
        "ALTER POLICY web_select ON tips_tip RENAME TO mislaid; ALTER TABLE evidence_item DISABLE ROW LEVEL SECURITY",
        "ALTER POLICY mislaid ON tips_tip RENAME TO web_select; ALTER TABLE evidence_item ENABLE ROW LEVEL SECURITY",
    ):
        (wrong,) = _refused(staffed)
    assert "evidence_item" in wrong
    assert "tips_tip.web_select" in wrong
    assert "tips_tip.mislaid" in wrong


def test_a_role_that_passes_row_security_is_named(staffed: Installation) -> None:
    with _changed(staffed, "ALTER ROLE nightlight_app BYPASSRLS", "ALTER ROLE nightlight_app NOBYPASSRLS"):
        (wrong,) = _refused(staffed)
    assert "nightlight_app" in wrong


def test_a_person_of_the_exercise_with_the_known_password_is_named(staffed: Installation) -> None:
    known = make_password(organisation.PASSWORD, hasher="pbkdf2_sha256")  # as installations keep them
    with _changed(
        staffed,
        f"UPDATE accounts_user SET password = '{known}' WHERE username = '{NAMESAKE}'",
        f"UPDATE accounts_user SET password = '!' WHERE username = '{NAMESAKE}'",
    ):
        (wrong,) = _refused(staffed)
    assert NAMESAKE in wrong


def test_a_role_that_nobody_holds_is_named(staffed: Installation) -> None:
    with _changed(
        staffed,
        "UPDATE accounts_user SET is_active = false WHERE username = 'kavita'",
        "UPDATE accounts_user SET is_active = true WHERE username = 'kavita'",
    ):
        (wrong,) = _refused(staffed)
    assert "commander" in wrong


def test_a_well_set_installation_passes(staffed: Installation) -> None:
    done = staffed.run("doctor", "--production", expect=0)
    assert "Row security is as stated" in done.stdout
    assert "Nobody works without a second factor" in done.stdout
