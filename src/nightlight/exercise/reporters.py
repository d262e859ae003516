# SPDX-License-Identifier: Apache-2.0
"""The invented platforms that file reports, each with the habits and the faults that real ones have."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Clock(StrEnum):
    """How a reporter writes a moment down."""

    ZULU = "utc, Z"
    MILLISECONDS = "utc, milliseconds and +00:00"
    INDIA = "+05:30 stated"
    NO_ZONE = "Indian local time, zone not stated"


class Ports(StrEnum):
    """How often a reporter knows the source port."""

    ALWAYS = "always"
    SOMETIMES = "sometimes"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a reporter writes its XML and sends its forms (all of it legal: known clients differ like this)."""

    declaration: bool = True
    pretty: bool = False
    schema_hint: bool = False
    written_flags: bool = False
    charset: bool = True
    urlencoded_finish: bool = False
    file_first: bool = False
    names_parts: bool = True


@dataclass(frozen=True, slots=True)
class Reporter:
    """A platform: its names, its share of all reports, its dialect and what it habitually leaves out.

    Shares from 0 to 1: `views` of files somebody opened, `describes` of files followed by a fileinfo,
    `loses_address` of reports without any address, `leaks_inside` of events logged with an inside address.
    """

    key: str
    name: str
    kind: str
    host: str
    service: str
    share: float
    clock: Clock = Clock.ZULU
    ports: Ports = Ports.SOMETIMES
    dialect: Dialect = Dialect()
    events: tuple[int, int] = (1, 4)
    files: tuple[int, int] = (1, 3)
    views: float = 0.5
    describes: float = 1.0
    states_hash: bool = False
    loses_address: float = 0.04
    leaks_inside: float = 0.01
    thin: bool = False
    batches: bool = False
    long_narrative: bool = False
    retries: bool = False

    def url(self, path: str) -> str:
        """Return an address on this platform."""
        return f"https://{self.host}/{path}"

    @property
    def desk(self) -> str:
        """The e-mail address of its safety desk."""
        return f"safety@{self.host}"


REPORTERS = (
    Reporter(
        "chat",
        "Pepperchat Pvt Ltd",
        "chat",
        "pepperchat.example.org",
        "Pepperchat",
        0.24,
        ports=Ports.ALWAYS,
        dialect=Dialect(urlencoded_finish=True),
        events=(2, 8),
        views=0.7,
        states_hash=True,
    ),
    Reporter(
        "photos",
        "Lanternroll Inc",
        "photo host",
        "lanternroll.example.org",
        "Lanternroll",
        0.20,
        ports=Ports.NEVER,
        dialect=Dialect(declaration=False),
        files=(1, 6),
        states_hash=True,
    ),
    Reporter(
        "game",
        "Kitefield Games",
        "game",
        "kitefield.example.org",
        "Kitefield",
        0.08,
        clock=Clock.NO_ZONE,
        dialect=Dialect(pretty=True, charset=False),
        files=(0, 1),
        views=0.9,
    ),
    Reporter(
        "mail",
        "Postbaum Mail",
        "mail provider",
        "postbaum.example.org",
        "Postbaum Mail",
        0.12,
        clock=Clock.INDIA,
        dialect=Dialect(schema_hint=True, file_first=True),
        retries=True,
    ),
    Reporter(
        "cloud",
        "Shelfspace Storage",
        "cloud storage",
        "shelfspace.example.org",
        "Shelfspace",
        0.16,
        dialect=Dialect(declaration=False, urlencoded_finish=True, names_parts=False),
        events=(0, 1),
        files=(1, 1),
        views=0.0,
        describes=0.1,
        loses_address=0.45,
        leaks_inside=0.05,
        thin=True,
    ),
    Reporter(
        "video",
        "Reelbrook Media",
        "video app",
        "reelbrook.example.org",
        "Reelbrook",
        0.12,
        clock=Clock.MILLISECONDS,
        dialect=Dialect(written_flags=True, file_first=True),
        batches=True,
        views=0.6,
    ),
    Reporter(
        "forum",
        "Millpond Community",
        "small forum",
        "millpond.example.org",
        "Millpond",
        0.03,
        dialect=Dialect(pretty=True, names_parts=False),
        files=(0, 2),
        views=1.0,
        describes=0.6,
        loses_address=0.1,
        leaks_inside=0.06,
        long_narrative=True,
    ),
    Reporter(
        "market",
        "Bazaarlane Marketplace",
        "marketplace",
        "bazaarlane.example.org",
        "Bazaarlane",
        0.05,
        clock=Clock.INDIA,
        dialect=Dialect(urlencoded_finish=True),
        files=(0, 2),
        views=0.8,
    ),
)

BY_KEY = {reporter.key: reporter for reporter in REPORTERS}
