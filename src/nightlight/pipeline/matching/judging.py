# SPDX-License-Identifier: Apache-2.0
"""Works out, from what was found, what an officer is told about each file of a tip. For the worker, which sees all.

"Before" means: with a tip that was received earlier. So what is said of a tip does not change when later ones come.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from django.db.models import Q, Subquery

from nightlight.pipeline.matching import rules, schemes
from nightlight.pipeline.matching.models import FileState, Fingerprint, Frame, How, Match, Near, Purpose, Sighting
from nightlight.pipeline.tips.models import Tip

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def hit(match: Match) -> rules.Hit:
    """Return what a match says, in the words of the rules; the match comes with its entry and list."""
    entry, source = match.entry, match.entry.hash_list
    label = source.purpose == Purpose.LABEL
    standing = schemes.standing(source.scheme, source.scheme_version, entry.classification)
    return rules.Hit(
        hash_list=source.name,
        owner=source.owner,
        scheme=source.scheme,
        scheme_version=source.scheme_version,
        classification=entry.classification,
        standing=rules.Standing.LABEL if label else standing,
        digest=match.how == How.DIGEST,
        differ=tuple(match.differ.split()),
        distance=match.distance,
        orientation=match.orientation,
    )


def hits(blobs: Iterable[int]) -> dict[int, list[rules.Hit]]:
    """Return what the lists that stand say of files. Seen are the matches that whoever is acting may see."""
    found: dict[int, list[rules.Hit]] = defaultdict(list)
    rows = Match.objects.filter(blob_id__in=list(blobs), ended_at=None).select_related("entry__hash_list")
    for match in rows.order_by("how", "distance", "id"):
        found[match.blob_id].append(hit(match))
    return found


def states(tip: int, blobs: Sequence[int], *, looked_up: bool) -> list[rules.State]:
    """Work out and write down the state of each file of a tip; return them in the order given."""
    told = hits(blobs)
    alike = _alike_before(tip, blobs)
    first = dict(Sighting.objects.filter(blob_id__in=blobs).values_list("blob_id", "first_tip_id"))
    measured = _measured(blobs)
    found = []
    for blob in blobs:
        before = first.get(blob, tip) != tip or alike[blob] > 0
        judged = rules.judge(told.get(blob, ()), looked_up=looked_up, measured=blob in measured, seen_before=before)
        found.append(judged.state)
    rows = {
        blob: FileState(tip_id=tip, blob_id=blob, state=state, alike=alike[blob], version=rules.VERSION)
        for blob, state in zip(blobs, found, strict=True)
    }
    FileState.objects.bulk_create(
        rows.values(),
        update_conflicts=True,
        unique_fields=["tip", "blob"],
        update_fields=["state", "alike", "version"],
    )
    return found


def _alike_before(tip: int, blobs: Sequence[int]) -> Counter[int]:
    """How many files like each of these came first with an earlier tip. The pair is noted once, from either side."""
    pairs = Near.objects.filter(Q(blob_id__in=blobs) | Q(other_id__in=blobs)).values_list("blob_id", "other_id")
    others = {number for pair in pairs for number in pair}
    received = Tip.objects.filter(pk=tip).values("state_at")
    first = Sighting.objects.filter(blob_id__in=others, first_tip__state_at__lt=Subquery(received))
    earlier = set(first.values_list("blob_id", flat=True))
    counted: Counter[int] = Counter()
    for blob, other in pairs:
        counted[blob] += other in earlier
        counted[other] += blob in earlier
    return counted


def _measured(blobs: Sequence[int]) -> set[int]:
    """Those with a fingerprint that says enough to be compared."""
    stills = Fingerprint.objects.filter(pk__in=blobs, version=rules.VERSION, pdq__isnull=False)
    frames = Frame.objects.filter(blob_id__in=blobs)
    rows = [*stills.values_list("pk", "pdq", "quality"), *frames.values_list("blob_id", "pdq", "quality")]
    return {blob for blob, value, quality in rows if rules.comparable(value, quality)}
