# SPDX-License-Identifier: Apache-2.0
"""Small reports for the tests of the rules, and what each profile makes of them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from nightlight.pipeline.tips.formats.cybertipline.check import (
    CheckedReport,
    Profile,
    Refused,
    Situation,
    check_report,
)

NOW = datetime(2026, 1, 15, 12, 0, tzinfo=UTC)
REPORTER = "<reporter><reportingPerson><email>desk@example.org</email></reportingPerson></reporter>"
PAGE = "<internetDetails><webPageIncident><url>https://example.org/p</url></webPageIncident></internetDetails>"


def summary(extra: str = "", date: str = "2026-01-10T08:00:00+05:30") -> str:
    return (
        "<incidentSummary><incidentType>Misleading Domain Name</incidentType>"
        f"{extra}<incidentDateTime>{date}</incidentDateTime></incidentSummary>"
    )


def report(parties: str = "", *, details: str = PAGE, head: str = "", about: str = "", reporter: str = REPORTER) -> str:
    return f"<report>{head}{about or summary()}{details}{reporter}{parties}</report>"


def person(inside: str) -> str:
    return f"<personOrUserReported>{inside}</personOrUserReported>"


def identity(inside: str) -> str:
    return person(f"<personOrUserReportedPerson>{inside}</personOrUserReportedPerson>")


def check(body: str | bytes, profile: Profile = Profile.SANDBOX, known: frozenset[int] = frozenset()) -> CheckedReport:
    data = body if isinstance(body, bytes) else body.encode()
    return check_report(data, profile=profile, now=NOW, newer=False, known_reports=lambda asked: asked & known)


def refused(body: str | bytes, profile: Profile = Profile.SANDBOX) -> Refused:
    with pytest.raises(Refused) as caught:
        check(body, profile)
    return caught.value


def codes(body: str) -> set[str]:
    return {finding.code for finding in check(body, Profile.ADVISE).findings}


def always_refused(body: str, words: str, situation: Situation = Situation.INVALID) -> None:
    for profile in Profile:
        caught = refused(body, profile)
        assert caught.situation is situation
        assert words in caught.description
        assert caught.description.startswith("Validation failed: [1,")


def refused_in_strict_only(body: str, code: str) -> None:
    assert refused(body, Profile.STRICT).situation is Situation.INVALID
    assert check(body).findings == ()
    assert code in codes(body)


def clean(body: str, code: str) -> None:
    check(body, Profile.STRICT)
    assert code not in codes(body)


BATCH = "<batchedReport reason='VIRAL_POTENTIAL_MEME'/>"
ACCOUNT = person("<espIdentifier>u1</espIdentifier>")
