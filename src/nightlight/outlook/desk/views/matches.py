# SPDX-License-Identifier: Apache-2.0
"""Why a file agrees with an entry of a list, and in which other tips it came. Numbers and squares; never the picture.

Each is a page of the tip: opening it is recorded in the tip's history, as opening the tip is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.shortcuts import render
from django.views.decorators.http import require_safe

from nightlight.foundation import clock, pdq
from nightlight.outlook.desk import bits, known, looking
from nightlight.outlook.desk.access import reads_tips
from nightlight.pipeline.matching import queries, rules
from nightlight.pipeline.matching.models import How
from nightlight.pipeline.tips import viewing

if TYPE_CHECKING:
    from django.http import HttpResponse

    from nightlight.outlook.desk.access import DeskRequest
    from nightlight.outlook.desk.looking import TipFileSeen
    from nightlight.pipeline.matching.models import Match

SHOWN = 20


@require_safe
@reads_tips
def match(request: DeskRequest, public_id: str, number: int, match: int) -> HttpResponse:
    """By what a file agrees with an entry: digests side by side, bits as squares, or frames counted."""
    file = looking.file_of(request.viewer, public_id, number)
    found = queries.match_of(file.tip, file.item.pk, match)
    viewing.record_view(by=request.viewer, at=clock.now(), tip=file.tip)
    told = {"file": file, "tip": file.tip, "match": found.match, "said": known.said(found), "radius": rules.RADIUS}
    if found.match.how == How.DIGEST:
        told["digests"] = _digests(file, found.match)
    elif found.match.how == How.FRAMES:
        told |= _frames(file, found.match)
    else:
        told |= _picture(file, found.match)
    return render(request, "desk/known_match.html", told)


@require_safe
@reads_tips
def seen(request: DeskRequest, public_id: str, number: int) -> HttpResponse:
    """Other tips with the same bytes, or with nearly the same picture: those the viewer sees, the others counted."""
    file = looking.file_of(request.viewer, public_id, number)
    viewing.record_view(by=request.viewer, at=clock.now(), tip=file.tip)
    found = queries.of_tip(file.tip)[1][file.item.pk]
    same, of = queries.same(file.tip, file.item.pk, at_most=SHOWN)
    alike = queries.alike(file.tip, file.item.pk, at_most=SHOWN)
    return render(
        request,
        "desk/known_seen.html",
        {
            "file": file,
            "tip": file.tip,
            "found": found,
            "same": same,
            "more_same": of - len(same),
            "beyond": max(0, found.elsewhere - of),
            "alike": [
                (one.tip, one.pair.distance, (known.turned if one.ours else known.turned_back)(one.pair.orientation))
                for one in alike
            ],
            "shown": SHOWN,
            "radius": rules.RADIUS,
        },
    )


def _digests(file: TipFileSeen, of: Match) -> list[tuple[str, str, str, str]]:
    """Each digest: its name, ours, theirs ("" where the list states none), and "agree", "differ" or "absent"."""
    rows = []
    agree = of.agree.split()
    for name, words in known.DIGESTS.items():
        value = getattr(of.entry, name)
        theirs = "" if value is None else bytes(value).hex()
        verdict = "agree" if name in agree else "differ" if theirs else "absent"
        rows.append((words, bytes(getattr(file.item.blob, name)).hex(), theirs, verdict))
    return rows


def _picture(file: TipFileSeen, of: Match) -> dict[str, object]:
    print_ = getattr(file.item.blob, "fingerprint", None)
    turn = pdq.Orientation(of.orientation or 0)
    turns = rules.hashes(bytes(print_.dihedral)) if print_ is not None else []
    theirs = bytes(of.entry.pdq) if of.entry.pdq is not None else b""
    told: dict[str, object] = {
        "print": print_,
        "turned": known.turned(turn),
        "is_turned": turn is not pdq.Orientation.ORIGINAL,
        "their_quality": of.entry.pdq_quality,
        "least_quality": rules.LEAST_QUALITY,
    }
    return told | _drawing(turns[turn] if len(turns) > turn else b"", theirs)


def _frames(file: TipFileSeen, of: Match) -> dict[str, object]:
    """The frames that agree most, drawn. It stops at the distance that was found when they were compared."""
    theirs = rules.hashes(bytes(of.entry.frames))
    best = pdq.BITS + 1
    pair, at_second = (b"", b""), None
    for frame in queries.frames(file.item.blob_id):
        for other in theirs:
            distance = pdq.distance(bytes(frame.pdq), other)
            if distance < best:
                best, pair, at_second = distance, (bytes(frame.pdq), other), frame.at_second
        if best <= (of.distance or 0):
            break
    told: dict[str, object] = {"theirs_of": len(theirs), "at_second": at_second, "share": round(rules.FILM_SHARE * 100)}
    return told | _drawing(*pair)


def _drawing(ours: bytes, theirs: bytes) -> dict[str, object]:
    """The squares, where both sides still have a hash: an entry may have been changed since."""
    if not (ours and theirs):
        return {"ours": ours.hex(), "theirs": theirs.hex()}
    return {"ours": ours.hex(), "theirs": theirs.hex(), "bits": bits.side_by_side(ours, theirs)}
