# SPDX-License-Identifier: Apache-2.0
"""Lists of known files: who answers for one, and under which scheme and law it is kept."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from django.db import IntegrityError, connection, transaction
from django.db.models import Max

from nightlight.foundation import public_ids
from nightlight.foundation.refusals import Conflict, NotFound
from nightlight.pipeline.matching import schemes
from nightlight.pipeline.matching.models import Edition, EditionState, HashList, Purpose
from nightlight.trust.custody import actions as custody

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

LONGEST = 200
_CUT_SHORT = "It was cut short: the process that read it ended."


def subject(hash_list: HashList) -> str:
    """Return how custody events name a list."""
    return f"hashlist:{hash_list.public_id}"


@transaction.atomic
def add_list(
    *,
    by: str,
    at: datetime,
    name: str,
    owner: str,
    legal_basis: str,
    scheme: str,
    scheme_version: str,
    purpose: str = Purpose.KNOWN,
) -> HashList:
    """Make an empty list. ``scheme`` and its version are of ``schemes``, ``purpose`` is "known" or "label".

    Raises Conflict for an empty or too long text, an unknown scheme or purpose, and a name that is taken.
    """
    name, owner, legal_basis = (" ".join(text.split()) for text in (name, owner, legal_basis))
    for what, text in (("name", name), ("owner", owner), ("legal basis", legal_basis)):
        if not text or len(text) > LONGEST:
            raise Conflict(f"A list needs a {what} of 1 to {LONGEST} characters.")
    known = schemes.schemes()
    if (scheme, scheme_version) not in known:
        offered = ", ".join(f"{one} {version}" for one, version in known)
        raise Conflict(f"There is no scheme {scheme[:40]} {scheme_version[:40]}; there are: {offered}.")
    if purpose not in Purpose.values:
        raise Conflict(f"A list is for one of: {', '.join(Purpose.values)}.")
    made = HashList(
        public_id=public_ids.new("HL"),
        name=name,
        owner=owner,
        legal_basis=legal_basis,
        scheme=scheme,
        scheme_version=scheme_version,
        purpose=purpose,
        made_at=at,
        made_by=by,
    )
    try:
        with transaction.atomic():
            made.save(force_insert=True)
    except IntegrityError:
        raise Conflict(f"There is a list {name!r} already.") from None
    custody.append(
        by=by,
        at=at,
        kind="hashes.list-added",
        subject=subject(made),
        data={
            "name": name,
            "owner": owner,
            "legal_basis": legal_basis,
            "scheme": scheme,
            "scheme_version": scheme_version,
            "purpose": str(purpose),
        },
    )
    return made


def list_called(name: str) -> HashList:
    """Return a list by its HL-… number or its name. Raises NotFound."""
    found = HashList.objects.filter(name=name).first()
    if found is None:
        try:
            found = HashList.objects.filter(public_id=public_ids.normalise(name)).first()
        except ValueError:
            found = None
    if found is None:
        raise NotFound(f"There is no list {name[:60]!r}; see: nightlight hashes stats")
    return found


@contextmanager
def alone(hash_list: HashList) -> Iterator[None]:
    """Let nobody else read rows into this list meanwhile. Raises Conflict at once if somebody does.

    The lock is the connection's: it goes with a process that is killed. What such a process left half read is told
    as failed here.
    """
    key = f"matching list {hash_list.pk}"
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [key])
        if not cursor.fetchone()[0]:
            raise Conflict(f"Another version of {hash_list.name!r} is being read in just now. Wait until it is done.")
    try:
        left = Edition.objects.filter(hash_list=hash_list, state=EditionState.LOADING)
        left.update(state=EditionState.FAILED, why=_CUT_SHORT)
        yield
    finally:
        # A connection that broke took the lock with it.
        if connection.connection is not None and not connection.connection.closed and not connection.needs_rollback:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [key])


def close_abandoned() -> int:
    """Tell editions as failed whose reader was killed; return how many. For a task."""
    closed = 0
    lists = HashList.objects.filter(editions__state=EditionState.LOADING).distinct()
    for hash_list in lists:
        loading = Edition.objects.filter(hash_list=hash_list, state=EditionState.LOADING).count()
        try:
            with alone(hash_list):
                closed += loading
        except Conflict:
            continue  # it is being read
    return closed


def next_number(hash_list: HashList) -> int:
    """Return the number of the next edition; only while nobody else reads into the list."""
    newest = Edition.objects.filter(hash_list=hash_list).aggregate(newest=Max("number"))["newest"]
    return (newest or 0) + 1
