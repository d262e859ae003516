# SPDX-License-Identifier: Apache-2.0
"""An address as somebody wrote it, read in one way or refused with a code: never guessed.

Plain forms are those of RFC 4291 section 2.2 and RFC 5952, read as tips read them (`pipeline.tips.values`). Around them
may stand what exports put there: blanks, quotes, brackets, a port, a zone, the length of a single host, a defanged dot.
Each of these is undone and named (`Address.notations`), from the outside in, so that a letter can say how it was read.

What several programs read as different addresses is refused, with what it could be (`NotRead.could_be`) for a person
to decide: 010.0.0.1 is 8.0.0.1 to some and 10.0.0.1 to others; 3221225985 is 192.0.2.1 only in network order. Where an
operator's layout states that its columns hold such numbers in network order, the caller says ``numbers=True``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address, ip_address

from nightlight.pipeline.tips.values import canonical_address

LONGEST = 200  # characters; the longest form of an address with zone, port and quotes is far shorter


class Notation(StrEnum):
    """A way in which an address can be written."""

    DOTTED = "dotted"  # 192.0.2.1
    IPV6 = "ipv6"  # RFC 4291 section 2.2, any of its forms
    MAPPED = "ipv4-mapped"  # ::ffff:192.0.2.1, which is that IPv4 address
    PORT = "with-port"  # 192.0.2.7:5060, [2001:db8::1]:443
    ZONE = "with-zone"  # fe80::1%eth0 (RFC 4007)
    WRAPPED = "wrapped"  # in quotes, brackets, or angle brackets
    DEFANGED = "defanged"  # 192[.]0[.]2[.]1
    SINGLE = "single-host"  # 192.0.2.1/32, 2001:db8::1/128
    DOTTED_HEX = "dotted-hex"  # 0xc0.0x00.0x02.0x01
    NUMBER = "number"  # 3221225985, only where the layout says so
    HEX = "hex-number"  # 0xC0000201, only where the layout says so


class Trouble(StrEnum):
    """Why a text was not read as an address, or a port not as a port."""

    EMPTY = "empty"
    TOO_LONG = "too-long"
    NOT_ASCII = "not-ascii"  # digits or dots of another script look alike and are other characters
    NOT_AN_ADDRESS = "not-an-address"
    LEADING_ZERO = "leading-zero"  # octal to some programs, decimal to others
    SHORTENED = "shortened"  # 192.2, which some programs fill up
    NUMBER = "number"  # the order of its bytes is not stated
    MIXED_BASES = "mixed-bases"
    OUT_OF_RANGE = "out-of-range"  # 192.0.2.256
    A_NETWORK = "a-network"  # 192.0.2.0/24 is many addresses
    SEVERAL = "several-addresses"
    TRAILING_TEXT = "trailing-text"
    PORT_OR_GROUP = "port-or-group"  # 2001:db8:1:2:3:4:5:6:443: without brackets nobody can tell
    PORT_ZERO = "port-zero"  # never a source port (RFC 6335)
    PORT_TOO_HIGH = "port-too-high"
    PORT_UNREADABLE = "port-unreadable"


@dataclass(frozen=True, slots=True)
class Address:
    """An address that was read. `text` is canonical (RFC 5952, without a zone); `number` the same as a whole number.

    `port` is the one written with it; where that is no port, `port_trouble` says why and `port_as_sent` what it was.
    """

    as_sent: str
    text: str
    version: int
    number: int
    notations: tuple[Notation, ...]  # outermost first
    port: int | None = None
    port_as_sent: str | None = None
    port_trouble: Trouble | None = None
    zone: str = ""


@dataclass(frozen=True, slots=True)
class NotRead:
    """A text that was refused; `could_be`: canonical addresses that programs would make of it, for a person to see."""

    as_sent: str
    trouble: Trouble
    could_be: tuple[str, ...] = ()


@dataclass(slots=True)
class _Reading:
    """What is left of a text while its wrappings come off."""

    rest: str
    notations: list[Notation]
    port: str | None = None
    zone: str = ""
    length: str = ""


class _Refused(Exception):
    def __init__(self, trouble: Trouble, *could_be: str) -> None:
        super().__init__(trouble)
        self.trouble = trouble
        self.could_be = tuple(dict.fromkeys(could_be))


_PAIRS = {
    '"': '"',
    "'": "'",
    "`": "`",
    "\u201c": "\u201d",
    "\u2018": "\u2019",
    "«": "»",
    "<": ">",
    "(": ")",
    "[": "]",
    "{": "}",
}
_DEFANGED = re.compile(r"[\[({] ?(?:(\.|dot)|(:)) ?[\])}]|\\(\.)", re.IGNORECASE)
_BRACKETED_PORT = re.compile(r"\[([^\[\]]*)\](?::(.*))?", re.DOTALL)
_DOTTED_PORT = re.compile(r"([^:\s]*\.[^:\s]*):([^:]*)")
_SINGLE = re.compile(r"(.*?) ?/ ?([0-9]+)", re.DOTALL)
_PARTS = re.compile(r"[0-9a-fx]+(?:\.[0-9a-fx]+)*", re.IGNORECASE)
_HEX = re.compile(r"0x[0-9a-f]{1,8}", re.IGNORECASE)
_INSIDE = re.compile(
    r"(?<![0-9a-f.:])(?:[0-9]{1,3}(?:\.[0-9]{1,3}){3}|[0-9a-f]*:[0-9a-f:.]*)(?![0-9a-f.:])", re.IGNORECASE
)


def read_address(text: str, *, numbers: bool = False) -> Address | NotRead:
    """The address that `text` writes, or why it is refused. Never raises.

    ``numbers``: a whole number, decimal or hexadecimal, is an IPv4 address in network order, because whoever wrote the
    file says so.
    """
    try:
        return _read(text, numbers=numbers)
    except _Refused as refused:
        return NotRead(text, refused.trouble, refused.could_be)


def read_port(text: str) -> int | Trouble:
    """The port in `text`, 1 to 65535 (RFC 6335), or why it is none."""
    digits = text.strip()
    if not (digits.isascii() and digits.isdigit()):
        return Trouble.PORT_UNREADABLE
    digits = digits.lstrip("0")
    if not digits:
        return Trouble.PORT_ZERO
    return Trouble.PORT_TOO_HIGH if len(digits) > 5 or int(digits) > 65535 else int(digits)


def _read(text: str, *, numbers: bool) -> Address:
    if len(text) > LONGEST:
        raise _Refused(Trouble.TOO_LONG)
    reading = _Reading(text.strip(), [])
    if not reading.rest:
        raise _Refused(Trouble.EMPTY)
    _unwrap(reading)
    if not reading.rest.isascii():
        raise _Refused(Trouble.NOT_ASCII)
    found, last = _base(reading.rest, numbers=numbers)
    if reading.length and int(reading.length) != found.max_prefixlen:
        raise _Refused(Trouble.A_NETWORK)
    if reading.zone and isinstance(found, IPv4Address):
        raise _Refused(Trouble.TRAILING_TEXT, str(found))
    if isinstance(found, IPv6Address) and found.ipv4_mapped is not None:
        found, last = found.ipv4_mapped, Notation.MAPPED
    port = None if reading.port is None else read_port(reading.port)
    trouble = port if isinstance(port, Trouble) else None
    number = None if isinstance(port, Trouble) else port
    notations = (*reading.notations, last)
    return Address(
        text, str(found), found.version, int(found), notations, number, reading.port, trouble, reading.zone
    )  # fmt: skip


def _unwrap(reading: _Reading) -> None:
    """Take off, from the outside in, what may stand around an address; each at most a few times."""
    for _ in range(4):
        before = reading.rest
        if _PAIRS.get(before[0]) == before[-1] and len(before) > 1 and not _closed_earlier(before):
            # [2001:db8::1] is the form of RFC 3986; around anything else brackets are only wrapping.
            reading.rest = before[1:-1].strip()
            reading.notations.append(Notation.WRAPPED)
        elif defanged := _undefanged(before):
            reading.rest = defanged
            reading.notations.append(Notation.DEFANGED)
        elif not reading.length and (single := _SINGLE.fullmatch(before)):
            reading.rest, reading.length = single[1].strip(), single[2]
            reading.notations.append(Notation.SINGLE)
        elif reading.port is None and (with_port := _with_port(before)):
            reading.rest, reading.port = with_port
            reading.notations.append(Notation.PORT)
        elif not reading.zone and "%" in before and ":" in before:
            reading.rest, _, reading.zone = before.partition("%")
            if (
                not reading.zone
                or not reading.zone.isascii()
                or not reading.zone.isprintable()
                or re.search(r"[\s/,;:\[\]]", reading.zone)
            ):
                raise _Refused(Trouble.TRAILING_TEXT, *_addresses_in(reading.rest))
            reading.notations.append(Notation.ZONE)
        if reading.rest == before:
            return
        if not reading.rest:
            raise _Refused(Trouble.EMPTY)


def _closed_earlier(text: str) -> bool:
    """Whether the bracket that opens a text closes before its end: [2001:db8::1]:[443], [.]0[.]."""
    opening, closing = text[0], _PAIRS[text[0]]
    return closing in text[1:-1] or (opening != closing and opening in text[1:-1])


def _undefanged(text: str) -> str:
    plain = _DEFANGED.sub(lambda found: ":" if found[2] else ".", text)
    return "" if plain == text else plain


def _with_port(text: str) -> tuple[str, str] | None:
    if text.startswith("[") and (bracketed := _BRACKETED_PORT.fullmatch(text)):
        return None if bracketed[2] is None else (bracketed[1], bracketed[2])
    dotted = _DOTTED_PORT.fullmatch(text)
    return None if dotted is None else (dotted[1], dotted[2])


def _base(text: str, *, numbers: bool) -> tuple[IPv4Address | IPv6Address, Notation]:
    """The address of a text without wrappings. Raises _Refused."""
    canonical, version = canonical_address(text)
    if canonical is not None and "[" not in text and "]" not in text:
        found = ip_address(canonical.partition("%")[0])
        if version == 4 and ":" in text:
            return found, Notation.MAPPED
        return found, Notation.DOTTED if version == 4 else Notation.IPV6
    if _PARTS.fullmatch(text) and (text[0].isdigit()):
        return _old_forms(text.lower(), numbers=numbers)
    if text.count(":") == 8 and "::" not in text:
        host, _, tail = text.rpartition(":")
        if canonical_address(host)[0] and tail.isdigit():
            raise _Refused(Trouble.PORT_OR_GROUP, *_addresses_in(host))
    found_inside = _addresses_in(text)
    if len(found_inside) > 1:
        raise _Refused(Trouble.SEVERAL, *found_inside)
    if found_inside:
        raise _Refused(Trouble.TRAILING_TEXT, *found_inside)
    raise _Refused(Trouble.NOT_AN_ADDRESS)


def _old_forms(text: str, *, numbers: bool) -> tuple[IPv4Address, Notation]:
    """What the C function inet_aton reads besides four decimal parts (POSIX inet_addr), as far as it is one address."""
    parts = text.split(".")
    in_hex = [part.startswith("0x") for part in parts]
    if any(not (_HEX.fullmatch(part) if hexed else part.isdigit()) for part, hexed in zip(parts, in_hex, strict=True)):
        raise _Refused(Trouble.NOT_AN_ADDRESS)
    if len(parts) > 4:
        raise _Refused(Trouble.NOT_AN_ADDRESS)
    if len(parts) == 1:
        return _whole(text, stated=numbers)
    if any(in_hex) and not all(in_hex):
        raise _Refused(Trouble.MIXED_BASES, *_as_programs(parts))
    if any(in_hex) and len(parts) == 4:
        values = [int(part, 16) for part in parts]
        if max(values) > 255:
            raise _Refused(Trouble.OUT_OF_RANGE)
        return IPv4Address(bytes(values)), Notation.DOTTED_HEX
    if any(len(part) > 1 and part[0] == "0" for part in parts) and not any(in_hex):
        raise _Refused(Trouble.LEADING_ZERO, *_as_programs(parts))
    if len(parts) < 4:
        raise _Refused(Trouble.SHORTENED, *_as_programs(parts))
    raise _Refused(Trouble.OUT_OF_RANGE)


def _whole(text: str, *, stated: bool) -> tuple[IPv4Address, Notation]:
    if len(text) > 12:
        raise _Refused(Trouble.OUT_OF_RANGE)
    hexed = text.startswith("0x")
    octal = not hexed and len(text) > 1 and text[0] == "0"
    value = int(text, 16) if hexed else int(text)
    if value > 0xFFFFFFFF:
        raise _Refused(Trouble.OUT_OF_RANGE)
    if stated and not octal:
        return IPv4Address(value), Notation.HEX if hexed else Notation.NUMBER
    swapped = IPv4Address(value.to_bytes(4, "little"))
    raise _Refused(Trouble.LEADING_ZERO if octal else Trouble.NUMBER, str(IPv4Address(value)), str(swapped))


def _as_programs(parts: list[str]) -> list[str]:
    """What programs make of the parts: zeros at the front as octal, or as nothing; missing parts as zero bytes."""
    found = []
    for octal in (False, True):
        try:
            values = [_part(part, octal=octal) for part in parts]
            last = values[-1].to_bytes(5 - len(parts), "big")
            found.append(str(IPv4Address(bytes(values[:-1]) + last)))
        except (ValueError, OverflowError):
            continue
    return found


def _part(part: str, *, octal: bool) -> int:
    if part.startswith("0x"):
        return int(part, 16)
    return int(part, 8) if octal and len(part) > 1 and part[0] == "0" else int(part)


def _addresses_in(text: str) -> list[str]:
    """The plain addresses that stand somewhere in a text, canonical, each once."""
    found = (canonical_address(match[0].rstrip("."))[0] for match in _INSIDE.finditer(text))
    return list(dict.fromkeys(address for address in found if address is not None))
