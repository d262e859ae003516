# SPDX-License-Identifier: Apache-2.0
"""Payment handles and bank codes in free text, as signs of a country: UPI handles and IFSC codes are India's."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from nightlight.pipeline.linking.free_text import spotted
from nightlight.pipeline.linking.kinds import Kind
from nightlight.pipeline.linking.rules_data import rules

if TYPE_CHECKING:
    from collections.abc import Iterator

LONGEST = 20_000
"""Characters of a text that are searched."""

# Four letters of the bank, a zero, six letters or digits of the branch (Reserve Bank of India).
_IFSC = re.compile(r"(?<![A-Za-z0-9])([A-Z]{4})0[A-Z0-9]{6}(?![A-Za-z0-9])")


class Payment(NamedTuple):
    """A way to be paid; `shown` is its ending, or the bank's four letters; `known`: the ending is on our list."""

    shown: str
    known: bool
    bank: bool


def payments(text: str) -> Iterator[Payment]:
    """The payment handles and, where the word IFSC stands in the text, the bank codes in it, each ending once."""
    text = text[:LONGEST]
    if "@" in text:
        endings = [one.value.rpartition("@")[2] for one in spotted(text) if one.kind is Kind.PAYMENT]
        for ending in dict.fromkeys(endings):
            yield Payment(f"@{ending}", known=ending in rules().payment_providers, bank=False)
    if "IFSC" in text.upper():
        for bank in dict.fromkeys(match[1] for match in _IFSC.finditer(text)):
            yield Payment(f"IFSC {bank}", known=True, bank=True)
