# SPDX-License-Identifier: Apache-2.0
"""The hardest people of the demo: months behind a VPN on two platforms, and one login without it.

Both slip once, over a mobile network in which sixty-two subscribers share an address. One platform keeps the port, so
the line can be found; the other does not, so the platform has to be asked for it first. They are added behind all other
reports, from streams of their own, so that nothing else in a world depends on them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

from nightlight.exercise import chance, ledger, places, wording
from nightlight.exercise.carriers import BY_KEY as CARRIERS
from nightlight.exercise.carriers import Layout, in_the_books
from nightlight.exercise.names import TOWNS
from nightlight.exercise.networks import ANONYMISER, BLOCK, BLOCKS, EPOCH, MOBILES, Line, connect, connect_through
from nightlight.exercise.patterns import Format, Motif, Picture
from nightlight.exercise.people import Account, Person
from nightlight.exercise.plan import (
    AddressEvent,
    Device,
    Email,
    IncidentType,
    Party,
    PlannedFile,
    PlannedReport,
    Postal,
)
from nightlight.exercise.reporters import BY_KEY, Ports
from nightlight.exercise.returns import Entry, Flaw, answer
from nightlight.exercise.truth import Planted, TrueEvent

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from random import Random

    from nightlight.exercise.carriers import Subscriber
    from nightlight.exercise.networks import Network, Seen
    from nightlight.exercise.world import World

PLATFORMS = ("chat", "photos")
MOBILE = next(network for network in MOBILES if network.key == "neela")
OWN = CARRIERS["veilroute"].holdings
DAYS = 120
EVENTS = 13
"""How many events each platform states of each of them, over so many days; the slip and what follows it come on top."""

BACK_AFTER = 203
"""Seconds after the slip until the anonymiser is on again."""


class Slip(StrEnum):
    """The two cases, as they are called in the truth."""

    WITH_PORT = "months behind a vpn, one slip with a port"
    WITHOUT_PORT = "months behind a vpn, one slip without a port"

    @property
    def platform(self) -> str:
        """Where the slip happens: the chat keeps every port, the photo host none."""
        return "chat" if self is Slip.WITH_PORT else "photos"


@dataclass(frozen=True, slots=True)
class Walk:
    """What is true of one case: its reports, the record that leads on, and the line it leads to.

    `report` is the report in which the slip stands; `stated_port` None where the platform kept none, though `port` was
    the true one.
    """

    case: Slip
    person: Person
    reports: tuple[PlannedReport, ...]
    report: str
    at: datetime
    address: str
    port: int
    stated_port: int | None
    line: str
    events: tuple[TrueEvent, ...]


@dataclass(frozen=True, slots=True)
class Written:
    """A file that an operator or a platform would send in a walk, and a sentence that says what it is."""

    case: Slip
    path: Path
    what: str


def walks(seed: int, now: datetime) -> tuple[Walk, ...]:
    """Return the two cases for a world of that seed built around `now` (aware). The same for the same arguments."""
    return tuple(_walk(seed, number, case, now.replace(microsecond=0)) for number, case in enumerate(Slip))


def add(world: World) -> World:
    """Return the world with the reports of the two cases behind all others, and the truth about them."""
    found = walks(world.seed, world.now)
    first = len(world.reports)
    reports = [report for walk in found for report in walk.reports]
    reports = [replace(one, order=first + number) for number, one in enumerate(reports)]
    people = tuple(walk.person for walk in found)
    truth = world.truth
    return replace(
        world,
        people=(*world.people, *people),
        reports=(*world.reports, *reports),
        truth=replace(
            truth,
            people=(
                *truth.people,
                *(ledger.true_person(walk.person, tuple(one.key for one in walk.reports)) for walk in found),
            ),
            planted=(*truth.planted, *(Planted(walk.case, tuple(one.key for one in walk.reports)) for walk in found)),
            events=(*truth.events, *(event for walk in found for event in walk.events)),
            parties=(*truth.parties, *ledger.parties(reports, {})),
            places=(*truth.places, *places.true_places(reports, {one.key: one for one in people})),
        ),
    )


def write_returns(folder: Path, seed: int, now: datetime) -> tuple[Written, ...]:
    """Write what the operator answers in both walks into the folder, for uploading; `now` as the world was built with.

    For the case without a port there are two: what it answers without one, sixty-two people, and with the port that the
    platform gives when asked.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for walk in walks(seed, now):
        for name, port, what in _answers(walk):
            span = timedelta(hours=6) if port is not None else timedelta()
            rows = leases(MOBILE, walk.address, port, (walk.at - span, walk.at + span), {walk.line: walk.person})
            told = answer(name, Layout.IPDR, rows, (Flaw.PREAMBLE, Flaw.FOOTER))
            path = folder / name
            path.write_bytes(told.data)
            written.append(Written(walk.case, path, what))
    return tuple(written)


def _answers(walk: Walk) -> tuple[tuple[str, int | None, str], ...]:
    """Return name, port and meaning of each file of a walk."""
    if walk.stated_port is not None:
        what = f"{MOBILE.name} answers for {walk.address}, port {walk.port}"
        return ((f"{MOBILE.key}-slip-with-port.csv", walk.port, what),)
    known = f"{MOBILE.name} answers for {walk.address} once the platform has named port {walk.port}"
    return (
        (f"{MOBILE.key}-slip-without-port-all.csv", None, f"{MOBILE.name} answers without a port: {BLOCKS} people"),
        (f"{MOBILE.key}-slip-without-port.csv", walk.port, known),
    )


def leases(
    network: Network,
    address: str,
    port: int | None,
    within: tuple[datetime, datetime],
    people: Mapping[str, Person],
) -> list[Entry]:
    """Return who held an address of one of the demo's mobile networks from one moment to another, by start and port.

    `people` are the customers who are known, by the key of their line; all others are invented as they come.
    """
    offset = int(IPv4Address(address)) - int(network.block.network_address) - 1
    first, last = (int((at - EPOCH) / network.lease) for at in within)
    found = []
    for turn in range(first, last + 1):
        seat, start = (offset - 17 * turn) % network.addresses, EPOCH + turn * network.lease
        span = int(start.timestamp()), int((start + network.lease).timestamp())
        for block in range(BLOCKS):
            low = BLOCK + BLOCK * block
            if port is None or low <= port < low + BLOCK:
                who = _customer(Line(network, seat * BLOCKS + (block - turn) % BLOCKS), people)
                found.append(Entry(address, (low, low + BLOCK - 1), *span, who))
    return found


def _customer(line: Line, people: Mapping[str, Person]) -> Subscriber:
    who = in_the_books(0, line.network.key, line.subscriber)
    person = people.get(line.key)
    if person is None:
        return who
    street = f"{person.postal.street}, {person.postal.city} {person.postal.code}"
    return replace(who, name=f"{person.first_name} {person.last_name}", installation=street, billing=street)


def _walk(seed: int, number: int, case: Slip, now: datetime) -> Walk:
    rng = chance.stream(seed, "slip", case)
    person = _person(seed, number, case)
    device = Device("Advertising ID", chance.hexadecimal(rng, 32))
    slip_at = now - timedelta(days=37 + 4 * number, hours=rng.randint(1, 9), seconds=rng.randint(1, 3599))
    slip = connect(rng, person.mobile, slip_at)
    reports, true = [], []
    for place, platform in enumerate(PLATFORMS):
        key = f"slip-{seed}-{number}-{platform}"
        told_at = now - timedelta(days=5 - 2 * place, hours=4 + number, minutes=rng.randint(1, 50))
        moments = sorted(
            chance.moment_between(rng, now - timedelta(days=DAYS), told_at - timedelta(hours=2)) for _ in range(EVENTS)
        )
        seen = [(at, _through(rng, number, person.mobile, at)) for at in (*moments, told_at)]
        if platform == case.platform:
            # The anonymiser is off for a moment, and on again minutes later.
            back = slip_at + timedelta(seconds=BACK_AFTER)
            behind = _through(rng, number, person.mobile, back, known=True)
            seen = sorted([*seen, (slip_at, slip), (back, behind)], key=lambda one: one[0])
        events = []
        for n, (at, what) in enumerate(seen):
            kind = "Registration" if n == 0 else "Upload" if n == len(seen) - 1 else "Login"
            port = what.port if BY_KEY[platform].ports is Ports.ALWAYS else None
            hidden = what.behind is not None and rng.random() < 0.4
            events.append(AddressEvent(what.address, kind, at, port, True if hidden else None))
            true.append(TrueEvent.of(key, person.key, at, events[-1], what))
        # The platforms name the device at some events: at the slip, and here and there behind the anonymiser.
        near = {slip_at, slip_at + timedelta(seconds=BACK_AFTER)}
        known = [one for n, one in enumerate(events) if one.at in near or n % 4 == 1]
        party = _party(
            person, platform, tuple(replace(device, event=one.event, at=one.at) for one in known), tuple(events)
        )
        reports.append(_report(rng.getrandbits(40), key, party, person, told_at))
    return Walk(
        case, person, tuple(reports), f"slip-{seed}-{number}-{case.platform}", slip_at, slip.address, slip.port,
        slip.port if case is Slip.WITH_PORT else None, person.mobile.key, tuple(true),
    )  # fmt: skip


def _through(rng: Random, number: int, line: Line, at: datetime, *, known: bool = False) -> Seen:
    """Return what a platform sees through the anonymiser. Each of the two has exits that the other never uses.

    With a few dozen exits for months of use, the two would share so many of them that they were taken for one person.
    `known`: an exit of the anonymiser's own network, which lists of hosting companies name, whatever others leave out.
    """
    while True:
        seen = connect_through(rng, ANONYMISER, line, at)
        exit_ = IPv4Address(seen.address)
        if int(exit_) % len(Slip) == number and (not known or any(exit_ in one.block for one in OWN)):
            return seen


def _party(person: Person, platform: str, devices: tuple[Device, ...], events: tuple[AddressEvent, ...]) -> Party:
    account = person.account_on(platform)
    return Party(
        identifier=account.identifier,
        service=BY_KEY[platform].service,
        screen_name=account.screen_name,
        emails=(account.email,) if account.email else (),
        events=events,
        devices=devices,
    )


def _report(picture: int, key: str, party: Party, person: Person, at: datetime) -> PlannedReport:
    rng = chance.stream(key, "report")
    platform = key.rsplit("-", 1)[-1]
    file = PlannedFile(
        key=f"{key}/0",
        name=f"IMG_{at:%Y%m%d}_{rng.randint(1, 9999):04d}.png",
        picture=Picture(Motif.PATCHWORK, Format.PNG, picture, 96, 72),
        uploaded_at=at,
        viewed=True,
        state_hash=True,
        event=party.events[-1],
    )
    return PlannedReport(
        key=key,
        order=0,
        reporter=platform,
        kind=IncidentType.MATERIAL,
        at=at + timedelta(minutes=1),
        reported=(party,),
        files=(file,),
        platform=party.service,
        narrative=wording.narrative(rng, IncidentType.MATERIAL, person.payment),
        people=(person.key,),
    )


def _person(seed: int, number: int, case: Slip) -> Person:
    rng = chance.stream(seed, "slip person", case)
    first, last = (("Revathi", "Ottapalam"), ("Sukumar", "Perinthal"))[number]
    handle = f"{chance.hexadecimal(rng, 6)}.lantern"
    city, region, code = TOWNS["IN"][number]
    accounts = tuple(
        Account(
            platform,
            chance.hexadecimal(rng, 16),
            f"{chance.hexadecimal(rng, 5)}_{platform}",
            handle,
            Email(f"{chance.hexadecimal(rng, 8)}@example.net"),
            None,
            None,
        )
        for platform in PLATFORMS
    )
    # The last seats of the network: a world of the most people does not reach them.
    line = Line(MOBILE, MOBILE.capacity - 1 - number)
    return Person(
        key=f"person-slip-{number}",
        first_name=first,
        last_name=last,
        born=date(1984 + 3 * number, 5, 11),
        country="IN",
        postal=Postal(f"{rng.randint(1, 98)} Old Ferry Street", city, code, region, "IN"),
        phone=None,
        handle=handle,
        payment=f"{handle}@examplebank",
        accounts=accounts,
        devices=(),
        home=None,
        mobile=line,
        anonymised=1.0,
        prefers_mobile=1.0,
    )
