# SPDX-License-Identifier: Apache-2.0
"""Who may ask for records of others, by which power, and how long they are kept: by the day, and never by a guess."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.conf import settings

from nightlight.trust.law import queries, reading, rules
from nightlight.trust.law.records import Asked, Duty, Holder, Kept, KeptFrom, RecordsLaw

REFERENCE = Path(__file__).parents[6] / "shared" / "reference" / "law"
INDIA, USA = queries.pack("IN").records, queries.pack("US").records
CUT = date(2024, 7, 1)


def powers(asked: Asked, country: str, holder: Holder, at: date, began: date) -> list[str]:
    return [one.id for one in INDIA.powers_for(asked, country=country, holder=holder, at=at, began=began).found]


def test_where_the_beginning_is_not_known_no_power_that_depends_on_it_is_taken() -> None:
    found = INDIA.powers_for(Asked.SUBSCRIBER, country="IN", holder=Holder.MOBILE, at=date(2026, 11, 1))
    assert [one.id for one in found.found] == ["it-rules-3-1-j"]
    assert [one.id for one in found.undecided] == ["bnss-94", "crpc-91"]
    assert INDIA.powers_for(Asked.LOGS, country="NO", holder=Holder.MOBILE, at=CUT, began=CUT).found == ()


def test_the_old_code_holds_for_an_investigation_begun_before_the_new_one() -> None:
    at = date(2026, 11, 1)
    for began, section in ((CUT - timedelta(days=1), "crpc-91"), (CUT, "bnss-94")):
        assert powers(Asked.SUBSCRIBER, "IN", Holder.FIXED, at, began)[0] == section
        found = powers(Asked.LOGS, "US", Holder.PLATFORM, at, began)
        assert len(found) == 1, "one power by the provider's policy"
    assert "bnss-94" not in powers(Asked.LOGS, "IN", Holder.FIXED, CUT - timedelta(days=1), CUT)


def test_preservation_is_asked_of_a_platform_by_its_own_power_and_holds_for_its_time() -> None:
    found = INDIA.powers_for(Asked.PRESERVATION, country="US", holder=Holder.PLATFORM, at=CUT, began=CUT).found
    assert [(one.id, one.binding, one.renewals) for one in found] == [("preservation-by-policy-us", False, 1)]
    assert found[0].holds is not None
    assert found[0].holds.text == "P90D"
    letter = USA.powers_for(Asked.PRESERVATION, country="US", holder=Holder.FIXED, at=CUT).found[0]
    assert (letter.section, letter.holds and letter.holds.text, letter.renewals) == ("18 USC 2703(f)", "P90D", 1)


@pytest.mark.parametrize(
    ("rank", "acts", "suffices"),
    [
        ("Sub-Inspector", {"ITA"}, False),
        ("psi", {"ITA"}, False),
        ("Inspector", {"ITA"}, True),
        (" DySP ", {"ITA", "POCSO"}, True),
        ("Sub-Inspector", {"POCSO"}, None),  # the law names a post
        ("Wizard", {"ITA"}, None),
        ("", {"ITA"}, None),
    ],
)
def test_a_rank_too_low_for_the_act_is_said_and_an_unknown_rank_is_not_guessed(
    rank: str, acts: set[str], suffices: bool | None
) -> None:
    power = next(one for one in INDIA.powers if one.id == "bnss-94")
    assert INDIA.rank_suffices(rank, power, frozenset(acts)) is suffices


@pytest.mark.parametrize(
    ("country", "holder", "kept", "day", "expected"),
    [
        ("IN", Holder.MOBILE, Kept.IPDR, date(2021, 12, 20), "in-ipdr-1y-mobile"),
        ("IN", Holder.MOBILE, Kept.IPDR, date(2021, 12, 21), "in-ipdr-2y-mobile"),
        ("IN", Holder.BOTH, Kept.IPDR, date(2026, 5, 1), "in-ipdr-2y-mobile"),
        ("IN", Holder.FIXED, Kept.IPDR, date(2022, 1, 26), "in-ipdr-1y-isp"),
        ("IN", Holder.FIXED, Kept.IPDR, date(2022, 1, 27), "in-ipdr-2y-isp"),
        ("IN", Holder.VPN, Kept.VPN_ASSIGNMENT, date(2022, 9, 24), None),
        ("IN", Holder.VPN, Kept.VPN_ASSIGNMENT, date(2022, 9, 25), "in-certin-assigned"),
        ("IN", Holder.MOBILE, Kept.LOGS, date(2022, 6, 28), "in-certin-logs"),
        ("US", Holder.FIXED, Kept.IPDR, date(2026, 5, 1), "us-no-duty"),
        ("US", Holder.PLATFORM, Kept.CONTENT, date(2024, 5, 6), "us-2258a-90d"),
        ("US", Holder.PLATFORM, Kept.CONTENT, date(2024, 5, 7), "us-2258a-1y"),
        ("DE", Holder.FIXED, Kept.IPDR, date(2026, 5, 1), "eu-varies"),
        ("GB", Holder.FIXED, Kept.IPDR, date(2026, 5, 1), None),  # not known, and never a guess
    ],
)
def test_the_rule_is_that_of_the_day_of_the_record(
    country: str, holder: Holder, kept: Kept, day: date, expected: str | None
) -> None:
    found = INDIA.retention_of(kept, country=country, holder=holder, event=day)
    assert (found and found.id) == expected
    assert found is None or (found.duty is Duty.KEEP) == (found.keep is not None)


def test_the_last_day_of_a_log_is_never_said_too_late() -> None:
    rule = INDIA.retention_of(Kept.IPDR, country="IN", holder=Holder.MOBILE, event=date(2024, 11, 1))
    assert rules.kept_until(rule, date(2024, 11, 1)) == date(2026, 11, 1)
    # Half past midnight in India is the day before in UTC, and might have been logged as such.
    assert rules.kept_until(rule, datetime(2024, 10, 31, 19, 0, tzinfo=UTC)) == date(2026, 10, 31)
    assert rules.kept_until(None, date(2024, 11, 1)) is None
    none = INDIA.retention_of(Kept.LOGS, country="US", holder=Holder.VPN, event=CUT)
    assert rules.kept_until(none, CUT) is None
    with pytest.raises(ValueError, match="zone"):
        rules.kept_until(rule, datetime(2024, 11, 1))  # noqa: DTZ001 - the refusal is the test


def test_the_queries_ask_the_pack_in_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "ENVIRONMENT", SimpleNamespace(law="US"))
    found = queries.powers_for(Asked.SUBSCRIBER, country="US", holder=Holder.FIXED, at=CUT)
    assert [one.id for one in found.found] == ["subpoena-2703c2"]
    rule = queries.retention_of(Kept.CONTENT, country="US", holder=Holder.PLATFORM, event=CUT)
    assert rule is not None
    assert rule.counted_from is KeptFrom.REPORTED


def test_a_pack_without_a_word_on_records_gives_no_power() -> None:
    text = (Path(reading.__file__).parent / "packs" / "us.toml").read_text(encoding="utf-8")
    text = text[: text.index("# ---------------------------------------------------------------- asking for records")]
    for name in ("usc_2703", "sca_note", "usc_2258a", "eff_us", "cjeu_2024"):
        text = "\n".join(line for line in text.splitlines() if not line.startswith(f"{name} = "))
    assert reading.load(text).records == RecordsLaw()


def test_the_periods_and_powers_are_those_of_the_reference() -> None:
    if not REFERENCE.exists():
        pytest.skip("the reference on law is not beside this repository")
    yaml = pytest.importorskip("yaml")
    india: dict[str, Any] = yaml.safe_load((REFERENCE / "india.yaml").read_text(encoding="utf-8"))
    usa: dict[str, Any] = yaml.safe_load((REFERENCE / "usa.yaml").read_text(encoding="utf-8"))
    clocks = {one["id"]: one for one in [*india["deadlines"], *usa["deadlines"]]}
    kept = {one.id: one for one in INDIA.retention}
    for clock, rule in (
        ("D-IPDR-2Y", "in-ipdr-2y-mobile"),
        ("D-IPDR-2Y", "in-ipdr-2y-isp"),
        ("D-CERTIN-LOGS", "in-certin-logs"),
        ("D-CERTIN-VPN", "in-certin-assigned"),
        ("D-ITR-KEEP-REMOVED", "in-removed"),
        ("D-ITR-KEEP-REG", "in-registration"),
        ("D-2258A", "us-2258a-1y"),
    ):
        keep = kept[rule].keep
        assert keep is not None
        assert (keep.text, kept[rule].basis.check.value) == (clocks[clock]["period"], clocks[clock]["check"]), clock
    by_id = {one.id: one for one in INDIA.powers}
    assert by_id["it-rules-3-1-j"].answer_hours == int(clocks["D-ITR-72H"]["period"].removeprefix("PT")[:-1])
    hold = next(one for one in USA.powers if one.id == "preservation-2703f")
    assert hold.holds is not None
    assert (hold.holds.text, clocks["D-2703F"]["renew"]) == (clocks["D-2703F"]["period"], "P90D")
    procedure = next(one for one in india["transitions"][0]["rules"] if one["id"] == "procedure")
    assert india["transitions"][0]["cutover"] == by_id["bnss-94"].begun_since == by_id["crpc-91"].begun_until
    assert (procedure["if_pending"], procedure["check"]) == ("CRPC", by_id["crpc-91"].basis.check.value)
