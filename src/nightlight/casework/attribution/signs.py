# SPDX-License-Identifier: Apache-2.0
"""Labels and reasons as bits: what a million events are judged with, and what single reasons must add up to.

One 64-bit word for each event. Bit n: something says now that the address has the n-th `Label`. Bit 16 + n: a list of
that label had it before, bit 32 + n: only later or again later. From bit 48 on: `Sign`.
"""

from __future__ import annotations

from enum import IntFlag
from typing import TYPE_CHECKING

import numpy as np

from nightlight.casework.attribution.kinds import Label, Why

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from nightlight.casework.attribution.kinds import Reason

LABELS = tuple(Label)
CODE = {label: code for code, label in enumerate(LABELS)}
BEFORE, LATER = 16, 32  # shifts
EVIDENCE = (1 << CODE[Label.UNKNOWN]) - 1  # the bits of labels that something can speak for


class Sign(IntFlag):
    """What else is to be known of an event's label."""

    NETWORK = 1 << 48  # the network that held the address then is known
    TRANSITION = 1 << 49
    REPORTER_YES = 1 << 50
    REPORTER_NO = 1 << 51
    OPERATOR = 1 << 52
    ACCOUNTS = 1 << 53
    NO_TIME = 1 << 54
    NO_LIST = 1 << 55
    NOT_COVERED = 1 << 56
    NOT_READ = 1 << 57
    COUNTRY = 1 << 58
    DISAGREEMENT = 1 << 59
    NOT_LISTED = 1 << 60  # some list covers the time and has the address at no time


_ANONYMISERS = {label for label in Label if label.anonymises}
_LINES = {
    Label.MOBILE_SHARED, Label.MOBILE_IPV6, Label.EDUCATION, Label.BUSINESS, Label.SHARED_WIFI, Label.FIXED_SHARED,
    Label.FIXED,
}  # fmt: skip
_TOGETHER = (
    frozenset({Label.FIXED, Label.FIXED_SHARED}),
    frozenset({Label.MOBILE_SHARED, Label.FIXED_SHARED}),  # "shared" is said of both
    frozenset({Label.BUSINESS, Label.SHARED_WIFI}),
    frozenset({Label.BUSINESS, Label.EDUCATION}),
)


def agree(one: Label, other: Label) -> bool:
    """Whether two labels can both be true of one address.

    Anonymisers run in hosting networks and beside each other; a residential proxy is somebody's own line.
    """
    if one is other or Label.UNKNOWN in {one, other}:
        return True
    if one in _ANONYMISERS and other in _ANONYMISERS:
        return True
    if Label.RESIDENTIAL_PROXY in {one, other} and (one in _LINES or other in _LINES):
        return True
    return frozenset({one, other}) in _TOGETHER


def _main_labels() -> tuple[NDArray[np.int8], NDArray[np.bool_]]:
    """For each set of label bits the main label's code, and whether any two of the set contradict each other."""
    sets = np.arange(EVIDENCE + 1)
    main = np.full(len(sets), CODE[Label.UNKNOWN], np.int8)
    for code in reversed(range(CODE[Label.UNKNOWN])):
        main[(sets >> code & 1) == 1] = code
    against = np.zeros(len(sets), np.bool_)
    for one in LABELS[:-1]:
        for other in LABELS[:-1]:
            if not agree(one, other):
                against |= (sets >> CODE[one] & sets >> CODE[other] & 1) == 1
    return main, against


MAIN, CONTRADICTS = _main_labels()


def bit(label: Label) -> int:
    """The bit that says that an address has a label; none for UNKNOWN."""
    return 1 << CODE[label] & EVIDENCE if label is not Label.UNKNOWN else 0


def mask(labels: Iterable[Label]) -> int:
    """The bits of several labels."""
    found = 0
    for label in labels:
        found |= bit(label)
    return found


def of_ipv6(words: NDArray[np.int64]) -> NDArray[np.int64]:
    """What the same words mean for IPv6 addresses, which are not shared: mobile and fixed follow from shared."""
    for shared, own in ((Label.MOBILE_SHARED, Label.MOBILE_IPV6), (Label.FIXED_SHARED, Label.FIXED)):
        for shift in (0, BEFORE, LATER):
            has = (words >> (CODE[shared] + shift) & 1).astype(np.int64)
            words = words & ~(has << (CODE[shared] + shift)) | has << (CODE[own] + shift)
    return words


def own_of_ipv6(label: Label) -> Label:
    """The same for one label."""
    return {Label.MOBILE_SHARED: Label.MOBILE_IPV6, Label.FIXED_SHARED: Label.FIXED}.get(label, label)


_FLAGS = {
    Why.NETWORK: Sign.NETWORK,
    Why.TRANSITION: Sign.TRANSITION,
    Why.OPERATOR: Sign.OPERATOR,
    Why.ACCOUNTS: Sign.ACCOUNTS,
    Why.NO_TIME: Sign.NO_TIME,
    Why.NO_LIST: Sign.NO_LIST,
    Why.NOT_COVERED: Sign.NOT_COVERED,
    Why.NOT_READ: Sign.NOT_READ,
    Why.COUNTRY: Sign.COUNTRY,
    Why.NOT_LISTED: Sign.NOT_LISTED,
}
_SAYS_NOW = {Why.REGISTRY, Why.LISTED, Why.NETWORK, Why.PREFIX, Why.OPERATOR, Why.ACCOUNTS, Why.TRANSITION}


def signs_of(reasons: Iterable[Reason]) -> int:
    """The word that reasons add up to, without DISAGREEMENT and without what the reporter says."""
    found = 0
    for reason in reasons:
        found |= int(_FLAGS.get(reason.why, 0))
        if reason.why in _SAYS_NOW:
            found |= bit(reason.label)
        elif reason.why is Why.LISTED_BEFORE:
            found |= bit(reason.label) << BEFORE
        elif reason.why is Why.LISTED_LATER:
            found |= bit(reason.label) << LATER
    return found
