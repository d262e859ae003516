# SPDX-License-Identifier: Apache-2.0
"""Keeps a list like one that a Hash Sharing server offers: everything since the last poll, or nothing of it.

Pages are staged as they come. Only after the last one are they applied, in one transaction with the checkpoint, so
that a server that fails, lies or loses its way leaves the list and the checkpoint as they were.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Q

from nightlight.foundation import clock
from nightlight.foundation.refusals import Conflict, NotFound
from nightlight.pipeline.matching import applying
from nightlight.pipeline.matching.applying import Counts
from nightlight.pipeline.matching.importing import MOST_NOTES, counts_as_data, edition_counts
from nightlight.pipeline.matching.list_actions import alone, next_number, subject
from nightlight.pipeline.matching.lists import values
from nightlight.pipeline.matching.lists.rows import BadRow, Code, batch_of
from nightlight.pipeline.matching.lists.rows import Entry as Row
from nightlight.pipeline.matching.models import Edition, EditionState, Feed, HashList, Share
from nightlight.pipeline.matching.sharing import polling, terms
from nightlight.pipeline.matching.sharing.polling import Checkpoint
from nightlight.pipeline.matching.sharing.source import HttpSource
from nightlight.pipeline.matching.sharing.writing import stamp
from nightlight.pipeline.matching.sharing_actions import moment_of_change
from nightlight.pipeline.matching.staging import Staging
from nightlight.trust.custody import actions as custody
from nightlight.trust.sealed import box, keys
from nightlight.trust.sealed.box import Closed, Damaged, KeysRefused

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from nightlight.foundation.canonical_json import Json

LEAST_MINUTES, MOST_MINUTES = 1, 7 * 24 * 60
MOST_BAD = 100_000
"""Rows and values of one poll that are not in; they wait in memory until it is over, some hundred bytes each."""

_COLUMNS = frozenset({"md5", "sha1", "pdq"})
_LOST = {terms.Code.FINGERPRINT: Code.NOT_HEX}


@dataclass(frozen=True, slots=True)
class Polled:
    """How a poll went. ``edition`` is None where nothing came that changed anything; ``why`` says why it failed."""

    hash_list: HashList
    edition: Edition | None
    counts: Counts
    pages: int
    notes: tuple[str, ...]
    why: str = ""


@transaction.atomic
def add_feed(
    *, by: str, at: datetime, hash_list: HashList, url: str, username: str, password: str, every_minutes: int
) -> Feed:
    """Have a list polled from a server ("https://…", everything before "/v2"). The password is closed for the worker.

    Raises Conflict for an address that is none, for a list that was filled from files, is polled already or is shared
    with others, and for less than a minute or more than a week between polls.
    """
    if not LEAST_MINUTES <= every_minutes <= MOST_MINUTES:
        raise Conflict(f"A list is polled every {LEAST_MINUTES} to {MOST_MINUTES} minutes.")
    if not username.strip() or not password:
        raise Conflict("A server asks for a user name and a password.")
    try:
        base = HttpSource(url.strip(), username.strip(), password).base
    except ValueError as error:
        raise Conflict(f"{str(error)[:1].upper()}{str(error)[1:]}.") from None
    if Feed.objects.filter(hash_list=hash_list).exists():
        raise Conflict(f"{hash_list.name!r} is polled already.")
    if Share.objects.filter(hash_list=hash_list).exists():  # what others entrust to us is not ours to share
        raise Conflict(f"{hash_list.name!r} is shared with others; make a list of its own for the server.")
    if hash_list.editions.exists():
        raise Conflict(f"{hash_list.name!r} was filled from files; make a list of its own for the server.")
    closed = keys.current_sealer().seal(password.encode(), _context(hash_list))
    feed = Feed.objects.create(
        hash_list=hash_list,
        url=base,
        username=username.strip(),
        secret=closed.body,
        secret_key_part=closed.key_part,
        every_minutes=every_minutes,
        checkpoint={},
    )
    custody.append(
        by=by,
        at=at,
        kind="hashes.feed-added",
        subject=subject(hash_list),
        data={"url": base, "username": feed.username, "every_minutes": every_minutes},
    )
    return feed


@transaction.atomic
def renew_password(*, by: str, at: datetime, hash_list: HashList, password: str) -> None:
    """Take another password for the server a list is polled from. Raises NotFound, and Conflict for an empty one."""
    feed = feed_of(hash_list)
    if not password:
        raise Conflict("A server asks for a password.")
    closed = keys.current_sealer().seal(password.encode(), _context(hash_list))
    Feed.objects.filter(pk=feed.pk).update(secret=closed.body, secret_key_part=closed.key_part)
    custody.append(
        by=by, at=at, kind="hashes.feed-password-changed", subject=subject(hash_list), data={"url": feed.url}
    )


def feed_of(hash_list: HashList) -> Feed:
    """Return where a list is polled from. Raises NotFound."""
    feed = Feed.objects.select_related("hash_list").filter(hash_list=hash_list).first()
    if feed is None:
        raise NotFound(f"{hash_list.name!r} is not polled from anywhere; see: nightlight hashes feed")
    return feed


def poll(
    hash_list: HashList,
    *,
    by: str,
    now: Callable[[], datetime] = clock.now,
    connect: Callable[[str, str, str], HttpSource] = HttpSource,
) -> Polled:
    """Poll the server of a list once. What a server does is never raised: the feed says why it failed.

    For the worker or a command, which have the private sealing key. Raises NotFound where there is no feed, and
    Conflict where somebody else is polling it just now.
    """
    feed = feed_of(hash_list)
    with alone(hash_list), Staging() as staging:
        feed.refresh_from_db()
        try:
            password = _password(feed)
        except (Damaged, KeysRefused, UnicodeDecodeError):
            why = "The password cannot be opened here; give it again with: nightlight hashes feed"
            return _failed(feed, why, at=now(), polled=Polled(hash_list, None, Counts(), 0, ()))
        # What an earlier poll staged went with its connection: each begins at the checkpoint.
        checkpoint = replace(Checkpoint.from_data(feed.checkpoint), half=None)
        keep = _Keep(staging)
        with connect(feed.url, feed.username, password) as source:
            try:
                outcome = polling.poll(source, checkpoint, now, keep.page)
            except _TooManyBad:
                why = f"More than {MOST_BAD:,} rows and values of the server cannot be read; nothing was taken in."
                return _failed(feed, why, at=now(), polled=Polled(hash_list, None, Counts(), keep.pages, ()))
        notes = tuple(note.text for note in outcome.notes)
        polled = Polled(hash_list, None, Counts(), outcome.pages, notes)
        if outcome.failure is not None or not outcome.finished:
            why = outcome.failure.reason if outcome.failure else "The poll ended before the last page."
            return _failed(feed, f"{why[:1].upper()}{why[1:]}.".replace("..", "."), at=now(), polled=polled)
        with transaction.atomic():
            made = _apply(feed, staging, by=by, at=now(), outcome=outcome)
            Feed.objects.filter(pk=feed.pk).update(
                checkpoint=outcome.checkpoint.as_data(), polled_at=now(), failed_at=None, why=""
            )
        return replace(polled, edition=made[0], counts=made[1])


def poll_due(
    *,
    by: str,
    now: Callable[[], datetime] = clock.now,
    connect: Callable[[str, str, str], HttpSource] = HttpSource,
) -> list[Polled]:
    """Poll every feed whose time has come; one that fails does not keep the others waiting."""
    at = now()
    done = []
    for feed in Feed.objects.select_related("hash_list").order_by("polled_at", "pk"):
        last = max(filter(None, (feed.polled_at, feed.failed_at)), default=None)
        if last is None or last + timedelta(minutes=feed.every_minutes) <= at:
            try:
                done.append(poll(feed.hash_list, by=by, now=now, connect=connect))
            except Conflict:  # somebody polls it by hand
                continue
    return done


def _apply(
    feed: Feed, staging: Staging, *, by: str, at: datetime, outcome: polling.Outcome
) -> tuple[Edition | None, Counts]:
    """Bring the list to what came. No version is made of a poll that brought nothing new: most bring nothing."""
    hash_list = feed.hash_list
    counts = applying.settle_stated(list_id=hash_list.pk)
    counts.rows += outcome.lost
    counts.bad = staging.bad
    differs = applying.compare(counts, list_id=hash_list.pk, replaces=False)
    if not differs and not staging.bad:
        return None, counts
    edition = Edition.objects.create(
        hash_list=hash_list,
        number=next_number(hash_list),
        state=EditionState.WHOLE,
        source=feed.url,
        source_version=stamp(outcome.checkpoint.upto, milliseconds=True),
        replaces=False,
        started_at=at,
        ended_at=at,
        by=by,
        notes=[{"code": str(note.code), "text": note.text} for note in outcome.notes[:MOST_NOTES]],
        **edition_counts(counts),
    )
    staging.edition_id = edition.pk
    staging.pause()
    if differs:
        moment = moment_of_change(hash_list_id=hash_list.pk)
        applying.write(counts, list_id=hash_list.pk, number=edition.number, at=moment)
    data: dict[str, Json] = {"edition": edition.number, "url": feed.url, "pages": outcome.pages}
    custody.append(
        by=by,
        at=at,
        kind="hashes.polled",
        subject=subject(hash_list),
        data={**data, **counts_as_data(counts), "notes": sorted({str(note.code) for note in outcome.notes})},
    )
    return edition, counts


def _failed(feed: Feed, why: str, *, at: datetime, polled: Polled) -> Polled:
    # By a condition, so that what another process wrote meanwhile is not written over with what we read.
    Feed.objects.filter(Q(polled_at=None) | Q(polled_at__lte=at), pk=feed.pk).update(failed_at=at, why=why[:1000])
    return replace(polled, why=why)


def _password(feed: Feed) -> str:
    closed = Closed(bytes(feed.secret_key_part), bytes(feed.secret))
    return box.unseal(keys.current_keyring(), closed, _context(feed.hash_list)).decode()


def _context(hash_list: HashList) -> bytes:
    return f"nightlight feed password {hash_list.public_id}".encode()


class _TooManyBad(Exception):
    """More rows are not in than may wait."""


class _Keep:
    """Stages the pages of one poll. Rows are numbered over all of them."""

    def __init__(self, staging: Staging) -> None:
        self._staging = staging
        self._rows = 0
        self.pages = 0

    def page(self, page: terms.Page) -> None:
        """Stage a page. Raises _TooManyBad, and the database's errors."""
        rows, gone, stated_at = [], [], []
        for number, change in enumerate(page.changes, self._rows + 1):
            if isinstance(change, terms.Tombstone):
                rows.append(_row(change, number))
                gone.append(True)
                stated_at.append(change.timestamp)
                continue
            row, bad = _entry(change, number)
            for one in bad:
                self._staging.refuse(one)
            if row.usable or row.opaque:
                rows.append(row)
                gone.append(False)
                stated_at.append(change.timestamp)
            else:
                self._staging.refuse(
                    BadRow.of(number, 0, Code.NO_DIGEST, "The entry has no fingerprint at all.", row.source_id)
                )
        for problem in page.problems:
            # The wire's own words for what is wrong are finer than those of files; they stay in the sentence.
            code = _LOST.get(problem.code, Code.NOT_A_RECORD)
            reason = f"{problem.code}: {problem.reason}"
            self._staging.refuse(BadRow.of(self._rows + problem.row, 0, code, reason, problem.raw))
        if rows:
            self._staging.add_stated(batch_of(rows), gone=gone, stated_at=stated_at)
        self._rows += page.rows
        self.pages += 1
        # The next page may take minutes: an open COPY would hold a transaction all the while, and whoever follows
        # changes by transaction (the index of lists, and vacuum) waits for the oldest one.
        self._staging.pause()
        if self._staging.bad > MOST_BAD:
            raise _TooManyBad


def _row(change: terms.Change, number: int) -> Row:
    claims: dict[str, Json] = {"timestamp": stamp(change.timestamp, milliseconds=True)}
    if change.member_name:
        claims["member"] = change.member_name
    return Row(
        row=number,
        source_id=f"{change.member_id}/{change.entry_id}",
        media=change.media.value,
        claims=claims,
    )


def _entry(entry: terms.Entry, number: int) -> tuple[Row, list[BadRow]]:
    """Return an entry as a row: what we can compare as bytes, everything else verbatim."""
    row, bad = _row(entry, number), []
    row.classification = entry.classification or ""
    for kind, text in entry.fingerprints.items():
        if kind not in _COLUMNS:
            row.opaque[kind] = text
            continue
        try:
            digest = values.digest(kind, text)
        except values.BadValue as wrong:
            bad.append(BadRow.of(number, 0, wrong.code, wrong.reason, f"{row.source_id} {kind} {text}"))
        else:
            if digest is not None:
                row.digests[kind] = digest
    if entry.large:
        row.claims["elsewhere"] = dict(entry.large)
    if entry.categorizations:
        row.claims["categorizations"] = [one.name or one.guid for one in entry.categorizations]
    for said in entry.feedback:
        row.claims.setdefault("feedback", {}).setdefault(said.type, {}).update(_said(said))
    return row, bad


def _said(said: terms.Affirmative | terms.Negative) -> dict[str, Json]:
    if isinstance(said, terms.Affirmative):
        return {"affirmed by": [member.name or str(member.id) for member in said.members]}
    return {"disputed for": [one.reason.name or one.reason.guid for one in said.objections]}
