# SPDX-License-Identifier: Apache-2.0
"""Makes what the audit pages show out of entries and findings: words, names, links. Shows no particulars in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from nightlight.outlook.audit import actions, kinds, queries
from nightlight.outlook.audit.facts import Rule
from nightlight.outlook.audit.kinds import Group
from nightlight.outlook.audit.patterns import people_in
from nightlight.outlook.desk import wording
from nightlight.outlook.desk.history import names_of
from nightlight.trust.accounts.models import Role

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from django.utils.functional import _StrPromise as StrPromise

    from nightlight.outlook.audit.facts import Act, Broken, Finding
    from nightlight.outlook.audit.gathering import Answered
    from nightlight.trust.custody.queries import EventRow

MOST_ACTS_SHOWN = 25
CHECKS: dict[str, StrPromise] = {
    "entry": gettext_lazy("The entry is in its only form, and the columns it is found by say the same"),
    "leaf": gettext_lazy("The stored leaf hashes are the hash of this entry"),
    "signature": gettext_lazy("The signature of the head is good, and the stored head is what was signed"),
    "root": gettext_lazy("The way up through the tree ends at the signed root"),
}
_WHERE: dict[str, StrPromise] = {
    "find": gettext_lazy("Find a tip"),
    "custody": gettext_lazy("Custody log"),
    "inbox": gettext_lazy("Inbox filters"),
    "hashes": gettext_lazy("Lists of known files"),
}
_TITLES: dict[Rule, StrPromise] = {
    Rule.VIEWS_WITHOUT_WORK: gettext_lazy("Many records opened, nothing done to them"),
    Rule.OFF_SHIFT: gettext_lazy("Many views outside duty"),
    Rule.MASS_SEARCH: gettext_lazy("Many searches within an hour"),
    Rule.MANY_OUTSIDERS: gettext_lazy("One record, opened by many who did not hold it"),
    Rule.GLASS_UNANSWERED: gettext_lazy("Broken glass that nobody signed off within three days"),
    Rule.GLASS_OFTEN: gettext_lazy("Glass broken often within a month"),
    Rule.NEW_ADDRESS: gettext_lazy("Failed sign-ins, then one from a new address"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """One entry for a list: what, who, to what, when, and where it leads."""

    what: str
    detail: str
    group: str
    who: str
    person: str  # "OF-…" when a person did it
    subject: str  # empty when it is the same person
    subject_link: str
    named: bool  # whether the subject is a name rather than an identifier
    at: datetime
    ref: str
    position: int | None


@dataclass(frozen=True, slots=True)
class Look:
    """One look at a record or a file of it; `after` is the seconds since the same person's look before."""

    who: str
    person: str
    at: datetime
    roles: str
    after: int | None
    what: str
    file: str
    ref: str


@dataclass(frozen=True, slots=True)
class Viewed:
    """One person and their looks at a record."""

    who: str
    person: str
    times: int
    first: datetime
    last: datetime
    roles: str


@dataclass(frozen=True, slots=True)
class Behind:
    """One act behind a finding."""

    what: str
    who: str
    person: str
    subject: str
    subject_link: str
    at: datetime
    ref: str


@dataclass(frozen=True, slots=True)
class Shown:
    """A finding for the page: the question, why it is asked, what lies behind it, and what was answered."""

    key: str
    title: str
    why: str
    weak: str
    who: str
    person: str
    record: str
    record_link: str
    since: datetime
    until: datetime
    behind: tuple[Behind, ...]
    more: int
    answered: Answered | None
    answer: str
    answered_by: str


def lines(rows: Sequence[EventRow]) -> list[Line]:
    """Return entries as lines of a list. At most two queries, however many there are."""
    officers = {row.subject for row in rows if row.subject.startswith("officer:")}
    names = names_of({row.actor for row in rows} | officers)
    return [
        Line(
            what=wording.event(row.kind),
            detail=_detail(row),
            group=str(kinds.group_of(row.kind).label),
            who=names[row.actor],
            person=_person(row.actor),
            subject="" if row.subject == row.actor else names.get(row.subject, row.subject.partition(":")[2]),
            subject_link=link(row.subject),
            named=row.subject in names,
            at=row.at,
            ref=queries.ref_of(row),
            position=row.position,
        )
        for row in rows
    ]


def looks(rows: Sequence[EventRow]) -> list[Look]:
    """Return the looks among a record's entries (newest first, as they come), each with the time since the last."""
    seen = [row for row in rows if kinds.group_of(row.kind) == Group.LOOKED]
    names = names_of({row.actor for row in seen})
    found: list[Look] = []
    before: dict[str, datetime] = {}
    for row in reversed(seen):
        last = before.get(row.actor)
        before[row.actor] = row.at
        kind, _colon, subject = row.subject.partition(":")
        found.append(
            Look(
                who=names[row.actor],
                person=_person(row.actor),
                at=row.at,
                roles=_roles(row.data),
                after=int((row.at - last).total_seconds()) if last else None,
                what=wording.event(row.kind),
                file=subject if kind == "item" else _text(row.data, "item"),
                ref=queries.ref_of(row),
            )
        )
    return found[::-1]


def viewers(seen: Sequence[Look]) -> list[Viewed]:
    """Return who looked, how often, from when to when; who looked last comes first. `seen` is newest first."""
    by_person: dict[tuple[str, str], list[Look]] = {}
    for look in seen:
        by_person.setdefault((look.person, look.who), []).append(look)
    return [
        Viewed(
            who,
            person,
            len(mine),
            mine[-1].at,
            mine[0].at,
            ", ".join(dict.fromkeys(look.roles for look in mine if look.roles)),
        )
        for (person, who), mine in by_person.items()
    ]


def findings(found: Sequence[Finding], answered: Mapping[str, Answered]) -> list[Shown]:
    """Return findings for the page, in their order, with names and answers. At most two queries."""
    names = names_of({f"officer:{person}" for person in people_in(found)} | {one.by for one in answered.values()})
    return [_shown(one, names, answered.get(one.key)) for one in found]


def link(subject: str) -> str:
    """Where the audit pages show more of a subject; empty for what has no page."""
    kind, _colon, public_id = subject.partition(":")
    if kind == "officer":
        return reverse("audit:person", args=[public_id])
    if kind in {"tip", "item", "import"}:
        return reverse("audit:record", args=[public_id])
    return ""


def _shown(one: Finding, names: Mapping[str, str], answered: Answered | None) -> Shown:
    behind = [_act(act, names) for act in one.acts] + [_broken(broken, names) for broken in one.glass]
    label = dict(actions.Answer.choices).get(answered.answer, answered.answer) if answered else ""
    return Shown(
        key=one.key,
        title=str(_TITLES[one.rule]),
        why=_why(one),
        weak=_weak(one.rule) if one.weak else "",
        who=names.get(f"officer:{one.person}", one.person),
        person=one.person,
        record=one.record.partition(":")[2],
        record_link=link(one.record),
        since=one.since,
        until=one.until,
        behind=tuple(behind[:MOST_ACTS_SHOWN]),
        more=max(0, len(behind) - MOST_ACTS_SHOWN),
        answered=answered,
        answer=str(label),
        answered_by=names.get(answered.by, answered.by) if answered else "",
    )


def _act(act: Act, names: Mapping[str, str]) -> Behind:
    about_self = act.record == f"officer:{act.person}"
    what = {
        "looked": _("Opened"),
        "searched": ngettext("Searched, %(n)d hit", "Searched, %(n)d hits", act.hits) % {"n": act.hits},
        "signed-in": _("Signed in"),
        "failed": _("Sign-in failed"),
    }.get(act.did, act.did)
    return Behind(
        str(what),
        names.get(f"officer:{act.person}", act.person),
        act.person,
        "" if about_self else act.record.partition(":")[2],
        "" if about_self else link(act.record),
        act.at,
        act.ref,
    )


def _broken(one: Broken, names: Mapping[str, str]) -> Behind:
    what = _("Broke the glass") if one.signed_off_at is None else _("Broke the glass; signed off")
    who = names.get(f"officer:{one.person}", one.person)
    return Behind(what, who, one.person, one.record.partition(":")[2], link(one.record), one.at, "")


def _why(one: Finding) -> str:
    """The reason in one sentence, with its figures."""
    n = dict(one.numbers)
    told = {
        Rule.VIEWS_WITHOUT_WORK: _(
            "%(records)d records were opened and nothing was done to them. "
            "For the others in the same unit the median is %(usual)d."
        ),
        Rule.OFF_SHIFT: _("%(views)d views within one hour outside duty, %(all)d in all without a longer pause."),
        Rule.MASS_SEARCH: _("%(searches)d different searches within one hour; %(empty)d in an hour found nothing."),
        Rule.MANY_OUTSIDERS: _("%(people)d people opened it %(views)d times while another unit than theirs held it."),
        Rule.GLASS_UNANSWERED: _("Broken %(hours)d hours ago, and nobody has signed it off.")
        if n.get("open")
        else _("It took %(hours)d hours until somebody signed it off."),
        Rule.GLASS_OFTEN: _("Broken %(times)d times within 30 days."),
        Rule.NEW_ADDRESS: _(
            "%(failures)d sign-ins failed within half an hour before one worked from an address not seen before."
        ),
    }
    return told[one.rule] % n


def _weak(rule: Rule) -> str:
    if rule is Rule.OFF_SHIFT:
        return _("Weak: nobody keeps a roster for this person, so only the local night counts.")
    return _("Weak: there is nobody in the same unit to compare with.")


def _detail(row: EventRow) -> str:
    """What may be said of an entry's particulars in a list: figures and words of our own, nothing of the sender's."""
    if row.kind != "search.made":
        return ""
    where = str(_WHERE.get(_text(row.data, "where"), _text(row.data, "where")))
    hits = row.data.get("hits")
    number = hits if isinstance(hits, int) else 0
    told = ngettext("%(where)s, %(n)d hit", "%(where)s, %(n)d hits", number) % {"where": where, "n": number}
    filters = row.data.get("filters")
    if isinstance(filters, dict):
        named = ", ".join(f"{name} {value}" for name, value in filters.items() if isinstance(value, str))
        told += f" ({named})" if named else ""
    return told


def _roles(data: Mapping[str, object]) -> str:
    roles = data.get("roles")
    told = roles if isinstance(roles, list) else [data.get("role")]
    labels = dict(Role.choices)
    return ", ".join(str(labels.get(str(role), role)) for role in told if role)


def _text(data: Mapping[str, object], name: str) -> str:
    value = data.get(name)
    return value if isinstance(value, str) else ""


def _person(actor: str) -> str:
    return actor.partition(":")[2] if actor.startswith("officer:") else ""
