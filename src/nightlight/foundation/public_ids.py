# SPDX-License-Identifier: Apache-2.0
"""Short identifiers that can be read out over the telephone, cannot be guessed, and notice a slip of the pen.

``NL-7F3K-9QTX`` is a prefix that says what the thing is, seven random symbols (35 bits) and one check symbol,
all in Crockford's base 32, which has no I, L, O or U (https://www.crockford.com/base32.html).

The check symbol is chosen so that the symbols, each times its own power of x in the field GF(32), add up to
zero. A field, not "modulo 32": in a field no two non-zero numbers multiply to zero, so a wrong symbol always
shows; and since every place has a power of its own, so do two symbols that changed places. The letters of the
prefix count too, so an identifier of one kind is not taken for another.
"""

from __future__ import annotations

import re
import secrets

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_VALUE = {symbol: value for value, symbol in enumerate(ALPHABET)}
_MISREAD = str.maketrans("OIL", "011")
_PREFIX = re.compile(r"[A-Z]{2,4}")
_BODY = 8  # seven random symbols and the check symbol


def _times_x(value: int) -> int:
    return (value << 1) ^ (0b100101 if value & 0b10000 else 0)  # modulo x^5 + x^2 + 1


def check_symbol(prefix: str, body: str) -> str:
    """Return the symbol that ends ``body`` under ``prefix`` (capital letters), so that a slip in either shows.

    For at most 30 letters and symbols together: beyond, two places have the same power.
    """
    total = 0
    for value in [*(ord(letter) - ord("A") for letter in prefix), *(_VALUE[symbol] for symbol in body)]:
        total = _times_x(total ^ value)
    return ALPHABET[total]


def new(prefix: str) -> str:
    """Return a new identifier, such as ``NL-7F3K-9QTX`` for the prefix ``NL``.

    Random, so not promised to be unused: the table's unique constraint decides, and the writer tries again.
    Raises ValueError unless the prefix is two to four capital letters.
    """
    if not _PREFIX.fullmatch(prefix):
        raise ValueError(f"an identifier begins with two to four capital letters, not {prefix!r}")
    number = secrets.randbits(35)
    body = "".join(ALPHABET[number >> shift & 31] for shift in range(0, 35, 5))
    body += check_symbol(prefix, body)
    return f"{prefix}-{body[:4]}-{body[4:]}"


def normalise(text: str) -> str:
    """Return the identifier that a person meant: lower case, O for 0, I or L for 1, dashes left out.

    Raises ValueError, with a sentence for that person, where it is no identifier or holds a slip.
    """
    symbols = re.sub(r"[\s\u2010-\u2015-]", "", text).upper()
    prefix, body = symbols[:-_BODY], symbols[-_BODY:].translate(_MISREAD)
    if not _PREFIX.fullmatch(prefix) or not set(body) <= set(ALPHABET):
        raise ValueError(f"{text[:40]!r} is not an identifier; one looks like NL-7F3K-9QTX")
    if check_symbol(prefix, body[:-1]) != body[-1]:
        raise ValueError(f"{text[:40]!r} has a typing slip: its last symbol does not fit the others")
    return f"{prefix}-{body[:4]}-{body[4:]}"
