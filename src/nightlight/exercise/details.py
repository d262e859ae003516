# SPDX-License-Identifier: Apache-2.0
"""Where an incident happened, as each kind of platform describes it in `internetDetails`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nightlight.exercise import chance, names, wording
from nightlight.exercise.plan import Case, Detail, IncidentType

if TYPE_CHECKING:
    from random import Random

    from nightlight.exercise.people import Account
    from nightlight.exercise.plan import Slot
    from nightlight.exercise.reporters import Reporter

Fields = tuple[tuple[str, str], ...]

PAGES = {IncidentType.DOMAIN_NAME, IncidentType.WORDS_OR_IMAGES}


def details(rng: Random, reporter: Reporter, slot: Slot, account: Account) -> tuple[Detail, ...]:
    """Return one or two details of the incident, with chat lines where the type of incident has any."""
    talk = "\n".join(wording.URGENT_CHAT) if slot.planted is Case.MEETING else wording.chat_lines(rng, slot.kind)
    content: Fields = (("content", talk),) if talk else ()
    if slot.kind in PAGES:
        url = f"https://cartoon-{chance.hexadecimal(rng, 6)}.example.net/"
        return (Detail("webPageIncident", (("url", url),)),)
    if reporter.key == "market":
        return _market(rng, slot, content)
    plain: dict[str, tuple[str, Fields]] = {
        "chat": ("chatImIncident", (("chatClient", "Pepperchat Android 7.2"), *content)),
        "game": (
            "onlineGamingIncident",
            (("gameName", rng.choice(names.GAMES)), ("console", "Mobile"), *content),
        ),
        "mail": ("emailIncident", (("emailAddress", account.identifier), *content)),
    }
    if reporter.key in plain:
        return (Detail(*plain[reporter.key]),)
    return _page(rng, reporter, content)


def _market(rng: Random, slot: Slot, content: Fields) -> tuple[Detail, ...]:
    phone = slot.person.phone
    if phone and rng.random() < 0.4:
        return (Detail("cellPhoneIncident", (("phoneNumber", f"{phone.code} {phone.number}"),)),)
    place = Detail("nonInternetIncident", (("locationName", f"Bus stand, {slot.person.postal.city}"),))
    return (place, Detail("chatImIncident", content)) if content else (place,)


def _page(rng: Random, reporter: Reporter, content: Fields) -> tuple[Detail, ...]:
    page = Detail("webPageIncident", (("url", reporter.url(f"p/{chance.hexadecimal(rng, 10)}")),))
    if reporter.key == "cloud" and rng.random() < 0.2:
        return (Detail("peer2peerIncident", (("client", "Sharewell 2.1"), ("fileNames", "album-01, album-02"))),)
    if reporter.key == "forum" and rng.random() < 0.5:
        return (page, Detail("newsgroupIncident", (("name", rng.choice(names.ROOMS)), *content)))
    return (page, Detail("chatImIncident", content)) if content else (page,)
