# SPDX-License-Identifier: Apache-2.0
"""The lists that a unit would have loaded for the trails: made from the same world, and imperfect as lists are.

* VPN exits: snapshots a fortnight apart that know three of four, some of them months late; the hosting company behind
  most others is known by its AS number, the rest by nothing (measured on published lists: 74.6, 21.0, 4.4 %).
* Tor exits: a complete list each hour, with the times at which it held.
* Networks: who announced which range, at three days, with a block that changes hands and one overlapping pair.
* Countries: of registration, wrong for one range in twenty.

Formats are the public ones: CIDR lines, `start,end,asn,as_name`, `ASN,Entity`, `AS... # comment`.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import IPv4Network, IPv6Network
from typing import TYPE_CHECKING

from nightlight.exercise import chance
from nightlight.exercise.carriers import BY_KEY, CARRIERS, DAY, HOUR, Access, Books, Carrier

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from nightlight.exercise.exits import Exits

FORTNIGHT = 14 * DAY

RECALL, LATE = 0.746, 0.2
"""Of the exits of the VPN: in the list at the end of the time; of those, not from the beginning."""

WRONG_COUNTRY = 0.05

VPN_SIX, RELAY_SIX, TOR_SIX = "2001:db8:f000::/44", "2001:db8:f100::/44", "2001:db8:f200::9"
"""IPv6 of the anonymisers, which nobody of the trails uses; a list without any says nothing of IPv6 at all."""

LICENCE = "Invented for the exercise; free to use"

EXERCISE = ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")
"""The ranges for documentation (RFC 5737, RFC 3849), which in an exercise are as good as any other."""


@dataclass(frozen=True, slots=True)
class Listed:
    """One list as it was published at `as_of`; `kind` is the code under which a unit would import it."""

    kind: str
    name: str
    as_of: datetime
    text: str

    @property
    def file(self) -> str:
        """A name for the file."""
        hour = "-%H" if self.kind == "tor-exit" else ""
        ending = "csv" if self.text.startswith(("start,", "ASN,")) else "txt"
        return f"{self.kind}-{self.as_of.strftime(f'%Y-%m-%d{hour}')}.{ending}"


def published(books: Books) -> tuple[Listed, ...]:
    """Return all lists but those of Tor, each at every day it was published."""
    return (*_vpn(books), *_relay(books), *_numbers(books), *_networks(books), *_countries(books))


def tor_lists(books: Books, exits: Exits, *, every: int = HOUR) -> Iterator[Listed]:
    """Yield the list of Tor exits at every hour (or every so many seconds) until now: one address a line."""
    at = -(-books.first // HOUR) * HOUR
    while at <= books.last - DAY:
        text = "".join(f"{address}\n" for address in (*sorted(set(exits.at(at))), TOR_SIX))
        yield Listed("tor-exit", "Exercise Tor exits", _when(at), text)
        at += every


def write(folder: Path, books: Books, exits: Exits) -> tuple[tuple[Listed, Path], ...]:
    """Write all lists into the folder, the Tor lists at midnight and noon only; return each with its file."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for one in (*published(books), *tor_lists(books, exits, every=12 * HOUR)):
        file = folder / one.file
        file.write_text(one.text, encoding="utf-8")
        written.append((one, file))
    return tuple(written)


def _when(at: int) -> datetime:
    return datetime.fromtimestamp(at, UTC)


def _rounds(books: Books, step: int) -> Iterator[int]:
    at = books.first
    while at < books.last - DAY:
        yield at
        at += step
    # The last one is of the evening before now, so that nothing in the trails is younger than every list.
    yield books.last - DAY


def _hosts(carrier: Carrier) -> list[IPv4Network]:
    return [IPv4Network(f"{one}/32") for holding in carrier.holdings for one in list(holding.block)[1:-1]]


def _vpn(books: Books) -> Iterator[Listed]:
    rng = chance.stream(books.seed, "vpn list")
    hosts = [*_hosts(BY_KEY["veilroute"]), *_hosts(BY_KEY["veilroute-two"])]
    known = {host: books.first for host in hosts if rng.random() < RECALL}
    for host in known:
        if rng.random() < LATE:
            known[host] = rng.randint(books.first, books.last)
    for at in _rounds(books, FORTNIGHT):
        lines = "".join(f"{host}\n" for host, since in known.items() if since <= at) + f"{VPN_SIX}\n"
        yield Listed("vpn", "Exercise VPN list", _when(at), f"# Invented ranges (RFC 5737)\n{lines}")


def _relay(books: Books) -> Iterator[Listed]:
    (holding,) = BY_KEY["mistgate"].holdings
    for at in _rounds(books, FORTNIGHT):
        yield Listed("private-relay", "Exercise relay egress", _when(at), f"{holding.block}\n{RELAY_SIX}\n")


def _numbers(books: Books) -> Iterator[Listed]:
    """AS numbers by what the network is: hosting in one style, mobile and the others in the other."""
    kinds = {
        "mobile-as": {Access.MOBILE}, "education-as": {Access.CAMPUS}, "business-as": {Access.OFFICE},
    }  # fmt: skip
    for at in _rounds(books, 90 * DAY):
        rows = sorted({(one.asn, one.name) for one in CARRIERS if one.access in {Access.HOSTING, Access.TOR}})
        rows.append((BY_KEY["veilroute"].asn, BY_KEY["veilroute"].name))
        lines = "".join(f'{number},"{name}, XX"\n' for number, name in rows)
        yield Listed("hosting-as", "Exercise hosting networks", _when(at), f"ASN,Entity\n{lines}")
        for kind, accesses in kinds.items():
            some = "".join(f"AS{one.asn} # {one.name}\n" for one in CARRIERS if one.access in accesses)
            yield Listed(kind, f"Exercise {kind.removesuffix('-as')} networks", _when(at), some)


def ranges(books: Books, at: int) -> list[tuple[IPv4Network | IPv6Network, Carrier]]:
    """Return which block was whose at that time, by address."""
    found: list[tuple[IPv4Network | IPv6Network, Carrier]] = [
        (one.block, carrier) for carrier in CARRIERS for one in carrier.holdings if books.holds(one, at)
    ]
    found += [(carrier.six, carrier) for carrier in CARRIERS if carrier.six is not None]
    return sorted(found, key=lambda one: (one[0].version, int(one[0].network_address)))


def _networks(books: Books) -> Iterator[Listed]:
    now = int(books.now.timestamp())
    for at in (books.first, books.transferred, now - 45 * DAY, now - DAY):
        text = io.StringIO()
        out = csv.writer(text, lineterminator="\n")
        out.writerow(("start", "end", "asn", "as_name"))
        for block, carrier in ranges(books, at):
            out.writerow((block[0], block[-1], carrier.asn, carrier.name))
            if carrier.key == "nilavu":
                # The overlap: the table names a part of the campus a second time, for the business network beside it.
                out.writerow((block[6], block[-1], BY_KEY["vanigam"].asn, BY_KEY["vanigam"].name))
        yield Listed("networks", "Exercise networks", _when(at), text.getvalue())


def _countries(books: Books) -> Iterator[Listed]:
    at = int(books.now.timestamp()) - DAY
    for when in (books.first, at):
        rng = chance.stream(books.seed, "countries")
        text = io.StringIO()
        out = csv.writer(text, lineterminator="\n")
        out.writerow(("start", "end", "country"))
        for block, carrier in ranges(books, when):
            out.writerow((block[0], block[-1], "SG" if rng.random() < WRONG_COUNTRY else carrier.country))
        yield Listed("countries", "Exercise countries", _when(when), text.getvalue())
