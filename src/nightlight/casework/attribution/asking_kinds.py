# SPDX-License-Identifier: Apache-2.0
"""The kinds of letters, what a power of the law pack looks like to them, and why one cannot go out."""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol

from nightlight.casework.attribution.gate_lines import Purpose


class Kind(StrEnum):
    """What a letter asks for, in the order in which letters go out."""

    PRESERVATION = "preservation"
    SOURCE_PORT = "source-port"  # of the platform
    PARTICULARS = "particulars"  # of the platform: what its report leaves open of a time, quoted as it was sent
    LOGS = "logs"
    SUBSCRIBER = "subscriber"
    VPN_SUBSCRIBER = "vpn-subscriber"  # of a provider of VPN, servers or relays: its customer

    @property
    def of_platform(self) -> bool:
        """Whether it is asked of whoever recorded the event, not of the holder of the address."""
        return self in {Kind.SOURCE_PORT, Kind.PARTICULARS}

    @property
    def purpose(self) -> Purpose:
        """The word that powers of the law pack use for it."""
        return _PURPOSES[self]


_PURPOSES = {
    Kind.PRESERVATION: Purpose.PRESERVATION,
    Kind.SOURCE_PORT: Purpose.LOGS,
    Kind.PARTICULARS: Purpose.LOGS,
    Kind.LOGS: Purpose.LOGS,
    Kind.SUBSCRIBER: Purpose.SUBSCRIBER,
    Kind.VPN_SUBSCRIBER: Purpose.CUSTOMER,
}


class Hold(Protocol):
    """A period of the law pack."""

    @property
    def text(self) -> str: ...


class Power(Protocol):
    """A power as the law pack has it (`nightlight.trust.law.records.RecordPower`)."""

    @property
    def id(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def section(self) -> str: ...
    @property
    def signs(self) -> str: ...
    @property
    def least_rank(self) -> str: ...
    @property
    def binding(self) -> bool: ...
    @property
    def sentence(self) -> str: ...
    @property
    def silence(self) -> str: ...
    @property
    def certificate(self) -> str: ...
    @property
    def answer_hours(self) -> int | None: ...
    @property
    def holds(self) -> Hold | None: ...
    @property
    def renewals(self) -> int: ...


class Hindrance(StrEnum):
    """Why an event is in no letter, or why a letter cannot go out yet."""

    ADDRESS = "address-unreadable"
    PORT = "port-unreadable"
    TIME = "time-unreadable"
    DAY_ONLY = "day-only"
    NOBODY = "holder-unknown"
    NO_PLATFORM = "platform-unknown"
    NOT_A_SERVICE = "holder-is-no-service"
    # of a letter:
    NO_CONTACT = "contact-unknown"
    NO_POWER = "power-unknown"
    EXERCISE_ONLY = "exercise-only"
