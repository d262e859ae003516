# SPDX-License-Identifier: Apache-2.0
"""The words of ranking: what a candidate is, what speaks for and against it, and in which state it is.

A candidate is what an operator can be asked about to learn a subscriber: an IPv4 address, one address and its ports
where many subscribers share it, or an IPv6 prefix, each for one stretch of time. It is never a person.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, timedelta

    from nightlight.casework.attribution.kinds import Event, Grade, Label, Labelled, Way
    from nightlight.casework.attribution.rhythm import Profile


class Traced(Protocol):
    """How far an event leads: what ranking reads of `grades.Traceability`."""

    @property
    def grade(self) -> Grade: ...
    @property
    def way(self) -> Way: ...
    @property
    def hours_left(self) -> float | None: ...


@dataclass(frozen=True, slots=True)
class Graded:
    """An event, what its address is, and how far it leads."""

    event: Event
    labelled: Labelled
    traceability: Traced


@dataclass(frozen=True, slots=True)
class AddressFacts:
    """What the operator directory and the unit's own records say of an address at a time; None: not known.

    `shared`: whether many subscribers use one IPv4 address at once. `holds`: how long an address stays with one
    subscriber, beyond which its next use may be another's. `block`: ports of one block where blocks of one size are
    given out, counted from 0. `prefix_length`: of what is delegated to one subscriber over IPv6. `pool`: how many
    subscribers an answer could have named. `unrelated_accounts`: accounts of other people, linked to nobody in this
    cluster, that the unit has seen at this address.
    """

    operator: str
    shared: bool | None = None
    holds: timedelta | None = None
    block: int | None = None
    prefix_length: int | None = None
    pool: int | None = None
    unrelated_accounts: int = 0


Facts: TypeAlias = Callable[[str, "datetime | None"], "AddressFacts | None"] | Mapping[str, "AddressFacts"]
"""The facts of an address (canonical text) at a time, or by address alone."""


class State(StrEnum):
    """What may be said of a candidate, best first."""

    CORROBORATED = "traceable, corroborated"
    TRACEABLE = "traceable"
    ASK_FIRST = "ask first"
    CORROBORATE = "corroborate"
    UNTRACEABLE = "untraceable"
    ORGANISATION = "leads to an organisation"  # the operator's records name one; it is asked, nobody is named


class Confidence(StrEnum):
    """How strong the evidence is that the right subscriber will be named; none of them says who used the line."""

    STRONG = "strong"
    MODERATE = "moderate"
    WEAK = "weak"
    NONE = "none"


class For(StrEnum):
    """What speaks for a candidate."""

    DAYS = "days"  # used at several independent times
    PLATFORMS = "platforms"  # recorded by several platforms
    ACCOUNTS = "accounts"  # several accounts of the cluster
    SLIP = "slip"  # within minutes of an anonymised event of the same account or device
    DEVICE = "device"  # a stated device, seen at other addresses too
    HARDWARE = "hardware"  # the hardware address inside the IPv6 address, seen in other networks too
    REGISTRATION = "registration"  # an account was opened from it
    BOTH_ENDS = "both-ends"  # an account was opened and files were sent from it
    OFFENCE = "offence"  # a reported file was sent from it
    STEADY_PREFIX = "steady-prefix"  # one IPv6 prefix over several days
    SAME_SITE = "same-site"  # other IPv6 prefixes of the same /56 or /48
    DUAL_STACK = "dual-stack"  # IPv4 and IPv6 of one operator within minutes
    OFF_WORK_HOURS = "off-work-hours"
    WORK_HOURS = "work-hours"
    TAKES_TURNS = "takes-turns"  # with another candidate, on the same days
    NEEDS_NO_PORT = "needs-no-port"  # IPv6, or an operator that shares no addresses


class Against(StrEnum):
    """What speaks against a candidate."""

    REPORTER_SAYS_PROXY = "reporter-says-proxy"
    SELDOM_SAYS_PROXY = "seldom-says-proxy"  # of a few of many events: those do not count
    UNRELATED_ACCOUNTS = "unrelated-accounts"  # many at one address: possibly a proxy in a home
    ROTATES = "rotates"  # one of several fixed networks within an hour: exits in homes change like that
    LISTED_AT_ANOTHER_TIME = "listed-at-another-time"
    LISTS_DISAGREE = "lists-disagree"
    ELSEWHERE_BETWEEN = "elsewhere-between"  # another fixed line was used between two events here
    NO_TIME_OR_ZONE = "no-time-or-zone"
    IN_THE_FUTURE = "in-the-future"
    GAP = "gap"  # used again after longer than the operator leaves an address with one subscriber
    CHILD_THERE = "child-there"  # the child in the report used the same network
    NOT_CHECKED = "not-checked"  # no list that covers the time could tell an anonymiser
    SHARING_NOT_KNOWN = "sharing-not-known"
    HOLDER_NOT_KNOWN = "holder-not-known"
    ORGANISATION = "organisation"  # leads to many people of one organisation
    KIND_NOT_KNOWN = "kind-not-known"  # nothing says what the address is
    ANSWERS_DIFFER = "answers-differ"  # the operator named another subscriber for some of the events
    ANSWER_UNSTABLE = "answer-unstable"  # with the stated error of the clock it names others too
    NO_RECORD = "no-record"
    TIME_LIKELY_WRONG = "time-likely-wrong"  # it answers only with another zone, or day and month swapped
    OTHER_LINES = "other-lines"  # answers lead to other lines of its kind meanwhile
    OTHER_DEVICES = "other-devices"  # the devices seen at it are hardly seen anywhere else in the cluster


GRAVE = frozenset(Against) - {
    Against.GAP,
    Against.CHILD_THERE,
    Against.NO_TIME_OR_ZONE,
    Against.IN_THE_FUTURE,
}
"""What keeps a candidate from being called corroborated. Of the others, the events concerned do not count."""

DOUBTFUL = frozenset({Against.REPORTER_SAYS_PROXY, Against.UNRELATED_ACCOUNTS, Against.ROTATES})
"""What makes a proxy in somebody's home possible: another event must come first."""


class Caution(StrEnum):
    """What a reader is told beside every candidate, and of some."""

    SHARED_WIFI = "shared-wifi"
    HOUSEHOLD = "household"
    ROUTER = "router"
    WHICH_ADDRESS = "which-address"  # billing, installation or service
    ONE_EVENT_ALONE = "one-event-alone"
    SECOND_TIME_REQUIRED = "second-time-required"
    EACH_EVENT_ASKED = "each-event-asked"  # a shared address: each event with its own port and second
    COMPARED_IN = "compared-in"  # how many bits of an IPv6 address were compared
    LISTS_WITHOUT_IPV6 = "lists-without-ipv6"  # a list of exits covers the time, but names no IPv6 address


STANDING = (Caution.SHARED_WIFI, Caution.HOUSEHOLD, Caution.ROUTER, Caution.WHICH_ADDRESS)


@dataclass(frozen=True, slots=True)
class Pro:
    """A reason for a candidate, the events that show it, and the number it is about."""

    why: For
    events: tuple[str, ...]
    number: int = 0
    shown: str = ""


@dataclass(frozen=True, slots=True)
class Con:
    """A reason against a candidate, the events that show it, and the number it is about."""

    why: Against
    events: tuple[str, ...]
    number: int = 0
    shown: str = ""


@dataclass(frozen=True, slots=True)
class Candidate:
    """What an operator can be asked about, with everything for and against.

    `target`: address, or prefix in CIDR form. `ports`: a block, or the exact ports of its events, in order; empty where
    none is needed or none is stated. `independent`: times on different days, at least twelve hours apart, that count;
    `ask`: the events to ask with, best first; `require`: second independent times, here or at another candidate, that
    must be asked before anything more than a question rests on this one. `hours_left`: until the first of `ask` is
    gone, None where the operator's retention is not known.
    """

    key: str
    target: str
    version: int
    ports: tuple[tuple[int, int], ...]
    operator: str
    asn: int
    network: str
    label: Label
    grade: Grade
    way: Way
    state: State
    confidence: Confidence
    since: datetime | None
    until: datetime | None
    events: tuple[str, ...]
    independent: tuple[str, ...]
    platforms: tuple[str, ...]
    accounts: tuple[str, ...]
    devices: tuple[str, ...]
    supporting: tuple[Pro, ...]
    contradicting: tuple[Con, ...]
    cautions: tuple[Caution, ...]
    ask: tuple[str, ...]
    require: tuple[str, ...]
    hours_left: float | None
    hours: Profile | None = None

    @property
    def alone(self) -> bool:
        """Whether it rests on one independent time: not for a warrant."""
        return len(self.independent) < 2


class WhyApart(StrEnum):
    """Why an address is never a candidate."""

    EXIT = "exit"  # an anonymiser's or a machine of somebody else, at the time of the event
    EXIT_AT_ANOTHER_TIME = "exit-at-another-time"  # labelled so for another event of this cluster
    NOT_ROUTABLE = "not-routable"
    NO_ADDRESS = "no-address"


@dataclass(frozen=True, slots=True)
class Apart:
    """An address that leads to somebody else's door, with its events; `ask_provider`: a provider could be asked."""

    target: str
    why: WhyApart
    label: Label
    network: str
    events: tuple[str, ...]
    ask_provider: bool = False


class NothingLeads(StrEnum):
    """Why there is no candidate to trace; empty where there is one."""

    SOMETHING_LEADS = ""
    NO_EVENTS = "no-events"
    ONLY_EXITS = "only-exits"
    ONLY_UNUSABLE = "only-unusable"  # no address, or none that is routed
    ASK_FOR_PORTS = "ask-for-ports"  # shared addresses without ports, or times without zones
    TOO_OLD = "too-old"
    CORROBORATE = "corroborate-first"


@dataclass(frozen=True, slots=True)
class Ranking:
    """The candidates of a cluster, best first; what is apart; why nothing leads; copies by the event they repeat.

    `devices`: the stated device of each event of the cluster that has one, also of those apart.
    """

    candidates: tuple[Candidate, ...]
    apart: tuple[Apart, ...]
    nothing_leads: NothingLeads
    duplicates: tuple[tuple[str, str], ...] = ()
    devices: tuple[tuple[str, str], ...] = ()

    def containing(self, key: str) -> Candidate | None:
        """The candidate that an event belongs to."""
        return next((one for one in self.candidates if key in one.events), None)

    @property
    def corroborated(self) -> Sequence[Candidate]:
        """Those that may be called traceable, corroborated."""
        return [one for one in self.candidates if one.state is State.CORROBORATED]
