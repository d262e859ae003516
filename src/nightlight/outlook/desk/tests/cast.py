# SPDX-License-Identifier: Apache-2.0
"""The people of these tests, and tips that go the way real ones do: through the intake's own actions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING

from nightlight.pipeline.tips import actions, intake, summarising
from nightlight.pipeline.tips.formats.cybertipline import check
from nightlight.pipeline.tips.models import Tip
from nightlight.pipeline.tips.tests.example_reports import CHILD_WORDS, FILE_DETAILS_XML, REPORT_XML
from nightlight.trust.accounts import actions as accounts
from nightlight.trust.accounts import queries
from nightlight.trust.evidence.vault import current_vault
from nightlight.trust.units import actions as units
from nightlight.trust.units.models import Unit
from nightlight.trust.units.viewer import viewer_of

if TYPE_CHECKING:
    from nightlight.trust.accounts.models import User
    from nightlight.trust.accounts.queries import ReporterLogin
    from nightlight.trust.units.viewer import Viewer

NOON = datetime(2026, 11, 20, 6, 30, tzinfo=UTC)  # noon in India
PASSWORD = "a-long-invented-password"
_number = count(1)

CHILD = "Child 1"
__all__ = ["CHILD", "CHILD_WORDS", "NOON", "PASSWORD", "PLAIN", "Desk", "person", "reporter", "root", "viewer"]

PLAIN = b"""<report><incidentSummary>
<incidentType>Child Pornography (possession, manufacture, and distribution)</incidentType>
<incidentDateTime>2026-01-05T10:15:30Z</incidentDateTime></incidentSummary>
<reporter><reportingPerson><email>desk@chat.example.org</email></reportingPerson></reporter>
<personOrUserReported><screenName>grey-heron</screenName></personOrUserReported></report>"""


def person(name: str, role: str, unit: Unit | None = None) -> User:
    """Somebody who can sign in."""
    user = accounts.add_person(
        by="command:cli", at=NOON, username=name.lower(), password=PASSWORD, full_name=f"{name} Example"
    )
    units.appoint(by="command:cli", at=NOON, person=user, unit=unit or root(), role=role)
    return user


def root() -> Unit:
    """The unit that receives what comes in."""
    return Unit.objects.get(receives=True)


def viewer(user: User) -> Viewer:
    """Somebody with the posts they hold."""
    return viewer_of(user, NOON)


def reporter(name: str = "Example Chat", environment: str = "production") -> ReporterLogin:
    """A reporter with a credential."""
    issued = accounts.add_credential(by="command:cli", at=NOON, name=name, environment=environment)
    login = queries.reporter_login(issued.username, issued.password)
    assert login is not None
    return login


@dataclass
class Desk:
    """Files reports in the name of one reporter."""

    by: ReporterLogin

    def opened(self, body: bytes = PLAIN, at: datetime = NOON) -> tuple[int, str]:
        """A report that is not finished."""
        checked = check.check_report(
            body, profile=check.Profile.ADVISE, now=at, newer=True, known_reports=lambda ids: ids
        )
        return actions.open_report(by=self.by, at=at, body=body, checked=checked, sent_from="192.0.2.1")

    def received(self, body: bytes = PLAIN, at: datetime = NOON, *, read: bool = True) -> Tip:
        """A finished report; `read` makes its summary too."""
        report_id, public_id = self.opened(body, at)
        actions.finish(by=self.by, at=at, report_id=report_id)
        if read:
            summarising.summarise([Tip.objects.get(public_id=public_id)], by="service:worker", at=NOON)
        return Tip.objects.get(public_id=public_id)

    def full(self, at: datetime = NOON, *, file_name: str = "pattern-07.png", content: bytes = b"") -> Tip:
        """The example report with everything in it, one file and its details."""
        report_id, public_id = self.opened(REPORT_XML, at)
        with current_vault().stage() as staging:
            staging.write(content or f"a pattern of squares {next(_number)}".encode())
            sealed = staging.seal()
        file_id, _md5 = actions.add_file(by=self.by, at=at, report_id=report_id, sealed=sealed, name_as_sent=file_name)
        details = FILE_DETAILS_XML.replace(b"7860042", str(report_id).encode()).replace(b"b0c1", file_id.encode())
        actions.describe_file(by=self.by, at=at, body=details, settings=intake.settings(), note=lambda _report: None)
        actions.finish(by=self.by, at=at + timedelta(seconds=2), report_id=report_id)
        summarising.summarise([Tip.objects.get(public_id=public_id)], by="service:worker", at=NOON)
        return Tip.objects.get(public_id=public_id)
