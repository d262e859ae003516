# SPDX-License-Identifier: Apache-2.0
"""Trails: what platforms recorded of people over months, and whose line each record really came from.

A world apart from the one that is filed (`world`): more people who hide, more months, and every record with its truth.
What a platform states may be incomplete (no port, no zone, minutes only) or wrong (a clock that is off, a zone that is
not the one stated, a proxy flag that lies). All parameters stand in `habits`; evaluation uses seeds of its own.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from nightlight.exercise import chance
from nightlight.exercise.carriers import BY_KEY, DAY, HOUR, Access, Books, Carrier
from nightlight.exercise.exits import Exits
from nightlight.exercise.habits import Habits, Ports, Style
from nightlight.exercise.plotting import INDIA, Writing, write

if TYPE_CHECKING:
    from random import Random

STANDING_NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Site:
    """A platform of the trails. `off` is what its clock adds (seconds), `stated_error` what it admits to (None: says
    nothing), `writing` how it writes a time."""

    key: str
    off: int
    stated_error: int | None
    writing: Writing
    ports: Ports
    names_devices: float


@dataclass(frozen=True, slots=True)
class Line:
    """A line: the subscriber's number at a carrier."""

    carrier: Carrier
    number: int

    @property
    def key(self) -> str:
        """The subscriber's account at the operator, as `carriers.in_the_books` has it."""
        return f"{self.carrier.key}-{self.number:05d}"


@dataclass(frozen=True, slots=True)
class User:
    """Somebody with the lines that are theirs; `household` names who shares the home, `cafe` a line of a shop."""

    key: str
    style: Style
    home: Line | None
    mobile: Line
    work: Line | None
    cafe: Line
    household: str
    accounts: tuple[tuple[str, str], ...]
    devices: tuple[str, ...]

    @property
    def own(self) -> frozenset[str]:
        """The accounts of the lines that are theirs or their household's."""
        return frozenset(line.key for line in (self.home, self.mobile) if line is not None)

    @property
    def used(self) -> frozenset[str]:
        """Lines of organisations that they use with others."""
        return frozenset(line.key for line in (self.work, self.cafe) if line is not None)


@dataclass(frozen=True, slots=True)
class Record:
    """An event as the platform states it. `time` and `port_time` are as written; `port_time` only where the port was
    seen at another time than the event."""

    key: str
    subject: str
    site: str
    account: str
    device: str
    address: str
    kind: str
    time: str
    port: int | None = None
    port_time: str = ""
    proxy: bool | None = None
    offence: bool = False


@dataclass(frozen=True, slots=True)
class TrueRecord:
    """What is true of a record: when (Unix seconds), who, from which line, through what; `exit` where not directly."""

    key: str
    actor: str
    at: int
    line: str
    address: str
    port: int
    exit: str = ""


@dataclass(frozen=True)
class Trails:
    """A world of trails: who exists, what was recorded, and the truth by the key of the record."""

    seed: int
    now: datetime
    habits: Habits
    books: Books
    exits: Exits
    sites: tuple[Site, ...]
    users: tuple[User, ...]
    records: tuple[Record, ...]
    truth: tuple[TrueRecord, ...]

    @cached_property
    def by_subject(self) -> dict[str, tuple[Record, ...]]:
        """The records by whose accounts they are of."""
        found: dict[str, list[Record]] = defaultdict(list)
        for one in self.records:
            found[one.subject].append(one)
        return {key: tuple(some) for key, some in found.items()}

    @cached_property
    def true(self) -> dict[str, TrueRecord]:
        """The truth by the key of the record."""
        return {one.key: one for one in self.truth}

    @cached_property
    def organisations(self) -> frozenset[str]:
        """The accounts of lines that are an organisation's: of workplaces and of the shops that people visit."""
        return frozenset(key for user in self.users for key in user.used)

    @cached_property
    def site(self) -> dict[str, Site]:
        """The platforms by key."""
        return {one.key: one for one in self.sites}


HOMES = ("kadal", "malar", "thoni")
MOBILES = ("neela", "vayu", "minnal")
DAYS = 190


def build(seed: int, users: int = 60, *, now: datetime = STANDING_NOW, habits: Habits | None = None) -> Trails:
    """Return the trails of so many people (at most 120) over up to six months before `now` (aware). Same for a seed."""
    if now.tzinfo is None:
        message = "now needs a time zone"
        raise ValueError(message)
    return _Maker(seed, min(users, 120), now.astimezone(UTC), habits or Habits()).make()


class _Moment(NamedTuple):
    """What is to be told: whose account on which platform, who used it when and for what, and a line to borrow."""

    subject: User
    actor: User
    site: Site
    account: str
    at: int
    kind: str
    borrowed: Line


class _Maker:
    """Holds what is known while trails are made."""

    def __init__(self, seed: int, users: int, now: datetime, habits: Habits) -> None:
        self.seed, self.count, self.now, self.habits = seed, users, now, habits
        self.books = Books(seed, now, DAYS)
        self.exits = Exits.of(self.books)
        self.rng = chance.stream(seed, "trails")
        self.taken: dict[str, int] = {}
        self.end = int(now.timestamp()) - HOUR
        self.records: list[Record] = []
        self.truth: list[TrueRecord] = []

    def make(self) -> Trails:
        sites = tuple(self._site(n) for n in range(8))
        cafes = [self._line(BY_KEY[key]) for key in ("malar", "kadal", "vanigam")]
        users: list[User] = []
        for number in range(self.count):
            users.append(self._user(number, sites, cafes, users))
        for user in users:
            self._tell(user, {one.key: one for one in sites}, users)
        order = sorted(range(len(self.records)), key=lambda n: (self.truth[n].at, self.truth[n].key))
        records, truth = tuple(self.records[n] for n in order), tuple(self.truth[n] for n in order)
        return Trails(self.seed, self.now, self.habits, self.books, self.exits, sites, tuple(users), records, truth)

    def _site(self, number: int) -> Site:
        rng, habits = chance.stream(self.seed, "site", number), self.habits
        skewed, draw = rng.random() < habits.skewed, rng.random()
        off = rng.randint(-habits.skew, habits.skew) if skewed else rng.randint(-1, 1)
        limits = (habits.lying, habits.no_zone, habits.minutes)
        writing = rng.choice((Writing.ZULU, Writing.ZULU, Writing.OFFSET))
        for kind, limit in zip((Writing.LYING, Writing.NO_ZONE, Writing.MINUTES), limits, strict=True):
            if draw < limit:
                writing = kind
                break
            draw -= limit
        stated = habits.skew if skewed and rng.random() < 0.5 else None
        return Site(f"site-{number}", off, stated, writing, chance.weighted(rng, dict(habits.ports)), rng.random())

    def _line(self, carrier: Carrier) -> Line:
        number = self.taken.get(carrier.key, 0)
        self.taken[carrier.key] = number + 1
        return Line(carrier, number % self.books.capacity(carrier))

    def _stranger(self, rng: Random) -> Line:
        """Return a line of somebody who is not in the story: from the upper half of an operator's subscribers."""
        carrier = BY_KEY[rng.choice(("kadal", "malar", "thoni", "thoni"))]
        size = self.books.capacity(carrier)
        return Line(carrier, rng.randrange(size * 7 // 10, size))

    def _user(self, number: int, sites: tuple[Site, ...], cafes: list[Line], users: list[User]) -> User:
        rng, habits = chance.stream(self.seed, "user", number), self.habits
        kin = users[-1] if users and rng.random() < habits.household and users[-1].home else None
        # Fewer homes than people: whoever is left without one is on the mobile network only.
        free = [key for key in HOMES if self.taken.get(key, 0) < self.books.capacity(BY_KEY[key]) * 6 // 10]
        home = kin.home if kin else (self._line(BY_KEY[rng.choice(free)]) if free and rng.random() < 0.85 else None)
        work = None
        if rng.random() < habits.works:
            carrier = BY_KEY[rng.choice(("nilavu", "vanigam"))]
            work = Line(carrier, rng.randrange(1, self.books.capacity(carrier)))
        chosen = rng.sample(sites, k=rng.randint(*habits.accounts))
        return User(
            f"user-{number:03d}", chance.weighted(rng, dict(habits.styles)), home,
            self._line(BY_KEY[rng.choice(MOBILES)]), work, rng.choice(cafes),
            kin.household if kin else f"household-{number:03d}",
            tuple((site.key, chance.hexadecimal(rng, 12)) for site in chosen),
            tuple(chance.hexadecimal(rng, 32) for _ in range(rng.randint(*habits.devices))),
        )  # fmt: skip

    def _tell(self, user: User, sites: dict[str, Site], users: list[User]) -> None:
        rng, habits = chance.stream(self.seed, "tell", user.key), self.habits
        start = self.end - rng.randint(*habits.months) * 30 * DAY
        kept = rng.random() < habits.borrowed_kept
        first = self._stranger(rng)
        for site_key, account in user.accounts:
            moments = sorted(rng.randint(start, self.end) for _ in range(rng.randint(*habits.events)))
            thief = rng.choice(users) if rng.random() < habits.thief else user
            since, borrowed = 0, first
            for number, at in enumerate(moments):
                theft = thief is not user and number % 4 == 2
                if not kept and at - since > habits.borrowed_hours * HOUR:
                    since, borrowed = at, self._stranger(rng)
                actor = thief if theft else user
                kind = "Registration" if number == 0 else "Upload" if rng.random() < 0.3 else "Login"
                self._one(rng, _Moment(user, actor, sites[site_key], account, at, kind, borrowed))

    def _one(self, rng: Random, moment: _Moment) -> None:
        subject, actor, site, account, at, kind, borrowed = moment
        key = f"{subject.key}/{site.key}/{len(self.records):06d}"
        device = rng.randrange(len(actor.devices))
        own = self._own_line(rng, actor, at, phone=device == 0)
        line, gate = self._path(rng, actor, own, borrowed, at)
        address, port, exit_key = self._seen(rng, line, gate, at)
        stated_port, port_at = self._port(rng, site, None if gate else line, at, port)
        hidden = bool(exit_key)
        flag = rng.random() < (self.habits.flag_on_exit if gate else self.habits.flag_on_home)
        denied = rng.random() < self.habits.flag_denied
        inside = rng.random() < self.habits.inside
        shift = site.off + rng.randint(-1, 1)
        self.records.append(
            Record(
                key, subject.key, site.key, account,
                actor.devices[device] if rng.random() < site.names_devices else "",
                f"10.{rng.randrange(256)}.{rng.randrange(256)}.{rng.randrange(1, 255)}" if inside else address,
                kind, write(at + shift, site.writing), None if inside else stated_port,
                write(port_at + shift, site.writing) if port_at else "",
                True if flag else False if denied else None, kind == "Upload",
            )
        )  # fmt: skip
        self.truth.append(TrueRecord(key, actor.key, at, own.key if hidden else line.key, address, port, exit_key))

    def _own_line(self, rng: Random, user: User, at: int, *, phone: bool) -> Line:
        local = datetime.fromtimestamp(at, INDIA)
        at_work = local.weekday() < 5 and 9 <= local.hour < 18
        if user.style is Style.CAFE and rng.random() < self.habits.in_cafe:
            return user.cafe
        if at_work and user.work is not None and rng.random() < 0.6:
            return user.work
        if user.home is None or (phone and rng.random() < self.habits.mobile):
            return user.mobile
        return user.home

    def _path(self, rng: Random, user: User, own: Line, borrowed: Line, at: int) -> tuple[Line, Carrier | None]:
        """Return the line whose address is seen, and the anonymiser if one is: a borrowed line counts as none."""
        slips = rng.random() < self.habits.slip
        if user.style in {Style.SLIPS, Style.ALWAYS}:
            other = BY_KEY["veilroute" if rng.random() < 0.75 else "veilroute-two"]
            return own, None if slips and user.style is Style.SLIPS else other
        if user.style is Style.TOR:
            return own, None if slips else BY_KEY["kovil-exits"]
        if user.style is Style.RELAY and rng.random() < self.habits.relayed:
            return own, BY_KEY["mistgate"]
        if user.style is Style.BORROWS and not slips:
            return borrowed, None
        if user.style is Style.PLAIN and rng.random() < self.habits.plain_hides:
            return own, BY_KEY["veilroute"]
        return own, None

    def _seen(self, rng: Random, line: Line, gate: Carrier | None, at: int) -> tuple[str, int, str]:
        if gate is not None:
            blocks = [one.block for one in gate.holdings]
            addresses = [address for block in blocks for address in list(block)[1:-1]]
            if gate.access is Access.TOR:
                return rng.choice(self.exits.at(at)), rng.randint(10000, 60999), gate.key
            return str(rng.choice(addresses)), rng.randint(10000, 60999), gate.key
        six = self.books.six_of(line.carrier, line.number, at) if rng.random() < self.habits.six else None
        if six is not None:
            room = 128 - six.prefixlen
            # A home uses the first subnets of its prefix; the rest of an address is random (RFC 8981).
            host = rng.getrandbits(62) + (rng.randrange(4) << 64 if room > 64 else 0)
            return str(six[host]), rng.randint(32768, 60999), ""
        lease = self.books.held_by(line.carrier, line.number, at)
        return lease.address, rng.randint(max(1024, lease.port_low), lease.port_high), ""

    def _port(self, rng: Random, site: Site, line: Line | None, at: int, port: int) -> tuple[int | None, int]:
        """Return the port as stated, and when it was seen where that is another time."""
        if site.ports is Ports.NONE or (site.ports is Ports.SOME and rng.random() < 0.5):
            return None, 0
        if line is None or site.ports is not Ports.LAST:
            return port, 0
        later = min(self.end, at + rng.randint(HOUR, 40 * DAY))
        lease = self.books.held_by(line.carrier, line.number, later)
        return rng.randint(max(1024, lease.port_low), lease.port_high), later
