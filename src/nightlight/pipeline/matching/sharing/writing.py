# SPDX-License-Identifier: Apache-2.0
"""Write the documents of the Hash Sharing API, version 2, in the order and form that the clients of the field read.

Every document is in the namespace of the API, times of entries are whole seconds where they can be, and
`maxTimestamp` always is (a client in use reads no other form). Characters that XML cannot hold become U+FFFD.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape, quoteattr

from .terms import (
    NAMESPACE,
    Affirmative,
    Categorization,
    Change,
    Group,
    Media,
    Member,
    Negative,
    Reason,
    Status,
    Submission,
    Tombstone,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

CONTENT_TYPE = "application/xml; charset=utf-8"

_DECLARATION = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
# Everything outside Char of XML 1.0 (2.2).
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*", re.ASCII)
# A reader turns a bare carriage return into a line feed (2.11).
_RETURN = {"\r": "&#13;"}


def stamp(at: datetime, *, milliseconds: bool = False) -> str:
    """Return `at` in UTC as the wire writes it: whole seconds, or milliseconds where asked for or not zero.

    Finer parts are cut off, never rounded up. Raises ValueError for a time without a zone.
    """
    if at.tzinfo is None:
        raise ValueError("a time without a zone cannot be shared")
    fine = milliseconds or at.microsecond >= 1000
    text = at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds" if fine else "seconds")
    return text + "Z"


def query_result(changes: Iterable[Change], next: str | None = None) -> bytes:  # noqa: A002  the element's name
    """Write a page of entries and tombstones, images before videos, with our own counts.

    A medium without rows is left out, and so is `paging` on the last page. `next` begins with "/v2/".
    Raises ValueError for a fingerprint under a name that is no element's.
    """
    rows = list(changes)
    blocks = []
    for medium in Media:
        mine = [change for change in rows if change.media is medium]
        if mine:
            newest = stamp(max(change.timestamp for change in mine).replace(microsecond=0))
            inside = "".join([_row(change) for change in mine])
            blocks.append(_element(f"{medium.value}s", inside, count=str(len(mine)), maxTimestamp=newest))
    if next is not None:
        blocks.append(_element("paging", _element("next", _text(next))))
    return _document("queryResult", blocks)


def status(answer: Status) -> bytes:
    """Write a `status` document."""
    who = [_element("ipAddress", _text(answer.ip_address)), _element("username", _text(answer.username))]
    return _document("status", [*who, _member(answer.member)])


def members(people: Iterable[Member]) -> bytes:
    """Write the list of members. The name of the root is ours: it is not documented, and clients do not look."""
    return _document("members", map(_member, people))


def reasons(offered: Iterable[Reason], *, doubled: bool = False) -> bytes:
    """Write `availableFeedbackReasons`: one `reason` for each kind of fingerprint of each reason.

    This is the documented form. The `threatexchange` package (1.2) looks for an element of this name *inside*
    the root instead and fails on the documented answer with an IndexError; with `doubled` the reasons stand in
    the root and once more in such an element, which readers that pass over unknown elements do not mind.
    """
    name = "availableFeedbackReasons"
    listed = [_reason(reason, kind) for reason in offered for kind in reason.types or ("",)]
    return _document(name, [*listed, _element(name, "".join(listed))] if doubled else listed)


def categorizations(groups: Iterable[Group]) -> bytes:
    """Write `availableCategorizations`."""
    return _document(
        "availableCategorizations",
        [
            _element(
                "group",
                _labels(group.categorizations),
                name=group.name,
                allowMultiple="true" if group.allow_multiple else "false",
            )
            for group in groups
        ],
    )


def submission(said: Submission) -> bytes:
    """Write a `feedbackSubmission`, as a client sends it. ValueError for a negative one without reasons."""
    if said.affirmative == bool(said.reasons):
        raise ValueError("reasons belong to negative feedback, and negative feedback needs at least one")
    if said.affirmative:
        return _document("feedbackSubmission", [_element("affirmative")])
    guids = "".join([_element("guid", _text(guid)) for guid in said.reasons])
    return _document("feedbackSubmission", [_element("negative", _element("reasonIds", guids))])


def submission_result() -> bytes:
    """Write the answer to feedback that was taken. Only its root is known; clients look at the HTTP status."""
    return _document("submissionResult", [])


def error(reason: str) -> bytes:
    """Write our answer to a request that was refused. The form is ours: that of the API is not public."""
    return _document("error", [_element("message", _text(reason))])


def _row(change: Change) -> str:
    parts = [
        _element("member", _text(change.member_name), id=str(change.member_id)),
        _element("timestamp", stamp(change.timestamp)),
        _element("id", _text(change.entry_id)),
    ]
    if isinstance(change, Tombstone):
        return _element(f"deleted{change.media.value.capitalize()}", "".join(parts))
    if change.classification is not None:
        parts.append(_element("classification", _text(change.classification)))
    parts.append(_element("fingerprints", _fingerprints(change.fingerprints, change.large)))
    if change.categorizations:
        parts.append(_element("categorizations", _labels(change.categorizations)))
    if change.feedback:
        parts.append(_element("feedback", "".join([_feedback(said) for said in change.feedback])))
    return _element(change.media.value, "".join(parts))


def _fingerprints(inline: Mapping[str, str], large: Mapping[str, str]) -> str:
    for name in (*inline, *large):
        if not _NAME.fullmatch(name):
            raise ValueError(f"{name!r} is not the name of an element")
    parts = [_element(name, _text(value)) for name, value in inline.items()]
    # No text at all: a client in use takes an element with text for a fingerprint.
    return "".join(parts + [_element(name, rel="self", href=address) for name, address in large.items()])


def _feedback(said: Affirmative | Negative) -> str:
    """One `members` block each, and reasons and members strictly in turn: a client in use counts on both."""
    about = {"type": said.type}
    if said.updated is not None:
        about["lastUpdateTimestamp"] = stamp(said.updated)
    if isinstance(said, Affirmative):
        return _element("affirmativeFeedback", _people(said.members, said.at), **about)
    listed = [
        _reason(one.reason, (*one.reason.types, said.type)[0]) + _people(one.members, one.at) for one in said.objections
    ]
    return _element("negativeFeedback", _element("reasons", "".join(listed)), **about)


def _people(people: Sequence[Member], at: datetime | None) -> str:
    when = {} if at is None else {"timestamp": stamp(at)}
    return _element("members", "".join([_member(member) for member in people]), **when)


def _member(member: Member) -> str:
    # A client in use stops at a member without a name.
    return _element("member", _text(member.name or f"Member {member.id}"), id=str(member.id))


def _reason(reason: Reason, kind: str) -> str:
    about = {"guid": reason.guid, "name": reason.name}
    return _element("reason", **(about | {"type": kind} if kind else about))


def _labels(labels: Iterable[Categorization]) -> str:
    return "".join([_element("categorization", guid=label.guid, name=label.name) for label in labels])


def _document(name: str, inside: Iterable[str]) -> bytes:
    return (_DECLARATION + _element(name, "".join(inside), xmlns=NAMESPACE)).encode()


def _element(tag: str, inside: str = "", /, **attributes: str) -> str:
    """One element; `inside` is markup already, the attributes are not."""
    start = tag
    for name, value in attributes.items():
        start += f" {name}={quoteattr(_NOT_XML.sub(chr(0xFFFD), value))}"
    return f"<{start}>{inside}</{tag}>" if inside else f"<{start}/>"


def _text(text: str) -> str:
    return escape(_NOT_XML.sub("\ufffd", text), _RETURN)
