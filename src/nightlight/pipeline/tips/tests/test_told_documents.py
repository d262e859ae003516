# SPDX-License-Identifier: Apache-2.0
"""The kept document of what was told: refused where it is none, the same bytes for the same words, and understood."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightlight.pipeline.tips import telling_codes
from nightlight.pipeline.tips.formats import hotline
from nightlight.pipeline.tips.formats.hotline import Added, Told
from nightlight.pipeline.tips.people import Role
from nightlight.pipeline.tips.reading import IncidentType, to_json
from nightlight.pipeline.tips.withholding import withhold

WORDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=60)
TOLD = Told(
    hotline.HOTLINE,
    "A stranger keeps writing to Meera on Example Chat.",
    platform="Example Chat",
    addresses="chat.example.org/r\n  @fern_kite \n\n+91 20 5550 0100\nfern@example.org\nhe has another account there",
    danger="yes",
    state="IN-KL",
    place="Example Nagar",
    when="2026-11-19",
    child_name="Meera",
    child_age="13",
    child_account="meera13",
)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff",
        b"[]",
        b'{"format":"nightlight-told","version":1}',
        b'{"format":"nightlight-told","version":2,"channel":"hotline","what":"x"}',
        b'{"format":"nightlight-told","version":1,"channel":"hotline","what":1}',
        b'{"format":"nightlight-told","version":1,"channel":"hotline","what":"x","file":"x"}',
    ],
)
def test_what_is_no_such_document_is_refused(body: bytes) -> None:
    with pytest.raises(hotline.Unreadable):
        hotline.read(body)


@given(st.fixed_dictionaries(dict.fromkeys(Told.__dataclass_fields__, WORDS)))
def test_every_word_is_kept_and_the_same_words_are_the_same_bytes(fields: dict[str, str]) -> None:
    told = Told(**fields)
    body = hotline.write(told)
    assert hotline.told_of(body) == told
    assert hotline.write(hotline.told_of(body)) == body
    reading = hotline.read(body)
    if not told.reachable:
        assert reading.statements[0].value == told.what
        lines = {" ".join(line.split()) for line in told.addresses.splitlines()} - {""}
        kept = json.dumps(to_json(reading), ensure_ascii=False)
        assert all(json.dumps(line, ensure_ascii=False)[1:-1] in kept for line in lines)


def test_what_was_told_is_understood() -> None:
    reading = hotline.read(hotline.write(TOLD))
    assert reading.incident.type is IncidentType.UNSTATED
    assert reading.incident.escalation is not None
    assert "keeps writing" in reading.incident.escalation
    names = [(party.role, party.names or party.emails or party.phones) for party in reading.parties]
    assert [role for role, _names in names] == [Role.REPORTED] * 3 + [Role.VICTIM]
    assert reading.parties[0].names == ("@fern_kite",)
    assert [phone.value for phone in reading.parties[1].phones] == ["+91 20 5550 0100"]
    assert [mail.value for mail in reading.parties[2].emails] == ["fern@example.org"]
    child = reading.parties[3]
    assert (child.pseudonym, child.protected, child.names) == ("Child 1", True, ("Meera", "meera13"))
    page, place = reading.webs
    assert [link.url for link in page.links] == ["chat.example.org/r"]
    assert (place.addresses[0].city, place.addresses[0].state_outside_usa) == ("Example Nagar", "Kerala")
    assert [text.value for text in reading.statements][1:] == ["he has another account there"]
    assert reading.incident.at is not None


@pytest.mark.parametrize(
    ("contact", "written"),
    [
        ("98765 43210", "call 9876543210 please"),
        ("+91 98765-43210", "call 98765 43210 please"),
        ("teller@example.org, evenings", "call Teller@example.org please"),
    ],
)
def test_how_to_reach_the_teller_is_in_no_reading(contact: str, written: str) -> None:
    told = replace(TOLD, what=written, contact=contact, caller="Asha Invented", call_back="yes")
    reading = hotline.read(hotline.write(told), [("1", hotline.write(Added(f"It is Asha Invented: {written}")))])
    said = str(to_json(reading))
    assert "call [contact of the person who told us] please" in said
    for hidden in (contact, "Asha", "43210", "teller@"):
        assert hidden.lower() not in said.lower()
    assert hotline.told_of(hotline.write(told)).contact == contact


def test_who_comes_back_can_say_that_a_child_is_in_danger() -> None:
    calm = replace(TOLD, danger="no", language="ml")
    before = hotline.read(hotline.write(calm))
    assert before.incident.escalation is None
    assert before.incident.annotations == (
        "no child in danger now, says who told us",
        "told on the page in Malayalam",
    )
    after = hotline.read(hotline.write(calm), [("1", hotline.write(Added("He waits outside.", danger="yes")))])
    assert after.incident.escalation == "He waits outside."


def test_a_code_notices_a_slip_and_two_letters_changed_places() -> None:
    code = telling_codes.meant(telling_codes.new_code())
    assert code is not None
    assert telling_codes.meant(f" {code[:10].lower()} - {code[10:]} ".replace("0", "o").replace("1", "l")) == code
    for place in range(telling_codes.LENGTH):
        wrong = "Z" if code[place] != "Z" else "Y"
        assert telling_codes.meant(code[:place] + wrong + code[place + 1 :]) is None
    for place in range(telling_codes.LENGTH - 1):
        swapped = code[:place] + code[place + 1] + code[place] + code[place + 2 :]
        assert telling_codes.meant(swapped) is None or swapped == code


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8:1:2::7", "2001:db8:1:2:ffff::1", True),
        ("2001:db8:1:2::7", "2001:db8:1:3::7", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("", "not an address", True),
    ],
)
def test_what_counts_as_one_network(one: str, other: str, same: bool) -> None:
    assert (telling_codes.network_of(one) == telling_codes.network_of(other)) is same


# --- nobody is named --------------------------------------------------------------------------------------------------


def shown(what: str = "x", **more: str) -> str:
    """Everything that pages show of what was told."""
    reading = hotline.read(hotline.write(Told(hotline.HOTLINE, what, **more)))
    return json.dumps(to_json(withhold(reading, date(2026, 11, 23)).reading), ensure_ascii=False)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("മീര", "മീരയെ മീരയുടെ മീരയ്ക്ക് മീര"),
        ("മീരാൻ", "മീരാനെ മീരാന്‍റെ മീരാൻ"),
        ("രമേശ്", "രമേശിനെ രമേശിന്റെ രമേശ്"),
        ("मीरा", "मीराला मीराने मीरेला मीरा"),
        ("मीरा नायर", "मीराला नायरांची मीरा नायरला"),
        ("राज़िया", "राजियाला राज़ियाने राज\u093cिया"),
        ("राजिया", "राज़ियाने राज\u093cिया"),
        ("Meera", "Meeras MEERA Meera's meerako #Meera"),
        ("my sister meera", "Meera told her"),
        ("मेरी बहन मीरा", "मीराने सांगितले"),
    ],
)
def test_the_name_of_the_child_goes_with_its_endings(name: str, text: str) -> None:
    found = shown(f"{text}.", child_name=name)
    bare = re.sub(r"\[Victim 1\]", "", found)
    for stem in ("മീര", "രമേശ", "मीर", "नायर", "राजिय", "राज़िय", "meera"):
        assert stem not in bare.casefold()
    assert "[Victim 1]" in found


def test_a_name_of_one_syllable_takes_no_other_words_along() -> None:
    assert shown("ജോയെ ജോലി", child_name="ജോ").count("[Victim 1]") == 1
    assert "ജോലി" in shown("ജോയെ ജോലി", child_name="ജോ")
    assert '"ab"' in shown("ab", child_name="\u093c\u200d")


def test_what_stands_in_another_script_than_the_name_is_warned_of() -> None:
    mixed = hotline.read(hotline.write(Told(hotline.HOTLINE, "मीरा रो रही है", child_name="Meera")))
    assert any("another script" in one for one in mixed.incident.annotations)
    named = Told(hotline.HOTLINE, "मीरा Instagram पर", addresses="fern_kite", child_name="मीरा")
    assert not hotline.read(hotline.write(named)).incident.annotations  # the name of an app is no sentence
    later = [("1", hotline.write(Added("മീര")))]
    alike = Told(hotline.HOTLINE, "Meera weeps", child_name="Meera")
    assert not hotline.read(hotline.write(alike)).incident.annotations
    assert hotline.read(hotline.write(alike), later).incident.annotations


@pytest.mark.parametrize("account", ["child_star_13", "@Child_Star_13", "https://chat.example.org/child_star_13/"])
@pytest.mark.parametrize("line", ["child_star_13", "@child_star_13", "chat.example.org/child_star_13"])
def test_the_childs_own_account_is_nobody_reported(account: str, line: str) -> None:
    told = Told(hotline.HOTLINE, "see child_star_13", addresses=f"badman\n{line}", child_account=account)
    reading = hotline.read(hotline.write(told))
    assert [party.names for party in reading.parties if party.role is Role.REPORTED] == [("badman",)]
    found = shown("see child_star_13, @child_star_13", addresses=told.addresses, child_account=account)
    assert "child_star_13" not in found.casefold()
    assert "badman" in found


@pytest.mark.parametrize(
    ("contact", "text"),
    [
        ("Ramesh <ramesh.k@example.org>", "I am Ramesh: RAMESH.K@example.org, or ramesh.k there"),
        ("email:ramesh.k@example.org", "mailto:ramesh.k@example.org"),
        ("9876543210 9123456780", "98765-43210, 091 2345 6780, 9123456780"),
        ("9876543210", "09876543210 919876543210 +91-98765-43210 0091 9876543210 wa.me/919876543210 9876543210@ybl"),
        ("09876543210", "+91 98765 43210 or 9876543210"),
        ("९८७६५४३२१०", "9876543210 or ९८७६५ ४३२१०"),
        ("9876543210", "९८७६५४३२१० ൯൮൭൬൫൪൩൨൧൦"),
        ("@ramesh_99", "ramesh_99 and https://chat.example.org/ramesh_99"),
        ("telegram: ramesh_99", "@ramesh_99"),
        ("രമേശ്", "രമേശിനോട് ചോദിക്കുക"),
    ],
)
def test_the_teller_is_masked_however_the_contact_was_written(contact: str, text: str) -> None:
    found = shown(text, addresses="\n".join(text.split()), contact=contact)
    bare = found.replace("[contact of the person who told us]", "")
    digits = "".join(str(int(letter)) for letter in bare if letter.isdecimal())
    for hidden in ("ramesh", "രമേശ", "example.org/r"):
        assert hidden not in bare.casefold()
    assert "76543210" not in digits
    assert "2345678" not in digits
    written = hotline.read(hotline.write(Told(hotline.HOTLINE, text, addresses=contact, contact=contact)))
    assert not written.parties  # the teller is no party: nothing of them is there to be linked


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("contact", "no"), ("contact", "yes, please call"), ("contact", "नहीं"), ("contact", "ഇല്ല"),
        ("caller", "not known"), ("child_name", "do not know"), ("child_name", "a girl in Delhi"),
        ("child_name", "my sister"), ("child_name", "माहीत नाही"), ("child_account", "none"),
    ],
)  # fmt: skip
def test_what_names_nobody_masks_nothing(field: str, value: str) -> None:
    text = "No, I do not know the girl in Delhi, yes. नहीं, मुलगी माहीत नाही. ഇല്ല. None of my sister's"
    told = {"place": "Delhi", "state": "IN-DL", field: value}
    text = text if value != "my sister" else text.replace("my sister", "her sister")
    assert text in shown(text, **told)
    assert '"Delhi"' in shown(text, **told)


def test_a_town_stays_though_a_child_is_called_after_it() -> None:
    assert '"Kochi"' in shown(child_name="Meera Kochi", place="Kochi")
    assert "Meera" not in shown(child_name="Meera Kochi", place="Meera")
    assert "Meera" not in shown(child_name="Meera Kochi", place="behind Meera's house")


@pytest.mark.parametrize(
    ("line", "platform", "web"),
    [
        ("riya.sharma", "", False), ("john.smith", "", False), ("@john.smith", "", False),
        ("riya.in", "Example Chat", False), ("example.org", "Example Chat", True),
        ("example.in", "", True), ("example.shop/riya", "", True),
        ("https://riya.sharma", "", True), ("www.riya.sharma", "", True),
    ],
)  # fmt: skip
def test_a_name_with_a_dot_is_no_web_page(line: str, platform: str, web: bool) -> None:
    reading = hotline.read(hotline.write(Told(hotline.HOTLINE, "x", addresses=line, platform=platform)))
    assert bool(reading.webs) is web
    assert [party.names for party in reading.parties] == ([] if web else [(line,)])
