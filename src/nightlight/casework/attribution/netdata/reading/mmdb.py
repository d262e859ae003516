# SPDX-License-Identifier: Apache-2.0
"""Reads databases in MaxMind's format (MaxMind DB File Format Specification 2.0), of any publisher.

The unit plugs in its own copy; what may be kept, shown and for how long is said by that copy's licence. Read through
the package `maxminddb`; its compiled part is 15 times as fast as its plain one, so `engine` says which is there.
"""

from __future__ import annotations

import ipaddress
import math
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import maxminddb
from maxminddb import InvalidDatabaseError

from nightlight.casework.attribution.netdata.kinds import ListKind
from nightlight.casework.attribution.netdata.reading.lines import DamageCode, NetdataDamaged, ProblemCode, Tally
from nightlight.casework.attribution.netdata.reading.mmdb_tree import sound_tree
from nightlight.casework.attribution.netdata.spans import Family, Span, unmapped

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path
    from types import TracebackType

    from maxminddb.reader import Metadata

MOST_RANGES = 30_000_000
LARGEST = 8 << 30
LONGEST_TEXT = 200
_KINDS = (
    ("anonymous", ListKind.ANONYMOUS),
    ("residential-proxy", ListKind.RESIDENTIAL_PROXY),
    ("connection-type", ListKind.CONNECTION_TYPE),
    ("user-count", ListKind.USER_COUNT),
    ("static-ip-score", ListKind.STATIC_SCORE),
    ("isp", ListKind.ISP),
    ("asn", ListKind.NETWORKS),
    ("city", ListKind.COUNTRIES),
    ("country", ListKind.COUNTRIES),
    ("enterprise", ListKind.COUNTRIES),
)
_BROKEN = (
    InvalidDatabaseError,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    RecursionError,
    OverflowError,
    MemoryError,
)
_AS = re.compile(r"AS(\d{1,10})\Z")


class Engine(NamedTuple):
    """How databases are read here: whether by compiled code, and a sentence for whoever starts the program."""

    compiled: bool
    version: str
    sentence: str


def engine() -> Engine:
    """Say whether the compiled part of the package loaded."""
    try:
        import maxminddb.extension as found

        compiled = hasattr(found, "Reader")
    except ImportError:
        compiled = False
    if compiled:
        return Engine(True, maxminddb.__version__, f"maxminddb {maxminddb.__version__} with its compiled part.")
    sentence = f"maxminddb {maxminddb.__version__} without its compiled part: databases are read 15 times as slowly."
    return Engine(False, maxminddb.__version__, sentence)


class Sign(StrEnum):
    """What a database of anonymisers says of an address."""

    ANONYMOUS = "is_anonymous"
    VPN = "is_anonymous_vpn"
    HOSTING = "is_hosting_provider"
    PUBLIC_PROXY = "is_public_proxy"
    RESIDENTIAL_PROXY = "is_residential_proxy"
    TOR_EXIT = "is_tor_exit_node"

    @property
    def kind(self) -> ListKind | None:
        """The kind of list that addresses with this sign make; None where it says nothing closer."""
        return _SIGNED.get(self)


_SIGNED = {
    Sign.VPN: ListKind.VPN,
    Sign.HOSTING: ListKind.HOSTING,
    Sign.PUBLIC_PROXY: ListKind.PUBLIC_PROXY,
    Sign.RESIDENTIAL_PROXY: ListKind.RESIDENTIAL_PROXY,
    Sign.TOR_EXIT: ListKind.TOR_EXIT,
}


class Facts(NamedTuple):
    """What one record says; what it does not say is None, 0 or empty.

    `country` is ISO 3166-1 of the registration where the record has it, else of the place. `mobile`: codes of the
    mobile network ("001-01"). `users`: how many users were seen behind an address, of IPv6 behind its /64. `score`: how
    long the address stays with one user, from 0 on. `confidence` is of 100. `last_seen`: the day on which the network
    was last seen as an anonymiser. `provider` and the names are the publisher's words.
    """

    number: int = 0
    network: str = ""
    isp: str = ""
    organisation: str = ""
    country: str = ""
    connection: str = ""
    mobile: str = ""
    users: int | None = None
    score: float | None = None
    signs: frozenset[Sign] = frozenset()
    provider: str = ""
    confidence: int | None = None
    last_seen: date | None = None


class MmdbRow(NamedTuple):
    """A range and what the database says of it."""

    span: Span
    facts: Facts


@dataclass(frozen=True, slots=True)
class About:
    """What a database says of itself. `kinds` is worked out from its type; none where that is not known."""

    type: str
    built: datetime
    version: int  # of the addresses: 4, or 6 with IPv4 inside
    description: str
    kinds: tuple[ListKind, ...]


class Database:
    """An open database; close it, or use it in a `with`. Raises NetdataDamaged when it is none, or is damaged."""

    def __init__(self, path: Path, *, compiled: bool | None = None) -> None:
        with_c = engine().compiled if compiled is None else compiled
        try:
            if path.stat().st_size > LARGEST:
                raise NetdataDamaged(DamageCode.TOO_LARGE, "The database is larger than is allowed.")
            self._reader = maxminddb.open_database(path, maxminddb.MODE_MMAP_EXT if with_c else maxminddb.MODE_MMAP)
        except NetdataDamaged:
            raise
        except (*_BROKEN, OSError):
            raise NetdataDamaged(DamageCode.NOT_THIS_FORMAT, "The file is no database in MaxMind's format.") from None
        try:
            metadata = self._reader.metadata()
            self.about = _about(metadata)
            sound = sound_tree(path, metadata)
        except (*_BROKEN, OSError):
            sound = False
        if not sound:
            self._reader.close()
            raise _damaged()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let the file go."""
        self._reader.close()

    def look_up(self, address: str) -> MmdbRow | None:
        """Return what is said of one address, or None. Raises NetdataDamaged; ValueError for what is no address."""
        found = ipaddress.ip_address(address)
        if found.version == 6 and self.about.version == 4:
            return None
        try:
            record, length = self._reader.get_with_prefix_len(found)
        except _BROKEN:
            raise _damaged() from None
        if record is None:
            return None
        net = ipaddress.ip_network((int(found), found.max_prefixlen), strict=False).supernet(new_prefix=length)
        span = _span(net)
        return MmdbRow(span, facts_of(record, span.family)[0])

    def rows(self, tally: Tally) -> Iterator[MmdbRow]:
        """Go through all ranges in order; a field of a wrong form is noted (numbered by range) and left empty.

        Raises NetdataDamaged where the database breaks off, so take nothing of it before the end.
        """
        place = iter(self._reader)
        while True:
            try:
                net, record = next(place)
            except StopIteration:
                return
            except ValueError as error:
                if isinstance(error, InvalidDatabaseError):
                    raise _damaged() from None
                sentence = "The database joins IPv4 with other addresses, so it cannot be gone through."
                raise NetdataDamaged(DamageCode.NO_ADDRESSES, sentence) from None
            except _BROKEN:
                raise _damaged() from None
            tally.lines += 1
            if tally.lines > MOST_RANGES:
                raise NetdataDamaged(DamageCode.TOO_LARGE, f"The database has more than {MOST_RANGES} ranges.")
            span = _span(net)
            facts, wrong = facts_of(record, span.family)
            for name in wrong:
                tally.note(0, ProblemCode.VALUE, f"{net}: {name}")
            if facts == _NOTHING:
                tally.passed_over += 1
                continue
            tally.entries += 1
            yield MmdbRow(span, facts)


_NOTHING = Facts()


def signed(rows: Iterable[MmdbRow]) -> dict[ListKind, list[Span]]:
    """Sort a database of anonymisers into one full snapshot for each kind, so that each build grows an archive.

    A kind without any range is there with none: the database says that nothing was listed.
    """
    found: dict[ListKind, list[Span]] = {kind: [] for kind in _SIGNED.values()}
    for row in rows:
        for sign in row.facts.signs:
            if sign.kind is not None:
                found[sign.kind].append(row.span)
    return found


def _damaged() -> NetdataDamaged:
    return NetdataDamaged(DamageCode.DAMAGED, "The database is damaged: its tree or its data contradict themselves.")


def _about(metadata: Metadata) -> About:
    name = str(metadata.database_type)[:LONGEST_TEXT]
    words = re.sub(r"[^a-z]+", "-", name.lower())
    described = metadata.description if isinstance(metadata.description, dict) else {}
    found = [kind for word, kind in _KINDS if word in words]
    if ListKind.ISP in found:
        found.append(ListKind.NETWORKS)  # such databases hold the AS number too
    return About(
        name,
        datetime.fromtimestamp(metadata.build_epoch, UTC),
        metadata.ip_version,
        str(described.get("en", ""))[:LONGEST_TEXT],
        tuple(dict.fromkeys(found)),
    )


def _span(net: ipaddress.IPv4Network | ipaddress.IPv6Network) -> Span:
    family = Family.IPV4 if net.version == 4 else Family.IPV6
    return unmapped(Span(family, int(net.network_address), int(net.broadcast_address)))


def facts_of(record: object, family: Family) -> tuple[Facts, tuple[str, ...]]:
    """Take what we know of a record, and the names of fields that are there in a wrong form."""
    if not isinstance(record, dict):
        return _NOTHING, ("the record",)
    take = _Taking(record)
    facts = Facts(
        number=take.number() or 0,
        network=take.text("autonomous_system_organization", "as_name"),
        isp=take.text("isp"),
        organisation=take.text("organization"),
        country=take.country(),
        connection=take.text("connection_type"),
        mobile="-".join(filter(None, (take.text("mobile_country_code"), take.text("mobile_network_code")))),
        users=take.whole("ipv4_32" if family is Family.IPV4 else "ipv6_64"),
        score=take.score("score"),
        signs=frozenset(sign for sign in Sign if take.flag(sign.value)),
        provider=take.text("provider_name"),
        confidence=take.whole("anonymizer_confidence"),
        last_seen=take.day("network_last_seen"),
    )
    return facts, tuple(take.wrong)


class _Taking:
    """Takes fields out of a record, each only in its proper form."""

    def __init__(self, record: dict[str, Any]) -> None:
        self.record = record
        self.wrong: list[str] = []

    def text(self, *names: str) -> str:
        for name in names:
            value = self.record.get(name, "")
            if not isinstance(value, str):
                self.wrong.append(name)
            elif value:
                return value[:LONGEST_TEXT]
        return ""

    def whole(self, name: str) -> int | None:
        value = self.record.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            self.wrong.append(name)
            return None
        return value

    def score(self, name: str) -> float | None:
        value = self.record.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
            self.wrong.append(name)
            return None
        return float(value)

    def flag(self, name: str) -> bool:
        value = self.record.get(name, False)
        if isinstance(value, str):  # some publishers write the word
            value = value.lower() == "true"
        if not isinstance(value, bool):
            self.wrong.append(name)
            return False
        return value

    def number(self) -> int | None:
        value = self.record.get("asn")
        if isinstance(value, str) and (match := _AS.match(value)):
            return int(match[1]) if int(match[1]) < 1 << 32 else None
        if value is not None and value != "" and not isinstance(value, int):
            self.wrong.append("asn")
        found = self.whole("autonomous_system_number")
        if found is not None and found >= 1 << 32:
            self.wrong.append("autonomous_system_number")
            return None
        return found

    def country(self) -> str:
        for name in ("registered_country", "country"):
            value = self.record.get(name)
            if isinstance(value, dict):
                value = value.get("iso_code")
            if isinstance(value, str) and len(value) == 2 and value.isascii() and value.isalpha():
                return value.upper()
        code = self.record.get("country_code", "")
        return code.upper() if isinstance(code, str) and len(code) == 2 and code.isascii() and code.isalpha() else ""

    def day(self, name: str) -> date | None:
        value = self.record.get(name)
        if value is None:
            return None
        try:
            return date.fromisoformat(value)
        except (ValueError, TypeError):
            self.wrong.append(name)
            return None
