# SPDX-License-Identifier: Apache-2.0
"""Ordinary sentences in which a first reading of the lists found danger or access, and what has to be heard still.

Most of the ordinary ones were found by a reviewer who had not written the lists. Invented sentences.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from nightlight.pipeline.tips.people import Role
from nightlight.pipeline.tips.values import Text
from nightlight.pipeline.triage import gathering, language
from nightlight.pipeline.triage.language.lists import lists_digest, read_list, word_lists
from nightlight.pipeline.triage.tests.readings import full

if TYPE_CHECKING:
    from nightlight.pipeline.tips.reading import Reading

NO_SELF_HARM = (
    "The suspect's last message was sent at 14:02 UTC.",
    "User deleted his last message",
    "sorry for the last msg",
    "[18:02] a: did u get my last message",
    "The final message in the chat was reported.",
    "Last note to law enforcement: preserve",
    "overdose of memes",
    "this is the last day of school",
    "scars on my hand from football",
    "thinking about dying my hair",
    "kill my self esteem",
    "aakhri message kab bheja tha",
    "mera last message dekha kya",
    "शेवटचा मेसेज 14:02 ला आला",
    "avasanathe message 14:02 nu aanu",
    "This is the last message that the user sent before the account was closed.",
    "The last text of the conversation is attached.",
    "thinking about hanging out on sunday",
    "thinking about ending the subscription",
    "this is my last day at the old school",
    "marks on her arm from the vaccine",
    "thinking about jumping rope",
    "This was my last message to support about the account.",
    "overdosed on cuteness today",
    "tonight is my last night at the hostel",
    "she left the last note on the fridge",
    "User sent a last text and logged out",
)
"""Last messages, memes, school days, scars of games."""

NO_ACCESS = (
    "sells access to child material",
    "Offers access to minor content for payment",
    "access to teens pics 200 rs",
    "access to minor content was blocked",
    "No indication that the user has access to children.",
    "There is no evidence the suspect has access to children",
    "no indication that he lives with his children",
    "We do not believe he is a school teacher",
    "He denied that he is a school teacher",
    "falsely claims to be a kindergarten teacher",
    "Fake profile of a school teacher",
    "We have no reason to think that the user works at a school as a teacher",
    "It is not known that the user lives with his children",
    "User pretends to be a school teacher",
    "There was no sign of young children in the home",
    "वह बच्चों के साथ रहता है, इसका कोई सबूत नहीं",
    "CBSE class 10 student. Maths tuition at Allen.",
    "10th class student | tuition 5pm",
    "attends tuition classes",
    "njan 10th class il padikkunnu, tuition undu",
    "मी दहावीत शिकतो, ट्यूशन लावली आहे",
    "class 9 student, football academy",
    "Student at Aakash coaching institute",
    "her tuition teacher hurt her",
    "tuition teacher scared the user",
    "User is 13 and lives with his baby sister",
    "fan of a school teacher series",
    "The video is of a school teacher",
    "Dad of 2 cats",
    "Proud dad of two dogs",
    "School bus driver reported the user",
    "main 10th class me padhti hu, shaam ko tuition",
    "preparing for NEET, coaching centre in Kota",
    "I am 15, I live with my baby brother",
    "JEE aspirant | physics tuition | 12th class",
    "दसवीं में पढ़ता हूं, ट्यूशन पढ़ता हूं",
    "ഞാൻ പത്താം ക്ലാസിൽ പഠിക്കുന്നു, ട്യൂഷൻ ഉണ്ട്",
    "The image shows a school teacher",
    "School teacher alerted the police about the user",
    "He is a fan of a school teacher series",
    "User says her tuition teacher hurt her",
    "My tuition teacher is strict",
    "the suspect is posing as a football coach",
    "Free access to kids videos on our app",
    "She has 3 kids (cats)",
    "Mom of three puppies",
    "no evidence was found that the suspect works at a kindergarten",
    "A kindergarten teacher informed us about the account",
    "student of std 9 | goes to tuition | cricket",
    "i study in 8th class, tuition at 6",
    "I'm 16 and I babysit my cousins",
    "Coaching class joined for NEET",
    "कक्षा 10 का छात्र हूं, कोचिंग सेंटर जाता हूं",
)
"""Material and not children, doubts and denials, pupils and their tuition, series, pets, and those who report."""

BOILERPLATE = (
    "Please preserve all data of this account. The last login was on 12 November.",
    "The last message in the conversation was removed by the user.",
    "If you or someone you know is in danger, call your local emergency number.",
    "This report was made by an automated system; no person has reviewed the file.",
    "The account was permanently disabled and the user was notified.",
    "The reported user sent his last note to support and asked for the account back.",
    "Final message of the thread attached as a text file.",
    "The user's last text to the reporter was on Monday.",
    "Suspect asked the reporter to reply to his last msg.",
    "This is the last report about this user.",
    "No further information is available.",
    "We have no information that a child is in immediate danger.",
    "The file was uploaded to a group chat with 40 members.",
    "User's subscription ended and the account was closed.",
    "Message was flagged under the self harm policy of our community guidelines.",
    "We do not allow self harm content on our service.",
    "Reporter states the chat ended with a goodbye.",
    "The user deleted the chat and said bye.",
    "This is the final letter that the user wrote to our support team.",
    "User wrote a last note before logging out.",
    "The reporting person is a school teacher.",
    "Report submitted by the school counsellor.",
    "A parent of two children informed us.",
    "The child was contacted while attending online tuition.",
    "The victim lives with his parents and siblings.",
    "User claims that he sells books to school teachers.",
    "Media was shared in a channel called school friends.",
    "The image is of a school bus.",
    "The user has access to several accounts.",
    "The user has no access to the device any more.",
)
"""What services and those who report write under every report."""

STILL_HEARD = {
    "self-harm": (
        "this is my last message to everyone, sorry",
        "she left a goodbye note on her desk",
        "i overdosed on pills last night",
        "i am going to overdose",
        "there are new cuts on her wrists again",
        "i keep thinking about ending everything",
        "i want to kill my self",
        "i have low self esteem and i want to hurt my self",
        "ye mera aakhri message hai",
        "हा माझा शेवटचा मेसेज आहे",
        "ithu ente avasanathe message aanu",
        "she posted a farewell letter and took many tablets",
        "her last message says goodbye forever",
        "this is my last day alive",
        "my last night on earth",
        "tonight will be my last night",
        "he said he is thinking about dying",
        "मेरी आखिरी चिट्ठी",
        "scars on my arms, i did it again with a blade",
    ),
    "access": (
        "The user has access to minors at his workplace.",
        "He has unsupervised access to two young children.",
        "Private tutor, class 5 to 8",
        "Maths tuition at my home for class 6",
        "Cricket academy owner, coach for U-14",
        "He teaches students of class 9 at a school in Pune",
        "Reported user is a school teacher and uploaded three files.",
        "Suspect lives with his wife and two daughters.",
        "Dad of 2 girls",
        "Proud father of twins",
        "User drives a school bus.",
        "main ghar par tuition padhata hu",
        "njan tuition edukkunnu, 5th class muthal",
        "User identifies as a nanny and lives with the family.",
        "Home tuition for class 1 to 5, CBSE and ICSE",
        "User posed as a teen and lives with his two children",
        "Photos show the user with his own children",
        "He appears to have access to children through his job.",
        "Teacher at a government school, Nashik",
    ),
}
"""The earnest neighbours of the sentences above."""

NO_CRISIS_TAKEN_BACK = (
    "User is 13 and she wants to die",
    "There is no evidence but she says he is hurting her",
    "I am 15, he is hurting me again",
    "Fake profile of a teacher, the girl wants to kill herself",
)
"""What takes back who has children around takes back nothing of a crisis."""


def codes(text: str) -> set[str]:
    """Return what the words of a text say that nothing takes back."""
    return {code for code, _ in language.for_rules(language.read([("a", text)]))}


@pytest.mark.parametrize("said", NO_SELF_HARM)
def test_what_is_only_a_last_message_or_a_joke_is_no_crisis(said: str) -> None:
    assert "self-harm" not in codes(said)


@pytest.mark.parametrize("said", NO_ACCESS)
def test_what_is_doubted_or_said_of_pupils_and_pets_is_no_access(said: str) -> None:
    assert "access" not in codes(said)


@pytest.mark.parametrize("said", BOILERPLATE)
def test_what_stands_under_every_report_says_nothing(said: str) -> None:
    assert not codes(said)


@pytest.mark.parametrize(("code", "said"), [(code, said) for code, many in STILL_HEARD.items() for said in many])
def test_what_is_earnest_is_heard_still(code: str, said: str) -> None:
    assert code in codes(said)


@pytest.mark.parametrize("said", NO_CRISIS_TAKEN_BACK)
def test_a_doubt_or_an_age_takes_nothing_of_a_crisis_back(said: str) -> None:
    assert codes(said) & {"self-harm", "abuse-now"}


# --- whom it is asked of ---------------------------------------------------------------------------------------------

TEACHES = "I teach class 5 maths at a school, and sometimes I want to die."


def _reported(*young: bool) -> Reading:
    """Return a report about so many people, each under eighteen or not, with one profile each and one statement."""
    one = next(party for party in full().parties if party.role is Role.REPORTED)
    parties = tuple(
        replace(one, source=f"person {number}", bio=TEACHES, statements=(), protected=is_young)
        for number, is_young in enumerate(young)
    )
    said = (Text(TEACHES, "report"),)
    return replace(full(), parties=parties, statements=said, webs=(), files=(), unknown=())


def _places(reading: Reading, code: str) -> tuple[str, ...]:
    return gathering.words_of(reading, list(gathering.texts(reading))).get(code, ())


def test_access_is_not_asked_of_a_reported_child_but_danger_is() -> None:
    assert _places(_reported(True), "access") == ()
    assert _places(_reported(True), "self-harm") == ("report", "person 0/bio")
    assert _places(_reported(True, False), "access") == ("report", "person 1/bio")
    assert _places(_reported(False), "access") == ("report", "person 0/bio")


# --- the lists -------------------------------------------------------------------------------------------------------


def test_the_mark_of_the_lists_is_short_and_the_same_each_time() -> None:
    assert len(lists_digest()) == 8 and int(lists_digest(), 16) >= 0
    lists_digest.cache_clear()
    assert lists_digest() == language.lists_digest()


def test_every_language_doubts() -> None:
    for words in word_lists():
        assert words.asides["doubts"] and words.asides["young"], words.language


def test_doubts_may_be_missing_but_not_be_wrong() -> None:
    text = """
schema = 1
language = "en"
version = "1"
reviewed = false
note = "A list of a test."
[words]
[negation]
before = []
before_name = []
not_before = []
after = []
bridges = []
not_if_next = []
[clauses]
stops = []
condition = []
condition_after = []
[reply]
yes = []
no = []
[aside]
verse = []
now = []
rules = []
long_ago = []
everyday = []
"""
    for code, more in (("abuse-now", ""), ("self-harm", ""), ("meeting", 'part = "agree"\n'), ("access", "")):
        text += f'[[phrase]]\nid = "en-{code}"\ncode = "{code}"\n{more}say = ["alpha beta"]\nnot_then = "gamma"\n'
    bare = read_list(text, language="en")
    assert bare.asides["doubts"] == () and bare.phrases[0].not_then == {"gamma"}
    for old, new, place in (
        ('not_then = "gamma"', 'not_then = "two words"', "not_then"),
        ("verse = []", 'verse = []\ndoubts = ["<nobody-wrote-this>"]', "doubts"),
        ("verse = []", 'verse = []\ndoubting = ["alpha"]', "aside"),
    ):
        with pytest.raises(language.ListRefused) as refused:
            read_list(text.replace(old, new, 1), language="en")
        assert place in refused.value.place
