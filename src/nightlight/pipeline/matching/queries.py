# SPDX-License-Identifier: Apache-2.0
"""Reads of matching for pages: what is known of a tip's files, lists, entries. Row security decides what is there."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db.models import Count, Exists, OuterRef, Q

from nightlight.foundation.refusals import NotFound
from nightlight.pipeline.matching import judging, rules
from nightlight.pipeline.matching.models import (
    Access,
    BadRow,
    Edition,
    EditionState,
    Entry,
    EntryChange,
    Feed,
    Feedback,
    FileState,
    Fingerprint,
    Frame,
    HashList,
    How,
    Match,
    Near,
    Progress,
    Sighting,
)
from nightlight.pipeline.tips.models import State, Tip, TipFile
from nightlight.trust.accounts.models import Environment

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from django.db.models import QuerySet

    from nightlight.trust.evidence.models import Blob


@dataclass(frozen=True, slots=True)
class Agreement:
    """One entry a file agrees with: the row, what the rules make of it, and its number among those of the file."""

    number: int  # from 1; see match_of
    match: Match
    hit: rules.Hit


@dataclass(frozen=True, slots=True)
class FileKnown:
    """What is known of one file of a tip. ``elsewhere`` counts the other tips it came with, across units."""

    state: rules.State
    judgement: rules.Judgement
    agreements: tuple[Agreement, ...]
    ended: tuple[Agreement, ...]  # by which it was known until a list withdrew them
    sighting: Sighting | None
    elsewhere: int
    first: bool  # this tip is the first with it
    alike: int  # other files, nearly the same, that came with earlier tips
    fingerprint: Fingerprint | None

    @property
    def look(self) -> bool:
        """Whether a page offers to look at the file."""
        return self.state is not rules.State.KNOWN


def of_tip(tip: Tip) -> tuple[Progress | None, dict[int, FileKnown]]:
    """Return how far a tip's files have been looked up, and what is known of each, by the key of its item.

    ``tip`` is one that the viewer was shown; the number of queries does not depend on the number of files.
    """
    progress = Progress.objects.filter(tip=tip).first()
    came = TipFile.objects.filter(tip=tip).select_related("item__blob__sighting", "item__blob__fingerprint")
    items = {file.item_id: file.item.blob for file in came}
    states = {row.blob_id: row for row in FileState.objects.filter(tip=tip)} if progress else {}
    agreements, ended = _agreements(sorted({blob.pk for blob in items.values()})) if progress else ({}, {})
    found: dict[int, FileKnown] = {}
    for item, blob in items.items():
        row, seen, made = states.get(blob.pk), _or_none(blob, "sighting"), _or_none(blob, "fingerprint")
        first = seen is None or seen.first_tip_id == tip.pk
        told = agreements.get(blob.pk, [])
        found[item] = FileKnown(
            state=rules.State(row.state) if row else rules.State.WORKING,
            judgement=rules.judge(
                [one.hit for one in told],
                looked_up=progress is not None and progress.finished_at is not None,
                measured=made is not None and not made.why,
                seen_before=not first or bool(row and row.alike),
            ),
            agreements=tuple(told),
            ended=tuple(ended.get(blob.pk, ())),
            sighting=seen,
            elsewhere=max(0, seen.tips - 1) if seen else 0,
            first=first,
            alike=row.alike if row else 0,
            fingerprint=made,
        )
    return progress, found


def _or_none(blob: Blob, name: str) -> Any:  # noqa: ANN401 - whichever of the two
    """What was worked out of a file, if it was; a reverse one-to-one that is not there raises."""
    return getattr(blob, name, None)


def _agreements(blobs: Sequence[int]) -> tuple[dict[int, list[Agreement]], dict[int, list[Agreement]]]:
    stands: dict[int, list[Agreement]] = defaultdict(list)
    ended: dict[int, list[Agreement]] = defaultdict(list)
    # The frames of a film on a list may be long; only the page of a match needs them.
    rows = Match.objects.filter(blob_id__in=blobs).select_related("entry__hash_list").defer("entry__frames")
    for match in rows.order_by("how", "distance", "id"):
        number = 1 + len(stands[match.blob_id]) + len(ended[match.blob_id])
        kind = stands if match.ended_at is None else ended
        kind[match.blob_id].append(Agreement(number, match, judging.hit(match)))
    return stands, ended


def match_of(tip: Tip, item: int, number: int) -> Agreement:
    """Return a match, by its number among those of a file (from 1, as the page lists them). Raises NotFound."""
    blob = TipFile.objects.filter(tip=tip, item_id=item).values("item__blob_id")
    rows = Match.objects.filter(blob_id__in=blob).select_related("entry__hash_list").order_by("how", "distance", "id")
    found = list(rows)
    if not 1 <= number <= len(found):
        raise NotFound("This file has no such match.")
    return Agreement(number, found[number - 1], judging.hit(found[number - 1]))


@dataclass(frozen=True, slots=True)
class Alike:
    """A tip with a file that is nearly the same picture as ours; ``ours``: the pair was noted from ours."""

    pair: Near
    ours: bool
    tip: Tip


def alike(tip: Tip, item: int, *, at_most: int = 20) -> list[Alike]:
    """Return where files like this one came, in tips the viewer sees: the nearest first, then the oldest."""
    blob = TipFile.objects.filter(tip=tip, item_id=item).values_list("item__blob_id", flat=True).get()
    pairs = Near.objects.filter(Q(blob_id=blob) | Q(other_id=blob)).order_by("distance", "id")[:200]
    by_other = {pair.other_id if pair.blob_id == blob else pair.blob_id: pair for pair in pairs}
    files = TipFile.objects.filter(
        item__blob_id__in=by_other,
        tip__state=State.RECEIVED,
        tip__environment=Environment.PRODUCTION,
        tip__set_apart=False,
    ).select_related("tip__reporter", "tip__unit", "item")
    found = [(by_other[file.item.blob_id], file.tip) for file in files.order_by("tip__state_at", "tip_id")[:200]]
    found.sort(key=lambda one: one[0].distance)
    return [Alike(pair, pair.blob_id == blob, where) for pair, where in found[:at_most]]


def same(tip: Tip, item: int, *, at_most: int = 20) -> tuple[list[Tip], int]:
    """Return the other tips with the same bytes that the viewer sees, oldest first, and how many they are in all.

    The same tips as a Sighting counts: received, and not set apart.
    """
    blob = TipFile.objects.filter(tip=tip, item_id=item).values("item__blob_id")
    with_it = TipFile.objects.filter(item__blob_id__in=blob).values("tip_id")
    tips = Tip.objects.filter(
        pk__in=with_it, state=State.RECEIVED, environment=Environment.PRODUCTION, set_apart=False
    ).exclude(pk=tip.pk)
    return list(tips.select_related("reporter", "unit").order_by("state_at", "id")[:at_most]), tips.count()


_COUNTS = ("finished_at", "files", "known", "near", "disputed", "seen", "new")


def states_of(public_ids: Iterable[str]) -> dict[str, Progress]:
    """Return what is known of the files of tips in a list, by the tips' public ids; one query at most."""
    wanted = list(public_ids)
    if not wanted:
        return {}
    rows = Progress.objects.filter(tip__public_id__in=wanted).select_related("tip").only(*_COUNTS, "tip__public_id")
    return {row.tip.public_id: row for row in rows}


def frames(blob: int) -> list[Frame]:
    """Return the frames of a film that are good enough to be compared, in their order."""
    return list(Frame.objects.filter(blob_id=blob, quality__gte=rules.LEAST_QUALITY).order_by("number"))


# --- lists ---


def lists() -> QuerySet[HashList]:
    """Every list that the viewer may read, by name."""
    return HashList.objects.order_by("name")


def hash_list(public_id: str) -> HashList:
    """Return a list. Raises NotFound."""
    found = HashList.objects.filter(public_id=public_id).first()
    if found is None:
        raise NotFound("There is no such list, or you may not read it.")
    return found


def editions(of: HashList) -> QuerySet[Edition]:
    """The versions of a list, newest first."""
    return of.editions.order_by("-number")


def entry(of: HashList, source_id: str) -> Entry:
    """Return an entry by its number at the source. Raises NotFound."""
    found = Entry.objects.filter(hash_list=of, source_id=source_id).select_related("hash_list").first()
    if found is None:
        raise NotFound("There is no such entry on this list.")
    return found


@dataclass(frozen=True, slots=True)
class Polled:
    """Where a list is polled from, and how that goes. The password is nobody's to read."""

    url: str
    every_minutes: int
    polled_at: datetime | None
    failed_at: datetime | None
    why: str

    @property
    def failing(self) -> bool:
        """Whether the last round failed."""
        return self.failed_at is not None and (self.polled_at is None or self.failed_at > self.polled_at)


@dataclass(frozen=True, slots=True)
class ListSeen:
    """A list as pages show it. ``in_use`` is the newest whole version, ``newest`` the one read last, whole or not."""

    hash_list: HashList
    in_use: Edition | None
    newest: Edition | None
    feed: Polled | None
    partners: tuple[str, ...]  # who may pull it
    waiting: int  # answers of partners that nobody has decided


def overview(of: Iterable[HashList]) -> list[ListSeen]:
    """Return lists with how they stand; the number of queries does not depend on how many they are."""
    found = list(of)
    keys = [one.pk for one in found]
    editions = Edition.objects.filter(hash_list__in=keys).defer("notes")
    in_use = _newest(editions.filter(state=EditionState.WHOLE))
    newest = _newest(editions)
    columns = ("url", "every_minutes", "polled_at", "failed_at", "why")
    feeds = {key: Polled(*rest) for key, *rest in Feed.objects.filter(pk__in=keys).values_list("pk", *columns)}
    partners: dict[int, list[str]] = defaultdict(list)
    opened = Access.objects.filter(hash_list__in=keys, member__ended_at=None).order_by("member__name")
    for key, name in opened.values_list("hash_list_id", "member__name"):
        partners[key].append(name)
    waiting = dict(
        _undecided()
        .filter(entry__hash_list__in=keys)
        .values_list("entry__hash_list_id")
        .annotate(number=Count("pk"))
        .order_by()
    )
    return [
        ListSeen(
            one,
            in_use.get(one.pk),
            newest.get(one.pk),
            feeds.get(one.pk),
            tuple(partners[one.pk]),
            waiting.get(one.pk, 0),
        )
        for one in found
    ]


def _newest(editions: QuerySet[Edition]) -> dict[int, Edition]:
    rows = editions.order_by("hash_list_id", "-number").distinct("hash_list_id")
    return {row.hash_list_id: row for row in rows}


def edition(of: HashList, number: int) -> Edition:
    """Return a version of a list. Raises NotFound."""
    found = of.editions.filter(number=number).first()
    if found is None:
        raise NotFound("This list has no such version.")
    return found


def bad_rows(of: Edition, *, after: int, at_most: int = 1000) -> list[BadRow]:
    """Return rows that could not be taken in, in the order in which they were kept; ``after`` is the key before."""
    return list(BadRow.objects.filter(edition=of, pk__gt=after).order_by("pk")[:at_most])


def _undecided() -> QuerySet[Feedback]:
    """Answers of partners that count (the latest of each about a fingerprint), and that nobody has decided."""
    later = Feedback.objects.filter(
        entry_id=OuterRef("entry_id"), member_id=OuterRef("member_id"), type=OuterRef("type"), pk__gt=OuterRef("pk")
    )
    return Feedback.objects.filter(~Exists(later), answer=None)


def undecided(of: HashList, *, at_most: int = 50) -> list[Feedback]:
    """Return what partners say of a list's entries and nobody has decided: objections first, then the oldest."""
    rows = _undecided().filter(entry__hash_list=of).select_related("entry", "member").defer("member__secret_digest")
    return list(rows.order_by("affirmative", "pk")[:at_most])


def decided(of: HashList, *, at_most: int = 20) -> list[Feedback]:
    """Return what partners said and somebody decided, newest first."""
    rows = Feedback.objects.filter(entry__hash_list=of, answer__isnull=False).order_by("-answer__at")
    return list(rows.select_related("entry", "member", "answer").defer("member__secret_digest")[:at_most])


def about(of: Entry, *, at_most: int = 50) -> list[Feedback]:
    """Return everything partners said of an entry, newest first."""
    rows = of.feedback.select_related("member", "answer").defer("member__secret_digest")
    return list(rows.order_by("-pk")[:at_most])


def changes(of: Entry) -> list[EntryChange]:
    """Return what an entry said before, newest first."""
    return list(of.changes.order_by("-pk"))


def tips_with(of: Entry, *, at_most: int = 50) -> list[tuple[Match, Tip]]:
    """Return the tips with a file that agrees with an entry, as far as the viewer sees them, newest first."""
    # Of several matches of one file the one that tells most: what stands before what ended, bytes before pictures.
    rows = sorted(of.matches.all(), key=lambda match: (match.ended_at is None, match.how == How.DIGEST))
    stands = {match.blob_id: match for match in rows}
    files = TipFile.objects.filter(item__blob_id__in=stands).select_related("tip__reporter", "item")
    return [(stands[file.item.blob_id], file.tip) for file in files.order_by("-tip__state_at", "-tip_id")[:at_most]]


def remark(of: HashList, *, source_id: str, member: str, type: str) -> Feedback:  # noqa: A002 - the word of the wire
    """Return what a partner (by its public id) says now of a fingerprint of an entry, undecided. Raises NotFound."""
    rows = _undecided().filter(entry__hash_list=of, entry__source_id=source_id, member__public_id=member, type=type)
    found = rows.select_related("entry").first()
    if found is None:
        raise NotFound("Nothing of that kind waits for an answer; perhaps somebody decided it just now.")
    return found
