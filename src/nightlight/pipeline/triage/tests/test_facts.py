# SPDX-License-Identifier: Apache-2.0
"""Facts are read from the right places, silence is no answer, and nothing of who somebody is can become one."""

from __future__ import annotations

import ast
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nightlight.pipeline.matching.rules import State
from nightlight.pipeline.tips.formats import cybertip_json
from nightlight.pipeline.tips.people import Address, EstimatedLocation, Party, Person, Role
from nightlight.pipeline.tips.reading import InternetDetail, LawEnforcement, Reading, ReporterStatement
from nightlight.pipeline.tips.tests.example_reports import CYBERTIP_JSON
from nightlight.pipeline.tips.values import NamedValue, Stated, Text, read_network_event
from nightlight.pipeline.triage import facts as module
from nightlight.pipeline.triage.facts import Answer, Evidence, Facts, Linked, facts
from nightlight.pipeline.triage.tests.readings import HOUR, NOW, camera, facts_of, full, told, with_file
from nightlight.pipeline.triage.vocabulary import FACTS, NEVER, Type, is_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def read(
    reading: Reading,
    states: Mapping[str, State] | None = None,
    linked: Linked | None = None,
    language: Mapping[str, Sequence[str]] | None = None,
    officer: Mapping[str, Answer] | None = None,
    *,
    received_at: datetime | None = None,
    unread: bool = False,
) -> Facts:
    """Return the facts at the hour of these tests."""
    return facts(
        reading,
        file_states=states,
        linked=linked,
        language=language,
        officer=officer or {},
        at=NOW,
        received_at=received_at,
        unread=unread,
    )


def test_a_time_without_its_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="zone"):
        facts(full(), file_states={}, linked=None, language={}, officer={}, at=NOW.replace(tzinfo=None))
    with pytest.raises(ValueError, match="zone"):
        read(full(), received_at=NOW.replace(tzinfo=None))


@pytest.mark.parametrize(
    ("officer", "reason"),
    [
        ({"escalated_by_reporter": Answer(False, "entry 1")}, "no fact that an officer answers"),
        ({"religion": Answer(True, "entry 1")}, "no fact that an officer answers"),
        ({"prior_record": Answer(1, "entry 1")}, "is not yes or no"),
        ({"preserved_until": Answer(datetime(2027, 1, 1), "entry 1")}, "is not hours"),  # noqa: DTZ001
        ({"live_streaming": Answer(None, "entry 1")}, "is not yes or no"),
    ],
)
def test_an_answer_that_no_officer_may_give_is_refused(officer: dict[str, Answer], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        read(full(), officer=officer)


def test_a_finding_that_no_fact_answers_to_is_refused() -> None:
    with pytest.raises(ValueError, match="'anger'"):
        read(full(), language={"anger": ("report",)})


def test_a_value_of_another_type_is_refused() -> None:
    for name, value in (("files", None), ("files", -1), ("files", True), ("prior_record", "yes"), ("nobody", True)):
        with pytest.raises(ValueError, match="may not be"):
            read(full()).with_value(name, value)  # type: ignore[arg-type]


def test_every_fact_has_a_value_of_its_type_and_only_open_ones_are_unknown() -> None:
    for found in (*map(facts_of, told()), read(full()), read(cybertip_json.read(CYBERTIP_JSON))):
        assert found.values.keys() == FACTS.keys()
        for name, value in found.values.items():
            assert is_of(FACTS[name], value), f"{name} is {value!r}"
            assert len(found.evidence.get(name, ())) <= module.PLACES


def test_the_report_that_fills_every_field() -> None:
    found = read(full(), {"b0c1": State.NEW}, Linked(tips=3, providers=2, places=("tip 7",)), {"meeting": ("chat",)})
    said = {name: value for name, value in found.values.items() if value not in (None, False, 0)}
    assert said == {
        "escalated_by_reporter": True,
        "meeting_arranged": True,
        "incident_kind": ("enticement",),
        "enticement": True,
        "sextortion": True,
        "minor_to_minor": True,
        "child_in_report": True,
        "reported_people": 1,
        "recipients": 1,
        "prior_reports": 1,
        "files": 1,
        "media_present": True,
        "files_new": 1,
        "new_file_self_taken": True,
        "severe_unmatched": (),
        "viral_share_only": True,
        "generative_ai": True,
        "viewed_by_esp": True,
        "linked_tips": 3,
        "linked_providers": 2,
        "has_address": True,
        "has_port": True,
        "has_seconds": True,
        "zone_stated": True,
        "newest_event": datetime(2026, 1, 5, 4, 40, tzinfo=UTC),
        "newest_event_with_port": datetime(2026, 1, 5, 4, 40, tzinfo=UTC),
        "phones": 1,
        "phone_verified": True,
        "emails": 1,
        "accounts": 2,
        "devices": 2,
        "place_stated": True,
        "account_disabled": True,
        "account_disabled_at": datetime(2026, 1, 5, 5, tzinfo=UTC),
    }
    assert found.evidence["meeting_arranged"] == (Evidence("chat", "words:meeting"),)
    assert found.evidence["new_file_self_taken"] == (Evidence(full().files[0].source, "camera"),)
    assert found.evidence["linked_tips"] == (Evidence("tip 7", "linked"),)
    places = set(_sources(full())) | {"chat", "tip 7"}
    assert {one.place for kept in found.evidence.values() for one in kept} <= places


def _sources(value: object) -> list[str]:
    """Return every place that a reading names."""
    if isinstance(value, tuple):
        return [source for one in value for source in _sources(one)]
    if is_dataclass(value):
        own = [str(value.source)] if hasattr(value, "source") else []
        return own + [source for one in fields(value) for source in _sources(getattr(value, one.name))]
    return []


# --- who somebody is -------------------------------------------------------------------------------------------------

HIDDEN = {
    Person: {"first_name", "middle_name", "last_name", "addresses", "traits"},
    Party: {"display_names", "screen_names", "bio", "school", "vehicle", "platform", "pseudonym"},
    Address: {"street", "city", "postal_code", "state", "state_outside_usa", "country", "kind"},
    EstimatedLocation: {"city", "region", "country_code", "verified", "at"},
    InternetDetail: {"addresses", "latitude", "longitude", "contents", "named", "statements"},
    LawEnforcement: {"agency", "country", "officer"},
    ReporterStatement: {"esp_name", "reporting_person", "contact_person", "company_template"},
}
"""The fields that say who somebody is, which language they write, or where they are."""

ALLOWED_PRESENCE = "estimated_location"


def test_the_vocabulary_holds_no_trait_of_a_person() -> None:
    for name, fact in FACTS.items():
        words = set(name.split("_"))
        assert not words & (NEVER - {"place"}), name
        # That a place is stated is in it; how urgent a tip is cannot rest on it.
        assert "place" not in words or (name == "place_stated" and not fact.harm and fact.type is Type.FLAG)


def test_the_module_touches_no_field_that_says_who_somebody_is() -> None:
    """What the code never names it cannot read: its syntax tree holds none of these attributes."""
    tree = ast.parse(Path(module.__file__).read_text(encoding="utf-8"))
    hidden = {name for names in HIDDEN.values() for name in names} | {"names", "as_sent", "extension", "tags", "value"}
    # Fields of other parts of a reading that have the same name; checked by hand.
    others = {"at", "kind", "officer", "value", "verified"}
    used = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    assert not used & (hidden - others)
    assert not used & {"law_enforcement", "reporter", "statements"}
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
        # Nor by a name put together while running.
        assert call.func.id not in {"getattr", "vars", "fields", "asdict", "eval"}  # type: ignore[attr-defined]
    presence = [node for node in ast.walk(tree) if isinstance(node, ast.Attribute) and node.attr == ALLOWED_PRESENCE]
    compared = [
        node.left
        for node in ast.walk(tree)
        if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.IsNot)
        and isinstance(node.comparators[0], ast.Constant) and node.comparators[0].value is None
    ]  # fmt: skip
    assert presence
    assert all(node in compared for node in presence)


def disguised(value: Any, words: str) -> Any:  # noqa: ANN401 - whatever a field holds
    """Return the reading with every hidden field holding other words, emptied where `words` is empty."""
    if isinstance(value, tuple):
        return tuple(disguised(one, words) for one in value)
    if not is_dataclass(value) or isinstance(value, type):
        return value
    hidden = HIDDEN.get(type(value), set())
    changed = {
        one.name: _other(one.name, words) if one.name in hidden else disguised(getattr(value, one.name), words)
        for one in fields(value)
    }
    return replace(value, **changed)


def _other(name: str, words: str) -> object:
    text, pair = Text(words, "elsewhere"), NamedValue("religion", words, "elsewhere")
    address = Address("elsewhere", (words,), words, words, words, words, words, words)
    person = Person("elsewhere", first_name=words)
    many: dict[str, tuple[object, ...]] = {
        **dict.fromkeys(("screen_names", "display_names", "contents", "statements"), (text, text)),
        **dict.fromkeys(("traits", "named"), (pair, pair)),
        "addresses": (address, address),
        "street": (words,),
    }
    if name in many:
        return many[name] if words else ()
    if name in {"verified", "at"}:
        return Stated.UNREADABLE if name == "verified" else None
    if name in {"officer", "reporting_person", "contact_person"}:
        return person if words else None
    return words if words or name == "pseudonym" else None


@settings(max_examples=15, deadline=None)
@given(words=st.text(max_size=20), number=st.integers(0, 149))
def test_facts_stay_the_same_whoever_and_wherever_people_are(words: str, number: int) -> None:
    one = told()[number % len(told())]
    other = replace(one, reading=disguised(one.reading, words))
    assert facts_of(other) == facts_of(one)
    assert read(disguised(full(), words), {}, Linked(), {}) == read(full(), {}, Linked(), {})


def test_the_disguise_changes_what_is_hidden() -> None:
    """Without this the test above could compare a reading with itself."""
    other = disguised(full(), "Somebody Else")
    assert other != full()
    assert not set(full().parties[0].names) & set(other.parties[0].names)
    assert other.parties[0].estimated_location.city == "Somebody Else"
    assert other.parties[0].addresses[0].country == "Somebody Else"


# --- files -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "fields", "expected"),
    [
        (State.NEW, {"metadata": camera()}, True),
        (State.NEW, {"metadata": camera("Lens Model")}, True),
        (State.NEW, {"metadata": camera("Model", "")}, False),
        (State.NEW, {"metadata": camera("GPSLatitude", "9 deg")}, False),
        (State.NEW, {"annotations": ("possibleSelfProduction",)}, True),
        (State.NEW, {}, None),  # nobody stated any data of the camera
        (State.UNMEASURED, {"metadata": camera()}, True),
        (State.SEEN, {"metadata": camera()}, False),  # came before
        (State.NEAR, {"metadata": camera()}, False),
        (State.KNOWN, {"metadata": camera()}, False),
        (State.DISPUTED, {"annotations": ("possibleSelfProduction",)}, False),
        (State.WORKING, {"metadata": camera()}, None),
        (State.WORKING, {"metadata": camera("Software", "x")}, False),
        (None, {"metadata": camera()}, None),
    ],
)
def test_whether_a_new_file_looks_self_taken(
    state: State | None, fields: dict[str, Any], expected: bool | None
) -> None:
    found = read(with_file(**fields), None if state is None else {"f": state})
    assert found.values["new_file_self_taken"] is expected


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (State.NEW, ("infant", "bestiality")),
        (State.SEEN, ("infant", "bestiality")),
        (State.KNOWN, ()),
        (State.NEAR, ()),
        (State.WORKING, None),
    ],
)
def test_severe_annotations_count_only_on_files_of_no_list(state: State, expected: tuple[str, ...] | None) -> None:
    reading = with_file(annotations=("bestiality", "infant", "viral"))
    assert read(reading, {"f": state}).values["severe_unmatched"] == expected


def test_counts_of_files_stay_open_while_files_are_looked_up() -> None:
    one, other = with_file().files[0], replace(with_file().files[0], file_id="g", source="other")
    reading = replace(full(), files=(one, other))
    assert read(reading).values["files_new"] is None
    half = read(reading, {"f": State.NEW, "g": State.WORKING}).values
    assert (half["files_new"], half["files_known"]) == (1, None)
    whole = read(reading, {"f": State.NEW, "g": State.KNOWN}).values
    assert (whole["files_new"], whole["files_known"], whole["files_near"]) == (1, 1, 0)


def test_only_where_every_file_is_passed_around_is_the_tip_a_viral_share() -> None:
    viral, plain = with_file(annotations=("viral",)).files[0], replace(with_file().files[0], file_id="g", source="g")
    assert read(replace(full(), files=())).values["viral_share_only"] is False
    assert read(replace(full(), files=(viral,))).values["viral_share_only"] is True
    assert read(replace(full(), files=(viral, plain))).values["viral_share_only"] is False
    both = Linked(viral_files=frozenset({"g"}))
    assert read(replace(full(), files=(viral, plain)), linked=both).values["viral_share_only"] is True
    meme = with_file(potential_meme=Stated.YES)
    assert read(meme).values["potential_meme"] is True
    assert read(meme).values["viral_share_only"] is False


@pytest.mark.parametrize(("stated", "expected"), [("YES", True), ("NO", False), ("NOT_STATED", None)])
def test_whether_the_provider_viewed_is_never_guessed(stated: str, expected: bool | None) -> None:
    assert read(with_file(viewed_by_esp=Stated[stated])).values["viewed_by_esp"] is expected


# --- people, network, words, officers -------------------------------------------------------------------------------


def test_a_recipient_of_unknown_age_may_be_a_child() -> None:
    reported, recipient = (full().parties_as(role)[0] for role in (Role.REPORTED, Role.RECIPIENT))
    assert read(replace(full(), parties=(reported,))).values["child_in_report"] is False
    assert read(replace(full(), parties=(reported, recipient))).values["child_in_report"] is None
    assert read(full()).values["child_in_report"] is True


def test_the_child_is_not_the_one_to_be_traced() -> None:
    """Contacts of victims and recipients never count as the reported person's."""
    others = tuple(party for party in full().parties if party.role not in {"reported", "associated"})
    event = read_network_event("192.0.2.77", "child/event", port="4000")
    child = replace(others[-1], network_events=(event,), persons=full().parties[0].persons)
    found = read(replace(full(), parties=(child,), webs=(), files=())).values
    assert [found[name] for name in ("phones", "emails", "accounts", "has_address")] == [0, 0, 0, False]
    assert found["child_contact"] is True


@pytest.mark.parametrize(
    ("address", "outside"),
    [("10.1.2.3", False), ("100.64.9.1", False), ("fe80::1", False), ("192.0.2.9", True), ("2001:db8::9", True)],
)
def test_addresses_inside_a_network_lead_nowhere(address: str, outside: bool) -> None:
    party = replace(full().parties[0], network_events=(read_network_event(address, "event"),))
    found = read(replace(full(), parties=(party,), webs=(), files=())).values
    assert found["has_address"] is outside
    assert found["has_port"] is (address == "2001:db8::9")
    assert found["newest_event"] is None


def test_an_event_in_the_future_is_a_mistaken_clock() -> None:
    event = full().parties[0].network_events[0]
    assert event.moment is not None
    late = replace(event, moment=replace(event.moment, utc=NOW + timedelta(days=30)))
    party = replace(full().parties[0], network_events=(late, event))
    found = read(replace(full(), parties=(party,), webs=(), files=()))
    assert found.values["newest_event"] == event.moment.utc


def test_silent_words_answer_only_where_they_could_be_read() -> None:
    names = ("self_harm_stated", "meeting_arranged", "abuse_in_progress")
    assert [read(full()).values[name] for name in names] == [None, None, None]
    assert [read(full(), language={"meeting": ("chat",)}).values[name] for name in names] == [False, True, False]
    unread = read(full(), language={"meeting": ("chat",)}, unread=True)
    assert [unread.values[name] for name in names] == [None, True, None]


def test_what_was_found_in_the_words_counts_where_the_fields_have_less() -> None:
    assert read(full()).values["payments"] is None
    found = read(full(), linked=Linked(found={"payment": 1, "phone": 3, "email": 0})).values
    assert (found["payments"], found["phones"], found["emails"]) == (1, 3, 1)


def test_an_officer_s_answer_stands_and_what_was_read_stays_beside_it() -> None:
    found = read(full(), language={"meeting": ("chat",)}, officer={"meeting_arranged": Answer(False, "entry 9")})
    assert found.values["meeting_arranged"] is False
    assert found.evidence["meeting_arranged"] == (Evidence("entry 9", "officer"), Evidence("chat", "words:meeting"))
    assert read(full(), officer={"prior_record": Answer(True, "e")}).values["prior_record"] is True
    assert read(full(), received_at=NOW - HOUR).values["report_received"] == NOW - HOUR
