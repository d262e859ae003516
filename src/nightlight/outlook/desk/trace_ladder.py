# SPDX-License-Identifier: Apache-2.0
"""The ladder from a recorded use of an address to a person: what each rung has, and what it lacks.

The last rung is never reached by records of the network: they name who holds a line, not who used it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from nightlight.casework.attribution import grade_words, label_words
from nightlight.casework.attribution.candidate_kinds import Graded
from nightlight.casework.attribution.grades import AskFor
from nightlight.casework.attribution.kinds import Label
from nightlight.casework.attribution.models import Finding, Request, RequestState

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from nightlight.casework.attribution.candidate_kinds import Candidate
    from nightlight.casework.attribution.grades import Traceability
    from nightlight.casework.attribution.kinds import Event
    from nightlight.casework.attribution.prepared_body import LookedUp

HAVE, MISSING, LATER = "have", "missing", "later"
_ENDED = frozenset({RequestState.WITHDRAWN, RequestState.REFUSED})


@dataclass(frozen=True, slots=True)
class Use:
    """A use of an address, what is known of it, and how far it leads today."""

    of: LookedUp
    found: Traceability

    @property
    def event(self) -> Event:
        """The event itself."""
        return self.of.event

    @property
    def graded(self) -> Graded:
        """As ranking reads it."""
        return Graded(self.of.event, self.of.labelled, self.found)


@dataclass(frozen=True, slots=True)
class Rung:
    """One rung: ``state`` is HAVE, MISSING (somebody has to act) or LATER (not its turn yet)."""

    title: str
    state: str
    word: str
    text: str


def requests_about(keys: Sequence[str]) -> dict[str, Request]:
    """Return the newest request about each of these events. One query."""
    tips = {key.partition(":")[0] for key in keys}
    found: dict[str, Request] = {}
    for one in Request.objects.filter(tip__public_id__in=tips).order_by("pk"):
        if one.state in _ENDED:
            continue
        found |= {key: one for key in keys if f'"{key}"' in one.body}
    return found


def stated_about(tips: Collection[str]) -> frozenset[str]:
    """Return the keys of the events for which an officer has stated whom the records name. One query."""
    found = Finding.objects.filter(tip__public_id__in=tips)
    return frozenset(found.values_list("line", flat=True))


def ladder(
    best: Candidate, uses: Mapping[str, Use], requests: Mapping[str, Request], stated: Collection[str]
) -> tuple[Rung, ...]:
    """Return the rungs for what is to be asked about first."""
    use = uses[(best.ask or best.events)[0]]
    asked = next((requests[key] for key in best.events if key in requests), None)
    recorded, known, held = _recorded(use), _known(use), _held(use)
    ready = recorded.state == HAVE and held.state == HAVE
    answered = asked is not None and asked.state == RequestState.ANSWERED
    named = any(key in stated for key in best.events)
    return (
        recorded,
        known,
        held,
        _letter(asked, ready=ready),
        _answer(answered=answered, named=named),
        _second(best),
        _rung(
            _("Who used the line"),
            LATER,
            _("No record of a network answers this. It takes the people, the devices and the place."),
        ),
    )


def _rung(title: str, state: str, text: str) -> Rung:
    words = {HAVE: _("have it"), MISSING: _("missing"), LATER: _("not yet")}
    return Rung(title, state, words[state], text)


def _recorded(use: Use) -> Rung:
    title = _("What the provider recorded")
    asked = tuple(one for one in use.found.ask_for if one not in {AskFor.CUSTOMER, AskFor.DESTINATION})
    if asked:
        return _rung(title, MISSING, _("Ask the provider for %(asked)s.") % {"asked": grade_words.asked(asked)})
    if use.event.port is None:
        return _rung(title, HAVE, _("Address and time to the second, with its zone. No port is needed or stated."))
    return _rung(title, HAVE, _("Address, source port, and time to the second, with its zone."))


def _known(use: Use) -> Rung:
    title = _("What the address was then")
    if use.of.labelled.label is Label.UNKNOWN:
        return _rung(title, MISSING, _("No list that is loaded says what kind of address it was."))
    more = _("; lists disagree") if use.of.labelled.disagreement else ""
    return _rung(title, HAVE, f"{label_words.LABELS[use.of.labelled.label]}{more}.")


def _held(use: Use) -> Rung:
    title = _("Who held it, and how long records are kept")
    left = use.found.hours_left
    if not use.of.operator:
        who = use.of.holder or _("nobody that is known here")
        return _rung(title, MISSING, _("%(who)s: whom to write to has to be found and confirmed.") % {"who": who})
    if left is not None and left <= 0:
        return _rung(
            title,
            MISSING,
            _("%(who)s. The time for which such records are kept is over.") % {"who": use.of.holder},
        )
    told = {"who": use.of.holder, "left": grade_words.left(left)}
    if left is None:
        return _rung(title, HAVE, _("%(who)s. How long it keeps records is not known: ask soon.") % told)
    return _rung(title, HAVE, _("%(who)s. Left of its records: %(left)s.") % told)


def _letter(asked: Request | None, *, ready: bool) -> Rung:
    title = _("A lawful request")
    if asked is None:
        text = _("None is drafted yet.") if ready else _("First what is missing above.")
        return _rung(title, MISSING if ready else LATER, text)
    state = RequestState(asked.state)
    told = {"id": asked.public_id, "state": state.label, "who": asked.addressee}
    sent = state in {RequestState.SENT, RequestState.ANSWERED}
    return _rung(title, HAVE if sent else MISSING, _("%(id)s to %(who)s: %(state)s.") % told)


def _answer(*, answered: bool, named: bool) -> Rung:
    title = _("The subscriber that the records name")
    if named:
        return _rung(title, HAVE, _("A finding is stated with its derivation."))
    if answered:
        return _rung(title, MISSING, _("The answer is here. Read it, and state what it shows."))
    return _rung(title, LATER, _("The answer is a set of subscribers, and it may be empty."))


def _second(best: Candidate) -> Rung:
    title = _("A second, independent time")
    if best.alone and not best.require:
        return _rung(title, MISSING, _("There is one independent time alone: not for a warrant."))
    return _rung(title, HAVE, _("Recorded. Both times are asked about, and both answers have to agree."))
