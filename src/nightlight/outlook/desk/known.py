# SPDX-License-Identifier: Apache-2.0
"""What pages say of a file that was compared with lists and with other tips; worked out before any template.

Nothing here says that a person looked at a file: agreement with a list is agreement of bytes, or of what pictures look
like to a machine, and of nothing else.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from nightlight.foundation.pdq import Orientation
from nightlight.pipeline.matching import fingerprinting, rules, schemes
from nightlight.pipeline.matching.models import How
from nightlight.pipeline.matching.rules import Standing, State
from nightlight.pipeline.tips.models import State as TipState
from nightlight.trust.viewing.rendering.terms import Why

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from django.utils.functional import _StrPromise as StrPromise

    from nightlight.pipeline.matching.models import Fingerprint, Progress
    from nightlight.pipeline.matching.queries import Agreement, FileKnown
    from nightlight.pipeline.tips.models import Tip

DIGESTS = {"sha256": "SHA-256", "sha1": "SHA-1", "md5": "MD5"}
MOST_SAID = 8  # matches of one kind on the page of a tip: of one photo a list may have hundreds of crops
MOST_CLAIMS = 12  # on the page of a tip; the page of the entry has all
_LONGEST_CLAIM = 200

LABELS: dict[State, StrPromise] = {
    State.WORKING: gettext_lazy("Being looked up"),
    State.NEW: gettext_lazy("New to everyone"),
    State.DISPUTED: gettext_lazy("Disputed"),
    State.NEAR: gettext_lazy("Nearly a known file"),
    State.SEEN: gettext_lazy("Here before"),
    State.KNOWN: gettext_lazy("Known"),
    State.UNMEASURED: gettext_lazy("On no list by its digests"),
}
TURNED: dict[Orientation, StrPromise] = {
    Orientation.ORIGINAL: gettext_lazy("not turned"),
    Orientation.ROTATE_90: gettext_lazy("turned by 90° against the clock"),
    Orientation.ROTATE_180: gettext_lazy("turned by 180°"),
    Orientation.ROTATE_270: gettext_lazy("turned by 90° with the clock"),
    Orientation.FLIP_X: gettext_lazy("mirrored, top to bottom"),
    Orientation.FLIP_Y: gettext_lazy("mirrored, left to right"),
    Orientation.FLIP_PLUS: gettext_lazy("mirrored along the diagonal from the upper left"),
    Orientation.FLIP_MINUS: gettext_lazy("mirrored along the diagonal from the upper right"),
}
_STANDINGS: dict[Standing, StrPromise] = {
    Standing.LISTED: gettext_lazy("listed"),
    Standing.CLEARED: gettext_lazy("of no concern, says the list"),
    Standing.UNSETTLED: gettext_lazy("on the list, but not settled what it is"),
    Standing.LABEL: gettext_lazy("a label"),
}


@dataclass(frozen=True, slots=True)
class Said:
    """One entry that a file agrees with, or agreed with: who says what, and by what the two agree."""

    number: int  # of the match, among those of the file
    list_id: str
    list_name: str
    owner: str
    classification: str  # as the list has it; empty where it has none
    note: str  # what the code means, as far as that is written down
    scheme: str
    standing: str
    by: str
    exact: bool
    source_id: str
    claims: tuple[tuple[str, str], ...]
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of one file. ``look`` says whether a page offers to look at it."""

    state: State
    label: str
    text: str
    look: bool
    said: tuple[Said, ...]
    more: int  # how many entries further away agree besides
    labels: tuple[Said, ...]
    ended: tuple[Said, ...]
    dispute: tuple[str, ...]
    before: str  # in which other tips it came, in words; empty if in none
    first_at: datetime | None  # with another tip, and through whom
    first_reporter: str

    @property
    def matched(self) -> bool:
        """Whether it agrees with an entry of any list."""
        return bool(self.said or self.labels)


@dataclass(frozen=True, slots=True)
class Sum:
    """What is known of all files of a tip: how far they were looked up, and how many are what."""

    phase: str  # waiting, digests, done
    files: int
    done: int
    told: str
    new: int
    first_new: int  # the number of the first file that is new to everyone, 0 for none
    reopened_at: datetime | None

    @property
    def working(self) -> bool:
        """Whether there is more to come."""
        return self.phase != "done"


def of_file(found: FileKnown) -> Known:
    """Return what is said of a file."""
    told = [one for one in found.agreements if one.hit.standing is not Standing.LABEL]
    labels = [one for one in found.agreements if one.hit.standing is Standing.LABEL]
    seen = found.sighting
    return Known(
        state=found.state,
        label=_label(found, told),
        text=_text(found, told),
        look=found.look,
        said=tuple(map(said, told[:MOST_SAID])),
        more=len(told[MOST_SAID:]),
        labels=tuple(said(one) for one in labels[:MOST_SAID]),
        ended=tuple(map(said, found.ended[:MOST_SAID])),
        dispute=found.judgement.dispute,
        before=_before(found),
        first_at=seen.first_at if seen is not None and not found.first else None,
        first_reporter=seen.first_reporter if seen is not None else "",
    )


def _label(found: FileKnown, told: list[Agreement]) -> str:
    if found.state is State.NEAR and any(one.hit.exact for one in told):
        return _("On a list that has not said what it is")
    if found.state is State.NEW and found.ended:
        return _("On no list any more")
    if found.state is State.SEEN and not (found.elsewhere or found.alike):
        return _("Labelled") if found.judgement.labels else _("On no list any more")
    return str(LABELS[found.state])


_TEXTS: dict[State, StrPromise] = {
    State.WORKING: gettext_lazy("Its digests and its picture are being compared with the lists and with other tips."),
    State.NEW: gettext_lazy("It is on no list. Neither it nor a picture like it came here before, to any unit."),
    State.DISPUTED: gettext_lazy("What is said about it contradicts itself. Read who says what; a person decides."),
    State.NEAR: gettext_lazy("Probably the same picture or film with small changes. A person compares and decides."),
    State.SEEN: gettext_lazy("It is on no list that says what it is."),
    State.KNOWN: gettext_lazy("Nobody needs to look."),
}


def _text(found: FileKnown, told: list[Agreement]) -> str:
    if found.state is State.UNMEASURED:
        return why_unmeasured(found.fingerprint)
    if found.state is State.NEAR and any(one.hit.exact for one in told):
        return _("A list has these very bytes, and nobody there has said yet what they are.")
    if found.ended and found.state in (State.NEW, State.SEEN):
        return _("A list that knew it took that back.")
    return str(_TEXTS[found.state])


def why_unmeasured(fingerprint: Fingerprint | None) -> str:
    """Return, in a sentence, why a file could not be compared by what it looks like."""
    if fingerprint is None:
        return _("It has no fingerprint yet, so it was compared by its digests only.")
    if fingerprint.why == fingerprinting.NOT_KEPT:
        reason = _("The vault has no bytes for it.")
    elif fingerprint.why in set(Why):
        reason = Why(fingerprint.why).sentence
    elif fingerprint.quality is not None:
        reason = _(
            "There is too little in the picture to tell it from others (quality %(n)d of 100; %(least)d is needed)."
        ) % {"n": fingerprint.quality, "least": rules.LEAST_QUALITY}
    else:
        reason = _("No frame of it has enough in it to be told from others.")
    return _("Small changes would hide it: it could not be compared as a picture.") + " " + reason


def _before(found: FileKnown) -> str:
    said: list[str] = []
    if found.elsewhere and found.first:
        later = ngettext(
            "The same bytes came later with %(n)d other tip.",
            "The same bytes came later with %(n)d other tips.",
            found.elsewhere,
        )
        said.append(later % {"n": found.elsewhere})
    elif found.elsewhere:
        other = ngettext(
            "The same bytes came with %(n)d other tip.",
            "The same bytes came with %(n)d other tips.",
            found.elsewhere,
        )
        said.append(other % {"n": found.elsewhere})
    if found.alike:
        said.append(
            ngettext(
                "%(n)d file that is nearly the same picture came with an earlier tip.",
                "%(n)d files that are nearly the same picture came with earlier tips.",
                found.alike,
            )
            % {"n": found.alike}
        )
    return " ".join(said)


def said(one: Agreement) -> Said:
    """Return what one match says."""
    match, hit = one.match, one.hit
    entry = match.entry
    scheme = schemes.schemes().get((hit.scheme, hit.scheme_version))
    meaning = scheme.codes.get(hit.classification) if scheme else None
    return Said(
        number=one.number,
        list_id=entry.hash_list.public_id,
        list_name=hit.hash_list,
        owner=hit.owner,
        classification=hit.classification,
        note=meaning.note if meaning else "",
        scheme=scheme_words(hit.scheme, hit.scheme_version),
        standing=str(_STANDINGS[hit.standing]),
        by=_by(one),
        exact=hit.exact,
        source_id=entry.source_id,
        claims=tuple((name, shortened(value)) for name, value in list(claims(entry.claims))[:MOST_CLAIMS]),
        ended_at=match.ended_at,
    )


def scheme_words(scheme: str, version: str) -> str:
    """Return what a scheme is called, with its version; one that is not known here stays as it is."""
    found = schemes.schemes().get((scheme, version))
    return found.title if found and version in found.title else f"{found.title if found else scheme} ({version})"


def _by(one: Agreement) -> str:
    match = one.match
    if match.how == How.DIGEST:
        names = _listed(DIGESTS[name] for name in match.agree.split())
        other = _listed(DIGESTS[name] for name in match.differ.split())
        if other:
            return _("%(agree)s agrees, but %(differ)s belongs to another file") % {"agree": names, "differ": other}
        return _("same bytes by %(digests)s") % {"digests": names}
    if match.how == How.FRAMES:
        return _("%(n)d of %(of)d frames of the film agree") % {"n": match.frames or 0, "of": match.frames_of or 0}
    return _("%(n)d of 256 bits differ, %(turned)s") % {
        "n": match.distance or 0,
        "turned": turned(match.orientation),
    }


def turned(orientation: int | None) -> str:
    """Return how a picture has to be turned to agree."""
    return str(TURNED[Orientation(orientation or 0)])


def turned_back(orientation: int | None) -> str:
    """Return how the other of two pictures has to be turned; only quarter turns have another way back."""
    back = {Orientation.ROTATE_90: Orientation.ROTATE_270, Orientation.ROTATE_270: Orientation.ROTATE_90}
    found = Orientation(orientation or 0)
    return turned(back.get(found, found))


def _listed(names: Iterable[str]) -> str:
    found = list(names)
    if len(found) < 2:
        return "".join(found)
    return _("%(first)s and %(last)s") % {"first": ", ".join(found[:-1]), "last": found[-1]}


def claims(of: Mapping[str, object]) -> Iterable[tuple[str, str]]:
    """Return what a source says beside, under its own names; what is neither text nor a row of texts as JSON."""
    for name, value in of.items():
        if isinstance(value, list) and all(isinstance(one, str) for one in value):
            yield name, ", ".join(value)
        else:
            yield name, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def shortened(text: str, most: int = _LONGEST_CLAIM) -> str:
    """Return a text cut off where it is too long for a line."""
    return text if len(text) <= most else f"{text[:most]}…"


def sum_of(tip: Tip, progress: Progress | None, files: Iterable[tuple[int, Known]]) -> Sum | None:
    """Return what is known of all files of a tip (their numbers on the page first); None where nothing is looked up."""
    found = list(files)
    if tip.state != TipState.RECEIVED or not found:
        return None
    numbers = {state: [number for number, one in found if one.state is state] for state in State}
    phase = "waiting" if progress is None else "digests" if progress.finished_at is None else "done"
    told = ", ".join(_SUMS[state](len(numbers[state])) for state in _IN_ORDER if numbers[state])
    return Sum(
        phase=phase,
        files=progress.files if progress else len(found),
        done=progress.measured if progress else 0,
        told=told,
        new=len(numbers[State.NEW]),
        first_new=min(numbers[State.NEW], default=0),
        reopened_at=progress.reopened_at if progress and any(one.ended for _number, one in found) else None,
    )


_IN_ORDER = (
    State.NEW,
    State.DISPUTED,
    State.NEAR,
    State.SEEN,
    State.KNOWN,
    State.UNMEASURED,
    State.WORKING,
)
_SUMS = {
    State.NEW: lambda n: _("%(n)d new to everyone") % {"n": n},
    State.DISPUTED: lambda n: _("%(n)d disputed") % {"n": n},
    State.NEAR: lambda n: _("%(n)d nearly known") % {"n": n},
    State.SEEN: lambda n: _("%(n)d here before") % {"n": n},
    State.KNOWN: lambda n: _("%(n)d known") % {"n": n},
    State.UNMEASURED: lambda n: _("%(n)d not comparable as a picture") % {"n": n},
    State.WORKING: lambda n: _("%(n)d being looked up") % {"n": n},
}
