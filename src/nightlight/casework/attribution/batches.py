# SPDX-License-Identifier: Apache-2.0
"""Many addresses as text at once: the answers of `read_address`, in arrays.

Plain forms (dotted, dotted with a port, IPv6, IPv4-mapped) are read by the compiled core, or by numpy where there is
none; every other text is read alone by `read_address`, so that all ways give the same. A column of addresses is mostly
plain: only the others cost time.
"""

from __future__ import annotations

import ctypes
from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from nightlight.casework.attribution.addresses import Address, Notation, Trouble, read_address
from nightlight.foundation import native

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

NOTATIONS = (None, Notation.DOTTED, Notation.IPV6, Notation.MAPPED, Notation.PORT, *(
    notation for notation in Notation
    if notation not in {Notation.DOTTED, Notation.IPV6, Notation.MAPPED, Notation.PORT}
))  # fmt: skip
"""What a code of `Parsed.notation` says; the first five are also numbers in addresses.c. Code 0: not read."""
TROUBLES = (None, *Trouble)
"""What a code of `Parsed.trouble` says. Code 0: none."""

_CODES = {notation: code for code, notation in enumerate(NOTATIONS) if notation is not None}
_TROUBLE_CODES = {trouble: code for code, trouble in enumerate(TROUBLES) if trouble is not None}
_NEWLINE, _DOT, _ZERO = 10, 46, 48


class Parsed(NamedTuple):
    """Addresses in arrays of one length.

    `version` is 4, 6, or 0 where a text was refused. `v4` is the IPv4 address, else 0; `high` and `low` are the halves
    of the IPv6 address, else 0. `port` is the port written with it, -1: none. `trouble` is why the text, or the port
    written with it, was refused (TROUBLES). `notation` is the outermost one of the text (NOTATIONS).
    """

    version: NDArray[np.uint8]
    v4: NDArray[np.uint32]
    high: NDArray[np.uint64]
    low: NDArray[np.uint64]
    port: NDArray[np.int32]
    notation: NDArray[np.uint8]
    trouble: NDArray[np.uint8]

    def text(self, row: int) -> str:
        """The canonical text of one row, empty where it was refused."""
        if self.version[row] == 4:
            return str(IPv4Address(int(self.v4[row])))
        return str(IPv6Address(int(self.high[row]) << 64 | int(self.low[row]))) if self.version[row] else ""


def _declared(library: ctypes.CDLL | None) -> ctypes.CDLL | None:
    if library is None:
        return None
    pointer, number = ctypes.c_void_p, ctypes.c_uint64
    library.nl_addresses_parse.restype = number
    library.nl_addresses_parse.argtypes = [ctypes.c_char_p, number, number, *[pointer] * 5]
    return library


LIBRARY = _declared(native.LIBRARY)


def parse_many(texts: Sequence[str], *, numbers: bool = False, compiled: bool | None = None) -> Parsed:
    """Read addresses as `read_address` does, with its ``numbers``. ``compiled`` False takes the numpy path."""
    count = len(texts)
    into = Parsed(
        np.zeros(count, np.uint8),
        np.zeros(count, np.uint32),
        np.zeros(count, np.uint64),
        np.zeros(count, np.uint64),
        np.full(count, -1, np.int32),
        np.zeros(count, np.uint8),
        np.zeros(count, np.uint8),
    )
    if count:
        _plain(texts, into, LIBRARY if compiled is not False else None)
    notation = into.notation
    into.version[notation > 0] = 4
    into.version[notation == _CODES[Notation.IPV6]] = 6
    for row in np.flatnonzero(notation == 0).tolist():
        _alone(texts[row], row, into, numbers=numbers)
    return into


def _plain(texts: Sequence[str], into: Parsed, library: ctypes.CDLL | None) -> None:
    """Read the texts in plain forms; of the others `notation` stays 0."""
    text = "\n".join(texts).encode("utf-8", "surrogatepass")
    if library is not None:
        places: tuple[NDArray[Any], ...] = (into.notation, into.v4, into.high, into.low, into.port)
        unread = library.nl_addresses_parse(text, len(text), len(texts), *[place.ctypes.data for place in places])
        if unread > len(texts):  # a text holds a newline
            for column in places:
                column[:] = 0
            into.port[:] = -1
    else:
        _by_numpy(np.frombuffer(text, np.uint8), into)


def _by_numpy(text: NDArray[np.uint8], into: Parsed) -> None:
    """Read the dotted ones: three dots, one to three digits between them without a zero in front, none above 255."""
    count = len(into.v4)
    ends = np.flatnonzero(text == _NEWLINE)
    if len(ends) != count - 1:
        return
    ends = np.append(ends, len(text))
    starts = np.concatenate((np.zeros(1, ends.dtype), ends[:-1] + 1))
    dots = np.flatnonzero(text == _DOT)
    before = np.searchsorted(dots, starts)
    three = np.flatnonzero((np.searchsorted(dots, ends) - before == 3) & (ends - starts <= 15))
    if not len(three):
        return
    cut = np.concatenate(
        (
            starts[three, None] - 1,
            dots[before[three, None] + np.arange(3)],
            ends[three, None],
        ),
        axis=1,
    )
    digits = (text - np.uint8(_ZERO)).astype(np.uint8)  # wraps around: what is no digit is above 9
    padded = np.concatenate((np.zeros(4, np.uint8), digits))
    good = np.ones(len(three), np.bool_)
    number = np.zeros(len(three), np.uint32)
    for part in range(4):
        first, end = cut[:, part] + 1, cut[:, part + 1]
        width = end - first
        good &= (width >= 1) & (width <= 3)
        value = np.zeros(len(three), np.uint32)
        for back, unit in ((1, 1), (2, 10), (3, 100)):
            digit = np.where(width >= back, padded[end - back + 4], 0)
            good &= digit <= 9
            value += digit * np.uint32(unit)
            good &= ~((width == back) & (back > 1) & (digit == 0))
        good &= value <= 255
        number = number << np.uint32(8) | value
    rows = three[good]
    into.v4[rows] = number[good]
    into.notation[rows] = _CODES[Notation.DOTTED]


def _alone(text: str, row: int, into: Parsed, *, numbers: bool) -> None:
    found: Any = read_address(text, numbers=numbers)
    if not isinstance(found, Address):
        into.trouble[row] = _TROUBLE_CODES[found.trouble]
        return
    into.version[row] = found.version
    into.notation[row] = _CODES[found.notations[0]]
    if found.version == 4:
        into.v4[row] = found.number
    else:
        into.high[row], into.low[row] = found.number >> 64, found.number & 0xFFFFFFFFFFFFFFFF
    if found.port is not None:
        into.port[row] = found.port
    if found.port_trouble is not None:
        into.trouble[row] = _TROUBLE_CODES[found.port_trouble]
