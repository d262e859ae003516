# SPDX-License-Identifier: Apache-2.0
"""What a partner may read of the lists opened to it: who it is, which lists, a page of entries, what was said of them.

Every function but `member_login` is called while acting for the member (`MemberLogin.service`), so that row security
has the last word. No database key leaves: an entry is named by the owner's number and its id in the list.
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

from django.conf import settings
from django.db import OperationalError, connection

from nightlight.foundation.refusals import Refusal
from nightlight.trust import identity, statements
from nightlight.trust.accounts import rules as accounts

from .models import Access, Entry, Member
from .sharing import terms
from .sharing.offered import offered

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

SIGNING_IN = "sharing"  # the service that may look up whose login it is
CHANGING = 0x4C495354  # "LIST": the first half of the advisory lock of a list; the second is the list's key
AHEAD = 100_000  # entries that are counted ahead of a page; counting a million takes longer than the page
PATIENCE = "10s"  # how long a page waits for a list that is just being changed
MILLISECOND = timedelta(milliseconds=1)

_NOBODY = bytes(32)
_LOCK_NOT_AVAILABLE = "55P03"
# What stands in an address as it is (pchar of RFC 3986, 3.3, and the slash): clients put ids there without a thought.
_PLAIN = "!$&'()*+,;=:@/"
_OPAQUE = {"photodna": "pdna", "pdna": "pdna", "netclean": "netclean"}
_EXPOSED = ("md5", "sha1", "pdq")
_LOGIN = """
SELECT secret_digest, id, public_id, number, name, username FROM matching_member
WHERE username = %(username)s AND ended_at IS NULL
"""
# One comparison of rows instead of two conditions: the index is entered at the place, also among a million equal times.
_RANGE = """
hash_list_id = %(list)s AND (changed_at, id) > (%(at)s, %(id)s) AND changed_at < %(end)s
"""
_PAGE = f"""
SELECT id, source_id, media, classification, md5, sha1, pdq, opaque, withdrawn, changed_at
FROM matching_entry WHERE {_RANGE} ORDER BY changed_at, id LIMIT %(limit)s
"""  # noqa: S608 - our own text; values are bound
_COUNT = f"SELECT count(*) FROM (SELECT 1 FROM matching_entry WHERE {_RANGE} LIMIT %(limit)s) further"  # noqa: S608
_PLACE = "SELECT id FROM matching_entry WHERE hash_list_id = %(list)s AND source_id = %(source)s"
_SAID = """
SELECT DISTINCT ON (f.entry_id, f.member_id, f.type)
       f.entry_id, f.type, f.affirmative, f.reasons, f.at, m.number, m.name
FROM matching_feedback f JOIN matching_member m ON m.id = f.member_id
WHERE f.entry_id = ANY (%(entries)s) ORDER BY f.entry_id, f.member_id, f.type, f.id DESC
"""


class Busy(Exception):
    """The list is being changed, and that takes longer than a reader should wait."""


class UnknownPlace(Refusal):
    """A page was to begin behind an entry that the list does not have."""

    def __init__(self) -> None:
        super().__init__("The address of this page is none that was given out; begin with the first page again.")


@dataclass(frozen=True, slots=True)
class MemberLogin:
    """A partner that has shown its secret."""

    id: int
    public_id: str
    number: int
    name: str
    username: str

    @property
    def actor(self) -> str:
        """How custody events name this partner."""
        return f"partner:{self.public_id}"

    @property
    def service(self) -> str:
        """As what it acts in the database."""
        return f"{SIGNING_IN}:{self.id}"


@dataclass(frozen=True, slots=True)
class Shared:
    """A list that was opened to the member who asks. Entries are shown under ``owner``."""

    id: int
    public_id: str
    owner: terms.Member
    may_answer: bool

    @property
    def subject(self) -> str:
        """How custody events name the list."""
        return f"hashlist:{self.public_id}"


@dataclass(frozen=True, slots=True)
class Window:
    """A range of time, whole milliseconds: after ``since``, up to and including ``upto``."""

    since: datetime
    upto: datetime


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page begins: behind the entry with this id in the list, as it was changed at ``at``."""

    at: datetime
    source_id: str


@dataclass(frozen=True, slots=True)
class Served:
    """One page. ``after`` is where the next one begins, None on the last; ``most`` how many the range holds so far."""

    changes: tuple[terms.Change, ...]
    after: Place | None
    most: int


def member_login(username: str, password: str) -> MemberLogin | None:
    """Return whose login this is, or None: unknown, wrong or ended, all in the same time."""
    with identity.acting_as(service=SIGNING_IN):
        row = next(iter(statements.rows(_LOGIN, {"username": username[:100]})), None)
    shown = accounts.digest(settings.NIGHTLIGHT_REPORTER_PEPPER, username, password)
    if not accounts.same(shown, bytes(row[0]) if row else _NOBODY) or row is None:
        return None
    return MemberLogin(*row[1:])


def shared_list(login: MemberLogin, slug: str) -> Shared | None:
    """Return the list under this address if it was opened to the member, None otherwise, whatever the reason."""
    if "\x00" in slug:  # PostgreSQL text cannot hold it, and no address of ours does
        return None
    access = (
        Access.objects.filter(member_id=login.id, hash_list__share__slug=slug)
        .select_related("hash_list", "hash_list__share")
        .first()
    )
    if access is None:
        return None
    share = access.hash_list.share
    owner = terms.Member(share.owner_number, share.owner_name)
    return Shared(access.hash_list_id, access.hash_list.public_id, owner, access.may_answer)


def members(shared: Shared) -> list[terms.Member]:
    """Return everybody an answer may name: the owner of the list and all partners of now, by number."""
    found = {number: terms.Member(number, name) for number, name in _partners()}
    return [member for _, member in sorted({**found, shared.owner.id: shared.owner}.items())]


def _partners() -> Iterable[tuple[int, str]]:
    return Member.objects.filter(ended_at=None).values_list("number", "name")


def settled_until(shared: Shared) -> datetime:
    """Return a time up to which the list will not change any more; holds until the transaction ends.

    Whoever changes a list takes its lock first and only then reads the time that the entries bear
    (`sharing_actions.moment_of_change`), and keeps the lock until the change can be seen. So with the lock shared,
    every change that cannot be seen yet will bear a later time than the one returned. Both times come from the
    database's clock: the machines around it may differ. Raises Busy when the list is being changed for too long.
    """
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('lock_timeout', %s, true)", [PATIENCE])
            cursor.execute("SELECT pg_advisory_xact_lock_shared(%s, %s)", [CHANGING, shared.id])
            cursor.execute("SELECT clock_timestamp()")  # a statement of its own: after the lock is ours
            return to_the_millisecond(cursor.fetchone()[0])
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", None) == _LOCK_NOT_AVAILABLE:
            raise Busy from None
        raise


def to_the_millisecond(at: datetime) -> datetime:
    """Cut off what is finer than the wire's times, in UTC."""
    at = at.astimezone(UTC)
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


def page(
    shared: Shared, window: Window, *, size: int, start: int = 1, after: Place | None = None, most: int = 0
) -> Served:
    """Return at most ``size`` entries last changed within the window, from ``after`` on, in their present state.

    In the order of change. An entry that changes meanwhile leaves the window, for it changed after ``upto``: it comes
    in the next one. ``start`` is the number of the first entry, from 1. ``most`` is passed on from page to page; where
    it does not reach, the entries that follow are counted, up to AHEAD. Raises UnknownPlace.
    """
    begin: dict[str, Any] = {"list": shared.id, "at": window.since + MILLISECOND, "id": -1}
    if after is not None:
        place = next(iter(statements.rows(_PLACE, {"list": shared.id, "source": after.source_id})), None)
        if place is None or after.at < begin["at"]:
            raise UnknownPlace
        begin |= {"at": after.at, "id": place[0]}
    begin["end"] = window.upto + MILLISECOND
    rows = statements.rows(_PAGE, {**begin, "limit": size + 1})
    further = len(rows) > size
    rows = rows[:size]
    served = start - 1 + len(rows)
    if further and most <= served:
        behind = begin | {"at": rows[-1][9], "id": rows[-1][0], "limit": AHEAD}
        most = served + statements.rows(_COUNT, behind)[0][0]
    elif not further:
        most = served
    said = feedback([row[0] for row in rows if not row[8]])
    changes = tuple(_change(shared, row, said.get(row[0], ())) for row in rows)
    return Served(changes, Place(rows[-1][9], rows[-1][1]) if further else None, most)


def _change(shared: Shared, row: Sequence[Any], said: tuple[terms.Affirmative | terms.Negative, ...]) -> terms.Change:
    _, source_id, media, classification, md5, sha1, pdq, opaque, withdrawn, changed_at = row
    # What medium an entry is of may be unknown; the wire has no word for that.
    medium = terms.Media.VIDEO if media == terms.Media.VIDEO else terms.Media.IMAGE
    at, entry_id = to_the_millisecond(changed_at), wire_id(source_id)
    if withdrawn:
        return terms.Tombstone(shared.owner.id, entry_id, medium, at, shared.owner.name)
    prints = {name: bytes(value).hex() for name, value in zip(_EXPOSED, (md5, sha1, pdq), strict=True) if value}
    return terms.Entry(
        member_id=shared.owner.id,
        entry_id=entry_id,
        media=medium,
        timestamp=at,
        classification=classification or None,
        fingerprints=prints | opaque_prints(opaque),
        feedback=said,
        member_name=shared.owner.name,
    )


def opaque_prints(kept: str | Mapping[str, Any]) -> dict[str, str]:
    """Return the values that the wire has a name for, verbatim, under that name; lists write the names differently."""
    if kept in ("{}", {}):
        return {}
    values = json.loads(kept) if isinstance(kept, str) else kept
    found: dict[str, str] = {}
    for name, value in values.items():
        element = _OPAQUE.get("".join(letter for letter in name.casefold() if letter.isalnum()))
        if element is not None and isinstance(value, str) and value:
            found.setdefault(element, value)
    return found


def feedback(entries: list[int]) -> dict[int, tuple[terms.Affirmative | terms.Negative, ...]]:
    """Return what members say of each of these entries, by its key: the latest of each member and type counts."""
    if not entries:
        return {}
    by_type: dict[tuple[int, str], list[tuple[Any, ...]]] = defaultdict(list)
    for entry, kind, *what in statements.rows(_SAID, {"entries": entries}):
        by_type[entry, kind].append(tuple(what))
    found: dict[int, list[terms.Affirmative | terms.Negative]] = defaultdict(list)
    for (entry, kind), rows in sorted(by_type.items()):
        yes = [(terms.Member(number, name), at) for affirmative, _, at, number, name in rows if affirmative]
        if yes:
            newest = max(at for _, at in yes)
            found[entry].append(terms.Affirmative(kind, tuple(member for member, _ in yes), newest, newest))
        if len(yes) < len(rows):
            found[entry].append(_against(kind, [row for row in rows if not row[0]]))
    return {entry: tuple(blocks) for entry, blocks in found.items()}


def _against(kind: str, rows: list[tuple[Any, ...]]) -> terms.Negative:
    by_reason: dict[str, list[tuple[terms.Member, datetime]]] = defaultdict(list)
    for _, reasons, at, number, name in rows:
        for guid in json.loads(reasons) if isinstance(reasons, str) else reasons:
            by_reason[guid].append((terms.Member(number, name), at))
    objections = []
    for guid, people in sorted(by_reason.items()):
        known = offered().reason(guid)  # a reason may be retired after it was given
        reason = terms.Reason(guid, known.name if known else guid, (kind,))
        objections.append(terms.Objection(reason, tuple(who for who, _ in people), max(at for _, at in people)))
    return terms.Negative(kind, tuple(objections), max(at for _, _, at, *_ in rows))


def wire_id(source_id: str) -> str:
    """Return the id of an entry as the wire shows it: what could not stand in an address is percent-encoded."""
    return quote(source_id, safe=_PLAIN)


def entry_named(shared: Shared, member_id: int, entry_id: str) -> Entry | None:
    """Return the entry that an address names, None where the list has no such entry, or has withdrawn it.

    ``entry_id`` is the decoded text of the address: clients put the id there as they got it, or encode it once more.
    """
    if member_id != shared.owner.id or "\x00" in entry_id:
        return None
    texts = [entry_id, unquote(entry_id)]
    named = Entry.objects.filter(hash_list_id=shared.id, source_id__in=texts, withdrawn=False)
    return min(named, key=lambda entry: texts.index(entry.source_id), default=None)


def fingerprints(entry: Entry) -> set[str]:
    """Return the types of fingerprint ("MD5") that are served of this entry."""
    elements = {name for name in _EXPOSED if getattr(entry, name)} | opaque_prints(entry.opaque).keys()
    return {terms.BY_ELEMENT[element].type for element in elements}
