# SPDX-License-Identifier: Apache-2.0
"""What a list says of the addresses or networks in it, and how it is read as of a time.

Two forms. A **snapshot list** is complete each time it is published: what is missing was not in it then, so that many
of them make an interval archive (`netdata.archive`). A **dated table** says something of every address at one day
(who held it, in which country it was registered): for an event the newest table that is not younger than the event is
asked; a later one may be shown, and says so.

No licence is written here, because lists change theirs: whoever imports a list gives the publisher's licence text
(:class:`ListSource`), and an import without one is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from nightlight.casework.attribution.kinds import Label


class Form(StrEnum):
    """How a list is read as of a time."""

    SNAPSHOT = "snapshot"
    TABLE = "table"


class About(StrEnum):
    """What the entries of a list are."""

    ADDRESSES = "addresses"
    NUMBERS = "numbers"  # AS numbers (RFC 6793: 32 bits)


class ListKind(StrEnum):
    """What a list says."""

    TOR_EXIT = "tor-exit"
    PRIVATE_RELAY = "private-relay"
    VPN = "vpn"
    PUBLIC_PROXY = "public-proxy"
    RESIDENTIAL_PROXY = "residential-proxy"
    HOSTING = "hosting"
    VPN_AS = "vpn-as"
    HOSTING_AS = "hosting-as"
    MOBILE_AS = "mobile-as"
    EDUCATION_AS = "education-as"
    BUSINESS_AS = "business-as"
    NETWORKS = "networks"  # ranges -> AS number and its name
    COUNTRIES = "countries"  # ranges -> country of registration: not where a user is
    # What a database in MaxMind's format may carry besides
    ANONYMOUS = "anonymous"  # several signs for each address: which label follows from the signs
    ISP = "isp"  # names of provider and organisation
    CONNECTION_TYPE = "connection-type"
    USER_COUNT = "user-count"  # how many users were seen behind an address
    STATIC_SCORE = "static-score"  # how long an address stays with one user

    @property
    def meaning(self) -> Meaning:
        """What follows from an entry of such a list."""
        return _MEANINGS[self]

    @property
    def label(self) -> Label | None:
        """The label that being in the list leads to; None where that depends on the value."""
        return _MEANINGS[self].label

    @property
    def archived(self) -> bool:
        """Whether snapshots of it make an interval archive."""
        return _MEANINGS[self].form is Form.SNAPSHOT


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a kind of list leads to.

    `longest_gap`: for a snapshot list, the longest time between two snapshots over which the earlier one is believed
    (beyond it the time between them is not covered); for a table, how much older than an event a table may be before
    that has to be said. They are ours, chosen from how fast such lists change: measured on public histories, 7 days
    change 5 % of the Tor exits, 90 days 4 % of a VPN list. Those of snapshot lists have six hours to spare, because
    nobody takes a copy to the second. An archive may be given another one.
    """

    form: Form
    about: About
    label: Label | None
    longest_gap: timedelta


_SPARE = timedelta(hours=6)


def _snapshots(label: Label, days: int, about: About = About.ADDRESSES) -> Meaning:
    return Meaning(Form.SNAPSHOT, about, label, timedelta(days=days) + _SPARE)


def _table(days: int) -> Meaning:
    return Meaning(Form.TABLE, About.ADDRESSES, None, timedelta(days=days))


_MEANINGS = {
    ListKind.TOR_EXIT: _snapshots(Label.TOR_EXIT, 1),
    ListKind.PRIVATE_RELAY: _snapshots(Label.PRIVATE_RELAY, 31),
    ListKind.VPN: _snapshots(Label.VPN, 31),
    ListKind.PUBLIC_PROXY: _snapshots(Label.PUBLIC_PROXY, 2),
    ListKind.RESIDENTIAL_PROXY: _snapshots(Label.RESIDENTIAL_PROXY, 2),
    ListKind.HOSTING: _snapshots(Label.HOSTING, 92),
    ListKind.VPN_AS: _snapshots(Label.VPN, 184, About.NUMBERS),
    ListKind.HOSTING_AS: _snapshots(Label.HOSTING, 184, About.NUMBERS),
    ListKind.MOBILE_AS: _snapshots(Label.MOBILE_SHARED, 366, About.NUMBERS),
    ListKind.EDUCATION_AS: _snapshots(Label.EDUCATION, 366, About.NUMBERS),
    ListKind.BUSINESS_AS: _snapshots(Label.BUSINESS, 366, About.NUMBERS),
    ListKind.NETWORKS: _table(92),
    ListKind.COUNTRIES: _table(184),
    ListKind.ANONYMOUS: _table(7),
    ListKind.ISP: _table(92),
    ListKind.CONNECTION_TYPE: _table(92),
    ListKind.USER_COUNT: _table(92),
    ListKind.STATIC_SCORE: _table(92),
}


class SourceRefused(ValueError):
    """A list cannot be taken without these facts; ``missing`` names them."""

    def __init__(self, missing: tuple[str, ...]) -> None:
        super().__init__("A list is taken in only with: " + ", ".join(missing) + ".")
        self.missing = missing


@dataclass(frozen=True, slots=True)
class ListSource:
    """Where a list came from, as the person who imports it states it: shown with every reason that rests on it.

    `version` is the publisher's (a commit, a serial, a build time), `as_of` the aware time for which the list was
    complete, `licence` the publisher's own text or its name, `attribution` what the licence wants to be said.
    Raises SourceRefused where a name, a version, a licence or an aware time is missing.
    """

    kind: ListKind
    name: str
    version: str
    as_of: datetime
    licence: str
    attribution: str = ""
    origin: str = ""

    def __post_init__(self) -> None:
        missing = [field for field in ("name", "version", "licence") if not getattr(self, field).strip()]
        if self.as_of.utcoffset() is None:
            missing.append("as_of with its zone")
        if missing:
            raise SourceRefused(tuple(missing))
