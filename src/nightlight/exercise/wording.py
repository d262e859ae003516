# SPDX-License-Identifier: Apache-2.0
"""The plain sentences that reports carry: dry, short, police-report style, and never more than that."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nightlight.exercise.danger import Risk
from nightlight.exercise.plan import IncidentType

if TYPE_CHECKING:
    from random import Random

THIN = "Automated report."

NARRATIVES: dict[IncidentType, tuple[str, ...]] = {
    IncidentType.MATERIAL: (
        "Account shared a file that our automated check matched to a list.",
        "File found in a shared folder by an automated check. The account has been closed.",
        "Reviewer opened the file, agreed with the automated check and closed the account.",
        "The same file was sent to two groups within one minute. Not reviewed by a person.",
        "A member flagged the file. Our reviewer agreed.",
    ),
    IncidentType.ENTICEMENT: (
        "Moderator notes: user asked to move to another app.",
        "Moderator notes: adult account wrote to several younger players and offered game coins.",
        "User asked for the name of a school and for the way home from it. See the chat lines.",
        "User asked a young member for pictures and said that parents need not know. See the chat lines.",
        "User asked for money and said that he would otherwise write to classmates. Payment handle below.",
    ),
    IncidentType.TRAFFICKING: (
        "Listing offers travel and lodging to young helpers. The wording worried our reviewer.",
        "Two listings with one telephone number offer a young helper to several buyers.",
    ),
    IncidentType.TOURISM: (
        "A traveller asked several hosts for visits to a children's home. The hosts declined.",
        "Posts ask for a guide who takes no names. Our reviewer was worried by the wording.",
    ),
    IncidentType.MOLESTATION: (
        "A member wrote to support that a child in the neighbourhood is not safe at home.",
        "A teacher told our help desk about a worry. We passed on the local helpline number.",
    ),
    IncidentType.DOMAIN_NAME: ("A page under the name of a cartoon leads to an unrelated page.",),
    IncidentType.WORDS_OR_IMAGES: ("Title and keywords of the page do not fit what the page shows.",),
    IncidentType.UNSOLICITED: (
        "A young member received a picture from a sender she does not know and told a moderator.",
        "A picture was sent to a class group. Three members left and told a moderator.",
    ),
}  # fmt: skip

CHAT: dict[IncidentType, tuple[tuple[str, ...], ...]] = {
    IncidentType.ENTICEMENT: (
        (
            "A: Where do you study?",
            "B: At the school by the canal.",
            "A: Let us talk in the other app.",
            "B: Why?",
        ),
        (
            "A: I can give you coins.",
            "B: How many?",
            "A: Send your number first.",
            "B: I will ask my mother.",
        ),
        (
            "A: You did not answer.",
            "B: I was at tuition.",
            "A: Pay by tonight.",
            "B: I do not have that much.",
        ),
        ("A: Nee evideya?", "B: Veettil.", "A: Phone nambar tharumo?", "B: Illa."),
    ),
    IncidentType.UNSOLICITED: (("A: See what I sent.", "B: Who are you?", "A: A friend.", "B: I do not know you."),),
}

URGENT = "A meeting appears to be arranged for this evening at a railway station; please see the chat lines"

URGENT_CHAT = (
    "A: Are you coming to the railway station at six?",
    "B: Yes. Which platform?",
    "A: Platform two, near the book stall. Do not tell anybody at home.",
    "B: My mother thinks I am at tuition.",
)

ESCALATIONS = (
    "The young user writes of being afraid to go home tonight. Please look at this first.",
    "The user says that he will visit the child's street tomorrow morning.",
    "The young user writes of not wanting to live any more. We have shown the helpline number.",
    "Live broadcast, still running when this report was written.",
)

REASONS = {
    Risk.MEETING: "A meeting appears to be arranged for tomorrow; please see the chat lines.",
    Risk.HOME: ESCALATIONS[0],
    Risk.SELF_HARM: ESCALATIONS[2],
    Risk.PRESSURE: "The young user has been given until tonight to pay. Please look at this first.",
    Risk.OFFERED: "The listing names a place and a date this week. Please look at this first.",
    Risk.LIVE: ESCALATIONS[3],
    Risk.NEW_MATERIAL: "Our reviewer believes that the pictures were taken this week by the member.",
    Risk.ACCESS: "The member writes that a young relative is staying with him. Please look at this first.",
}
"""Why a platform asks for high priority where a child is at risk."""

WORRIED = "Please look at this first. Our reviewer is worried."

LOUD = (
    "URGENT URGENT URGENT. Several members complained about this account.",
    "Marked as urgent by an automated rule. Nobody has read the report.",
    "Highest priority: the account is followed by many people.",
    "Please act at once. This is the third time that we write about this member.",
)
"""Loud reasons of reports in which nobody is at risk."""

REVIEWED: dict[Risk, tuple[str, ...]] = {
    Risk.OFFERED: ("The listing names a place and a date this week.", "The helper is to arrive on Friday by train."),
    Risk.LIVE: ("The broadcast was still running when our moderator joined.",),
    Risk.NEW_MATERIAL: (
        "Reviewer notes that the files are on no list and look as if taken with the member's own telephone.",
        "The pictures seem to show the room that is also in the profile picture.",
    ),
    Risk.ACCESS: (
        "The member writes that he teaches children of the neighbourhood at home.",
        "In a comment the member speaks of a young relative who lives in the same house.",
    ),
}
"""A sentence of a reviewer that speaks of a danger."""

ACCESS_NOTES = (
    "Profile lists private lessons for classes 5 to 8.",
    "The account belongs to the helper of a day nursery, according to its profile.",
)

TEMPLATE = (
    "{name} operates a {kind}. Records are kept for one year after a report (18 U.S.C. 2258A(h)). "
    "Write to {desk} for preservation, quoting the report number."
)

TERMS = "Members must be 13 or older and may not share unlawful content."

LONG_PARTS = (
    "I am one of four volunteers who look after this forum and I am writing this by hand.",
    "The member joined in the spring, wrote mostly about bicycles, and nobody complained until last week.",
    "On the evening in question another member sent me a note that a post in the trading corner was odd.",
    "I read the post, copied the address and the time from our log, and hid the post from other members.",
    "Our log is kept by an old machine whose clock was four minutes slow when I compared it with my watch.",
    "The front end sometimes logs its own inside address in place of the member's. I could not check that.",
    "I asked the other volunteers. One remembers the same name from a football forum two years ago.",
    "The member gave a town in the profile, but the weather he wrote about did not fit that town.",
    "I have saved the page and can send it again. I am at work from nine to five; please call after six.",
    "I have not told the member about this report.",
)

NOTES = (
    "Member since the year before last. No earlier complaint.",
    "Second account of a member whose first account was closed.",
    "Payment handle seen in chat: {payment}",
    "Telephone number taken from a listing, not confirmed.",
    "Recovery address was changed on the day of the incident.",
)


def narrative(rng: Random, kind: IncidentType, payment: str) -> str:
    """Return what the reporter writes about the incident, now and then with a payment handle."""
    text = rng.choice(NARRATIVES[kind])
    if "Payment handle below" in text or rng.random() < 0.05:
        text = f"{text} Payment handle: {payment}."
    return text


def long_narrative(rng: Random, kind: IncidentType) -> str:
    """Return the letter of a careful volunteer: some 300 words, most of them not needed, some decisive."""
    first, *rest = LONG_PARTS
    chosen = sorted(rng.sample(range(len(rest)), k=rng.randint(5, len(rest))))
    return "\n\n".join((first, NARRATIVES[kind][-1], *(rest[number] for number in chosen)))


def chat_lines(rng: Random, kind: IncidentType) -> str | None:
    """Return a few chat lines where that type of incident has any."""
    talks = CHAT.get(kind)
    return "\n".join(rng.choice(talks)) if talks else None
