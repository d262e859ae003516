# SPDX-License-Identifier: Apache-2.0
"""The event that can be traced is chosen, an innocent exit never is, and nothing is called certain that is not."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import date, datetime, timedelta
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nightlight.casework.attribution.candidate_facts import facts_from
from nightlight.casework.attribution.candidate_kinds import (
    AddressFacts,
    Against,
    Candidate,
    Caution,
    Confidence,
    For,
    Graded,
    NothingLeads,
    State,
    WhyApart,
)
from nightlight.casework.attribution.candidate_words import words
from nightlight.casework.attribution.candidates import rank
from nightlight.casework.attribution.grades import Retention
from nightlight.casework.attribution.kinds import ONLY_IPV4, EventKind, Grade, Label, Reason, Why
from nightlight.casework.attribution.operators import Directory, Known, Operator, OperatorKind, Span
from nightlight.casework.attribution.tests.clusters import (
    EXIT,
    HOME,
    HOME6,
    IST,
    MOBILE,
    NOW,
    OTHER,
    against,
    at_home,
    event,
    facts,
    pros,
    ranked,
)
from nightlight.pipeline.tips.values import Stated

VPN, MOB = Label.VPN, Label.MOBILE_SHARED


# Refused.


def test_now_needs_its_zone() -> None:
    with pytest.raises(ValueError, match="zone"):
        rank([], now=datetime(2026, 1, 1))  # noqa: DTZ001


def test_an_exit_is_never_a_candidate_though_nothing_else_is_there() -> None:
    found = ranked(*(event(EXIT, day, VPN) for day in range(30)))
    assert found.candidates == ()
    assert found.nothing_leads is NothingLeads.ONLY_EXITS
    (apart,) = found.apart
    assert (apart.why, apart.label, len(apart.events), apart.ask_provider) == (WhyApart.EXIT, VPN, 30, True)


def test_what_was_an_exit_once_is_nobodys_home_later() -> None:
    found = ranked(event(HOME, 0, VPN), *at_home(9)[5:], *(event(OTHER, day) for day in range(3)))
    assert [one.target for one in found.candidates] == [OTHER]
    assert {one.why for one in found.apart} == {WhyApart.EXIT, WhyApart.EXIT_AT_ANOTHER_TIME}


def test_one_event_alone_is_not_for_a_warrant_and_the_second_time_is_required() -> None:
    slip = event(MOBILE, 3, MOB, port=40_001)
    later = event(MOBILE, 9, MOB, port=51_002)
    (alone,) = ranked(slip, event(EXIT, 3.01, VPN)).candidates
    assert alone.alone
    assert Caution.ONE_EVENT_ALONE in alone.cautions
    assert alone.require == ()
    assert (alone.state, alone.confidence) == (State.TRACEABLE, Confidence.MODERATE)
    both = ranked(slip, later)
    assert {one.require for one in both.candidates} == {(slip.event.key,), (later.event.key,)}
    assert all(Caution.SECOND_TIME_REQUIRED in one.cautions for one in both.candidates)


def test_an_event_without_a_zone_never_corroborates() -> None:
    (with_zone,) = ranked(*at_home(2, reporter="A"), *at_home(2, reporter="B")).candidates
    assert with_zone.state is State.CORROBORATED
    (without,) = ranked(event(HOME, 0), *(event(HOME, day, zone="", reporter="B") for day in range(1, 5))).candidates
    assert without.state is State.TRACEABLE
    assert len(without.independent) == 1
    assert Against.NO_TIME_OR_ZONE in against(without)


def test_an_event_in_the_future_counts_for_nothing() -> None:
    (one,) = ranked(*at_home(1), event(HOME, 200)).candidates[:1]
    assert len(one.independent) == 1


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"proxy": Stated.YES}, Against.SELDOM_SAYS_PROXY),
        ({"reasons": ()}, Against.NOT_CHECKED),
        ({"reasons": (Reason(Why.NO_LIST, VPN),)}, Against.NOT_CHECKED),
        ({"reasons": (Reason(Why.NOT_COVERED, Label.TOR_EXIT, "list"),)}, Against.NOT_CHECKED),
        ({"reasons": (Reason(Why.LISTED_LATER, VPN, "list"),)}, Against.LISTED_AT_ANOTHER_TIME),
        ({"reasons": (Reason(Why.NETWORK, Label.HOSTING, "list", against=True),)}, Against.LISTS_DISAGREE),
    ],
)
def test_what_is_grave_keeps_a_home_from_being_called_corroborated(changed: dict[str, object], why: Against) -> None:
    plain = [*at_home(4), *at_home(4, reporter="B")]
    assert ranked(*plain).candidates[0].state is State.CORROBORATED
    (one,) = ranked(*plain, event(HOME, 2.5, reporter="C", **changed)).candidates  # type: ignore[arg-type]
    assert one.state is not State.CORROBORATED
    assert why in against(one)


def test_a_platform_that_calls_a_line_a_proxy_more_than_seldom_makes_it_doubtful() -> None:
    plain = [*at_home(4), *at_home(4, reporter="B")]
    said = [event(HOME, day + 0.5, reporter="C", proxy=Stated.YES) for day in range(2)]
    (seldom,) = ranked(*plain, said[0]).candidates
    assert (seldom.state, against(seldom)) == (State.TRACEABLE, {Against.SELDOM_SAYS_PROXY})
    assert not set(seldom.independent) & {said[0].event.key}
    (doubtful,) = ranked(*plain, *said).candidates
    assert (doubtful.state, against(doubtful)) == (State.CORROBORATE, {Against.REPORTER_SAYS_PROXY})


def test_a_list_without_ipv6_is_a_caution_in_a_known_network_of_subscribers_and_a_bar_elsewhere() -> None:
    def found(shown: str, *, known: bool = True, address: str = HOME6) -> Candidate:
        reason = Reason(Why.NOT_COVERED, Label.TOR_EXIT, "list", shown)
        events = [event(address, day, reporter=r, reasons=(reason,)) for day in range(4) for r in "AB"]
        return (ranked(*events) if known else rank(events, now=NOW)).candidates[0]

    told = found(ONLY_IPV4)
    assert (told.state, Caution.LISTS_WITHOUT_IPV6 in told.cautions) == (State.CORROBORATED, True)
    barred = (found(""), found(ONLY_IPV4, known=False), found(ONLY_IPV4, address=HOME))
    for one in barred:
        assert Against.NOT_CHECKED in against(one)
        assert one.state is not State.CORROBORATED
        assert Caution.LISTS_WITHOUT_IPV6 not in one.cautions


def test_an_operator_nobody_knows_or_that_may_share_is_not_called_certain() -> None:
    events = [*at_home(4), *at_home(4, reporter="B")]
    (one,) = rank(events, now=NOW).candidates
    assert against(one) == {Against.HOLDER_NOT_KNOWN, Against.SHARING_NOT_KNOWN}
    assert one.state is State.TRACEABLE
    (one,) = rank(events, {HOME: AddressFacts("x")}, now=NOW).candidates
    assert against(one) == {Against.SHARING_NOT_KNOWN}
    (one,) = rank(events, {HOME: AddressFacts("x", shared=False)}, now=NOW).candidates
    assert one.state is State.CORROBORATED


def test_many_unrelated_accounts_at_one_home_make_it_doubtful() -> None:
    events = [*at_home(4), *at_home(4, reporter="B")]
    crowded = {HOME: AddressFacts("x", shared=False, unrelated_accounts=9)}
    (one,) = rank(events, crowded, now=NOW).candidates
    assert one.state is State.CORROBORATE
    assert one.contradicting[0].number == 9


def test_homes_that_rotate_within_an_hour_are_doubtful() -> None:
    events = [event(f"192.0.2.{n}", n / 100, asn=64500 + n) for n in range(4)]
    found = ranked(*events, *(event(HOME6, day, reporter=r) for day in range(3) for r in "AB"))
    assert found.candidates[0].target == "2001:db8:1:2::/64"
    assert all(one.state is State.CORROBORATE for one in found.candidates[1:])
    assert all(Against.ROTATES in against(one) for one in found.candidates[1:])


def test_two_fixed_lines_at_once_are_neither_corroborated() -> None:
    one = [event(HOME, day, reporter=r) for day in (0, 2, 4) for r in "AB"]
    between = event(OTHER, 3, asn=64500)
    home, other = ranked(*one, between).candidates
    assert (home.target, home.state) == (HOME, State.TRACEABLE)
    assert [con.events for con in home.contradicting] == [(between.event.key,)]
    assert against(other) == set()
    # A line that is left for another is a move.
    assert ranked(*one, event(OTHER, 5, asn=64500)).candidates[0].state is State.CORROBORATED


def test_leases_end_and_two_lines_at_once_are_still_two() -> None:
    # One network's addresses change every few days; a line of another network is used before, between and after.
    ours = [event(f"192.0.2.{n // 2}", n, reporter=r) for n in range(8) for r in "AB"]
    assert len(ranked(*ours).corroborated) == 4
    others = [event(OTHER, day + 0.02, asn=64500, reporter=r) for day in (1, 6) for r in "AB"]
    found = ranked(*ours, *others)
    assert not found.corroborated
    assert all(Against.ELSEWHERE_BETWEEN in against(one) for one in found.candidates)


def test_an_address_used_again_after_it_may_have_passed_on_is_another_candidate() -> None:
    found = ranked(*(event(HOME, day, reporter=r) for day in (0, 1, 40) for r in "AB"))
    assert [len(one.independent) for one in found.candidates] == [2, 1]
    assert all(Against.GAP in against(one) for one in found.candidates)
    assert found.candidates[0].state is State.CORROBORATED
    assert found.candidates[1].state is State.TRACEABLE


def test_midnight_is_no_second_day() -> None:
    (one,) = ranked(*(event(HOME, hours / 24, reporter=r) for hours in (3.9, 4.1) for r in "AB")).candidates
    assert len(one.independent) == 1


def test_a_shared_address_is_never_corroborated_before_the_answers() -> None:
    mobile = {MOBILE: AddressFacts("example-mobile", shared=True, holds=timedelta(days=60))}
    events = [event(MOBILE, day, MOB, port=40_000, reporter=r) for day in range(9) for r in "AB"]
    (one,) = rank(events, mobile, now=NOW).candidates
    assert (one.state, one.ports, one.grade) == (State.TRACEABLE, ((40_000, 40_000),), Grade.B)
    assert Caution.EACH_EVENT_ASKED in one.cautions


def test_an_organisation_is_not_a_subscriber() -> None:
    (one,) = ranked(*(event(HOME, day, Label.BUSINESS, reporter=r) for day in range(5) for r in "AB")).candidates
    assert (one.state, one.confidence) == (State.TRACEABLE, Confidence.WEAK)
    assert Against.ORGANISATION in against(one)


# Chosen.


def test_the_hardest_person_is_found_by_one_slip_on_a_shared_mobile_address() -> None:
    tunnel = [event(EXIT, day / 4, VPN) for day in range(80)]
    slip = event(MOBILE, 3.01, MOB, port=40_001, kind=EventKind.UPLOAD, offence=True)
    found = ranked(*tunnel, slip)
    (one,) = found.candidates
    assert found.nothing_leads is NothingLeads.SOMETHING_LEADS
    assert (one.target, one.ports, one.ask) == (MOBILE, ((40_001, 40_001),), (slip.event.key,))
    assert {For.SLIP, For.OFFENCE} <= pros(one)
    without = ranked(*tunnel, event(MOBILE, 3.01, MOB))
    assert without.nothing_leads is NothingLeads.ASK_FOR_PORTS
    assert without.candidates[0].state is State.ASK_FIRST


def test_where_an_account_was_opened_may_be_the_only_clean_event() -> None:
    opened = event(HOME, -30, kind=EventKind.REGISTRATION)
    (one,) = ranked(opened, *(event(EXIT, day, VPN, kind=EventKind.UPLOAD) for day in range(9))).candidates
    assert For.REGISTRATION in pros(one)
    assert one.ask == (opened.event.key,)


def test_a_native_ipv6_prefix_is_asked_without_a_port() -> None:
    addresses = [f"2001:db8:1:2:{n:x}:{n * 7:x}:1:{n:x}" for n in range(1, 7)]
    found = ranked(*(event(text, n, reporter="AB"[n % 2]) for n, text in enumerate(addresses)))
    (one,) = found.candidates
    assert one.target == "2001:db8:1:2::/64"
    assert {For.STEADY_PREFIX, For.NEEDS_NO_PORT, For.PLATFORMS, For.DAYS} <= pros(one)
    assert one.state is State.CORROBORATED
    assert Caution.COMPARED_IN in one.cautions
    # What the operator delegates decides where it is known.
    wide = rank(
        [event("2001:db8:1:2::1", 0), event("2001:db8:1:3::1", 1)],
        lambda *_: AddressFacts("x", prefix_length=56),
        now=NOW,
    )
    assert [one.target for one in wide.candidates] == ["2001:db8:1::/56"]


def test_the_same_device_and_its_hardware_address_link_networks() -> None:
    mac = "0200:5eff:fe00:5301"
    first, second = f"2001:db8:1:2:{mac}", f"2001:db8:7:8:{mac}"
    found = ranked(event(first, 0, device="id: 7"), event(second, 30, device="id: 7"))
    assert all({For.DEVICE, For.HARDWARE} <= pros(one) for one in found.candidates)
    assert {pro.shown for one in found.candidates for pro in one.supporting if pro.why is For.HARDWARE} == {
        "00:00:5e:00:53:01"
    }


def test_hours_and_turns_support_and_decide_nothing() -> None:
    # 20:00 UTC is past one at night in India; 6:00 UTC is half past eleven in the morning.
    home = [event(HOME, day) for day in range(8)]
    work = [event(OTHER, day - 14 / 24, Label.BUSINESS) for day in range(8) if day not in {5, 6}]
    found = {one.target: one for one in ranked(*home, *work).candidates}
    assert {For.OFF_WORK_HOURS, For.TAKES_TURNS} <= pros(found[HOME])
    assert For.WORK_HOURS in pros(found[OTHER])
    without = {one.target: one for one in rank([*home, *work], facts, now=NOW).candidates}
    assert {name: one.state for name, one in found.items()} == {name: one.state for name, one in without.items()}


def test_the_childs_network_is_said() -> None:
    (one,) = ranked(*at_home(3), childs=[event(HOME, 1).event]).candidates
    assert Against.CHILD_THERE in against(one)


def test_lost_records_are_untraceable_and_say_so() -> None:
    found = ranked(*at_home(3, retention=Retention(timedelta(days=10), "row 1")))
    assert found.nothing_leads is NothingLeads.TOO_OLD
    assert found.candidates[0].state is State.UNTRACEABLE


# Always.

_LABELS = st.sampled_from([Label.FIXED, MOB, VPN, Label.TOR_EXIT, Label.BUSINESS, Label.UNKNOWN, Label.HOSTING])
_EVENTS = st.lists(
    st.builds(
        lambda address, hours, label, port, reporter, proxy, zone: event(
            address, hours / 5, label, port=port, reporter=reporter, proxy=proxy, zone=zone
        ),
        st.sampled_from([HOME, OTHER, MOBILE, EXIT, HOME6, "2001:db8:1:3::1"]),
        st.integers(0, 200),
        _LABELS,
        st.sampled_from([None, 40_000, 40_001]),
        st.sampled_from("AB"),
        st.sampled_from(list(Stated)),
        st.sampled_from(["Z", "Z", "+05:30", ""]),
    ),
    max_size=14,
    unique_by=lambda one: one.event.key,
)


@settings(max_examples=60, deadline=None)
@given(_EVENTS, st.randoms(use_true_random=False))
def test_the_order_and_copies_of_events_change_nothing(events: list[Graded], random: Random) -> None:
    plain = ranked(*events)
    shuffled = list(events)
    random.shuffle(shuffled)
    assert ranked(*shuffled) == plain
    copies = [replace(one, event=replace(one.event, key=f"~{one.event.key}", tip="NL-2")) for one in events]
    again = ranked(*events, *copies)
    assert again.candidates == plain.candidates
    timed = sum(one.event.moment is not None for one in events)
    assert len(again.duplicates) - len(plain.duplicates) == timed


@settings(max_examples=60, deadline=None)
@given(
    _EVENTS, st.sampled_from([HOME, OTHER, MOBILE, HOME6]), st.integers(0, 200), st.sampled_from([VPN, Label.TOR_EXIT])
)
def test_an_anonymised_event_never_makes_its_address_a_candidate(
    events: list[Graded], address: str, hours: int, label: Label
) -> None:
    found = ranked(*events, event(address, hours / 5, label, key="exit"))
    target = "2001:db8:1:2::/64" if address == HOME6 else address
    assert target not in {one.target for one in found.candidates}
    exits = {key for one in found.apart for key in one.events}
    assert "exit" in exits or dict(found.duplicates).get("exit") in exits
    anonymous = {one.event.key for one in events if one.labelled.label.anonymises}
    assert not anonymous & {key for one in found.candidates for key in one.events}


@settings(max_examples=60, deadline=None)
@given(_EVENTS)
def test_what_is_called_corroborated_keeps_every_condition(events: list[Graded]) -> None:
    by_key = {one.event.key: one for one in events}
    found = ranked(*events)
    for one in found.corroborated:
        assert len(one.independent) > 1
        assert not one.alone
        assert all(by_key[key].event.utc is not None for key in one.independent)
        assert all(by_key[key].event.possible_proxy is not Stated.YES for key in one.events)
        assert one.label not in {MOB, Label.UNKNOWN, Label.BUSINESS}
    placed = [key for one in found.candidates for key in one.events] + [
        key for one in found.apart for key in one.events
    ]
    assert sorted(placed + [copy for copy, _main in found.duplicates]) == sorted(by_key)
    named = {key: one.event for key, one in by_key.items()}
    assert all(words(one, named, zone=IST).paragraph for one in found.candidates)


def test_the_directory_says_who_holds_and_shares_an_address() -> None:
    home, mobile = Span(None, None), Span(None, date(2026, 3, 4))
    fixed = Operator("fix", "Example Fixed", "IN", OperatorKind.FIXED, ((64496, home),), shares_addresses=Known.NO)
    shares = Operator(
        "mob", "Example Mobile", "IN", OperatorKind.MOBILE, ((64497, mobile),),
        shares_addresses=Known.YES, port_block=1000,
    )  # fmt: skip
    events = [
        *at_home(2),
        event(MOBILE, 0, MOB, port=40_500),
        event(MOBILE, 9, MOB, port=40_500),
        event(OTHER, 1, asn=7),
    ]
    known = facts_from(Directory("test", "1", (fixed, shares)), events, unrelated={HOME: 1, OTHER: 2})
    found = {one.target: one for one in rank(events, known, now=NOW).candidates if one.operator or one.target == OTHER}
    assert {name: one.operator for name, one in found.items()} == {HOME: "fix", MOBILE: "mob", OTHER: ""}
    assert found[MOBILE].ports == ((40_000, 40_999),)
    assert Against.SHARING_NOT_KNOWN not in against(found[HOME])
    assert {Against.HOLDER_NOT_KNOWN, Against.SHARING_NOT_KNOWN} <= against(found[OTHER])


def test_ten_thousand_events_are_ranked() -> None:
    random, nets = Random(7), {Label.FIXED: "192.0.2", MOB: "198.51.100", VPN: "203.0.113"}
    events = []
    for n in range(10_000):
        label = random.choice(list(nets))
        address = f"{nets[label]}.{random.randrange(250)}"
        events.append(event(address, n / 100, label, port=random.randrange(1024, 65_536), reporter="AB"[n % 2]))
    began = time.process_time()
    found = ranked(*events)
    assert len(found.candidates) > 100
    print(f"10,000 events ranked in {time.process_time() - began:.2f} s of CPU")  # noqa: T201 - no gate on a clock
    placed = sum(len(one.events) for one in found.candidates) + sum(len(one.events) for one in found.apart)
    assert placed + len(found.duplicates) == len(events)
