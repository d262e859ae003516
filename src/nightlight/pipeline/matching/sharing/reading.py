# SPDX-License-Identifier: Apache-2.0
"""Read the documents of the Hash Sharing API, version 2.

Unknown elements and attributes are passed over, and so is the order of elements. A row that makes no sense is
reported and the others are read; a document that is not well-formed or is another one raises Unreadable.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from lxml import etree

from nightlight.foundation import xml

from .terms import (
    BY_ELEMENT,
    NAMESPACE,
    RAW,
    Affirmative,
    Categorization,
    Change,
    Claim,
    Code,
    Entry,
    Group,
    Media,
    Member,
    Negative,
    Objection,
    Page,
    Problem,
    Reason,
    Status,
    Submission,
    Tombstone,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MAX_PAGE = 32_000_000
"""Bytes of a page we are ready to read; a thousand entries with feedback are about one million."""

MAX_DOCUMENT = 4_000_000
"""Bytes of any other document."""

MAX_SUBMISSION = 65_536
MAX_ID = 2000
MAX_FINGERPRINT = 8192
MAX_ADDRESS = 2000
MAX_NUMBER = 2**63 - 1

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)", re.ASCII)
_NUMBER = re.compile(r"\d{1,19}", re.ASCII)
_HEX = re.compile(r"[0-9a-fA-F]+", re.ASCII)
_GUID = re.compile(r"[0-9A-Za-z{}-]{1,64}", re.ASCII)
_OURS = f"{{{NAMESPACE}}}"
_ROWS = {medium.value: medium for medium in Media}
_DELETED = {f"deleted{medium.value.capitalize()}": medium for medium in Media}


class Why(StrEnum):
    """Why a document was not read."""

    NOT_XML = "not_xml"
    WRONG_ROOT = "wrong_root"
    INCOMPLETE = "incomplete"


class Unreadable(ValueError):
    """The document as a whole cannot be used: `code`, and a sentence."""

    def __init__(self, code: Why, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class _Bad(ValueError):
    """One row, or a part of it, makes no sense."""

    def __init__(self, code: Code, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


def query_result(body: bytes) -> Page:
    """Read a page of entries (`queryResult`). Raises Unreadable."""
    root = _root(body, MAX_PAGE, "queryResult")
    changes: list[Change] = []
    claims: list[Claim] = []
    problems: list[Problem] = []
    row = 0
    for block in _children(root):
        medium = _ROWS.get(_name(block).removesuffix("s"))
        if medium is None or not _name(block).endswith("s"):
            continue
        came = 0
        for element in _children(block):
            row, came = row + 1, came + 1
            _read_row(element, row, changes, problems)
        newest = block.get("maxTimestamp")
        claims.append(Claim(medium, _number(block.get("count")), _time(newest) if newest else None, came))
    following = _text(root, "paging", "next")
    return Page(tuple(changes), tuple(claims), following or None, tuple(problems))


def status(body: bytes) -> Status:
    """Read a `status` document. Raises Unreadable."""
    root = _root(body, MAX_DOCUMENT, "status")
    found = _child(root, "member")
    member = None if found is None else _member(found)
    if member is None:
        raise Unreadable(Why.INCOMPLETE, "the status does not say which member we are")
    return Status(_text(root, "ipAddress"), _text(root, "username"), member)


def members(body: bytes) -> tuple[Member, ...]:
    """Read the list of members. The name of its root is not documented, so any but a web page is taken."""
    root = _root(body, MAX_DOCUMENT)
    if _name(root).lower() in {"html", "queryresult", "status"}:
        raise Unreadable(Why.WRONG_ROOT, f"the document is {_name(root)!r}, not a list of members")
    return tuple(member for element in _children(root, "member") if (member := _member(element)) is not None)


def reasons(body: bytes) -> tuple[Reason, ...]:
    """Read `availableFeedbackReasons`, standing alone as documented or inside another root.

    A reason given once per kind of fingerprint comes back as one, with all its `types`.
    """
    root = _root(body, MAX_DOCUMENT)
    if _name(root) != "availableFeedbackReasons":
        inner = _child(root, "availableFeedbackReasons")
        if inner is None:
            raise Unreadable(Why.WRONG_ROOT, f"the document is {_name(root)!r}, not a list of reasons")
        root = inner
    found: dict[str, Reason] = {}
    for element in _children(root, "reason"):
        reason = _reason(element)
        if reason is not None:
            old = found.get(reason.guid)
            more = () if old is None else tuple(kind for kind in old.types if kind not in reason.types)
            found[reason.guid] = Reason(reason.guid, reason.name, more + reason.types)
    return tuple(found.values())


def categorizations(body: bytes) -> tuple[Group, ...]:
    """Read the server's catalogue of labels (`availableCategorizations`). Raises Unreadable."""
    root = _root(body, MAX_DOCUMENT, "availableCategorizations")
    return tuple(
        Group(group.get("name", "").strip(), group.get("allowMultiple") in {"true", "1"}, _categorizations(group))
        for group in _children(root, "group")
    )


def submission(body: bytes) -> Submission:
    """Read a `feedbackSubmission` sent to us. Raises Unreadable when it says neither yes nor why not."""
    root = _root(body, MAX_SUBMISSION, "feedbackSubmission")
    yes, no = _child(root, "affirmative"), _child(root, "negative")
    if (yes is None) == (no is None):
        raise Unreadable(Why.INCOMPLETE, "say either affirmative or negative")
    if no is None:
        return Submission(affirmative=True)
    listed = _child(no, "reasonIds")
    found = [] if listed is None else [(element.text or "").strip() for element in _children(listed, "guid")]
    if not found or not all(_GUID.fullmatch(guid) for guid in found):
        raise Unreadable(Why.INCOMPLETE, "negative feedback needs reasonIds with at least one guid")
    return Submission(affirmative=False, reasons=tuple(dict.fromkeys(found)))


def error(body: bytes, limit: int = 200) -> str:
    """What an error answer says, in at most `limit` characters; "" when it says nothing readable.

    The form of error answers is not documented: the text of any XML is taken, a web page and bytes are not.
    """
    try:
        root = xml.parse(body, max_bytes=MAX_SUBMISSION)
    except xml.XmlRefused:
        return ""
    if _name(root).lower() == "html":
        return ""
    return " ".join(" ".join(part for part in root.itertext() if isinstance(part, str)).split())[:limit]


def timestamp(text: str) -> datetime | None:
    """Read a time of the wire, in UTC; None when it is not one or says no zone."""
    return _time(text.strip())


def _root(body: bytes, max_bytes: int, name: str | None = None) -> etree._Element:
    try:
        root = xml.parse(body, max_bytes=max_bytes)
    except xml.XmlRefused as refused:
        raise Unreadable(Why.NOT_XML, str(refused)) from None
    if name is not None and _name(root) != name:
        raise Unreadable(Why.WRONG_ROOT, f"the document is {_name(root)[:80]!r}, not {name!r}")
    return root


def _name(element: etree._Element) -> str:
    """The element's name, without the namespace of the API; elements of any other namespace keep theirs."""
    return str(element.tag).removeprefix(_OURS)


def _children(element: etree._Element, name: str | None = None) -> Iterator[etree._Element]:
    return (child for child in element if name is None or _name(child) == name)


def _child(element: etree._Element, name: str) -> etree._Element | None:
    return next(_children(element, name), None)


def _text(element: etree._Element | None, *path: str) -> str:
    for name in path:
        element = None if element is None else _child(element, name)
    return "" if element is None else (element.text or "").strip()


def _number(text: str | None) -> int | None:
    """A whole number of at most 63 bits, or None."""
    if text is None or not _NUMBER.fullmatch(text.strip()) or (number := int(text)) > MAX_NUMBER:
        return None
    return number


def _time(text: str | None) -> datetime | None:
    if text is None or not _TIME.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _read_row(element: etree._Element, row: int, changes: list[Change], problems: list[Problem]) -> None:
    """Add what the row says to `changes`, and what is wrong with it to `problems`."""
    name = _name(element)
    member_id = entry_id = None
    bad: list[_Bad] = []
    lost = True
    try:
        medium = _ROWS.get(name) or _DELETED.get(name)
        parts = {_name(child): child for child in reversed(element)}  # the first of a name counts
        member = _member(parts["member"]) if "member" in parts else None
        member_id = None if member is None else member.id
        entry_id = _text(parts.get("id")) or None
        if medium is None:
            raise _Bad(Code.UNKNOWN, f"{name[:80]!r} is not a row we know")
        if member is None:
            raise _Bad(Code.MEMBER, "the row names no member by number")
        if entry_id is None or len(entry_id) > MAX_ID:
            raise _Bad(Code.ENTRY_ID, f"the row has no id of 1 to {MAX_ID} characters")
        at = _time(_text(parts.get("timestamp")))
        if at is None:
            raise _Bad(Code.TIMESTAMP, "the row has no timestamp with a zone")
        if name in _DELETED:
            changes.append(Tombstone(member.id, entry_id, medium, at, member.name))
        else:
            changes.append(_entry(parts, member, entry_id, medium, at=at, bad=bad))
        lost = False
    except _Bad as error:
        bad.append(error)
    if bad:
        raw = etree.tostring(element, encoding="unicode", with_tail=False)[:RAW]
        if lost:  # one problem for one lost row, so that lost rows can be counted
            bad = [_Bad(bad[-1].code, "; ".join(one.reason for one in reversed(bad)))]
        problems += [Problem(row, one.code, one.reason, lost, raw, member_id, entry_id) for one in bad]


def _entry(
    parts: Mapping[str, etree._Element],
    member: Member,
    entry_id: str,
    medium: Media,
    *,
    at: datetime,
    bad: list[_Bad],
) -> Entry:
    """The entry, without the parts that make no sense: those go to `bad`. _Bad when no fingerprint is left."""
    prints: dict[str, str] = {}
    large: dict[str, str] = {}
    for one in parts.get("fingerprints", ()):
        if _name(one).startswith("{"):  # somebody else's element
            continue
        try:
            name, value, far = _fingerprint(one)
            (large if far else prints).setdefault(name, value)
        except _Bad as error:
            bad.append(error)
    if bad and not prints and not large:
        raise _Bad(Code.FINGERPRINT, "no fingerprint of the entry makes sense")
    feedback: list[Affirmative | Negative] = []
    for one in parts.get("feedback", ()):
        try:
            said = _feedback(one)
        except _Bad as error:
            bad.append(error)
        else:
            feedback += [said] if said is not None else []
    labels = parts.get("categorizations")
    return Entry(
        member_id=member.id,
        entry_id=entry_id,
        media=medium,
        timestamp=at,
        classification=_text(parts.get("classification")) or None,
        fingerprints=prints,
        large=large,
        categorizations=() if labels is None else _categorizations(labels),
        feedback=tuple(feedback),
        member_name=member.name,
    )


def _fingerprint(element: etree._Element) -> tuple[str, str, bool]:
    """The element's name, its value or address, and whether it is an address."""
    name = _name(element)
    kind = BY_ELEMENT.get(name)
    address = element.get("href")
    if address is not None or (kind is not None and kind.large):
        # Where it leads is judged by whoever fetches it; here it must only be an address.
        if not address or len(address) > MAX_ADDRESS or not address.isascii() or not address.isprintable():
            raise _Bad(Code.LARGE, f"{name[:80]} has no usable address")
        return name, address, True
    value = (element.text or "").strip()
    digits = None if kind is None else kind.hex_digits
    if digits is not None:
        if len(value) != digits or not _HEX.fullmatch(value):
            raise _Bad(Code.FINGERPRINT, f"{name} is not {digits} hexadecimal digits")
        return name, value.lower(), False
    if not value or len(value) > MAX_FINGERPRINT:
        raise _Bad(Code.FINGERPRINT, f"{name[:80]} is not a text of 1 to {MAX_FINGERPRINT} characters")
    return name, value, False


def _feedback(element: etree._Element) -> Affirmative | Negative | None:
    name, kind = _name(element), element.get("type", "").strip()
    if name not in {"affirmativeFeedback", "negativeFeedback"}:
        return None
    if not kind:
        raise _Bad(Code.FEEDBACK, "feedback does not say of which fingerprint")
    updated = _time(element.get("lastUpdateTimestamp"))
    if name == "affirmativeFeedback":
        people: tuple[Member, ...] = ()
        at: datetime | None = None
        for block in _children(element, "members"):
            people, at = _merged(people, at, block)
        return Affirmative(kind, people, at, updated)
    objections: list[Objection] = []
    listed = _child(element, "reasons")
    for one in () if listed is None else _children(listed):
        if _name(one) == "reason":
            reason = _reason(one)
            if reason is None:
                raise _Bad(Code.FEEDBACK, "a reason has no guid")
            objections.append(Objection(reason))
        elif _name(one) == "members":
            if not objections:
                raise _Bad(Code.FEEDBACK, "members stand before any reason")
            last = objections[-1]
            objections[-1] = Objection(last.reason, *_merged(last.members, last.at, one))
    return Negative(kind, tuple(objections), updated)


def _merged(
    people: tuple[Member, ...], at: datetime | None, block: etree._Element
) -> tuple[tuple[Member, ...], datetime | None]:
    """The members so far with those of one more `members` block, and the newest of the times."""
    more = tuple(member for one in _children(block, "member") if (member := _member(one)) is not None)
    times = [time for time in (at, _time(block.get("timestamp"))) if time is not None]
    return people + more, max(times, default=None)


def _member(element: etree._Element) -> Member | None:
    number = _number(element.get("id"))
    return None if number is None else Member(number, (element.text or "").strip())


def _reason(element: etree._Element) -> Reason | None:
    guid = element.get("guid", "").strip()
    if not guid:
        return None
    kind = element.get("type", "").strip()
    return Reason(guid, element.get("name", "").strip(), (kind,) if kind else ())


def _categorizations(element: etree._Element) -> tuple[Categorization, ...]:
    found = ((one.get("guid", "").strip(), one) for one in _children(element, "categorization"))
    return tuple(Categorization(guid, one.get("name", "").strip()) for guid, one in found if guid)
