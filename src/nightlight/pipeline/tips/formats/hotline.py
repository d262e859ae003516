# SPDX-License-Identifier: Apache-2.0
"""What somebody told on the hotline page or on the telephone, as it is kept, and as it is understood.

The kept document is canonical JSON (RFC 8785) of what was typed, every field a text. It holds no time of its own, so
that the same words sent twice are the same bytes. How to reach the teller is in the document and never in the reading:
the teller is no party of the case, and where the contact was written into the text, it is masked.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

from nightlight.foundation import canonical_json
from nightlight.pipeline.tips.formats import teller_mask
from nightlight.pipeline.tips.people import Address, Email, Link, Party, Person, Phone, Role, with_pseudonyms
from nightlight.pipeline.tips.reading import Incident, IncidentType, InternetDetail, Reading, ReporterStatement
from nightlight.pipeline.tips.told_words import says_nothing, scripts, words_in
from nightlight.pipeline.tips.values import Text, read_age, read_moment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

FORMAT = "nightlight-told"
VERSION = 1
LONGEST_TEXT = 10_000  # characters
LONGEST_LINE = 300
LONGEST_ADDRESSES = 4_000
MOST_ADDRESSES = 50  # lines; the rest stays in the text as it was told
HOTLINE, TELEPHONE = "hotline", "phone"
DANGER = ("yes", "no", "unknown")
LANGUAGES = {"en": "English", "hi": "Hindi", "mr": "Marathi", "ml": "Malayalam"}

# States and union territories of India by their ISO 3166-2 codes (as of November 2023).
STATES = {
    "IN-AN": "Andaman and Nicobar Islands",
    "IN-AP": "Andhra Pradesh",
    "IN-AR": "Arunachal Pradesh",
    "IN-AS": "Assam",
    "IN-BR": "Bihar",
    "IN-CH": "Chandigarh",
    "IN-CG": "Chhattisgarh",
    "IN-DH": "Dadra and Nagar Haveli and Daman and Diu",
    "IN-DL": "Delhi",
    "IN-GA": "Goa",
    "IN-GJ": "Gujarat",
    "IN-HR": "Haryana",
    "IN-HP": "Himachal Pradesh",
    "IN-JK": "Jammu and Kashmir",
    "IN-JH": "Jharkhand",
    "IN-KA": "Karnataka",
    "IN-KL": "Kerala",
    "IN-LA": "Ladakh",
    "IN-LD": "Lakshadweep",
    "IN-MP": "Madhya Pradesh",
    "IN-MH": "Maharashtra",
    "IN-MN": "Manipur",
    "IN-ML": "Meghalaya",
    "IN-MZ": "Mizoram",
    "IN-NL": "Nagaland",
    "IN-OD": "Odisha",
    "IN-PY": "Puducherry",
    "IN-PB": "Punjab",
    "IN-RJ": "Rajasthan",
    "IN-SK": "Sikkim",
    "IN-TN": "Tamil Nadu",
    "IN-TS": "Telangana",
    "IN-TR": "Tripura",
    "IN-UP": "Uttar Pradesh",
    "IN-UK": "Uttarakhand",
    "IN-WB": "West Bengal",
}

_URL = re.compile(r"https?://\S+|www\.\S+|(?:[a-z0-9-]+\.)+[a-z]{2,24}[/:?]\S*", re.IGNORECASE)
_HOST = re.compile(r"((?:[a-z0-9-]+\.)+)([a-z]{2,24})", re.IGNORECASE)
# What a name with a dot must end in to be taken for a web address ("riya.sharma" is an account): the endings seen most.
_KNOWN = """
com org net in co io info me app biz edu gov mil int tv gg ly to us uk ru de fr nl eu ca au jp cn su ua pl it es se pk
bd lk np ae xyz online site live chat top club link page dev ai cc pw ws space website store shop fun vip
"""
_ENDINGS = frozenset(_KNOWN.split())
_SURELY = frozenset({"com", "org", "net"})  # on a platform that was named, people are called "riya.in" too
_EMAIL = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+")
_PHONE = re.compile(r"\+?[\d\s().-]{7,24}")
_MOST_WORDS = 4  # a line of more words is a sentence, not the name of an account
_OTHER_SCRIPT = "the child is named in another script than some of the words: there its name may stand open"


class Unreadable(Exception):
    """The kept bytes are no such document; the message says why."""


@dataclass(frozen=True, slots=True)
class Told:
    """What was told, each field as it was typed; empty where nothing was said.

    ``addresses`` holds web addresses and account names, one to a line. ``state`` is a code of ``STATES``. ``contact``,
    ``caller`` and ``call_back`` ("yes" or "") are about who tells; ``came_at`` is when the call came, ISO 8601 in UTC.
    ``follows`` is the tip "NL-…" that this was added to, where that one is set apart.
    """

    channel: str
    what: str
    language: str = "en"
    platform: str = ""
    addresses: str = ""
    danger: str = "unknown"
    state: str = ""
    place: str = ""
    when: str = ""
    child_name: str = ""
    child_age: str = ""
    child_account: str = ""
    contact: str = ""
    caller: str = ""
    call_back: str = ""
    came_at: str = ""
    follows: str = ""

    @property
    def reachable(self) -> bool:
        """Whether the teller said who they are or how to reach them."""
        return bool(self.contact or self.caller)


@dataclass(frozen=True, slots=True)
class Added:
    """What the teller came back to add; ``danger`` is "yes" or ""."""

    what: str
    danger: str = ""


# What a form asks, on the page and at the telephone.
ASKED = (
    *("what", "platform", "addresses", "danger", "state", "place", "when"),
    *("child_name", "child_age", "child_account", "contact"),
)
_LONGEST = {"what": LONGEST_TEXT, "addresses": LONGEST_ADDRESSES}


def cleaned(fields: Mapping[str, str]) -> dict[str, str]:
    """Return what was typed into a form, as it is kept: lines in one way, choices that there are, no NUL."""
    found = {name: _clean(fields.get(name, ""), lines=name in _LONGEST) for name in ASKED}
    found["danger"] = found["danger"] if found["danger"] in DANGER else "unknown"
    found["state"] = found["state"] if found["state"] in STATES else ""
    return found


def too_long(fields: Mapping[str, str]) -> bool:
    """Whether one of the texts is longer than what is taken."""
    return any(len(value) > _LONGEST.get(name, LONGEST_LINE) for name, value in fields.items())


def _clean(text: str, *, lines: bool) -> str:
    # Browsers send CR LF; what no text of the database can hold says nothing.
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")
    return text.strip() if lines else " ".join(text.split())


def write(told: Told | Added) -> bytes:
    """Return the document as it is kept. Raises ValueError for text that cannot be UTF-8."""
    return canonical_json.encode({"format": FORMAT, "version": VERSION, **asdict(told)})


def told_of(body: bytes) -> Told:
    """Return what was told. Raises Unreadable."""
    return Told(**_fields(body, Told))


def added_of(body: bytes) -> Added:
    """Return what was added. Raises Unreadable."""
    return Added(**_fields(body, Added))


def _fields(body: bytes, kind: type[Told] | type[Added]) -> dict[str, str]:
    try:
        found = json.loads(body)
    except ValueError as error:
        raise Unreadable(f"It is no JSON: {error}") from None
    if not isinstance(found, dict) or found.get("format") != FORMAT or found.get("version") != VERSION:
        raise Unreadable("It is not a document of this form.")
    named = {name: found[name] for name in found.keys() - {"format", "version"}}
    known = kind.__dataclass_fields__
    if not named.keys() <= known.keys() or not all(isinstance(value, str) for value in named.values()):
        raise Unreadable("It has fields that this form does not have.")
    if "what" not in named:
        raise Unreadable("It says nothing.")
    return named


def following(told: Told, first: Told) -> Told:
    """Return what was told with what was said first about the child, the place and how to reach whoever told it.

    Not whom the first report names: somebody among them was cleared.
    """
    kept = ("language", "state", "place", "child_name", "child_age", "child_account", "contact", "caller", "call_back")
    return replace(told, **{name: getattr(first, name) for name in kept})


def read(body: bytes, additions: Sequence[tuple[str, bytes]] = (), first: bytes | None = None) -> Reading:
    """Return what is understood of what was told and of what was added to it later (identifier, bytes).

    ``first`` is what was told first, where this was added to it. Raises Unreadable.
    """
    told = told_of(body) if first is None else following(told_of(body), told_of(first))
    later = [(number, added_of(found)) for number, found in additions]
    mask = teller_mask.of(told.caller, told.contact)
    told = Told(**{name: mask(value) if name in _MASKED else value for name, value in asdict(told).items()})
    moment = read_moment(told.when, "/when") if told.when else None
    parties, links, sentences = _named(told)
    return Reading(
        format=FORMAT,
        format_version=str(VERSION),
        incident=Incident(
            type=IncidentType.UNSTATED,
            source="/",
            at=moment,
            platform=told.platform or None,
            escalation=_escalation(told, later, mask),
            annotations=tuple(_annotations(told, later)),
        ),
        reporter=ReporterStatement(source="/"),
        received_by_source=read_moment(told.came_at, "/came_at") if told.came_at else None,
        parties=with_pseudonyms(parties, moment.day if moment else None),
        webs=tuple(_places(told, links)),
        statements=(
            Text(told.what, "/what"),
            *(Text(line, "/addresses") for line in sentences),
            *(Text(mask(one.what), f"/addition[{number}]/what") for number, one in later),
        ),
    )


_MASKED = {"what", "platform", "addresses", "place", "when"}


def _escalation(told: Told, later: Sequence[tuple[str, Added]], mask: Callable[[str], str]) -> str | None:
    """The words of whoever says that a child is in danger now: of the first, and of each who came back to say so.

    Theirs alone: what we would say around them, triage would hear as words of danger.
    """
    words = [told.what] if told.danger == "yes" else []
    words += [mask(one.what) for _number, one in later if one.danger == "yes"]
    if not words:
        return None
    return " … ".join(" ".join(one.split())[:300] for one in words)


def _annotations(told: Told, later: Sequence[tuple[str, Added]]) -> Iterator[str]:
    if told.follows:
        yield "added to an earlier report that is set apart: a commander can open that one"
    if told.danger == "no":
        yield "no child in danger now, says who told us"
    if told.language != "en" and told.language in LANGUAGES:
        yield f"told on the page in {LANGUAGES[told.language]}"
    said = " ".join((told.what, told.place, *(one.what for _number, one in later)))
    written = scripts(" ".join(word for word in words_in(said) if not says_nothing(word)))
    name = scripts(told.child_name) if not says_nothing(told.child_name) else frozenset()
    if name and written - name:
        yield _OTHER_SCRIPT


def _named(told: Told) -> tuple[list[Party], list[Link], list[str]]:
    """The people and the web addresses that the lines name, and lines that are sentences."""
    parties, links, sentences, childs = [], [], [], []
    child_account = _bare(told.child_account)
    for number, line in enumerate(_lines(told.addresses), 1):
        source = f"/addresses[{number}]"
        if child_account and _bare(line) == child_account:
            childs.append(line)  # somebody put the child's own account down among those they worry about
        elif teller_mask.left_nothing_of(line):
            continue
        elif (
            number > MOST_ADDRESSES
            or len(line.split()) > _MOST_WORDS
            or says_nothing(line)
            or teller_mask.LABEL in line
        ):
            sentences.append(line)
        elif _is_link(line, told.platform):
            links.append(Link(line, source))
        else:
            parties.append(_party(line, source, told.platform))
    return [*parties, *_child(told, childs)], links, sentences


def _is_link(line: str, platform: str) -> bool:
    """Whether a line is a web address and not the name of an account."""
    if _URL.fullmatch(line):
        return True
    host = _HOST.fullmatch(line)
    if host is None:
        return False
    ending = host[2].lower()
    if platform and host[1].count(".") == 1:
        return ending in _SURELY
    return ending in _ENDINGS


def _bare(account: str) -> str:
    """The name of an account alone, to compare: without "@", without the page it stands on, in small letters."""
    text = account.strip()
    if "/" in text:
        path = re.sub(r"^[a-z]+://", "", text, flags=re.IGNORECASE).split("?")[0].rstrip("/")
        text = path.rpartition("/")[2]
    text = text.strip().lstrip("@").casefold()
    return "" if says_nothing(text) else text


def _lines(text: str) -> Iterator[str]:
    yield from (" ".join(line.split()) for line in text.splitlines() if line.strip())


def _party(line: str, source: str, platform: str) -> Party:
    if _EMAIL.fullmatch(line):
        persons = (Person(source, emails=(Email(line, f"{source}/email"),)),)
        return Party(Role.REPORTED, source, platform=platform or None, persons=persons)
    if _PHONE.fullmatch(line):
        persons = (Person(source, phones=(Phone(line, f"{source}/phone"),)),)
        return Party(Role.REPORTED, source, platform=platform or None, persons=persons)
    return Party(Role.REPORTED, source, platform=platform or None, screen_names=(Text(line, f"{source}/name"),))


def _child(told: Told, also: Sequence[str]) -> Iterator[Party]:
    """The child as the teller named it: sealed like every victim, and masked wherever else it is named."""
    if not (told.child_name or told.child_age or told.child_account):
        return
    person = Person(
        "/child",
        first_name=told.child_name or None,
        ages=(read_age(told.child_age, "/child/age"),) if told.child_age else (),
    )
    accounts = [told.child_account, *also] if told.child_account and not says_nothing(told.child_account) else []
    accounts += [_bare(account) for account in accounts]  # written in the text without the page it stands on
    names = tuple(Text(name, "/child/account") for name in dict.fromkeys(accounts) if name)
    yield Party(Role.VICTIM, "/child", persons=(person,), screen_names=names)


def _places(told: Told, links: list[Link]) -> Iterator[InternetDetail]:
    if links:
        yield InternetDetail(kind="web page", source="/addresses", links=tuple(links))
    if told.state or told.place:
        where = Address(
            source="/place",
            city=told.place or None,
            state_outside_usa=STATES.get(told.state, told.state) or None,
            country="IN" if told.state in STATES else None,
        )
        yield InternetDetail(kind="offline", source="/place", addresses=(where,))
