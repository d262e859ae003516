# SPDX-License-Identifier: Apache-2.0
"""A law pack with one wrong line is refused, and the refusal says where."""

from __future__ import annotations

import re
import tomllib
from importlib import resources

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightlight.trust.law.facts import PackRefused, Period
from nightlight.trust.law.reading import load, period

INDIA, USA = (
    (resources.files("nightlight.trust.law") / "packs" / name).read_text(encoding="utf-8")
    for name in ("in.toml", "us.toml")
)


def changed(text: str, old: str, new: str) -> str:
    assert old in text, old
    return text.replace(old, new, 1)


@pytest.mark.parametrize(
    ("text", "old", "new", "place", "words"),
    [
        (INDIA, "schema = 1", "schema = 2", "schema", "the only one"),
        (INDIA, "schema = 1", 'schema = "1"', "schema", "whole number"),
        (INDIA, 'id = "IN"', 'id = "India"', "id", "ISO 3166-1"),
        (INDIA, 'title = "India"', "", "title", "is missing"),
        (INDIA, 'title = "India"', 'title = " "', "title", "empty"),
        (INDIA, 'title = "India"', 'title = "India"\nscope = "all"', "scope", "not a key"),
        (INDIA, 'status = "draft"', 'status = "final"', "status", "draft, approved"),
        (INDIA, 'status = "draft"', 'status = "approved"', "reviewed_by", "named lawyer"),
        (INDIA, 'status = "draft"', 'status = "draft"\nreviewed_by = "A. Lawyer"', "reviewed_by", "by nobody"),
        (
            INDIA,
            'status = "draft"',
            'status = "approved"\nreviewed_by = "A. Lawyer"',
            "view_lock.rule.in-no-such-rule",
            "checked 'K'",
        ),
        (INDIA, "as_of = 2026-11-22", 'as_of = "2026-11-22"', "as_of", "a date"),
        (INDIA, "as_of = 2026-11-22", "as_of = 2026-11-22T00:00:00Z", "as_of", "a date"),
        (INDIA, "[sources]\n", '[sources]\nspare = { title = "Nobody names it" }\n', "sources.spare", "no fact names"),
        (INDIA, "[sources]\n", '[sources]\nspare = "x"\n', "sources.spare", "not a table"),
        (INDIA, 'source = "design"\n', "", "view_lock.rule[1].source", "is missing"),
        (INDIA, 'source = "design"\n', 'source = "hearsay"\n', "view_lock.rule[1].source", "not among the sources"),
        (INDIA, 'check = "K"\n', "", "view_lock.rule[1].check", "is missing"),
        (INDIA, 'check = "K"\n', 'check = "X"\n', "view_lock.rule[1].check", "not one of P, O, S, T, K, D"),
        (INDIA, 'without_warrant = "open"', 'without_warrant = "maybe"', "view_lock.rule[1].without_warrant", "maybe"),
        (
            INDIA,
            'without_warrant = "open"',
            'courts = ["hc"]\nwithout_warrant = "open"',
            "view_lock.rule[1].courts",
            "hc",
        ),
        (INDIA, 'sentence = "No', 'sentense = "No', "view_lock.rule[1].sentence", "is missing"),
        (INDIA, "child_age_below = 18", "child_age_below = 0", "protected_identities.child_age_below", "1 to 25"),
        (INDIA, "child_age_below = 18", "child_age_below = true", "protected_identities.child_age_below", "1 to 25"),
        (INDIA, '"name", "address"', '"name", "name"', "protected_identities.identifying", "twice"),
        (INDIA, '"witness", "accused", ', '"accused", ', "protected_identities.statute", "'witness'"),
        (INDIA, 'id = "BNS-72"', 'id = "POCSO-23"', "protected_identities.statute", "twice"),
        (INDIA, 'keep = "P3Y"', 'keep = "3 years"', "retention_class[1].keep", "P3Y or P90D"),
        (INDIA, 'keep = "P3Y"', 'keep = "P3YT1H"', "retention_class[1].keep", "P3Y or P90D"),
        (INDIA, 'keep = "P3Y"', 'keep = "P101Y"', "retention_class[1].keep", "longer than 100 years"),
        (INDIA, 'keep = "P3Y"', "keep = 3", "retention_class[1].keep", "not a text"),
        (INDIA, 'keep = "P3Y"', 'keep = "P3Y"\nkeeps = "P9Y"', "retention_class[1].keeps", "not a key"),
        (INDIA, 'records = ["tip"]', 'records = ["case"]', "retention_class.records", "'case' stands there twice"),
        (INDIA, 'records = ["tip"]', 'records = ["tips"]', "retention_class[1].records", "'tips' is not one of"),
        (USA, 'records = ["case", "media", ', 'records = ["case", ', "retention_class.records", "'media'"),
        (INDIA, 'id = "open_case"', 'id = "tip_no_case"', "retention_class[2].id", "twice"),
        (INDIA, 'follows = "open_case"', 'follows = "later"', "retention_class[7].follows", "further up"),
        (INDIA, 'follows = "open_case"', 'follows = "open_case"\nkeep = "P1Y"', "retention_class[7].keep", "not a key"),
        (
            USA,
            'keep = "P10Y"\ncounted_from = "entry-made"',
            'follows = "juvenile_record"',
            "retention_class[5].follows",
            "a time of its own",
        ),
        (INDIA, '"set-apart", "stop-matching"', '"set-apart"', "retention_class.cleared_person", "stop the matching"),
        (INDIA, '["court-order", "complaint"]', '["curiosity"]', "retention_class[5].holds", "curiosity"),
        (INDIA, "open_minutes = 30", "open_minutes = 241", "unsealing.open_minutes", "1 to 240"),
        (INDIA, 'id = "child-in-danger"', 'id = "child in danger"', "unsealing.reason[1].id", "identifier"),
        (INDIA, 'roles = ["investigator", "victim-identification"]', "roles = []", "unsealing.roles", "empty"),
        (INDIA, 'purpose = "police-information"', 'purpose = "gossip"', "channel[1].purpose", "'gossip' is not one of"),
        (INDIA, 'purpose = "evidence"', 'purpose = "police-information"', "channel.countries", "* police-information"),
        (INDIA, 'id = "interpol-ncb-us"', 'id = "interpol-ncb"', "channel", "twice"),
        (INDIA, 'countries = ["US"]', 'countries = ["USA"]', "channel[2].countries", "not another country"),
        (INDIA, 'countries = ["US"]', 'countries = ["IN"]', "channel[2].countries", "not another country"),
        (INDIA, 'countries = ["US"]', 'nations = ["US"]', "channel[2].nations", "not a key"),
        (INDIA, 'sentence = "Through the state', 'sense = "Through the state', "channel[1].sentence", "is missing"),
        (INDIA, '"Sub-Inspector / SI / PSI"', '"Sub-Inspector / PC"', "police.ranks", "'pc' stands there twice"),
        (INDIA, '"Sub-Inspector / SI / PSI"', '"Sub-Inspector / / PSI"', "police.ranks", "without a name"),
        (INDIA, 'rank = "Inspector"', 'rank = "Colonel"', "rank_floor[1].rank", "'Colonel' is not among the ranks"),
        (
            INDIA,
            'asks = ["subscriber", "logs", "preservation", "customer"]',
            "asks = []",
            "record_power[1].asks",
            "empty",
        ),
        (INDIA, "binding = true", 'binding = "yes"', "record_power[1].binding", "neither true nor false"),
        (
            INDIA,
            "binding = true\nfrom",
            'least_rank = "Earl"\nbinding = true\nfrom',
            "record_power[1].least_rank",
            "Earl",
        ),
        (
            INDIA,
            "from = 2024-07-01",
            "from = 2024-07-01\nuntil = 2024-06-30",
            "record_power[1].until",
            "after the first",
        ),
        (
            INDIA,
            "answer_hours = 72",
            'answer_hours = 72\nholds = "P1D"',
            "record_power[3].holds",
            "nothing is preserved",
        ),
        (INDIA, 'id = "crpc-91"', 'id = "bnss-94"', "record_power", "twice"),
        (INDIA, 'duty = "keep"\n', 'duty = "none"\n', "log_retention[1].counted_from", "not a key"),
        (INDIA, "until = 2021-12-21", "until = 2021-12-22", "log_retention.in-ipdr-2y-mobile", "on the same days"),
        (INDIA, "until = 2021-12-21\n", "", "log_retention.in-ipdr-2y-mobile", "on the same days"),
        (INDIA, 'keep = "P2Y"', 'keep = "2 years"', "log_retention[2].keep", "P3Y or P90D"),
        (INDIA, 'records = ["ipdr"]', 'records = ["gossip"]', "log_retention[1].records", "'gossip' is not one of"),
        (USA, '"LV", "MT"', '"LV", "Malta"', "log_retention[4].countries", "'Malta' is not a country"),
        (USA, 'courts = ["ca9"]', 'courts = ["ca2"]', "view_lock.rule.courts", "'ca2' stands there twice"),
        (USA, 'courts = ["ca9"]\n', "", "view_lock.rule", "exactly one rule"),
        (USA, '"US-ME"', '"US-CA"', "view_lock.court.areas", "'US-CA' stands there twice"),
        (USA, '"US-ME"', '"IN-MH"', "view_lock.court[1].areas", "not a subdivision of US"),
        (USA, 'id = "ca2"', 'id = "ca1"', "view_lock.court", "twice"),
    ],
)
def test_one_wrong_line_refuses_the_pack_and_is_named(text: str, old: str, new: str, place: str, words: str) -> None:
    with pytest.raises(PackRefused, match=re.escape(words)) as refusal:
        load(changed(text, old, new))
    assert refusal.value.place == place


def test_what_is_not_toml_is_refused() -> None:
    for text in ("", "id = ", "[[view_lock]]\n" + INDIA):
        with pytest.raises(PackRefused):
            load(text)


LINES = [number for number, line in enumerate(USA.splitlines()) if re.match(r"\w+ = ", line)]
OPTIONAL = ("note = ", "holds = ", "at_once = ", "url = ", "from = ", "until = ", "silence = ", "renewals = ")


@given(st.sampled_from(LINES))
def test_no_line_may_be_left_out_or_misspelt(number: int) -> None:
    """Every key of the file is needed, but for those that say they are not; and no key is passed over unread."""
    lines = USA.splitlines()
    key = lines[number]
    if not key.startswith(OPTIONAL):
        with pytest.raises(PackRefused):
            load("\n".join([*lines[:number], *lines[number + 1 :]]))
    with pytest.raises(PackRefused):
        load("\n".join([*lines[:number], "x" + key, *lines[number + 1 :]]))


@given(
    st.dictionaries(st.sampled_from(tuple(tomllib.loads(INDIA))), st.integers() | st.text() | st.booleans(), min_size=1)
)
def test_no_value_whatever_makes_the_reader_fail_otherwise(values: dict[str, object]) -> None:
    lines = [f"{key} = {_toml(value)}" for key, value in values.items()]
    with pytest.raises(PackRefused):
        load("\n".join(lines))


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int) else '"text"'


@pytest.mark.parametrize(
    "wrong", ["", "P", "3Y", "PT1H", "P1H", "P-1Y", "P1.5Y", "p1y", "P1D1Y", "P1Y ", "P\u0661Y", "P99999D"]
)
def test_a_wrong_period_is_refused(wrong: str) -> None:
    with pytest.raises(PackRefused):
        period(wrong)


def test_periods_are_read_as_iso_8601_writes_them() -> None:
    assert period("P1Y2M3W4D") == Period(1, 2, 25, "P1Y2M3W4D")
    assert period("P0D") == Period(0, 0, 0, "P0D")
