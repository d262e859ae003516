# SPDX-License-Identifier: Apache-2.0
"""The packs that come with Nightlight load, name a source for every fact, and agree with what was researched."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.conf import settings

from nightlight.trust.accounts.models import Role
from nightlight.trust.law import queries
from nightlight.trust.law.facts import AtOnce, Check, Pack, PackRefused, Record, Status, WithoutWarrant

REFERENCE = Path(__file__).parents[6] / "shared" / "reference" / "law"
# The reference's names for "until this happened" are our events with a period of no days.
UNTIL = {
    "until_final_order_and_appeals": ("P0D", "proceedings-ended"),
    "until_court_disposal_order": ("P0D", "court-disposal-order"),
    "as_case": ("P0D", "proceedings-ended"),
}


def reference(name: str) -> dict[str, Any]:
    if not (REFERENCE / name).exists():
        pytest.skip("the reference on law is not beside this repository")
    yaml = pytest.importorskip("yaml")
    return dict(yaml.safe_load((REFERENCE / name).read_text(encoding="utf-8")))


def test_a_country_without_a_pack_is_refused() -> None:
    for wrong in ("XX", "in", "", "../IN"):
        with pytest.raises(PackRefused, match="write one of IN, US"):
            queries.pack(wrong)


def test_the_setting_chooses_the_pack(monkeypatch: pytest.MonkeyPatch) -> None:
    for code in ("US", "IN"):
        monkeypatch.setattr(settings, "ENVIRONMENT", SimpleNamespace(law=code))
        assert queries.current_pack().id == code
        assert queries.current_pack() is queries.pack(code)  # read once


@pytest.mark.parametrize("code", queries.known_packs())
def test_every_fact_has_a_source_and_says_how_far_it_was_checked(code: str) -> None:
    pack = queries.pack(code)
    assert pack.status is Status.DRAFT
    assert len(pack.bases) > 15
    for place, basis in pack.bases:
        assert basis.source in pack.sources, place
        assert basis.check in Check, place
        assert len(basis.source.title) > 10, place
        # What is our own choice was not found anywhere, and must not look as if it had been.
        assert basis.source.id != "design" or basis.check is Check.UNCHECKED, place


@pytest.mark.parametrize("code", queries.known_packs())
def test_roles_are_those_of_the_accounts(code: str) -> None:
    assert queries.pack(code).unsealing.roles == {Role.INVESTIGATOR, Role.VICTIM_IDENTIFICATION}


@pytest.mark.parametrize("code", queries.known_packs())
def test_a_cleared_person_is_set_apart_at_once_and_no_investigation_keeps_the_data(code: str) -> None:
    found = queries.pack(code).class_of(Record.CLEARED_PERSON)
    assert found.at_once == {AtOnce.SET_APART, AtOnce.STOP_MATCHING}
    assert found.holds == {"court-order", "complaint"}


def retention_as_in_reference(pack: Pack) -> dict[str, tuple[str, str, str]]:
    return {one.id: (one.keep.text, one.counted_from.value, one.then.value) for one in pack.retention}


@pytest.mark.parametrize(("code", "name", "count"), [("IN", "india.yaml", 6), ("US", "usa.yaml", 2)])
def test_the_periods_are_those_of_the_reference(code: str, name: str, count: int) -> None:
    classes = reference(name)["retention_classes"]
    assert len(classes) == count
    ours = retention_as_in_reference(queries.pack(code))
    for theirs in classes:
        keep, event, then = ours[theirs["id"]]
        if theirs["keep"] == "board_order_or_7_years":
            found = queries.pack(code).retention_class(theirs["id"])
            assert (keep, event, found.sooner_on) == ("P7Y", "finding", "board-order")
        elif theirs["keep"] in UNTIL:
            assert (keep, event) == UNTIL[theirs["keep"]]
        else:
            assert keep == theirs["keep"]
        assert then == theirs.get("then", "review").replace("_", "-")
        # A class is never said to be better checked than the research says.
        assert queries.pack(code).retention_class(theirs["id"]).basis.check.value == theirs.get("check", "K")


def test_the_circuits_are_those_of_the_reference_and_the_fourth_which_decided_since() -> None:
    setting = reference("usa.yaml")["geography"]["circuit_setting"]
    assert setting["other"] == "default_to_warrant"
    rules = queries.pack("US").view_lock.rules
    locked = {court for rule in rules if rule.without_warrant is WithoutWarrant.LOCKED for court in rule.courts}
    matched = {
        court for rule in rules if rule.without_warrant is WithoutWarrant.IF_HASH_MATCHED for court in rule.courts
    }
    assert locked == {*setting["requires_warrant"]["circuits"], "ca4"}
    assert matched == set(setting["allows_hash_private_search"]["circuits"])
    assert next(rule for rule in rules if not rule.courts).without_warrant is WithoutWarrant.LOCKED


def test_the_statutes_that_forbid_naming_are_those_of_the_reference() -> None:
    rules = {rule["id"]: rule for rule in reference("india.yaml")["protections"]}
    named = {*rules["R-ID-1"]["basis"], *rules["R-ID-2"]["basis"]}
    ours = {statute.id for statute in queries.pack("IN").protected_identities.statutes}
    assert {name.replace(" ", "-").replace("(", "-").replace(")", "") for name in named} == ours
    assert reference("india.yaml")["pack"]["child_age_below"] == queries.pack("IN").protected_identities.child_age_below


def test_india_has_a_way_to_every_other_country_for_telling_and_for_evidence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "ENVIRONMENT", SimpleNamespace(law="IN"))
    assert queries.channel_for("IN") == ()
    for country in ("NO", "PK", "XK"):
        assert [one.id for one in queries.channel_for(country)] == ["interpol-ncb", "mutual-legal-assistance"]
    # A way of its own stands in place of the general one, and there is one for each purpose.
    to_us = queries.channel_for("US")
    assert [one.id for one in to_us] == ["interpol-ncb-us", "mutual-legal-assistance", "provider-preservation-us"]
    assert len({one.purpose for one in to_us}) == len(to_us)


def test_a_pack_that_says_nothing_of_other_countries_gives_no_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "ENVIRONMENT", SimpleNamespace(law="US"))
    assert queries.channel_for("IN") == ()


def test_each_state_of_the_united_states_has_one_circuit() -> None:
    areas = [area for court in queries.pack("US").view_lock.courts for area in court.areas]
    assert len(areas) == len(set(areas)) == 50 + 1 + 4  # states, the District, and four territories
