# SPDX-License-Identifier: Apache-2.0
"""Traceability: what is refused or asked for first, then what is traced; hours left; the order of work."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightlight.casework.attribution import grade_words
from nightlight.casework.attribution.grades import AskFor, Retention, Traceability, Warn, grade, in_order
from nightlight.casework.attribution.kinds import (
    Event,
    EventKind,
    Grade,
    Label,
    Labelled,
    Reason,
    Transition,
    Way,
    Why,
)
from nightlight.pipeline.tips.values import Stated, read_moment

NOW = datetime(2026, 6, 1, tzinfo=UTC)
AT = "2026-05-11T19:14:36Z"
TWO_YEARS = Retention(timedelta(days=730), "a licence", minimum=True)


def event(at: str | None = AT, *, port: int | None = None, address: str | None = "192.0.2.7", **more: object) -> Event:
    values: dict[str, object] = {
        "key": "one",
        "address_as_sent": address or "nonsense",
        "address": address,
        "version": None if address is None else 6 if ":" in address else 4,
        "moment": None if at is None else read_moment(at, ""),
        "source": "",
        "port": port,
    }
    return Event(**{**values, **more})  # type: ignore[arg-type]


def found(label: Label, one: Event | None = None, **more: object) -> Traceability:
    labelled = Labelled(label, ())
    return grade(one or event(), labelled, TWO_YEARS, **{"now": NOW, **more})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("label", "expected", "way"),
    [
        (Label.RESERVED, Grade.X, Way.UNTRACEABLE),
        (Label.TOR_EXIT, Grade.F, Way.UNTRACEABLE),
        (Label.PRIVATE_RELAY, Grade.E, Way.CORROBORATE),
        (Label.VPN, Grade.E, Way.CORROBORATE),
        (Label.HOSTING, Grade.E, Way.CORROBORATE),
        (Label.EDUCATION, Grade.D, Way.TRACE),
        (Label.BUSINESS, Grade.D, Way.TRACE),
        (Label.UNKNOWN, Grade.U, Way.CORROBORATE),
        (Label.MOBILE_SHARED, Grade.C, Way.ASK_FIRST),
        (Label.FIXED, Grade.A, Way.TRACE),
    ],
)
def test_by_the_kind_of_address(label: Label, expected: Grade, way: Way) -> None:
    one = found(label)
    assert (one.grade, one.way) == (expected, way)


def test_a_tor_exit_asks_nobody_for_anything() -> None:
    one = found(Label.TOR_EXIT, event("2026-05-11 19:14"))
    assert one.ask_for == ()
    assert Warn.RETENTION_OVER not in one.warnings


def test_a_shared_address_needs_its_port_and_says_what_else_to_ask() -> None:
    one = found(Label.MOBILE_SHARED)
    assert one.ask_for == (AskFor.PORT, AskFor.DESTINATION)
    assert {Warn.NO_PORT, Warn.STICKINESS_UNKNOWN, Warn.MANY_CANDIDATES} <= set(one.warnings)
    with_port = found(Label.MOBILE_SHARED, event(port=40961))
    assert (with_port.grade, with_port.way, with_port.ask_for) == (Grade.B, Way.TRACE, ())
    few = found(Label.FIXED_SHARED, stickiness=0.1, candidates=2.0)
    assert not {Warn.STICKINESS_UNKNOWN, Warn.MANY_CANDIDATES} & set(few.warnings)


def test_a_port_of_another_time_is_none() -> None:
    other = event(port=40961, port_at=datetime(2026, 5, 1, tzinfo=UTC))
    one = found(Label.MOBILE_SHARED, other)
    assert one.grade is Grade.C
    assert Warn.PORT_OTHER_TIME in one.warnings
    same = event(port=40961, port_at=datetime(2026, 5, 11, 19, 14, 36, tzinfo=UTC))
    assert found(Label.MOBILE_SHARED, same).grade is Grade.B


@pytest.mark.parametrize(
    ("at", "asked", "warned"),
    [
        (None, {AskFor.TIME, AskFor.ZONE}, Warn.NO_TIME),
        ("rubbish", {AskFor.TIME, AskFor.ZONE}, Warn.NO_TIME),
        ("2026-05-11", {AskFor.TIME, AskFor.ZONE}, Warn.DAY_ONLY),
        ("2026-05-11T19:14Z", {AskFor.SECONDS}, Warn.MINUTE_ONLY),
        ("2026-05-11T19:14:36", {AskFor.ZONE}, Warn.NO_ZONE),
        ("2026-07-11T19:14:36Z", {AskFor.TIME}, Warn.FUTURE),
    ],
)
def test_a_time_that_is_not_exact_is_asked_for(at: str | None, asked: set[AskFor], warned: Warn) -> None:
    one = found(Label.FIXED, event(at))
    assert (one.grade, one.way, set(one.ask_for)) == (Grade.C, Way.ASK_FIRST, asked)
    assert warned in one.warnings


def test_an_address_that_is_none_is_asked_for() -> None:
    one = found(Label.UNKNOWN, event(address=None))
    assert (one.grade, one.way, one.ask_for) == (Grade.U, Way.ASK_FIRST, (AskFor.ADDRESS,))


def test_ipv6_needs_no_port_and_teredo_brings_its_own() -> None:
    assert found(Label.MOBILE_IPV6, event(address="2001:db8::1")).grade is Grade.A
    assert found(Label.FIXED, event(address="2001:db8::1"), shares=True).grade is Grade.A
    teredo = Labelled(Label.FIXED_SHARED, (), transition=Transition.TEREDO, inner="192.0.2.7", inner_port=40000)
    one = grade(event(address="2001:0:1::2"), teredo, TWO_YEARS, now=NOW)
    assert one.grade is Grade.B
    assert Warn.TUNNEL in one.warnings


def test_an_operator_known_to_share_makes_a_fixed_address_shared() -> None:
    assert Warn.SHARING_UNKNOWN in found(Label.FIXED).warnings
    assert found(Label.FIXED, shares=True).grade is Grade.C
    assert found(Label.FIXED, event(port=4000), shares=True).grade is Grade.B
    assert Warn.SHARING_UNKNOWN not in found(Label.FIXED, shares=False).warnings


def test_lists_that_say_nothing_or_disagree_are_warned_of() -> None:
    reasons = (
        Reason(Why.LISTED_LATER, Label.VPN),
        Reason(Why.NOT_COVERED, Label.TOR_EXIT),
        Reason(Why.NO_LIST, Label.VPN),
    )
    labelled = Labelled(Label.FIXED, reasons, disagreement=True)
    one = grade(event(possible_proxy=Stated.YES), labelled, None, now=NOW, countries=("IN", "SG"), clock_stated=True)
    assert set(one.warnings) == {
        *(Warn.LISTED_LATER, Warn.NO_SNAPSHOT, Warn.NO_LIST, Warn.LISTS_DISAGREE, Warn.COUNTRIES_DISAGREE),
        *(Warn.REPORTER_SAYS_PROXY, Warn.SHARING_UNKNOWN, Warn.RETENTION_UNKNOWN),
    }


def test_hours_left_stay_unknown_turn_red_and_run_out() -> None:
    for keep, hours, way in ((None, None, Way.TRACE), (10, 0.0, Way.UNTRACEABLE), (730, None, Way.TRACE)):
        retention = Retention(None if keep is None else timedelta(days=keep))
        one = grade(event(), Labelled(Label.FIXED, ()), retention, now=NOW)
        assert one.way is way
        if keep != 730:
            assert one.hours_left == hours
    assert grade(event(), Labelled(Label.FIXED, ()), None, now=NOW).hours_left is None
    duty = Retention(timedelta(days=10), minimum=True)
    assert grade(event(), Labelled(Label.FIXED, ()), duty, now=NOW).way is Way.CORROBORATE
    red = grade(event(), Labelled(Label.FIXED, ()), Retention(timedelta(days=40)), now=NOW)
    assert red.preserve_first
    assert red.hours_left == pytest.approx(19 * 24 + 19 + 14 / 60 + 36 / 3600)


def test_a_shorter_word_of_the_operator_hurries_and_gives_nothing_up() -> None:
    law = timedelta(days=730)
    shorter = Retention(law, "a licence", minimum=True, said_shorter=timedelta(days=25))
    made = grade(event(), Labelled(Label.FIXED, ()), shorter, now=NOW, shares=False)
    assert made.hours_left is not None
    assert 0 < made.hours_left < 6 * 24
    assert made.preserve_first
    said_over = Retention(law, "a licence", minimum=True, said_shorter=timedelta(days=5))
    late = grade(event(), Labelled(Label.FIXED, ()), said_over, now=NOW, shares=False)
    assert (late.way, late.preserve_first) == (Way.TRACE, True)
    over = grade(
        event(),
        Labelled(Label.FIXED, ()),
        Retention(timedelta(days=5), "a licence", minimum=True),
        now=NOW,
        shares=False,
    )
    assert over.way is Way.CORROBORATE
    habit = Retention(timedelta(days=5), "its word")
    assert grade(event(), Labelled(Label.FIXED, ()), habit, now=NOW, shares=False).way is Way.UNTRACEABLE


def test_a_day_alone_counts_from_its_earliest_instant() -> None:
    one = grade(event("2026-05-11"), Labelled(Label.FIXED, ()), Retention(timedelta(days=40)), now=NOW)
    assert one.hours_left == (19 * 24) - 14


def test_the_order_of_work_shows_its_parts() -> None:
    upload = event(key="upload", kind=EventKind.UPLOAD, account="a", port=1)
    login = event(key="login", kind=EventKind.LOGIN, account="a", port=1)
    alone = event(key="alone", kind=EventKind.REGISTRATION, account="b", port=1)
    hidden = event(key="hidden", kind=EventKind.UPLOAD, account="b")
    graded = [(one, found(Label.FIXED, one)) for one in (login, alone, upload)] + [(hidden, found(Label.VPN, hidden))]
    places = in_order(graded, {"alone": 2})
    assert [place.event.key for place in places] == ["alone", "upload", "login", "hidden"]
    assert places[0].only_clean
    assert dict(grade_words.parts(places[0]))["Event"] == (
        "registration; the only event of its account that leads to a subscriber"
    )
    assert dict(grade_words.parts(places[0]))["Supported by"] == "2 independent events"


def test_less_time_comes_before_more_value_and_what_is_over_comes_last() -> None:
    rows = []
    for key, keep, kind in (
        ("soon", 30, EventKind.LOGIN),
        ("calm", 700, EventKind.UPLOAD),
        ("over", 5, EventKind.UPLOAD),
        ("unknown", None, EventKind.UPLOAD),
    ):
        one = event(key=key, kind=kind, account="a")
        retention = Retention(None if keep is None else timedelta(days=keep), minimum=True)
        rows.append((one, grade(one, Labelled(Label.FIXED, ()), retention, now=NOW)))
    assert [place.event.key for place in in_order(rows)] == ["soon", "unknown", "calm", "over"]


def test_every_code_has_words_and_the_letter_says_exactly_what_for() -> None:
    assert grade_words.unworded() == set()
    said = grade_words.explained(found(Label.MOBILE_SHARED, event("2026-05-11T19:14Z")))
    assert said[2] == (
        "To ask for: the source port of the connection, the time to the second and the address and port of its own "
        "server that was reached."
    )
    assert said[3].startswith("Left of the operator's records: 709 days")
    assert grade_words.left(None) == "not known"


@given(
    st.sampled_from(Label),
    st.booleans(),
    st.sampled_from([AT, "2026-05-11", None]),
    st.sampled_from([None, True, False]),
)
def test_nothing_is_traced_that_misses_something(
    label: Label, has_port: bool, at: str | None, shares: bool | None
) -> None:
    one = found(label, event(at, port=5000 if has_port else None), shares=shares)
    if one.way is Way.TRACE:
        assert not one.ask_for
        assert one.grade in {Grade.A, Grade.B, Grade.D}
    if one.grade in {Grade.A, Grade.B}:
        assert not label.anonymises
        assert at == AT
