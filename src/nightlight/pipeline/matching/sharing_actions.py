# SPDX-License-Identifier: Apache-2.0
"""What sharing a list writes: that somebody pulled it, what somebody says of an entry, and the moment of a change."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import connection, transaction

from nightlight.foundation.clock import stamp
from nightlight.foundation.refusals import NotAllowed, NotFound, Refusal
from nightlight.trust.custody import actions as custody

from . import sharing_queries as queries
from .models import Feedback
from .sharing.offered import offered
from .sharing.terms import BY_TYPE
from .sharing_queries import Window

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from .sharing.terms import Submission
    from .sharing_queries import MemberLogin, Place, Served, Shared

_MOMENT = """
SELECT greatest(clock_timestamp(), (SELECT max(changed_at) FROM matching_entry WHERE hash_list_id = %s)
                                   + interval '1 millisecond')
"""


class NotOffered(Refusal):
    """The answer gives a reason that cannot be given."""


class WrongRange(Refusal):
    """A range of time ends before it begins."""


class NotYet(Refusal):
    """A range of time ends in the future, ``ahead`` from now: what changes until then would be missed for ever."""

    def __init__(self, ahead: timedelta) -> None:
        super().__init__(
            f"The range of time ends {ahead} ahead of our clock; what changes until then would be missed. "
            "Times are UTC: check the clock and its zone."
        )
        self.ahead = ahead


def moment_of_change(*, hash_list_id: int) -> datetime:
    """Take the list's lock until the transaction ends, and return the time its changed entries are to bear.

    For whoever writes entries: first this, then the entries with ``changed_at`` set to what it returned, in the same
    transaction. Readers of the list wait meanwhile. The time is later than that of every entry the list has, and
    later than every page that was served (see `sharing_queries.settled_until`), so that no reader who counts by time
    misses an entry that could not be seen yet. By the database's clock; later still where that went backwards.

    Raises RuntimeError outside a transaction: the lock would be gone at once.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("a list is changed in the transaction that takes its lock")
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [queries.CHANGING, hash_list_id])
        cursor.execute(_MOMENT, [hash_list_id])  # a statement of its own: it must see what the last holder wrote
        at: datetime = cursor.fetchone()[0]
    return at


@transaction.atomic
def pull(
    *,
    by: MemberLogin,
    at: datetime,
    shared: Shared,
    since: datetime,
    upto: datetime | None,
    size: int,
    start: int = 1,
    after: Place | None = None,
    most: int = 0,
) -> tuple[Window, Served]:
    """Give a member one page of a list, and record it. Returns the range that was served, and the page.

    ``since`` and ``upto`` in whole milliseconds; ``upto`` None means now. ``start`` is the number of the page's first
    entry, from 1; the rest as `sharing_queries.page`. Raises NotYet, WrongRange, UnknownPlace and Busy.
    """
    latest = queries.settled_until(shared) - queries.MILLISECOND
    window = Window(since, latest if upto is None else upto)
    if window.upto > latest:
        raise NotYet(window.upto - latest)
    if window.since > window.upto:
        raise WrongRange("The range of time ends before it begins.")
    served = queries.page(shared, window, size=size, start=start, after=after, most=most)
    custody.append(
        by=by.actor,
        at=at,
        kind="hashes.pulled",
        subject=shared.subject,
        data={
            "member": by.public_id,
            "from": stamp(window.since),
            "to": stamp(window.upto),
            "start": start,
            "count": len(served.changes),
            "last": served.after is None,
        },
    )
    return window, served


@transaction.atomic
def give_feedback(
    *,
    by: MemberLogin,
    at: datetime,
    shared: Shared,
    member_id: int,
    entry_id: str,
    kind: str,
    said: Submission,
) -> Feedback:
    """Keep what a member says of a fingerprint of an entry, for the owner's queue; the latest answer counts.

    ``kind`` is the type of the fingerprint, as the wire names it ("MD5").

    The same answer once more changes nothing. Raises NotAllowed for a member that may only read, NotFound for an
    entry the list does not have and a type of fingerprint the entry does not have, NotOffered for a reason that is
    not offered for that type.
    """
    if not shared.may_answer:
        raise NotAllowed("You may read this list, but not answer about its entries.")
    entry = queries.entry_named(shared, member_id, entry_id)
    found = BY_TYPE.get(kind)
    if entry is None or found is None or found.type not in queries.fingerprints(entry):
        raise NotFound("The list has no such entry, or the entry no fingerprint of this type.")
    known = {reason.guid for reason in offered().against(found.type)}
    if unknown := [guid for guid in said.reasons if guid not in known]:
        raise NotOffered(f"The reason {unknown[0]} is not offered for {found.type}.")
    reasons = sorted(said.reasons)
    given = Feedback.objects.filter(entry=entry, member_id=by.id, type=found.type).order_by("-id").first()
    if given is not None and (given.affirmative, given.reasons) == (said.affirmative, reasons):
        return given
    given = Feedback.objects.create(
        entry=entry, member_id=by.id, type=found.type, affirmative=said.affirmative, reasons=reasons, at=at
    )
    custody.append(
        by=by.actor,
        at=at,
        kind="hashes.feedback-given",
        subject=shared.subject,
        data={
            "member": by.public_id,
            "entry": entry.source_id,
            "type": found.type,
            "affirmative": said.affirmative,
            "reasons": reasons,
        },
    )
    return given
