# SPDX-License-Identifier: Apache-2.0
"""By which power records are asked of whoever holds them, who signs, and how long the law makes them be kept.

Pure: every day is given. A rule that depends on a fact nobody stated is handed back as open, never taken as holding.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date

    from nightlight.trust.law.facts import Basis, Period


class Asked(StrEnum):
    """What a request asks for."""

    PRESERVATION = "preservation"  # that what is there is kept until an order for it arrives
    SUBSCRIBER = "subscriber"  # who the records say it was
    LOGS = "logs"  # events on the network: times, addresses, ports
    CUSTOMER = "customer"  # of a service that others go through (VPN, hosting, relay): who its own records say it was


class Holder(StrEnum):
    """What kind of undertaking holds the records. An operator directory uses the same words."""

    MOBILE = "mobile"
    FIXED = "fixed"
    BOTH = "both"  # mobile and fixed
    HOSTING = "hosting"  # servers and cloud
    VPN = "vpn"
    PLATFORM = "platform"
    ORGANISATION = "organisation"  # a network for its own people: company, school, authority


class Kept(StrEnum):
    """The kinds of records others keep."""

    IPDR = "ipdr"  # who had which address and port block when (India: IP detail record)
    LOGS = "logs"  # of systems: accesses with times
    SUBSCRIBER = "subscriber"
    VPN_ASSIGNMENT = "vpn-assignment"  # which customer of a VPN or a cloud had which address
    CONTENT = "platform-content"  # what a platform reported or took down, with what goes with it


class Duty(StrEnum):
    """Whether a law makes somebody keep a kind of record."""

    KEEP = "keep"
    NONE = "none"  # no law does: the holder's own habit decides, and it is not known here
    VARIES = "varies"  # the law of each member or state decides


class KeptFrom(StrEnum):
    """The moment from which records have to be kept for their time."""

    EVENT = "event"  # of the record itself
    SERVICE_ENDED = "service-ended"
    ACCOUNT_CLOSED = "account-closed"
    REMOVED = "removed"
    REPORTED = "reported"


@dataclass(frozen=True, slots=True)
class Ranks:
    """The ranks of the police of a country, from the lowest; each with the names it goes by ("Inspector", "PI")."""

    names: tuple[tuple[str, ...], ...]
    basis: Basis

    def place(self, rank: str) -> int | None:
        """Return how high a rank is, None where the pack does not know the name."""
        asked = " ".join(rank.split()).casefold()
        return next((at for at, names in enumerate(self.names) if asked in map(str.casefold, names)), None)


@dataclass(frozen=True, slots=True)
class RankFloor:
    """A rank below which nobody may act where one of these acts is applied to the case."""

    id: str
    rank: str  # one that `Ranks` knows
    acts: frozenset[str]
    sentence: str
    basis: Basis


@dataclass(frozen=True, slots=True)
class RecordPower:
    """A power by which records are asked for. Days are half open: from `since` on, no more on `until`."""

    id: str
    title: str
    section: str
    asks: frozenset[Asked]
    holders: frozenset[Holder]
    countries: frozenset[str]  # ISO 3166-1: where the holder has to be
    signs: str  # the post that signs, in words
    least_rank: str  # one that `Ranks` knows; empty: the law names a post and no rank
    binding: bool  # False: the holder may decline, as where a foreign provider answers by its own policy
    since: date | None
    until: date | None
    begun_since: date | None  # only where the investigation began on this day or later
    begun_until: date | None  # only where it began before this day
    sentence: str
    silence: str  # what is asked about telling the subscriber; empty: the law of the pack says nothing
    certificate: str  # what has to come with an electronic record so that a court takes it; empty: not said
    answer_hours: int | None  # within which an answer is due; None: no time is set
    holds: Period | None  # how long a preservation holds
    renewals: int
    note: str
    basis: Basis

    @property
    def by_beginning(self) -> bool:
        """Whether it depends on the day on which the investigation began."""
        return self.begun_since is not None or self.begun_until is not None


@dataclass(frozen=True, slots=True)
class LogRetention:
    """How long a kind of record has to be kept by a kind of holder, for records made in [since, until)."""

    id: str
    title: str
    countries: frozenset[str]
    holders: frozenset[Holder]
    kept: frozenset[Kept]
    duty: Duty
    keep: Period | None  # of `Duty.KEEP`
    counted_from: KeptFrom | None
    since: date | None
    until: date | None
    note: str
    basis: Basis


@dataclass(frozen=True, slots=True)
class Powers:
    """The powers that hold, and those of which the beginning of the investigation has yet to say whether they do."""

    found: tuple[RecordPower, ...]
    undecided: tuple[RecordPower, ...]


@dataclass(frozen=True, slots=True)
class RecordsLaw:
    """What a pack says of records of others."""

    ranks: Ranks | None = None
    floors: tuple[RankFloor, ...] = ()
    powers: tuple[RecordPower, ...] = ()
    retention: tuple[LogRetention, ...] = ()

    @property
    def bases(self) -> tuple[tuple[str, Basis], ...]:
        """Every fact's place and what it rests on."""
        return (
            *((("police", self.ranks.basis),) if self.ranks else ()),
            *((f"rank_floor.{one.id}", one.basis) for one in self.floors),
            *((f"record_power.{one.id}", one.basis) for one in self.powers),
            *((f"log_retention.{one.id}", one.basis) for one in self.retention),
        )

    def powers_for(self, asked: Asked, *, country: str, holder: Holder, at: date, began: date | None = None) -> Powers:
        """Return the powers to ask a holder in a country for something, in the order of the pack.

        `at`: the day of the request. `began`: the day the investigation began; None, not known, leaves those that
        depend on it undecided.
        """
        found, undecided = [], []
        for one in self.powers:
            if asked not in one.asks or holder not in one.holders or country not in one.countries:
                continue
            if not _within(at, one.since, one.until):
                continue
            if began is None and one.by_beginning:
                undecided.append(one)
            elif began is None or _within(began, one.begun_since, one.begun_until):
                found.append(one)
        return Powers(tuple(found), tuple(undecided))

    def retention_of(self, kept: Kept, *, country: str, holder: Holder, event: date) -> LogRetention | None:
        """Return the rule for a record made on a day, None where the pack says nothing. There is one at most."""
        for one in self.retention:
            reaches = kept in one.kept and holder in one.holders and country in one.countries
            if reaches and _within(event, one.since, one.until):
                return one
        return None

    def rank_suffices(self, rank: str, power: RecordPower, acts: frozenset[str] = frozenset()) -> bool | None:
        """Return whether somebody of a rank may sign: by the power's least rank and by the floors of the acts applied.

        None where no rank is asked (the post decides) or the rank is not one the pack knows: a person has to look.
        """
        asked = [needed for needed, _why in self.ranks_asked(power, acts)]
        held = None if self.ranks is None else self.ranks.place(rank)
        if not asked or held is None or self.ranks is None:
            return None
        return all(held >= (self.ranks.place(one) or 0) for one in asked)

    def ranks_asked(self, power: RecordPower, acts: frozenset[str] = frozenset()) -> tuple[tuple[str, str], ...]:
        """Return each rank below which nobody signs, the highest first, with the sentence that says why.

        The sentence is that of the floor; empty for the power's own least rank, which the power states itself.
        """
        asked = [(one.rank, one.sentence) for one in self.floors if not acts.isdisjoint(one.acts)]
        asked += [(power.least_rank, "")] if power.least_rank else []
        ranks = self.ranks
        return tuple(sorted(asked, key=lambda pair: -(ranks.place(pair[0]) or 0) if ranks is not None else 0))


def _within(day: date, since: date | None, until: date | None) -> bool:
    return (since is None or since <= day) and (until is None or day < until)
