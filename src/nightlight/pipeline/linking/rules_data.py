# SPDX-License-Identifier: Apache-2.0
"""Reads what normalising goes by: rules of e-mail providers, and values that are no identifiers."""

from __future__ import annotations

import ipaddress
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

_DATA = Path(__file__).parent / "data"


@dataclass(frozen=True, slots=True)
class Provider:
    """How one provider reads an address: `spelling` is for str.translate, `canonical` None keeps each domain."""

    name: str
    canonical: str | None
    spelling: dict[int, str | None]
    tag: str | None

    def host_of(self, host: str) -> str:
        """The domain under which the mailbox is kept."""
        return self.canonical or host


@dataclass(frozen=True, slots=True)
class Rules:
    """All rules, read once; see the data files for what each means and why."""

    providers: dict[str, Provider]
    region: str
    refused_networks: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]
    shortest_device: int
    refused_devices: frozenset[str]
    refused_beginnings: tuple[str, ...]
    refused_files: frozenset[str]
    tracking: frozenset[str]
    tracking_beginnings: tuple[str, ...]
    payment_providers: frozenset[str]
    payment_words: frozenset[str]
    phone_words: frozenset[str]


@cache
def rules() -> Rules:
    """The rules that came with this version. Raises KeyError or ValueError when a data file is not as it should be."""
    mail, other = _load("email_rules.toml"), _load("identifier_rules.toml")
    return Rules(
        providers=_providers(mail["provider"]),
        region=other["phone"]["region"],
        refused_networks=tuple(ipaddress.ip_network(text) for text in other["address"]["refused"]),
        shortest_device=other["device"]["shortest"],
        refused_devices=frozenset(other["device"]["refused"]),
        refused_beginnings=tuple(other["device"]["refused_beginnings"]),
        refused_files=frozenset(other["file"]["refused"]),
        tracking=frozenset(other["url"]["tracking"]),
        tracking_beginnings=tuple(other["url"]["tracking_beginnings"]),
        payment_providers=frozenset(other["payment"]["providers"]),
        payment_words=frozenset(other["payment"]["words"]),
        phone_words=frozenset(other["phone_in_text"]["words"]),
    )


def _load(name: str) -> dict[str, Any]:
    data = tomllib.loads((_DATA / name).read_text(encoding="utf-8"))
    if data["version"] != 1:
        raise ValueError(f"{name} is of version {data['version']}, which this code does not know")
    return data


def _providers(entries: list[dict[str, Any]]) -> dict[str, Provider]:
    found: dict[str, Provider] = {}
    for entry in entries:
        spelling: dict[int, str | None] = dict.fromkeys(map(ord, entry.get("ignored", "")))
        spelling |= {ord(one): other for one, other in entry.get("same", {}).items()}
        canonical = entry["hosts"][0] if entry["one_mailbox"] else None
        provider = Provider(entry["name"], canonical, spelling, entry.get("tag"))
        for host in entry["hosts"]:
            if host in found:
                raise ValueError(f"two rules for {host}")
            found[host] = provider
    return found
