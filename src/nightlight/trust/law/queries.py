# SPDX-License-Identifier: Apache-2.0
"""Gives the law pack this installation works under."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

from django.conf import settings

from nightlight.trust.law.facts import Channel, Pack, PackRefused
from nightlight.trust.law.reading import load

if TYPE_CHECKING:
    from datetime import date

    from nightlight.trust.law.records import Asked, Holder, Kept, LogRetention, Powers


def known_packs() -> tuple[str, ...]:
    """Return the country codes of the packs that come with Nightlight, in alphabetical order."""
    files = (resources.files("nightlight.trust.law") / "packs").iterdir()
    return tuple(sorted(file.name.removesuffix(".toml").upper() for file in files if file.name.endswith(".toml")))


@cache
def pack(code: str) -> Pack:
    """Return a pack by its country code (``IN``). Raises PackRefused when there is none, or when it is wrong."""
    if code not in known_packs():
        raise PackRefused("NIGHTLIGHT_LAW", f"is {code!r}; write one of {', '.join(known_packs())}")
    file = resources.files("nightlight.trust.law") / "packs" / f"{code.lower()}.toml"
    found = load(file.read_text(encoding="utf-8"))
    if found.id != code:
        raise PackRefused("id", f"is {found.id!r} in the file of {code!r}")
    return found


def channel_for(country: str) -> tuple[Channel, ...]:
    """Return the ways to another country (ISO 3166-1) that this installation's pack knows, one for each purpose.

    Empty for the country itself, and where the pack says nothing. Raises PackRefused.
    """
    return current_pack().channels_to(country)


def powers_for(asked: Asked, *, country: str, holder: Holder, at: date, began: date | None = None) -> Powers:
    """Return the powers of this installation's pack to ask a holder in a country (ISO 3166-1) for records.

    `at`: the day of the request; `began`: the day the investigation began, None where it is not known. Raises
    PackRefused.
    """
    return current_pack().records.powers_for(asked, country=country, holder=holder, at=at, began=began)


def retention_of(kept: Kept, *, country: str, holder: Holder, event: date) -> LogRetention | None:
    """Return how long records of a day have to be kept there; None where the pack says nothing. Raises PackRefused."""
    return current_pack().records.retention_of(kept, country=country, holder=holder, event=event)


def current_pack() -> Pack:
    """Return the pack that NIGHTLIGHT_LAW names, read once in a process. Raises PackRefused."""
    return pack(settings.ENVIRONMENT.law)
