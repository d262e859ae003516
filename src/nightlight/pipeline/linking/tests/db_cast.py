# SPDX-License-Identifier: Apache-2.0
"""Tips as reporters send them, and readings made by hand, for tests of linking with the database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING

from nightlight.pipeline.linking import linking, rebuilding
from nightlight.pipeline.linking.models import Subject
from nightlight.pipeline.matching.tests.cast import NOON, reporter
from nightlight.pipeline.tips import actions, summarising
from nightlight.pipeline.tips.formats.cybertipline import check
from nightlight.pipeline.tips.models import Tip
from nightlight.trust.accounts import actions as accounts
from nightlight.trust.custody.models import Event
from nightlight.trust.evidence.vault import current_vault
from nightlight.trust.units import actions as units
from nightlight.trust.units.models import Unit
from nightlight.trust.units.viewer import viewer_of

if TYPE_CHECKING:
    from nightlight.trust.accounts.models import User
    from nightlight.trust.accounts.queries import ReporterLogin
    from nightlight.trust.units.viewer import Viewer

__all__ = ["NOON", "reporter"]
BY = "service:worker"
LATER = datetime(2026, 11, 21, 6, 30, tzinfo=UTC)
_number = count(1)
_REPORT = """<report><incidentSummary>
<incidentType>Child Pornography (possession, manufacture, and distribution)</incidentType>
<incidentDateTime>2026-01-05T10:15:30Z</incidentDateTime></incidentSummary>
<reporter><reportingPerson><email>desk@chat.example.org</email></reportingPerson></reporter>
{people}</report>"""


def root() -> Unit:
    """The unit that receives what comes in."""
    return Unit.objects.get(receives=True)


def person(name: str, role: str, unit: Unit | None = None) -> User:
    """Somebody with a post."""
    user = accounts.add_person(by="command:cli", at=NOON, username=name.lower(), password="a long enough one 7")
    units.appoint(by="command:cli", at=NOON, person=user, unit=unit or root(), role=role)
    return user


def officer(name: str, role: str, unit: Unit | None = None) -> Viewer:
    """Somebody with a post, as pages know them."""
    return viewer_of(person(name, role, unit), LATER)


def subject(of: Tip, side: str = "suspect") -> int:
    """The first person of a tip on a side."""
    return Subject.objects.filter(tip=of, side=side).order_by("party").values_list("pk", flat=True)[0]


def suspect(name: str = "", *, email: str = "", phone: str = "", device: str = "", verified: bool = False) -> str:
    """One reported person in a report, as XML."""
    told = ' verified="true"' if verified else ""
    person = "".join(
        (f"<phone{told}>{phone}</phone>" if phone else "", f"<email{told}>{email}</email>" if email else "")
    )
    return (
        "<personOrUserReported>"
        + (f"<personOrUserReportedPerson>{person}</personOrUserReportedPerson>" if person else "")
        + f"<screenName>{name or f'grey-heron-{next(_number)}'}</screenName>"
        + (f"<deviceId><idType>IMEI</idType><idValue>{device}</idValue></deviceId>" if device else "")
        + "</personOrUserReported>"
    )


def victim(name: str = "", *, email: str = "") -> str:
    """A child, as XML; one of their own screen name unless it is told."""
    person = f"<firstName>Meera</firstName><email>{email}</email><age>12</age>"
    return (
        f"<victim><victimPerson>{person}</victimPerson>"
        f"<screenName>{name or f'small-owl-{next(_number)}'}</screenName></victim>"
    )


def tip(by: ReporterLogin, *people: str, files: tuple[bytes, ...] = (), at: datetime = NOON, read: bool = False) -> Tip:
    """A finished report about these people, sent as reporters send; ``read`` makes its summary too."""
    body = _REPORT.format(people="".join(people) or suspect()).encode()
    checked = check.check_report(body, profile=check.Profile.ADVISE, now=at, newer=True, known_reports=lambda ids: ids)
    report_id, public_id = actions.open_report(by=by, at=at, body=body, checked=checked, sent_from="192.0.2.1")
    for number, content in enumerate(files):
        with current_vault().stage() as staging:
            staging.write(content)
            sealed = staging.seal()
        actions.add_file(by=by, at=at, report_id=report_id, sealed=sealed, name_as_sent=f"pattern-{number}.png")
    actions.finish(by=by, at=at + timedelta(seconds=1), report_id=report_id)
    made = Tip.objects.get(public_id=public_id)
    if read:
        summarising.summarise([made], by=BY, at=at)
    return made


def link() -> None:
    """What the worker does when tips came in."""
    assert not linking.link_new(by=BY, now=lambda: LATER, patience=120)


def persons() -> list[list[int]]:
    """The tips of each person with more than one, by their keys."""
    gathered: dict[int, list[int]] = {}
    for person, tip_id in Subject.objects.filter(gone=False).order_by("tip_id").values_list("person", "tip_id"):
        gathered.setdefault(person, []).append(tip_id)
    return sorted(tips for tips in gathered.values() if len(tips) > 1)


def linked_events(of: Tip) -> int:
    """How often the log says that a tip was linked with something else."""
    return Event.objects.filter(subject=f"tip:{of.public_id}", kind="tip.linked").count()


def rebuilt_the_same() -> None:
    """Everything worked out at once is what is kept."""
    rebuilt = rebuilding.rebuild()
    assert (rebuilt.persons_changed, rebuilt.counts_changed, rebuilt.groups_changed) == (0, 0, 0), rebuilt
