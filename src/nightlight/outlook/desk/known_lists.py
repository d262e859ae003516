# SPDX-License-Identifier: Apache-2.0
"""What pages say of lists of known files: versions, notes, answers of partners, and what an entry said before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from nightlight.outlook.desk import known
from nightlight.pipeline.matching import rules
from nightlight.pipeline.matching.sharing.offered import offered

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from django.utils.functional import _StrPromise as StrPromise

    from nightlight.pipeline.matching.models import Edition, Entry, EntryChange, Feedback

_PLAIN: dict[str, StrPromise] = {
    "classification": gettext_lazy("Category"),
    "media": gettext_lazy("Kind of file"),
    "sha256": gettext_lazy("SHA-256"),
    "sha1": gettext_lazy("SHA-1"),
    "md5": gettext_lazy("MD5"),
    "pdq": gettext_lazy("PDQ"),
    "pdq_quality": gettext_lazy("Quality of the PDQ"),
}
_WHAT: dict[str, StrPromise] = {
    "updated": gettext_lazy("Changed"),
    "withdrawn": gettext_lazy("Withdrawn"),
    "restored": gettext_lazy("Taken back in"),
}


@dataclass(frozen=True, slots=True)
class Changed:
    """One change of an entry: in which version, and each value before and after."""

    what: str
    edition: int
    at: datetime
    values: tuple[tuple[str, str, str], ...]


def past(entry: Entry, changes: Sequence[EntryChange]) -> list[Changed]:
    """Return the changes of an entry, newest first as given, each with what it changed."""
    after = _stated(entry)
    found = []
    for change in changes:
        values = tuple(_differences(change.before, after))
        found.append(Changed(str(_WHAT.get(change.what, change.what)), change.edition, change.at, values))
        after = change.before
    return found


def _stated(entry: Entry) -> dict[str, Any]:
    """What an entry says now, as changes keep what it said before."""
    hashes = {name: None if (value := getattr(entry, name)) is None else bytes(value).hex() for name in _HASHES}
    return {
        **hashes,
        "media": entry.media,
        "classification": entry.classification,
        "pdq_quality": entry.pdq_quality,
        "frames": bytes(entry.frames).hex(),
        "opaque": entry.opaque,
        "claims": entry.claims,
    }


_HASHES = ("md5", "sha1", "sha256", "pdq")


def _differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    found = [
        (str(words), _text(before.get(name)), _text(after.get(name)))
        for name, words in _PLAIN.items()
        if before.get(name) != after.get(name)
    ]
    one_film, other_film = before.get("frames") or "", after.get("frames") or ""
    if one_film != other_film:
        found.append((_("Frames"), _frames(one_film), _frames(other_film)))
    for part in ("opaque", "claims"):
        one, other = (dict(known.claims(side.get(part) or {})) for side in (before, after))
        found += [
            (name, known.shortened(one.get(name, "")), known.shortened(other.get(name, "")))
            for name in sorted(one.keys() | other.keys())
            if one.get(name) != other.get(name)
        ]
    return found


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _frames(value: str) -> str:
    number = len(rules.hashes(bytes.fromhex(value)))
    return ngettext("%(n)d frame", "%(n)d frames", number) % {"n": number} if number else ""


def values(entry: Entry) -> list[tuple[str, str]]:
    """Return the digests and the perceptual hash that an entry states, in full."""
    stated = _stated(entry)
    return [(words, stated[name]) for name, words in {**known.DIGESTS, "pdq": "PDQ"}.items() if stated[name]]


@dataclass(frozen=True, slots=True)
class Loading:
    """How far the reading of a version is; ``seconds_left`` is None as long as it cannot be told."""

    percent: int
    seconds_left: int | None


def loading(edition: Edition, now: datetime) -> Loading:
    """Return how far a version that is being read has come."""
    if not (edition.all_bytes and edition.done_bytes):
        return Loading(0, None)
    done = min(1.0, edition.done_bytes / edition.all_bytes)
    spent = max(0.0, (now - edition.started_at).total_seconds())
    return Loading(int(done * 100), round(spent * (1 - done) / done))


def notes(edition: Edition) -> list[tuple[str, str]]:
    """Return what was noticed when a version was read, each as its code and a sentence."""
    return [(str(one.get("code", "")), str(one.get("text", ""))) for one in edition.notes if isinstance(one, dict)]


def reasons(feedback: Feedback) -> list[str]:
    """Return why a partner objects, in words; a reason that is not offered any more stays as it came."""
    named = [(str(guid), offered().reason(str(guid))) for guid in feedback.reasons]
    return [found.name if found else guid for guid, found in named]
