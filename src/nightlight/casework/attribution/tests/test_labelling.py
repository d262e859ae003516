# SPDX-License-Identifier: Apache-2.0
"""Labels as of the event: what may decide and what may not, with reasons that add up to the same as the batch."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from ipaddress import ip_address

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nightlight.casework.attribution.kinds import ONLY_IPV4, Event, Label, Reason, Why
from nightlight.casework.attribution.labelling import (
    NO_TIME,
    Labeller,
    Lists,
    Network,
    Profile,
    Sign,
)
from nightlight.casework.attribution.lists import Said
from nightlight.casework.attribution.netdata.kinds import ListKind
from nightlight.casework.attribution.netdata.reserved import NotDocumentation
from nightlight.casework.attribution.netdata.spans import Family
from nightlight.casework.attribution.signs import LABELS, agree, signs_of
from nightlight.casework.attribution.tests.label_cast import (
    EVERYTHING,
    FIXED_,
    FIXED_IP,
    HOST,
    HOST_IP,
    MOBILE_IP,
    NETWORKS,
    NOBODY,
    SCHOOL_IP,
    TOR,
    VPN_NUMBERS,
    at,
    judged,
    labeller,
    listed,
    reason,
    table,
    whys,
)
from nightlight.pipeline.tips.values import Stated, read_moment


def test_without_any_list_it_says_what_it_cannot_know() -> None:
    found = judged(labeller(), FIXED_IP)
    assert (found.label, found.asn, found.disagreement) == (Label.UNKNOWN, 0, False)
    assert whys(found) == {Why.NO_LIST}
    assert {Label.TOR_EXIT, Label.VPN, Label.RESIDENTIAL_PROXY, Label.UNKNOWN} <= {r.label for r in found.reasons}
    # What is reserved is known without any.
    for address in ("100.64.3.4", "10.0.0.1", "fe80::1", "64:ff9b:1::1"):
        found = judged(labeller(), address, None)
        assert found.label is Label.RESERVED
        assert Why.NO_LIST not in whys(found)
        assert reason(found, Why.REGISTRY, Label.RESERVED).source.startswith("RFC ")


def test_documentation_is_reserved_unless_an_exercise_says_otherwise() -> None:
    assert judged(labeller(*EVERYTHING, exercise=()), MOBILE_IP).label is Label.RESERVED
    assert judged(labeller(*EVERYTHING), MOBILE_IP).label is not Label.RESERVED
    with pytest.raises(NotDocumentation):
        Lists(exercise=("100.64.0.0/10",))


def test_a_list_is_read_as_of_the_event() -> None:
    by = labeller(TOR)
    address = "198.51.100.7"  # in the snapshots of day 0 and 7
    found = judged(by, address, 13.99)
    assert found.label is Label.TOR_EXIT
    assert reason(found, Why.LISTED, Label.TOR_EXIT) == Reason(
        Why.LISTED, Label.TOR_EXIT, "example tor-exit 7", address, at(0), at(14)
    )
    found = judged(by, address, 14)
    assert found.label is Label.UNKNOWN
    assert reason(found, Why.LISTED_BEFORE, Label.TOR_EXIT).until == at(14)


def test_listed_only_later_is_no_verdict_and_no_clearance() -> None:
    found = judged(labeller(TOR), SCHOOL_IP, 3)
    assert found.label is Label.UNKNOWN
    later = reason(found, Why.LISTED_LATER, Label.TOR_EXIT)
    assert (later.since, later.against) == (at(7), False)
    assert not found.disagreement


def test_a_time_that_no_snapshot_covers_is_said() -> None:
    for days in (-1, 30, 61):  # before the first, between two too far apart, after the last
        found = judged(labeller(TOR), "203.0.113.5", days)
        assert found.label is Label.UNKNOWN
        assert Why.NOT_COVERED in whys(found, Label.TOR_EXIT)
        assert Why.LISTED not in whys(found)


def test_a_list_that_names_no_ipv6_says_so_where_it_covers_the_time() -> None:
    four = listed(ListKind.TOR_EXIT, {day: ["203.0.113.5/32"] for day in (0, 7)}, [Family.IPV4])
    for days, shown in ((3, ONLY_IPV4), (-1, ""), (61, "")):
        found = judged(labeller(four), "2001:db8::5", days)
        assert reason(found, Why.NOT_COVERED, Label.TOR_EXIT).shown == shown


def test_an_event_without_an_instant_gets_no_label() -> None:
    found = judged(labeller(*EVERYTHING), HOST_IP, None)
    assert (found.label, found.asn, found.network) == (Label.UNKNOWN, 0, "")
    assert whys(found) == {Why.NO_TIME, Why.NO_LIST}
    assert {r.label for r in found.reasons if r.why is Why.NO_TIME} >= {Label.VPN, Label.UNKNOWN}


def test_the_type_of_a_network_never_says_vpn() -> None:
    found = judged(labeller(NETWORKS, VPN_NUMBERS), HOST_IP)
    assert found.label is Label.HOSTING
    assert (found.asn, found.network) == (HOST, "Example Racks")
    assert reason(found, Why.NETWORK, Label.HOSTING).source == "example vpn-as 7"


def test_possible_proxy_is_a_reason_and_no_label() -> None:
    found = judged(labeller(*EVERYTHING), NOBODY, proxy=Stated.YES)
    assert (found.label, found.disagreement) == (Label.UNKNOWN, False)
    assert Why.REPORTER_SAYS in whys(found)
    found = judged(labeller(*EVERYTHING), MOBILE_IP, proxy=Stated.YES)
    assert (found.label, found.disagreement) == (Label.MOBILE_SHARED, True)
    assert reason(found, Why.REPORTER_SAYS, Label.UNKNOWN).against
    found = judged(labeller(*EVERYTHING), HOST_IP, 8, proxy=Stated.NO)
    assert (found.label, found.disagreement) == (Label.VPN, True)
    assert Why.REPORTER_SAYS not in whys(judged(labeller(), MOBILE_IP))


def test_mobile_is_shared_over_ipv4_and_not_over_ipv6() -> None:
    by = labeller(*EVERYTHING)
    assert judged(by, MOBILE_IP).label is Label.MOBILE_SHARED
    found = judged(by, "2001:db8:1::5")
    assert found.label is Label.MOBILE_IPV6
    assert Why.NETWORK in whys(found, Label.MOBILE_IPV6)


def test_the_first_label_is_the_main_one_and_what_contradicts_is_flagged() -> None:
    by = labeller(*EVERYTHING)
    found = judged(by, MOBILE_IP, 8)  # a mobile network, and in the VPN list
    assert (found.label, found.disagreement) == (Label.VPN, True)
    assert reason(found, Why.NETWORK, Label.MOBILE_SHARED).against
    found = judged(by, HOST_IP, 8)  # hosting does not contradict
    assert (found.label, found.disagreement) == (Label.VPN, False)
    assert not reason(found, Why.NETWORK, Label.HOSTING).against
    found = judged(by, SCHOOL_IP, 8)
    assert (found.label, found.disagreement) == (Label.TOR_EXIT, True)
    assert found.reasons[0].why is Why.LISTED


def test_fixed_lines_are_shared_on_evidence_alone() -> None:
    operator = Profile("operator directory", Label.FIXED, asn=FIXED_)
    by = labeller(*EVERYTHING, profiles=(operator,))
    assert judged(labeller(*EVERYTHING), FIXED_IP).label is Label.UNKNOWN
    assert judged(by, FIXED_IP).label is Label.FIXED
    assert judged(by, FIXED_IP, accounts=7).label is Label.FIXED
    found = judged(by, FIXED_IP, accounts=8)
    assert (found.label, found.disagreement) == (Label.FIXED_SHARED, False)
    assert reason(found, Why.ACCOUNTS, Label.FIXED_SHARED).shown == "8"
    assert judged(by, "2001:db8:2::9", accounts=50).label is Label.FIXED
    for users, label in ((2, Label.FIXED), (400, Label.FIXED_SHARED)):
        counts = table(ListKind.USER_COUNT, 0, {"198.51.100.9/32": users, "2001:db8:2::/64": users})
        counted = labeller(*EVERYTHING, counts, profiles=(operator,))
        assert judged(counted, FIXED_IP).label is label
        assert judged(counted, "2001:db8:2::9").label is Label.FIXED


def test_what_is_no_address_is_named() -> None:
    for text, code in (("010.0.0.1", "leading-zero"), ("", "empty")):
        found = judged(labeller(*EVERYTHING), text)
        assert (found.label, [(r.why, r.shown) for r in found.reasons]) == (Label.UNKNOWN, [(Why.NOT_READ, code)])


def test_an_event_of_a_tip() -> None:
    moment = read_moment("2026-03-09T05:30:00+05:30", "x")
    event = Event("e1", HOST_IP, HOST_IP, 4, moment, "x", possible_proxy=Stated.NO)
    found = labeller(*EVERYTHING).label(event)
    assert (found.label, found.disagreement) == (Label.VPN, True)
    undated = Event("e2", "192[.]0[.]2[.]9", None, None, read_moment("2026-03-09 05:30:00", "x"), "x")
    assert whys(labeller(*EVERYTHING).label(undated)) >= {Why.NO_TIME}


def test_columns_of_other_lengths_and_times_without_a_zone_are_refused() -> None:
    by = labeller()
    with pytest.raises(ValueError, match="for each event"):
        by.many(["192.0.2.1"], [])
    with pytest.raises(ValueError, match="zone"):
        by.many(["192.0.2.1"], [datetime(2026, 3, 1)])  # noqa: DTZ001
    assert len(by.many([], [])) == 0


@cache
def full() -> Labeller:
    """With everything that can be loaded, twice where two publishers can disagree."""
    return labeller(
        *EVERYTHING,
        table(ListKind.NETWORKS, 130, {"192.0.2.0/25": Network(HOST, "Example Racks")}),
        table(ListKind.NETWORKS, 5, {"203.0.113.0/24": Network(HOST, "Example Racks")}, "other"),
        table(ListKind.COUNTRIES, 0, {"192.0.2.0/23": "XA", "2001:db8::/33": "XB"}),
        table(ListKind.ANONYMOUS, 4, {"203.0.113.64/26": Said(frozenset({Label.PUBLIC_PROXY})), "2001:db8:2::/64":
              Said(frozenset({Label.RESIDENTIAL_PROXY}), "Example")}),
        table(ListKind.CONNECTION_TYPE, 3, {"198.51.100.0/25": Said(frozenset({Label.MOBILE_SHARED}), "Cellular")}),
        table(ListKind.USER_COUNT, 3, {"198.51.100.0/26": 30, "192.0.2.0/28": 2, "2001:db8::/40": 99}),
        profiles=(
            Profile("directory", Label.FIXED, asn=FIXED_),
            Profile("directory", Label.SHARED_WIFI, prefix="203.0.113.192/27", since=at(2), until=at(9)),
            Profile("directory", Label.FIXED_SHARED, prefix="2001:db8:2::/60"),
        ),
    )  # fmt: skip


BASES = ["192.0.2.0", "198.51.100.0", "203.0.113.0", "2001:db8:1::", "2001:db8:2::", "2002:cb00:7100::",
         "64:ff9b::c633:6400", "2001:0:0:0:0:0:34ff:8eff", "10.0.0.0", "64:ff9b:1::"]  # fmt: skip
near = st.builds(lambda base, step: str(ip_address(base) + step), st.sampled_from(BASES), st.integers(0, 255))
exact = st.sampled_from([MOBILE_IP, FIXED_IP, HOST_IP, SCHOOL_IP, "198.51.100.7", "203.0.113.5", "2001:db8:2::7", "x"])
days = st.one_of(st.none(), st.integers(-4, 24), st.floats(-500, 500))
events = st.tuples(st.one_of(exact, near), days, st.sampled_from(Stated), st.integers(0, 12))


@settings(deadline=None, max_examples=60)
@given(st.lists(events, min_size=1, max_size=10))
def test_the_reasons_of_each_row_add_up_to_the_bits_of_the_batch(
    rows: list[tuple[str, float | None, Stated, int]],
) -> None:
    addresses, shifts, proxies, accounts = (list(column) for column in zip(*rows, strict=True))
    moments = [None if shift is None else at(shift) for shift in shifts]
    seconds = np.array([NO_TIME if moment is None else int(moment.timestamp()) for moment in moments], np.int64)
    batch = full().many(addresses, seconds, proxies=proxies, accounts=accounts)
    said = int(Sign.REPORTER_YES | Sign.REPORTER_NO | Sign.DISAGREEMENT)
    for row in range(len(rows)):
        found = batch.labelled(row)
        assert signs_of(found.reasons) == int(batch.bits[row]) & ~said
        now = {Why.REGISTRY, Why.LISTED, Why.NETWORK, Why.PREFIX, Why.OPERATOR, Why.ACCOUNTS, Why.TRANSITION}
        labels = [LABELS.index(r.label) for r in found.reasons if r.why in now]
        assert found.label is LABELS[min(labels, default=LABELS.index(Label.UNKNOWN))]
        assert full().many([addresses[row]], [moments[row]], proxies=[proxies[row]],
                           accounts=[accounts[row]]).labelled(0) == found  # fmt: skip
        if any(r.against for r in found.reasons):
            assert found.disagreement
        if found.label is not Label.UNKNOWN:
            assert found.reasons[0].label is found.label


def test_labels_agree_with_themselves_and_both_ways() -> None:
    for one in Label:
        assert agree(one, one)
        assert agree(one, Label.UNKNOWN)
        assert all(agree(one, other) == agree(other, one) for other in Label)
    assert not agree(Label.FIXED, Label.MOBILE_SHARED)
