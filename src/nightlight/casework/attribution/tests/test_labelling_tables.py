# SPDX-License-Identifier: Apache-2.0
"""Labels by dated tables, profiles and addresses inside others: what of another day or form may decide."""

from __future__ import annotations

import pytest

from nightlight.casework.attribution.kinds import Label, Transition, Why
from nightlight.casework.attribution.label_words import said
from nightlight.casework.attribution.labelling import (
    Network,
    Profile,
    Table,
)
from nightlight.casework.attribution.lists import Said
from nightlight.casework.attribution.netdata.kinds import ListKind
from nightlight.casework.attribution.netdata.spans import Family
from nightlight.casework.attribution.tests.label_cast import (
    EVERYTHING,
    FIXED_,
    FIXED_IP,
    HOST,
    HOST_IP,
    HOSTS,
    MOBILE,
    MOBILE_IP,
    MOBILES,
    NETWORKS,
    VPN,
    at,
    judged,
    labeller,
    listed,
    reason,
    table,
    whys,
)


def test_a_table_of_another_day() -> None:
    later = labeller(table(ListKind.NETWORKS, 400, {"192.0.2.0/24": Network(HOST)}))
    found = judged(later, MOBILE_IP, 350)  # 50 days before the table: near enough
    assert found.asn == HOST
    found = judged(later, MOBILE_IP, 0)  # too far: shown, and decides nothing
    assert (found.asn, found.network) == (0, "")
    assert reason(found, Why.LISTED_LATER, Label.UNKNOWN).shown == f"AS{HOST}"
    found = judged(labeller(NETWORKS), MOBILE_IP, 400)  # the newest before it, a year old: said
    assert found.asn == MOBILE
    assert Why.NOT_COVERED in whys(found)
    both = labeller(NETWORKS, table(ListKind.NETWORKS, 100, {"192.0.2.0/24": Network(HOST)}))
    assert [judged(both, MOBILE_IP, days).asn for days in (-20, 0, 99.9, 100, 900)] == [
        MOBILE,
        MOBILE,
        MOBILE,
        HOST,
        HOST,
    ]


def test_who_hides_is_never_taken_from_a_later_table() -> None:
    signs = {"203.0.113.9/32": Said(frozenset({Label.VPN, Label.HOSTING}), "Example VPN")}
    by = labeller(table(ListKind.ANONYMOUS, 10, signs))
    assert judged(by, HOST_IP, 16).label is Label.VPN
    assert reason(judged(by, HOST_IP, 16), Why.LISTED, Label.VPN).shown == "Example VPN"
    found = judged(by, HOST_IP, 9)
    assert (found.label, whys(found, Label.VPN)) == (Label.UNKNOWN, {Why.LISTED_LATER})
    found = judged(by, HOST_IP, 18)
    assert (found.label, whys(found, Label.VPN)) == (Label.UNKNOWN, {Why.NOT_COVERED})


def test_tables_that_disagree_are_both_shown() -> None:
    other = table(ListKind.NETWORKS, 0, {"192.0.2.0/24": Network(HOST, "Example Racks")}, "other")
    found = judged(labeller(NETWORKS, other), MOBILE_IP)
    assert (found.asn, found.network, found.disagreement) == (0, "", True)
    assert {r.shown for r in found.reasons if r.why is Why.NETWORK and r.against} == {
        f"AS{HOST} Example Racks",
        f"AS{MOBILE} Example Mobile",
    }
    one, two = (table(ListKind.COUNTRIES, 0, {"192.0.2.0/24": code}, code) for code in ("XA", "XB"))
    assert judged(labeller(one), MOBILE_IP).country == "XA"
    found = judged(labeller(one, two), MOBILE_IP)
    assert (found.country, [r.shown for r in found.reasons if r.why is Why.COUNTRY]) == ("", ["XA", "XB"])


def test_a_profile_holds_in_its_time_and_the_smallest_prefix_speaks() -> None:
    by = labeller(
        NETWORKS,
        profiles=(
            Profile("directory", Label.FIXED, asn=FIXED_, until=at(10)),
            Profile("directory", Label.FIXED_SHARED, asn=FIXED_, since=at(10)),
            Profile("directory", Label.BUSINESS, prefix="198.51.100.128/25"),
            Profile("directory", Label.FIXED_SHARED, prefix="2001:db8:2:8000::/49"),
        ),
    )
    assert judged(by, FIXED_IP, 9.99).label is Label.FIXED
    assert judged(by, FIXED_IP, 10).label is Label.FIXED_SHARED
    found = judged(by, "198.51.100.200", 10)
    assert (found.label, found.disagreement) == (Label.BUSINESS, False)
    assert judged(by, "2001:db8:2:8000::1").label is Label.FIXED  # nobody shares an IPv6 address


def test_a_profile_of_a_service_that_hides_is_refused() -> None:
    for wrong in ({"asn": 1, "prefix": "192.0.2.0/24"}, {}):
        with pytest.raises(ValueError, match="AS number or of a prefix"):
            Profile("directory", Label.FIXED, **wrong)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="anonymises"):
        Profile("directory", Label.VPN, asn=1)


def test_addresses_that_carry_another_are_judged_by_it() -> None:
    by = labeller(*EVERYTHING)
    found = judged(by, "2002:cb00:7109::1", 8)  # 203.0.113.9
    assert (found.label, found.transition, found.inner) == (Label.VPN, Transition.SIX_TO_FOUR, HOST_IP)
    found = judged(by, "2001:0:4136:e378:8000:63bf:39cc:9bf6")  # 198.51.100.9 port 40000, each bit inverted
    assert (found.transition, found.inner, found.inner_port) == (Transition.TEREDO, FIXED_IP, 40000)
    assert found.asn == FIXED_
    found = judged(by, f"64:ff9b::{FIXED_IP}")
    assert (found.label, found.transition, found.asn) == (Label.UNKNOWN, Transition.NAT64, FIXED_)
    assert judged(by, "2002:0a00:0001::1").label is Label.RESERVED  # carries 10.0.0.1
    assert judged(by, "64:ff9b::10.0.0.1").label is Label.RESERVED


def disagreeing() -> tuple[Table, Table]:
    one = table(ListKind.NETWORKS, 0, {"192.0.2.0/24": Network(HOST, "Example Racks")}, "one")
    two = table(ListKind.NETWORKS, 0, {"192.0.2.0/24": Network(MOBILE, "Example Mobile")}, "two")
    return one, two


def test_the_order_of_imports_changes_no_label() -> None:
    one, two = disagreeing()
    for address in (MOBILE_IP, FIXED_IP, HOST_IP):
        found = judged(labeller(one, two, MOBILES, HOSTS, NETWORKS), address)
        assert judged(labeller(NETWORKS, two, one, MOBILES, HOSTS), address) == found
    found = judged(labeller(one, two, MOBILES, HOSTS), MOBILE_IP)
    # Who held it is open; that it may hide whoever used it is said by whichever table is right.
    assert (found.label, found.asn, found.disagreement) == (Label.HOSTING, 0, True)
    assert not [r for r in found.reasons if r.label is Label.MOBILE_SHARED]
    assert {r.against for r in found.reasons if r.why is Why.NETWORK and r.label is Label.UNKNOWN} == {True}


def test_a_table_that_is_silent_leaves_the_word_to_the_next() -> None:
    silent = table(ListKind.NETWORKS, 0, {"198.51.100.0/24": Network(FIXED_)}, "a")
    found = judged(labeller(silent, disagreeing()[1], MOBILES), MOBILE_IP)
    assert (found.label, found.asn, found.disagreement) == (Label.MOBILE_SHARED, MOBILE, False)


def test_a_near_table_comes_before_one_long_before_the_event() -> None:
    old = table(ListKind.NETWORKS, -900, {"192.0.2.0/24": Network(HOST, "Example Racks")}, "old")
    found = judged(labeller(old, disagreeing()[1]), MOBILE_IP)
    assert (found.asn, found.disagreement) == (MOBILE, True)
    assert judged(labeller(old), MOBILE_IP).asn == HOST


def test_one_range_that_a_table_gives_to_two_networks_is_nobodys() -> None:
    for order in ((MOBILE, HOST), (HOST, MOBILE)):
        rows = [(4, 0xC0000200, 0xC00002FF, Network(asn)) for asn in order]
        both = Table.of(ListKind.NETWORKS, "example networks", "1", at(0), rows)
        found = judged(labeller(both, MOBILES, HOSTS), MOBILE_IP)
        assert (found.label, found.asn, found.network, found.disagreement) == (Label.UNKNOWN, 0, "", True)
        shown = [(r.shown, r.against) for r in found.reasons if r.why is Why.NETWORK]
        assert shown == [(f"AS{MOBILE}, AS{HOST}", True)]
    codes = [(4, 0xC0000200, 0xC00002FF, code) for code in ("XB", "XA")]
    found = judged(labeller(Table.of(ListKind.COUNTRIES, "example", "1", at(0), codes)), MOBILE_IP)
    assert (found.country, found.disagreement, reason(found, Why.COUNTRY, Label.UNKNOWN).shown) == ("", True, "XA, XB")
    signs = [(4, 0xC0000200, 0xC00002FF, Said(frozenset({label}), label)) for label in (Label.VPN, Label.PUBLIC_PROXY)]
    found = judged(labeller(Table.of(ListKind.ANONYMOUS, "example", "1", at(0), signs)), MOBILE_IP)
    assert whys(found, Label.VPN) == whys(found, Label.PUBLIC_PROXY) == {Why.LISTED}


def test_tables_of_countries_that_differ_disagree() -> None:
    one, two = (table(ListKind.COUNTRIES, 0, {"192.0.2.0/24": code}, code) for code in ("XA", "XB"))
    found = judged(labeller(one, two), MOBILE_IP)
    assert found.disagreement
    assert {r.against for r in found.reasons if r.why is Why.COUNTRY} == {True}
    assert not judged(labeller(one, one), MOBILE_IP).disagreement


def test_how_an_address_is_used_is_never_taken_from_a_later_table() -> None:
    users = table(ListKind.USER_COUNT, 20, {"198.51.100.0/24": 500})
    kinds = table(ListKind.CONNECTION_TYPE, 20, {"198.51.100.0/24": Said(frozenset({Label.MOBILE_SHARED}), "Cellular")})
    by = labeller(users, kinds)
    found = judged(by, FIXED_IP, 19)
    assert found.label is Label.UNKNOWN
    assert whys(found, Label.FIXED_SHARED) == whys(found, Label.MOBILE_SHARED) == {Why.LISTED_LATER}
    assert all("after the event" in said(r) for r in found.reasons if r.why is Why.LISTED_LATER)
    assert judged(by, FIXED_IP, 20).label is Label.MOBILE_SHARED


def test_what_a_later_day_says_is_said_as_of_a_later_day() -> None:
    countries = table(ListKind.COUNTRIES, 20, {"198.51.100.0/24": "XA"})
    networks = table(ListKind.NETWORKS, 20, {"198.51.100.0/24": Network(HOST)})
    hosts = listed(ListKind.HOSTING_AS, {20: [f"AS{HOST}"]}, [Family.NUMBERS])
    by = labeller(countries, networks, hosts)
    for days, later in ((10, True), (20, False)):
        found = judged(by, FIXED_IP, days)
        told = [r for r in found.reasons if r.why in {Why.NETWORK, Why.COUNTRY}]
        assert (len(told), {r.later_day for r in told}) == (3, {later})
        assert all(("of a later day" in said(r)) is later for r in told)


def test_a_list_that_covers_the_time_and_lacks_the_address_says_so() -> None:
    other = listed(ListKind.VPN, {0: ["198.51.100.0/24"], 7: ["198.51.100.0/24"]})
    found = judged(labeller(VPN, other), HOST_IP)
    assert found.label is Label.VPN
    assert whys(found, Label.VPN) == {Why.LISTED, Why.NOT_LISTED}
    assert "rules nothing out" in said(reason(found, Why.NOT_LISTED, Label.VPN))
    assert Why.NOT_LISTED not in whys(judged(labeller(VPN, other), HOST_IP, 500))


def test_the_smallest_prefix_of_all_that_hold_at_the_time_speaks() -> None:
    wide = Profile("directory", Label.MOBILE_SHARED, prefix="198.51.0.0/16")
    near = Profile("directory", Label.FIXED, prefix="198.51.100.0/24", since=at(0), until=at(10))
    for profiles in ((wide, near), (near, wide)):
        by = labeller(profiles=profiles)
        for days, label in ((-1, Label.MOBILE_SHARED), (3, Label.FIXED), (10, Label.MOBILE_SHARED)):
            found = judged(by, FIXED_IP, days)
            assert (found.label, found.disagreement) == (label, False)
            assert len([r for r in found.reasons if r.why is Why.OPERATOR]) == 1
    upper, lower = (Profile("d", Label.EDUCATION, prefix=p) for p in ("2001:DB8::/40", "2001:db8::/40"))
    assert len([r for r in judged(labeller(profiles=(upper, lower)), "2001:db8::1").reasons if r.source == "d"]) == 2


def test_lists_are_asked_for_both_forms_of_an_address_that_carries_another() -> None:
    outer = "2002:c633:6409::1"  # carries 198.51.100.9
    tor = listed(ListKind.TOR_EXIT, {0: [outer], 7: [outer]})
    found = judged(labeller(tor), outer)
    assert (found.label, found.inner, whys(found, Label.TOR_EXIT)) == (Label.TOR_EXIT, FIXED_IP, {Why.LISTED})
    assert whys(judged(labeller(tor), FIXED_IP), Label.TOR_EXIT) == {Why.NOT_LISTED}
    signs = table(ListKind.ANONYMOUS, 0, {"2002:c633:6409::/48": Said(frozenset({Label.VPN}), "Example")})
    assert judged(labeller(signs), outer).label is Label.VPN
    assert judged(labeller(signs), FIXED_IP).label is Label.UNKNOWN


def test_what_carries_others_is_not_said_to_be_mobile_by_its_form() -> None:
    found = judged(
        labeller(NETWORKS, profiles=(Profile("directory", Label.FIXED, asn=FIXED_),)), f"64:ff9b::{FIXED_IP}"
    )
    assert (found.label, found.disagreement) == (Label.FIXED, False)
