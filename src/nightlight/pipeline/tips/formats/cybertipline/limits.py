# SPDX-License-Identifier: Apache-2.0
"""The limits a single value must keep beyond its XML Schema type (reporting-api.md 1.8), each with its sentence."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

from nightlight.pipeline.tips.formats.cybertipline import times

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime


class Weight(IntEnum):
    """How much a broken rule matters."""

    NOTE = 0
    """Worth telling the reporter; never a refusal."""
    DOCUMENTED = 1
    """The documentation says so, the real sandbox does not enforce it: a refusal in `strict` only."""
    ALWAYS = 2
    """A refusal in every profile."""


@dataclass(frozen=True, slots=True)
class Limit:
    """One rule for one value: `broken` takes the value and the present time and says what is wrong."""

    code: str
    weight: Weight
    broken: Callable[[str, datetime], str | None]


_RANGE = re.compile(r"(-?\d+)\.\.(-?\d+)")
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^\s/?#]+[^\s]*")
_DOMAIN = re.compile(r"[^\s@.]+(?:\.[^\s@.]+)*")


def limit(rule: str) -> Limit:
    """The limit that a word of `schema.toml` names; KeyError when there is no such word."""
    word = rule.removesuffix("!")
    weight = Weight.ALWAYS if rule.endswith("!") else Weight.DOCUMENTED
    if word.isdigit():
        return Limit("too-long", weight, _at_most(int(word)))
    if match := _RANGE.fullmatch(word):
        return Limit("out-of-range", weight, _between(int(match[1]), int(match[2])))
    code, broken = _NAMED[word]
    return Limit(code, weight, broken)


def is_email(text: str) -> bool:
    """Whether the text is a well-formed address: 255 characters, 64 before the @ (RFC 5321, 4.5.3.1)."""
    local, at, domain = text.rpartition("@")
    return (
        bool(at)
        and len(text) <= 255
        and 0 < len(local) <= 64
        and not _blank_inside(local)
        and bool(_DOMAIN.fullmatch(domain))
    )


def is_ip(text: str) -> bool:
    """Whether the text is an IPv4, IPv6 or IPv4-mapped IPv6 address without a zone (RFC 791, RFC 4291)."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return "%" not in text


def is_url(text: str) -> bool:
    """Whether the text is an absolute URL with a host (RFC 3986)."""
    return _URL.fullmatch(text) is not None


def _blank_inside(local: str) -> bool:
    return not local.startswith('"') and any(character.isspace() or character == "@" for character in local)


def _at_most(characters: int) -> Callable[[str, datetime], str | None]:
    def broken(text: str, _now: datetime) -> str | None:
        if len(text) <= characters:
            return None
        return f"has {len(text)} characters; at most {characters} are allowed"

    return broken


def _between(lowest: int, highest: int) -> Callable[[str, datetime], str | None]:
    def broken(text: str, _now: datetime) -> str | None:
        # float() reads every int and double of XML Schema; a NaN lies between no two numbers.
        return None if lowest <= float(text) <= highest else f"must lie between {lowest} and {highest}"

    return broken


def _past(text: str, now: datetime) -> str | None:
    return "must be a past date" if times.in_future(text, now) else None


def _zone(text: str, _now: datetime) -> str | None:
    return None if times.quick_read(text).zone_stated else "has no time zone; the instant meant is unknown"


def _not_blank(text: str, _now: datetime) -> str | None:
    return None if text.strip() else "must not be blank"


def _email(text: str, _now: datetime) -> str | None:
    return None if is_email(text.strip()) else "is not a well-formed email address of at most 255 characters"


def _url(text: str, _now: datetime) -> str | None:
    return None if is_url(text.strip()) else "is not a URL with scheme and host, such as https://example.org/page"


def _ip(text: str, _now: datetime) -> str | None:
    return None if is_ip(text.strip()) else "is not an IPv4 or IPv6 address"


_NAMED: dict[str, tuple[str, Callable[[str, datetime], str | None]]] = {
    "not-blank": ("blank", _not_blank),
    "past": ("future-date", _past),
    "email": ("bad-email", _email),
    "url": ("bad-url", _url),
    "ip": ("bad-ip", _ip),
}

ZONE_NOT_STATED = Limit("zone-not-stated", Weight.NOTE, _zone)
