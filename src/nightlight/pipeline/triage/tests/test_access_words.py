# SPDX-License-Identifier: Apache-2.0
"""Words that say somebody lives with, looks after or teaches children; and more words of crisis. Invented sentences.

The sentences were written before the words that find them, and are no measure: whoever wrote one wrote the other.
"""

from __future__ import annotations

from dataclasses import replace
from importlib import resources
from typing import TYPE_CHECKING

import pytest

from nightlight.pipeline.tips.people import Role
from nightlight.pipeline.tips.values import Text
from nightlight.pipeline.triage import gathering, language
from nightlight.pipeline.triage.facts import Answer, Facts, facts
from nightlight.pipeline.triage.language.lists import read_list, word_lists
from nightlight.pipeline.triage.rulebook import shipped
from nightlight.pipeline.triage.rules import Band, score
from nightlight.pipeline.triage.tests.readings import NOW, full
from nightlight.pipeline.triage.tests.test_rules import facts_with

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nightlight.pipeline.tips.reading import Reading

ACCESS = {
    "en": (
        "I teach class 5 maths and science at a government school.",
        "Home tuition for std 1 to 4, evenings only, call me",
        "School van driver | Pune",
        "Football coach, U-12 girls and boys",
        "My daughter and I moved here in June.",
        "Father of two, husband of one.",
        "Profile states the user works as a kindergarten teacher.",
        "Reported user appears to live with minor children.",
        "Currently staying with my nephew and his parents",
        "He describes himself as a part-time babysitter.",
        "I run a hostel for school boys.",
        "Suspect volunteers at an orphanage on weekends.",
        "Single dad. Coffee. Bikes.",
        "Sunday school teacher and choir lead for kids",
        "User's bio says that he gives guitar lessons to children.",
        "Photos on the account suggest that there are young kids in the household.",
        "Occupation: primary teacher",
        "im a nanny for a family with twins",
    ),
    "hi": (
        "मैं कक्षा पांच को गणित पढ़ाता हूं।",
        "घर पर ट्यूशन देता हूँ, पहली से चौथी तक",
        "स्कूल वैन ड्राइवर, लखनऊ",
        "दो बच्चों का पिता",
        "मेरी बेटी और मैं साथ रहते हैं",
        "प्रोफ़ाइल के अनुसार यह व्यक्ति प्राथमिक विद्यालय में शिक्षक है।",
        "main bachon ko tuition padhata hu",
        "apne bhatije ke saath rehta hoon",
        "school bus chalata hun, subah 6 baje se",
        "do betiyon ka papa",
        "bachon ko cricket sikhata hu, coach",
        "हॉस्टल वार्डन, लड़कों का छात्रावास",
        "ghar mein chhote bachche hain aur main unki dekhbhal karta hu",
        "User ke bio mein likha hai ki woh anganwadi mein kaam karta hai",
    ),
    "mr": (
        "मी पाचवीच्या वर्गाला गणित शिकवतो.",
        "घरी शिकवणी घेते, पहिली ते चौथी",
        "शाळेच्या बसचा चालक, नाशिक",
        "दोन मुलांचा बाबा",
        "मी आणि माझी मुलगी एकत्र राहतो",
        "प्रोफाइलनुसार ही व्यक्ती प्राथमिक शाळेत शिक्षक आहे.",
        "mi lahan mulanna tuition shikavto",
        "majhya bhachya sobat rahto",
        "school van chalavto, roj sakali",
        "don mulincha baba",
        "मुलांना कबड्डी शिकवतो, प्रशिक्षक",
        "वसतिगृह अधीक्षक, मुलींचे वसतिगृह",
        "anganwadi sevika mhanun kaam karte",
        "घरात लहान मुले आहेत आणि मी त्यांना सांभाळते",
    ),
    "ml": (
        "ഞാൻ അഞ്ചാം ക്ലാസിൽ കണക്ക് പഠിപ്പിക്കുന്നു.",
        "വീട്ടിൽ ട്യൂഷൻ എടുക്കുന്നു, ഒന്നാം ക്ലാസ് മുതൽ നാലാം ക്ലാസ് വരെ",
        "സ്കൂൾ വാൻ ഡ്രൈവർ, കൊല്ലം",
        "രണ്ട് കുട്ടികളുടെ അച്ഛൻ",
        "ഞാനും എന്റെ മകളും",
        "പ്രൊഫൈൽ പ്രകാരം ഇയാൾ പ്രൈമറി സ്കൂൾ അധ്യാപകനാണ്.",
        "njan kuttikale padippikkunnu",
        "ente anantharavante koode thamasikkunnu",
        "school bus odikkunnu, ravile 7 muthal",
        "randu kuttikalude achan",
        "കുട്ടികൾക്ക് ഫുട്ബോൾ പരിശീലനം നൽകുന്നു",
        "ഹോസ്റ്റൽ വാർഡൻ, ആൺകുട്ടികളുടെ ഹോസ്റ്റൽ",
        "anganwadi teacher aanu",
        "വീട്ടിൽ ചെറിയ കുട്ടികൾ ഉണ്ട്, ഞാനാണ് നോക്കുന്നത്",
    ),
}
"""Each says that its writer, or the person it is about, lives with, looks after or teaches children."""

NO_ACCESS = {
    "en": (
        "I do not teach children any more.",
        "No kids, no wife, just me and my dog.",
        "my tuition teacher said the exam is on monday",
        "The school teacher of the victim informed us on Monday.",
        "I used to drive a school bus, now I am a mechanic.",
        "Lecturer in physics at an engineering college.",
        "Users must not contact children on this service.",
        "My daughter was contacted by this user last night.",
        "Retired school teacher, enjoying my garden.",
        "Wants to become a primary teacher one day.",
        "Bus driver on the Mumbai to Goa route",
        "The victim lives with her younger brother and mother.",
        "Life coach and yoga trainer for busy adults.",
        "Riya: my football coach is strict",
    ),
    "hi": (
        "अब मैं बच्चों को नहीं पढ़ाता।",
        "मेरे कोई बच्चे नहीं हैं",
        "mere tuition teacher ne kaha kal test hai",
        "pehle school mein padhata tha, ab dukaan hai",
        "कॉलेज में लेक्चरर हूं",
        "truck driver hu, delhi se mumbai",
        "मेरी बेटी को इस आदमी ने मैसेज किया",
        "teacher banna chahta hu",
    ),
    "mr": (
        "आता मी मुलांना शिकवत नाही.",
        "मला मुलं नाहीत",
        "majhya tuition teacher ni sangitla udya test ahe",
        "आधी शाळेत शिकवत होतो, आता दुकान आहे",
        "कॉलेजमध्ये प्राध्यापक आहे",
        "truck chalak, Nagpur",
        "माझ्या मुलीला या माणसाने मेसेज केला",
        "mala shikshak vhaycha ahe",
    ),
    "ml": (
        "ഞാൻ ഇപ്പോൾ കുട്ടികളെ പഠിപ്പിക്കുന്നില്ല.",
        "എനിക്ക് കുട്ടികൾ ഇല്ല",
        "ente tuition teacher paranju naale test undu",
        "പണ്ട് സ്കൂളിൽ പഠിപ്പിച്ചിരുന്നു, ഇപ്പോൾ കടയുണ്ട്",
        "എഞ്ചിനീയറിംഗ് കോളേജിൽ അധ്യാപകൻ",
        "lorry driver, Kochi",
        "എന്റെ മകൾക്ക് ഇയാൾ മെസ്സേജ് അയച്ചു",
        "teacher aakanam ennanu agraham",
    ),
}
"""Denied, over, wished for, about somebody else, or about grown people."""

CRISIS = {
    "self-harm": (
        "i cant do this anymore, wish i could just disappear forever",
        "nobody will miss me when im gone",
        "thinkin of endin my life tonite",
        "i already wrote my goodbye letter",
        "she says there is no reason to go on",
        "ab aur nahi saha jata, sab khatam kar dungi",
        "मैं अब और नहीं सह सकती, दुनिया छोड़ दूंगी",
        "mere marne ke baad sab khush honge",
        "काश मैं पैदा ही न होती",
        "आता सहन होत नाही, सगळं संपवणार आहे",
        "mala ata jagnyat artha vatat nahi",
        "मी गेल्यावर कोणालाच फरक पडणार नाही",
        "ഇനി സഹിക്കാൻ പറ്റില്ല, എല്ലാം അവസാനിപ്പിക്കാൻ പോകുന്നു",
        "njan poyal aarkkum oru kuzhappavum illa",
        "enikku ini jeevikkan thonnunnilla",
    ),
    "meeting": (
        "ok tmrw 5pm at the bus stop, come alone",
        "he is picking me up after tuition on saturday, nobody knows",
        "he sent me the bus fare to meet him on sunday",
        "kal 4 baje mandir ke piche akele aana",
        "वह मुझे शनिवार को स्टेशन पर लेने आएगा",
        "udya 5 vajta devlamage ekti ye",
        "तो मला शनिवारी स्टेशनवर घ्यायला येणार आहे",
        "nale 5 manikku bus standil ottaykku varanam",
        "ശനിയാഴ്ച അയാൾ എന്നെ സ്റ്റേഷനിൽ നിന്ന് കൂട്ടാൻ വരും",
    ),
    "abuse-now": (
        "he is hurting me again",
        "he comes to my room every night, i am scared",
        "i am still living with him and he hits me",
        "my uncle beats me every day and mom does not believe me",
        "he said he will kill my mother if i tell",
        "pls help me i am scared he is coming back",
        "wo mujhe roz marta hai",
        "वह हर रात मेरे कमरे में आता है, मुझे डर लगता है",
        "abhi bhi usi ke saath rehti hu, bahut dar lagta hai",
        "उसने कहा किसी को बताया तो मार डालेगा",
        "chacha phir se maar rahe hai please bachao",
        "तो मला रोज मारतो",
        "तो रोज रात्री माझ्या खोलीत येतो, मला भीती वाटते",
        "ajun tyachyach gharat rahte, khup bhiti vatte",
        "तो म्हणाला कोणाला सांगितलंस तर मारून टाकीन",
        "അയാൾ എന്നെ ദിവസവും തല്ലും",
        "അയാൾ എല്ലാ രാത്രിയും എന്റെ മുറിയിൽ വരുന്നു, എനിക്ക് പേടിയാണ്",
        "ippozhum ayalude koode aanu thamasam, pediyanu",
        "ആരോടെങ്കിലും പറഞ്ഞാൽ കൊല്ലുമെന്ന് പറഞ്ഞു",
    ),
}
"""What children, and those who report for them, say when it is earnest."""

NO_CRISIS = (
    "We did a skit in school where I say I want to die.",
    "In our class drama the villain locks me in a room.",
    'Her line in the school play is "I want to die".',
    "this heat is killing me",
    "my brother comes to my room every night to play chess",
    "the villain of the story comes to her room every night, she is scared, best scene of the drama",
    "We meet at school for the drama practice at 5",
    "school ke natak mein mera dialogue hai main marna chahti hu",
    "नाटक में मुझे कहना है कि मैं जीना नहीं चाहती",
    "match me unko dho dala, maza aa gaya",
    "शाळेच्या नाटकात मला म्हणायचं आहे की मला जगायचं नाही",
    "natakat majha dialogue aahe mala maraycha aahe",
    "സ്കൂൾ നാടകത്തിൽ എനിക്ക് മരിക്കണം എന്ന് പറയുന്ന സീൻ ഉണ്ട്",
    "nadakathil ente dialogue aanu enikku jeevikkanda ennu",
)
"""Plays, games and everyday life."""


def codes(text: str) -> set[str]:
    """Return what the words of a text say that nothing takes back."""
    return {code for code, _ in language.for_rules(language.read([("a", text)]))}


def _rows(sentences: dict[str, tuple[str, ...]]) -> list[tuple[str, str]]:
    return [(name, said) for name, many in sentences.items() for said in many]


@pytest.mark.parametrize(("language_", "said"), _rows(NO_ACCESS))
def test_who_has_no_children_around_is_not_said_to(language_: str, said: str) -> None:
    assert "access" not in codes(said), language_


@pytest.mark.parametrize(("language_", "said"), _rows(ACCESS))
def test_who_lives_with_looks_after_or_teaches_children_is_heard(language_: str, said: str) -> None:
    assert "access" in codes(said), language_


@pytest.mark.parametrize("said", NO_CRISIS)
def test_a_play_is_no_crisis(said: str) -> None:
    assert not codes(said) - {"access"}


@pytest.mark.parametrize(("code", "said"), _rows(CRISIS))
def test_what_is_earnest_is_heard(code: str, said: str) -> None:
    assert code in codes(said)


# --- what the words answer -------------------------------------------------------------------------------------------

TEACHES = "I teach class 5 maths and science at a government school."
ELSEWHERE = ("web", "child", "file", "escalation")


def _reading(place: str, words: str = TEACHES) -> Reading:
    """Return the example report with no words in it but these, in one place."""
    bare = tuple(replace(party, bio=None, statements=()) for party in full().parties)
    reported = next(party for party in bare if party.role is Role.REPORTED)
    said = (Text(words, place),)
    changed = {
        "profile": replace(reported, bio=words),
        "about": replace(reported, statements=said),
        "child": replace(next(party for party in bare if party.role is Role.VICTIM), statements=said),
    }.get(place)
    reading = replace(
        full(),
        parties=tuple(changed if changed and party.source == changed.source else party for party in bare),
        statements=said if place == "report" else (),
        webs=tuple(replace(web, contents=(), statements=said if place == "web" else ()) for web in full().webs),
        files=tuple(replace(file, statements=said if place == "file" else ()) for file in full().files),
        unknown=(),
    )
    reason = words if place == "escalation" else None
    return replace(reading, incident=replace(reading.incident, escalation=reason, at_description=None))


def _access(reading: Reading, officer: Mapping[str, Answer] | None = None) -> Facts:
    found = gathering.words_of(reading, list(gathering.texts(reading)))
    return facts(reading, file_states=None, linked=None, language=found, officer=officer or {}, at=NOW)


@pytest.mark.parametrize("place", ELSEWHERE)
def test_words_about_anybody_else_answer_nothing(place: str) -> None:
    assert _access(_reading(place)).values["access_to_children"] is None
    assert "self_harm_stated" in _access(_reading(place, "I want to die")).evidence


@pytest.mark.parametrize("place", ["profile", "about", "report"])
def test_words_about_the_reported_person_answer_yes_and_silence_nothing(place: str) -> None:
    found = _access(_reading(place))
    assert found.values["access_to_children"] is True
    assert [one.code for one in found.evidence["access_to_children"]] == ["words:access"]
    for silent in ("I like rain.", "I do not teach children any more."):
        assert _access(_reading(place, silent)).values["access_to_children"] is None


def test_an_officer_s_answer_wins_over_the_words() -> None:
    found = _access(_reading("profile"), {"access_to_children": Answer(False, "entry 4")})
    assert found.values["access_to_children"] is False
    assert [one.code for one in found.evidence["access_to_children"]] == ["officer", "words:access"]


def test_access_lifts_with_a_second_sign_and_is_no_tripwire() -> None:
    book = shipped()
    alone = score(facts_with(access_to_children=True), book, NOW)
    assert (alone.harm, alone.band, alone.tripwires) == (35, Band.MEDIUM, ())
    for second in ({"severe_unmatched": ("infant",)}, {"group_admin": True}, {"linked_providers": 2}):
        assert score(facts_with(access_to_children=True, **second), book, NOW).band is Band.HIGH
    line = next(line for line in book.book.factors if line.id == "access")
    assert (line.points, line.assumption) == (20, True)


def test_a_finding_says_nothing_of_faith_or_place() -> None:
    """Whoever teaches in a class of whatever faith is found by the same phrases."""
    said = ("I teach at a madrasa", "I teach at a gurukul", "I teach at a catechism class", "I teach at a school")
    assert len({tuple(one.phrase_id for one in language.read([("a", text)])) for text in said}) == 1


# --- the lists -------------------------------------------------------------------------------------------------------


def _english() -> str:
    return (resources.files(language) / "data" / "en.toml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ("first = true", 'first = "yes"', "first"),
        ('not_after = "<others>"', 'not_after = "two words"', "not_after"),
        ('not_after = "<others>"', 'not_after = "<nobody-wrote-this>"', "not_after"),
        ("labels = [", "labelled = [", "aside"),
        ('code = "access"', 'code = "wealth"', "phrase"),
    ],
)
def test_a_list_that_is_not_exactly_as_it_must_be_is_refused(old: str, new: str, place: str) -> None:
    assert old in _english()
    with pytest.raises(language.ListRefused) as refused:
        read_list(_english().replace(old, new, 1), language="en")
    assert place in refused.value.place


def test_every_language_has_words_for_access() -> None:
    for words in word_lists():
        assert "access" in {phrase.code for phrase in words.phrases}, words.language
        assert words.sets["aside.labels"]


def test_a_label_is_no_speaker_and_a_chat_says_nothing_of_the_reported_person() -> None:
    for label in ("Bio", "Occupation", "Profile says", "पेशा", "Joli"):
        assert "access" in codes(f"{label}: primary school teacher"), label
    for speaker in ("Asha", "child_77", "[18:02] K"):
        assert "access" not in codes(f"{speaker}: primary school teacher"), speaker
