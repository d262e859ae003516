# SPDX-License-Identifier: Apache-2.0
"""Reported people who do not exist, with the truth about who is who: what linking is measured on.

People are reported once to twelve times, most of them once. They have e-mail addresses, telephones, devices, accounts
and screen names that change over time; a report states some of these, and states some wrongly. What misleads is there
too: screen names that strangers share (one of them stands in a tenth of all reports), homes, cafes and carriers behind
one address, families with one tablet, telephone numbers and devices that pass to somebody else, files that everybody
passes on. A synthetic world shows that the mechanics work; it does not say how well they do in any real inbox.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from nightlight.pipeline.linking import bulk
from nightlight.pipeline.linking.weights import Points, Weights

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

PLATFORMS = 12
SUBJECTS_OF_A_TIP = 1.1  # one tip in ten reports two people
_MOST_TIPS = 12
_ONLY_ONE = 8  # platforms below this one let nobody have the name of another
_COMMON = 0  # the screen name of a tenth of all tips


@dataclass(frozen=True)
class World:
    """Sightings (two arrays of one length), the kind of each identifier, the true person of each subject."""

    tips: int
    subject: Ints
    identifier: Ints
    kind: NDArray[np.uint8]
    truth: Ints
    kinds: dict[str, int]

    def of_kind(self, name: str) -> tuple[Ints, Ints]:
        """Return (subject, identifier) of the sightings of one kind, in the order they were made."""
        mine = self.kind[self.identifier] == self.kinds[name]
        return self.subject[mine], self.identifier[mine]


class _Maker:
    """People first, then what each report about them states."""

    def __init__(self, tips: int, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.subjects = round(tips * SUBJECTS_OF_A_TIP)
        many = np.arange(1, _MOST_TIPS + 1)
        odds = many**-1.9
        reports = self.rng.choice(many, self.subjects, p=odds / odds.sum())
        self.people = int(np.searchsorted(np.cumsum(reports), self.subjects)) + 1
        # Subjects are numbered as they come in, so those of one person lie far apart.
        self.person = self.rng.permutation(np.repeat(np.arange(self.people), reports[: self.people])[: self.subjects])
        self.time = np.arange(self.subjects) / self.subjects
        # Who lives with whom: few have somebody else in the house who is reported too.
        self.household = np.arange(self.people)
        shared = self._some(self.people, 0.04)
        self.household[shared] = shared - self.rng.integers(1, 3, len(shared)).clip(max=shared)
        self.fresh = 1 << 40  # values from here on occur once
        self.rows: list[tuple[str, Ints, Ints]] = []

    def _some(self, many: int, share: float) -> Ints:
        return np.flatnonzero(self.rng.random(many) < share)

    def _skewed(self, values: int, many: int) -> Ints:
        """Draw ``many`` of ``values``: few are drawn very often, most hardly ever."""
        return (values ** self.rng.random(many)).astype(np.int64) - 1

    def _once(self, many: int) -> Ints:
        self.fresh += many
        return np.arange(self.fresh - many, self.fresh)

    def owned(self, at_most: int, others: float, *, family: bool = False) -> Ints:
        """Return a value for each subject, one of up to ``at_most`` that its person has one after the other.

        ``others`` is the share of people who use those of somebody else: of their household, or of a stranger later.
        """
        holder = np.arange(self.people)
        if family:
            holder = np.where(self.rng.random(self.people) < others, self.household, holder)
        else:
            borrow = self._some(self.people, others)
            holder[borrow] = self.rng.integers(0, self.people, len(borrow))
        each = self.rng.integers(1, at_most + 1, self.people)[holder]
        # People go back to old values now and then: the time is not told exactly.
        moment = np.clip(self.time + self.rng.normal(0, 0.12, self.subjects), 0, 0.999)
        return holder[self.person] * 16 + (moment * each[self.person]).astype(np.int64)

    def state(self, kind: str, value: Ints, share: float, *, wrong: float = 0.0) -> None:
        """Let this share of the reports state the value, and ``wrong`` of these another that nobody has."""
        self.keep(kind, self._some(self.subjects, share), value, wrong=wrong)

    def keep(self, kind: str, stated: Ints, value: Ints, *, wrong: float = 0.0) -> None:
        said = value[stated]
        slips = self._some(len(stated), wrong)
        said[slips] = self._once(len(slips))
        self.rows.append((kind, stated, said))

    def accounts(self) -> None:
        """Accounts and screen names: a person is on one to three platforms and comes back after being thrown out."""
        used = self.rng.integers(1, 4, self.people)[self.person]
        slot = self.rng.integers(0, used)
        platform = (self.person * 7 + slot * 5 + self._skewed(PLATFORMS, self.people)[self.person]) % PLATFORMS
        lives = self.rng.integers(1, 3, self.people)[self.person]
        life = (self.time * lives).astype(np.int64)
        account = ((self.person * 3 + slot) * 4 + life) * PLATFORMS + platform
        self.state("account", account, 0.95)  # a provider knows whom it reports
        self.state("profile-url", account, 0.25, wrong=0.01)
        # A third choose names that others choose too; most keep theirs from platform to platform.
        pool = max(self.people // 40, 2)
        own = np.arange(self.people * 16) + pool
        common = self._some(len(own), 0.12)
        own[common] = 1 + self._skewed(pool - 1, len(common))
        other = self.rng.random(self.people * 16) < 0.35
        place = self.person * 16 + slot * 4 + life
        name = np.where(other[place], own[place], own[self.person * 16])
        # Most platforms let nobody have a name that another has: who comes later has to think of one.
        common = (name > 0) & (name < pool) & (platform < _ONLY_ONE)
        first = np.full(pool * PLATFORMS, self.people)
        key = name * PLATFORMS + platform
        np.minimum.at(first, key[common], self.person[common])
        late = np.flatnonzero(common)
        late = late[first[key[late]] != self.person[late]]
        name[late] = pool + (self.people + self.person[late]) * 16 + slot[late]
        name[self._some(self.subjects, 0.1)] = _COMMON
        stated = self._some(self.subjects, 0.7)
        slips = stated[self._some(len(stated), 0.015)]
        name[slips] = self._once(len(slips))
        self.keep("handle", stated, name * PLATFORMS + platform)
        self.keep("any-handle", stated, name)

    def addresses(self) -> None:
        """Addresses and their networks; homes get new ones, which were somebody else's before."""
        space = self.people * 2
        home = self.rng.integers(0, space, self.people * 4)
        six = self.rng.random(self.people) < 0.25  # an address of its own each time, but one network
        carriers, cafes = max(self.people // 400, 2), max(self.people // 30, 2)
        lives = self.rng.integers(1, 5, self.people)
        for share in (0.8, 0.45, 0.2):
            stated = self._some(self.subjects, share)
            who = self.person[stated]
            house = self.household[who]
            value = home[house * 4 + (self.time[stated] * lives[house]).astype(np.int64)]
            network = value >> 8
            draw = self.rng.random(len(stated))
            newer = six[house] & (draw > 0.4)
            value[newer], network[newer] = self._once(int(newer.sum())), (1 << 30) + house[newer]
            carrier, cafe = draw < 0.25, (draw >= 0.25) & (draw < 0.3)
            value[carrier] = space + self._skewed(carriers, int(carrier.sum()))
            value[cafe] = space + carriers + self.rng.integers(0, cafes, int(cafe.sum()))
            network[~newer] = value[~newer] >> 8
            self.rows += [("address", stated, value), ("network", stated, network)]
            timed = self._some(len(stated), 0.3)
            # Two reports of one upload name the same port and second.
            again = np.where(self.rng.random(len(timed)) < 0.05, who[timed] * 2, self._once(len(timed)))
            self.rows.append(("endpoint", stated[timed], again))

    def content(self) -> None:
        """Files, groups and links: some a person's own, most passed on by many."""
        for share in (0.7, 0.3):
            passed_on = self._skewed(self.people // 2, self.subjects)
            own = self.person * 16 + self.rng.integers(0, 16, self.subjects) + self.people
            self.state("file", np.where(self.rng.random(self.subjects) < 0.3, own, passed_on), share)
        self.state("group", self._skewed(max(self.people // 20, 2), self.subjects), 0.1)
        self.state("url", self._skewed(max(self.people // 5, 2), self.subjects), 0.15)

    def made(self, tips: int, kinds: dict[str, int]) -> World:
        subject, identifier, kind, base = [], [], [], 0
        for name in dict.fromkeys(row[0] for row in self.rows):
            who = np.concatenate([row[1] for row in self.rows if row[0] == name])
            values, place = np.unique(
                np.concatenate([row[2] for row in self.rows if row[0] == name]), return_inverse=True
            )
            subject.append(who)
            identifier.append(place + base)
            kind.append(np.full(len(values), kinds[name], np.uint8))
            base += len(values)
        order = np.argsort(np.concatenate(subject), kind="stable")  # as they come in
        return World(
            tips,
            np.concatenate(subject)[order],
            np.concatenate(identifier)[order],
            np.concatenate(kind),
            self.person,
            kinds,
        )


def world(tips: int, seed: int, kinds: dict[str, int]) -> World:
    """Return a world of about ``tips`` tips (1.1 subjects each); ``kinds`` gives the code of each kind."""
    make = _Maker(tips, seed)
    make.state("email", make.owned(2, 0.004, family=True), 0.72, wrong=0.01)
    make.state("email", make.owned(3, 0.002) + 8, 0.12)  # a second one; its values are others than those above
    make.state("phone", make.owned(2, 0.006), 0.45, wrong=0.01)
    make.state("device", make.owned(2, 0.25, family=True), 0.4)
    make.state("payment", make.owned(1, 0.002), 0.07)
    make.accounts()
    make.addresses()
    make.content()
    return make.made(tips, kinds)


def reachable(made: World, at_most: int = 64) -> dict[str, float]:
    """Return the scores of somebody who knows the truth and joins whoever shares any value of no more people.

    What is missing to 1 is missing from the reports: no linking by shared values can find it.
    """
    n = len(made.truth)
    # The same people's sightings of one value, as a value of their own.
    value = made.identifier * n + made.truth[made.subject]
    common = np.bincount(made.identifier)[made.identifier] > at_most
    _, place = np.unique(np.where(common, -1 - made.subject, value), return_inverse=True)
    table = Weights(1, 1, {"any": Points(1, 0, at_most)})
    linked = bulk.link(made.subject, place, np.zeros(int(place.max()) + 1, np.uint8), table=table)
    return scores(made.truth, whole(n, linked))


def whole(subjects: int, linked: bulk.Linked) -> Ints:
    """Return the anchor of each subject; those without sightings are their own."""
    anchor = np.arange(subjects)
    anchor[linked.subject] = linked.anchor
    return anchor


def scores(truth: NDArray[Any], found: NDArray[Any]) -> dict[str, float]:
    """Return precision, recall and F1 over pairs of subjects, from the counts of each person found and true."""

    def pairs(labels: NDArray[Any]) -> int:
        many = np.unique(labels, return_counts=True)[1].astype(object)
        return int((many * (many - 1) // 2).sum())

    both = pairs(truth.astype(np.int64) * (int(found.max()) + 1) + found)
    is_, said = pairs(truth), pairs(found)
    precision, recall = both / max(said, 1), both / max(is_, 1)
    return {"precision": precision, "recall": recall, "f1": 2 * both / max(is_ + said, 1)}
