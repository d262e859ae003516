# SPDX-License-Identifier: Apache-2.0
"""Hard cases of who is who: put into a world whose reports are already settled, so that nothing else in it changes.

Planted where enough people are reported (see `Hard` for each): one of each kind in a world of a few hundred reports,
more in a larger one. People planted elsewhere, and those who share the planted clip, are left alone. What a platform
cannot know it does not say: a case shows only in reports that say more than an account's identifier.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from nightlight.exercise import chance
from nightlight.exercise.incidents import SAME_MAIL
from nightlight.exercise.plan import Ending
from nightlight.exercise.reporters import BY_KEY

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from nightlight.exercise.people import Person
    from nightlight.exercise.plan import Party, PlannedReport, Slot

COMMON_NAME = "kite_captain"
"""A screen name that unrelated people use; profile addresses and account numbers stay their own."""

CAFE_CUSTOMERS = 5
PER_CASE = 250
"""Reports for each case of a kind; a smaller world has one."""

ELSEWHERE = "mail"
"""Where a new account would mean a new address of its own, so nobody takes a new handle there."""


class Hard(StrEnum):
    """A case that misleads whoever joins reports by one thing alone; the name under which it stands in the truth."""

    FAMILY = "two people of a family on one device"
    CAFE = "strangers behind one address"
    COMMON_NAME = "one screen name of many people"
    NEW_HANDLE = "one person under a new handle"
    ONE_VICTIM = "one victim in three reports"
    SAME_MAIL = "a victim with the e-mail address of the reported"
    OWN_MAIL = "a victim with an e-mail address of nobody else"


@dataclass
class Cast:
    """Who plays what: people as they are now by key, new handles by person and platform, cases by person.

    `renamed` maps a person's key to the platform, the number of the first slot under the new account, and the person
    with that account.
    """

    people: dict[str, Person] = field(default_factory=dict)
    renamed: dict[str, tuple[str, int, Person]] = field(default_factory=dict)
    parts: dict[Hard, set[str]] = field(default_factory=lambda: defaultdict(set))
    shows_devices: set[str] = field(default_factory=set)

    def slots(self, slots: Sequence[Slot]) -> list[Slot]:
        """Return the slots with the people as they are now."""
        found = []
        for number, slot in enumerate(slots):
            person = self.people.get(slot.person.key, slot.person)
            platform, first, later = self.renamed.get(slot.person.key, ("", 0, person))
            if platform == slot.reporter and number >= first and not slot.batched:
                person = later
            found.append(replace(slot, person=person))
        return found

    def show(self, report: PlannedReport, slot: Slot) -> PlannedReport:
        """Return the report naming the devices, where a case needs that and the platform names anything."""
        silent = report.batched or (BY_KEY[report.reporter].thin and not report.details)
        if silent or slot.person.key not in self.shows_devices:
            return report
        party, *rest = report.reported
        return replace(report, reported=(replace(party, devices=slot.person.devices), *rest))

    def reports(self, case: Hard, reports: Sequence[PlannedReport]) -> tuple[str, ...]:
        """Return the keys of the reports about the people of a case; a batched one names no more than accounts."""
        return tuple(one.key for one in reports if not one.batched and self.parts[case] & set(one.people))


def cast(seed: int, slots: Sequence[Slot]) -> Cast:
    """Choose among the people of the slots, in filing order, who plays the hard cases. The same for the same slots."""
    rng = chance.stream(seed, "hard", len(slots))
    barred = {slot.person.key for slot in slots if slot.planted is not None}
    mine: dict[str, list[int]] = defaultdict(list)
    people: dict[str, Person] = {}
    for number, slot in enumerate(slots):
        if not slot.batched and not BY_KEY[slot.reporter].thin and slot.person.key not in barred:
            mine[slot.person.key].append(number)
            people[slot.person.key] = slot.person
    free = sorted(mine)
    rng.shuffle(free)
    chosen = Cast()
    if len(free) < 4 * CAFE_CUSTOMERS:
        return chosen
    for _ in range(max(1, len(slots) // PER_CASE)):
        _new_handle(chosen, free, mine, slots)
        _family(chosen, free, people)
        _cafe(chosen, free, people)
    _common_name(chosen, free, people, max(6, len(people) // 25))
    return chosen


def _new_handle(
    chosen: Cast,
    free: list[str],
    mine: Mapping[str, Sequence[int]],
    slots: Sequence[Slot],
) -> None:
    """Somebody closes an account and opens another: other number, other name, the same telephone in the hand."""
    for key in free:
        by_platform: dict[str, list[int]] = defaultdict(list)
        for number in mine[key]:
            by_platform[slots[number].reporter].append(number)
        for platform, numbers in sorted(by_platform.items()):
            if len(numbers) >= 2 and platform != ELSEWHERE:
                person = slots[numbers[0]].person
                rng = chance.stream(key, "new handle", platform)
                old = person.account_on(platform)
                name = f"{chance.hexadecimal(rng, 5)}_new"
                url = BY_KEY[platform].url(f"u/{name}")
                new = replace(
                    old, identifier=chance.hexadecimal(rng, 16), screen_name=name, display_name=name, email=None,
                    profile_url=url,
                )  # fmt: skip
                others = tuple(one for one in person.accounts if one is not old)
                chosen.people[key] = replace(person, accounts=(*person.accounts, new))
                first = numbers[(len(numbers) + 1) // 2]
                chosen.renamed[key] = platform, first, replace(person, accounts=(new, *others, old))
                chosen.parts[Hard.NEW_HANDLE].add(key)
                chosen.shows_devices.add(key)
                free.remove(key)
                return


def _family(chosen: Cast, free: list[str], people: Mapping[str, Person]) -> None:
    """Two grown people of one household use one tablet: same device, line and street, two persons."""
    if len(free) < 2:
        return
    first = people[free.pop(0)]
    kin = next((key for key in free if people[key].country == first.country), None)
    if kin is None:
        return
    free.remove(kin)
    second = replace(
        people[kin], last_name=first.last_name, postal=first.postal, home=first.home, devices=first.devices
    )
    chosen.people |= {first.key: first, kin: second}
    chosen.parts[Hard.FAMILY] |= {first.key, kin}
    chosen.shows_devices |= {first.key, kin}


def _cafe(chosen: Cast, free: list[str], people: Mapping[str, Person]) -> None:
    """Strangers go online in one cafe, whose line gives all of them one address."""
    customers = free[:CAFE_CUSTOMERS]
    line = next((people[key].home for key in customers if people[key].home is not None), None)
    if line is None or len(customers) < CAFE_CUSTOMERS:
        return
    del free[:CAFE_CUSTOMERS]
    for key in customers:
        chosen.people[key] = replace(people[key], home=line, prefers_mobile=0.1, anonymised=0.0)
        chosen.parts[Hard.CAFE].add(key)


def _common_name(chosen: Cast, free: list[str], people: Mapping[str, Person], count: int) -> None:
    for key in free[:count]:
        accounts = tuple(replace(one, screen_name=COMMON_NAME) for one in people[key].accounts)
        chosen.people[key] = replace(people[key], accounts=accounts)
        chosen.parts[Hard.COMMON_NAME].add(key)


def one_victim(seed: int, reports: Sequence[PlannedReport], copied: Collection[str]) -> dict[str, PlannedReport]:
    """Return three reports, by key, that are about one and the same young person; nothing in a small world.

    The platforms differ where they can, so do the account numbers; name, school, e-mail address and age agree.
    `copied` are reports that were filed several times: they stay as they are.
    """
    fit = [
        one
        for one in reports
        if one.victims and one.ending is Ending.FINISHED and one.key not in copied and not one.duplicate_of
        and SAME_MAIL not in one.findings
    ]  # fmt: skip
    chance.stream(seed, "one victim").shuffle(fit)
    chosen: list[PlannedReport] = []
    for one in fit:
        if len(chosen) < 3 and not any(set(one.people) & set(other.people) for other in chosen):
            chosen.append(one)
    if len(chosen) < 3:
        return {}
    child, platform = chosen[0].victims[0], chosen[0].reporter
    return {
        one.key: replace(
            one,
            victims=tuple(_as(child, party, same=one.reporter == platform) for party in one.victims),
            recipients=tuple(
                replace(_as(child, party, same=one.reporter == platform), school=None, born=None)
                for party in one.recipients
            ),
        )
        for one in chosen
    }


def _as(child: Party, party: Party, *, same: bool) -> Party:
    """Return the party as that child; `same` where the platform is the one on which the child was first named."""
    return replace(
        party,
        identifier=child.identifier if same else party.identifier,
        first_name=child.first_name,
        emails=child.emails,
        age=child.age,
        screen_name=child.screen_name,
        school=child.school,
        born=child.born,
    )
