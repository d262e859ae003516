# SPDX-License-Identifier: Apache-2.0
"""Reads what a reporter is told, by functions of the database that give that and nothing else.

The functions take the reporter and the environment of the credential that was shown, and may be run by the role of the
intake alone: call these inside ``identity.receiving()``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from nightlight.pipeline.routing import outcomes
from nightlight.trust import statements

if TYPE_CHECKING:
    from nightlight.trust.accounts.queries import ReporterLogin

_ONE = "SELECT * FROM insight_feedback(%(reporter)s, %(environment)s, %(report)s)"
_LIST = "SELECT * FROM insight_feedback_list(%(reporter)s, %(environment)s, %(day)s, %(report)s, %(most)s)"
_MARK = "SELECT * FROM insight_feedback_mark(%(reporter)s, %(environment)s, %(day)s)"
_LISTED = """
INSERT INTO insight_listed (credential_id, form, day) VALUES (%(credential)s, %(form)s, %(day)s)
ON CONFLICT (credential_id, form) DO UPDATE SET day = excluded.day WHERE insight_listed.day < excluded.day
RETURNING true
"""
BEGINNING = date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a reporter is told of one report; days are those of UTC."""

    report_id: int
    received_on: date
    outcome: str
    since: date
    lacks: tuple[str, ...]

    @property
    def ended(self) -> bool:
        """Whether nothing more is expected."""
        known = outcomes.code(self.outcome)
        return known is not None and known.ended


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A place in the list: after the report with this number, which is so since that day."""

    day: date
    report_id: int


def answer(login: ReporterLogin, report_id: int) -> Answer | None:
    """Return what became of a report, None where the reporter has no such report in this environment."""
    return next(iter(_answers(_ONE, login, report=report_id)), None)


def after(login: ReporterLogin, place: Place, *, most: int) -> list[Answer]:
    """Return the next reports in the order of the days since which they are as they are."""
    return _answers(_LIST, login, day=place.day, report=place.report_id, most=most)


def mark(login: ReporterLogin, since: date) -> tuple[int, str]:
    """Return how many reports are as they are since that day, and a mark that changes when one of them does."""
    ((reports, found),) = statements.rows(_MARK, {**_of(login), "day": since})
    return reports, found


def first_today(login: ReporterLogin, form: str, today: date) -> bool:
    """Whether this credential takes this list for the first time on this day; the next time it is not the first."""
    return bool(statements.rows(_LISTED, {"credential": login.credential_id, "form": form, "day": today}))


def _answers(sql: str, login: ReporterLogin, **more: object) -> list[Answer]:
    return [
        Answer(report_id, received_on, told, told_on, tuple(lacks.split()))
        for report_id, received_on, told, told_on, lacks in statements.rows(sql, {**_of(login), **more})
    ]


def _of(login: ReporterLogin) -> dict[str, object]:
    return {"reporter": login.reporter_id, "environment": login.environment}
