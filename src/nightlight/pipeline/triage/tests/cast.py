# SPDX-License-Identifier: Apache-2.0
"""Reports and people for the tests of triage with the database, and what the worker does with what came in."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import timedelta
from itertools import count
from typing import TYPE_CHECKING

from django.db import connection

from nightlight.config import rights
from nightlight.pipeline.linking import linking
from nightlight.pipeline.matching.tests.cast import BY, NOON, events, look_up, reporter
from nightlight.pipeline.tips import actions, summarising
from nightlight.pipeline.tips.formats.cybertipline import check
from nightlight.pipeline.tips.models import Tip
from nightlight.pipeline.triage import assessing
from nightlight.pipeline.triage.models import Standing
from nightlight.trust import identity
from nightlight.trust.evidence.vault import current_vault
from nightlight.trust.rights import WEB, WORKER

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from datetime import datetime

    from nightlight.trust.accounts.models import User
    from nightlight.trust.accounts.queries import ReporterLogin

__all__ = ["BY", "NOON", "WHY", "as_person", "as_triage", "assess", "events", "link", "look_up", "reporter", "tip"]
WHY = "The school was called and knows the child."
_number = count(1)
_REPORT = """<report><incidentSummary><incidentType>{kind}</incidentType>{urgent}
<incidentDateTime>2026-11-18T10:15:30Z</incidentDateTime></incidentSummary>
<reporter><reportingPerson><email>desk@chat.example.org</email></reportingPerson></reporter>
<personOrUserReported>{person}<screenName>{name}</screenName></personOrUserReported>{said}</report>"""
_KINDS = {
    "material": "Child Pornography (possession, manufacture, and distribution)",
    "enticement": "Online Enticement of Children for Sexual Acts",
}


def body(*, kind: str = "material", urgent: str = "", said: str = "", email: str = "", name: str = "") -> bytes:
    """A report: ``urgent`` asks for high priority with these words, ``said`` is the reporter's own text."""
    return _REPORT.format(
        kind=_KINDS[kind],
        urgent=f"<escalateToHighPriority>{urgent}</escalateToHighPriority>" if urgent else "",
        person=f"<personOrUserReportedPerson><email>{email}</email></personOrUserReportedPerson>" if email else "",
        name=name or f"grey-heron-{next(_number)}",
        said=f"<additionalInfo>{said}</additionalInfo>" if said else "",
    ).encode()


def tip(by: ReporterLogin, report: bytes = b"", *files: bytes, at: datetime = NOON) -> Tip:
    """A finished report with these files, sent and read as real ones are."""
    sent = report or body()
    checked = check.check_report(sent, profile=check.Profile.ADVISE, now=at, newer=True, known_reports=lambda ids: ids)
    report_id, public_id = actions.open_report(by=by, at=at, body=sent, checked=checked, sent_from="192.0.2.1")
    for number, content in enumerate(files):
        with current_vault().stage() as staging:
            staging.write(content)
            sealed = staging.seal()
        actions.add_file(by=by, at=at, report_id=report_id, sealed=sealed, name_as_sent=f"pattern-{number}.png")
    actions.finish(by=by, at=at + timedelta(seconds=1), report_id=report_id)
    made = Tip.objects.get(public_id=public_id)
    summarising.summarise([made], by=BY, at=at)
    return made


def assess(at: datetime = NOON) -> None:
    """What the worker does when something is to be scored."""
    assert assessing.assess_new(by=BY, now=lambda: at, patience=60) == (False, set())


def link(at: datetime = NOON) -> None:
    """What the worker does when something is to be linked."""
    assert not linking.link_new(by=BY, now=lambda: at, patience=60)


def where(of: Tip) -> Standing:
    """Where a tip stands."""
    return Standing.objects.get(tip=of)


def row(of: Tip) -> tuple[str, int]:
    """The row in which a tip stands."""
    found = where(of)
    return found.kind, found.anchor


def guard() -> None:
    """Have the database hold to what is stated about who may do what."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    rights.put_in_force(connection)


@contextmanager
def _role(role: str) -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL ROLE {role}")
    try:
        yield
    finally:
        if not connection.needs_rollback:
            with connection.cursor() as cursor:
                cursor.execute("RESET ROLE")


@contextmanager
def as_person(user: User) -> Iterator[None]:
    """Run the block with the rights of pages, for this person."""
    with _role(WEB), identity.acting_as(viewer=user.pk):
        yield


@contextmanager
def as_step(step: str) -> Iterator[None]:
    """Run the block with the rights of this step of the worker."""
    with _role(WORKER), identity.acting_as(service=step):
        yield


def as_triage() -> AbstractContextManager[None]:
    """Run the block with the rights of the step."""
    return as_step("triage")
