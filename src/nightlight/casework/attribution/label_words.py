# SPDX-License-Identifier: Apache-2.0
"""Reasons in sentences that an officer and a magistrate can read.

`SENTENCES` is the whole table: a code for each sentence, with named places for values. Pages translate the sentence by
its code and put the values in; `said` is the English. Values are data (names, prefixes, times), never words, except
for `{what}`, whose words are in `THINGS` under the label's own code.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from nightlight.casework.attribution.kinds import ONLY_IPV4, Label, Transition, Why
from nightlight.pipeline.tips.values import Stated

if TYPE_CHECKING:
    from datetime import datetime

    from nightlight.casework.attribution.kinds import Reason

THINGS = {
    Label.RESERVED: "addresses that nobody has on the internet",
    Label.TOR_EXIT: "Tor exits",
    Label.PRIVATE_RELAY: "private relays",
    Label.VPN: "VPN services",
    Label.PUBLIC_PROXY: "public proxies",
    Label.RESIDENTIAL_PROXY: "proxies on private lines",
    Label.HOSTING: "hosting companies",
    Label.MOBILE_SHARED: "mobile networks",
    Label.MOBILE_IPV6: "mobile networks",
    Label.EDUCATION: "schools and universities",
    Label.BUSINESS: "companies",
    Label.SHARED_WIFI: "shared Wi-Fi and satellite networks",
    Label.FIXED_SHARED: "fixed lines with shared addresses",
    Label.FIXED: "fixed lines",
    Label.UNKNOWN: "networks",
}
"""What a list of each label lists."""

LABELS = {
    Label.RESERVED: "Reserved: not an address on the internet",
    Label.TOR_EXIT: "Tor exit",
    Label.PRIVATE_RELAY: "Private relay",
    Label.VPN: "VPN",
    Label.PUBLIC_PROXY: "Public proxy",
    Label.RESIDENTIAL_PROXY: "Proxy on a private line",
    Label.HOSTING: "Hosting",
    Label.MOBILE_SHARED: "Mobile, address shared by many",
    Label.MOBILE_IPV6: "Mobile, own IPv6 prefix",
    Label.EDUCATION: "School or university",
    Label.BUSINESS: "Business",
    Label.SHARED_WIFI: "Shared Wi-Fi or satellite",
    Label.FIXED_SHARED: "Fixed line, address shared by many",
    Label.FIXED: "Fixed line",
    Label.UNKNOWN: "Unknown",
}

SENTENCES = {
    "registry": "The address is in {shown}, which is set aside and leads to no subscriber ({source}).",
    "listed": "At the time of the event the address was in the list of {what} ({source}), from {since} to {until}.",
    "listed-open": "At the time of the event the address was in the list of {what} ({source}), from {since} to the "
    "end of that list.",
    "listed-table": "The list of {what} of {since} ({source}), the newest before the event, has the address. {shown}",
    "listed-before": "Before the event the address was in the list of {what} ({source}), from {since} to {until}; at "
    "the time of the event it was not.",
    "listed-later": "Only after the event, from {since}, was the address in the list of {what} ({source}). Lists "
    "learn late: this neither shows nor rules out what it was at the time of the event.",
    "listed-again": "The address came back into the list of {what} ({source}) after the event.",
    "listed-later-table": "Only a table made after the event, on {since} ({source}), has the address among {what}. "
    "What it was at the time of the event is not known from it. {shown}",
    "users-later": "Only after the event, on {since}, were {shown} users seen behind the address ({source}). How many "
    "there were at the time of the event is not known from it.",
    "network-later": "Only a table made after the event, on {since} ({source}), says of the address: {shown}. What "
    "held at the time of the event is not known from it.",
    "not-listed": "The list of {what} ({source}) covers the time of the event and has the address at no time. Such "
    "lists are never complete, so this rules nothing out.",
    "not-covered": "What the list of {what} ({source}) held at the time of the event is not known: no copy of it was "
    "taken close enough to that time.",
    "not-covered-family": "The list of {what} ({source}) covers the time of the event, but names no IPv6 address at "
    "all. Whether this address was one of them cannot be known from it.",
    "not-covered-known": "What the list of {what} ({source}) held at the time of the event is not known. It had "
    "{shown} from {since}.",
    "old-table": "The table ({source}) is of {since}, long before the event; what it says ({shown}) may have changed.",
    "network": "The address belonged to the network {shown} by the table of {since} ({source}).",
    "network-later-day": "By a table of a later day, {since} ({source}), the address belonged to the network {shown}. "
    "None of a day before the event is loaded.",
    "network-differs": "Tables differ: by that of {since} ({source}) the address belonged to the network {shown}.",
    "network-kind-later": "The network {shown} is in the list of {what} ({source}) of a later day, {since}, the first "
    "that is loaded.",
    "network-kind": "The network {shown} is in the list of {what} ({source}), known from {since}.",
    "prefix": "By {source}, of {since}, the address is among {what} ({shown}).",
    "users": "By {source}, of {since}, {shown} users were seen behind the address: it is shared.",
    "country": "The address is registered in {shown} by the table of {since} ({source}). That is not where the user "
    "was.",
    "country-later-day": "By a table of a later day, {since} ({source}), the address is registered in {shown}. That "
    "is not where the user was.",
    "accounts": "{shown} accounts were counted behind the address: it is shared.",
    "6to4": "The address is a 6to4 address (RFC 3056) and carries the IPv4 address {shown}, by which it is judged.",
    "teredo": "The address is a Teredo address (RFC 4380) and carries the IPv4 address and port {shown}, by which it "
    "is judged.",
    "nat64": "The address is a NAT64 address (RFC 6052) and carries the IPv4 address {shown}, by which it is judged.",
    "nat64-inside": "The address is a NAT64 address used inside a network (RFC 8215); which IPv4 address it carries "
    "is known to that network alone.",
    "reporter-proxy": "The reporter marked the event as possibly through a proxy. That is a hint, not proof.",
    "reporter-no-proxy": "The reporter marked the event as not through a proxy. That is a hint, not proof.",
    "operator": "By {source}, {shown} is used for {what}.",
    "no-time": "The event has no exact time with a zone, so no list can be asked as of it and nothing follows from "
    "any.",
    "no-time-listed": "The list of {what} ({source}) has {shown} at some time, from {since}. Whether at the time of "
    "the event, only its exact time can show.",
    "no-time-table": "By the table of {since} ({source}): {shown}. Whether at the time of the event, only its exact "
    "time can show.",
    "no-list": "No list of {what} is loaded, so whether the address was one of them cannot be known.",
    "not-read": "What was sent cannot be read as one address ({shown}).",
}


class Words(NamedTuple):
    """A sentence's code in SENTENCES, and what to put into its places: texts, a label for `what`, aware times."""

    code: str
    values: dict[str, str | Label | datetime | None]


def words_of(reason: Reason) -> Words:
    """The sentence for a reason, and its values."""
    return Words(
        _code(reason),
        {
            "source": reason.source,
            "shown": reason.shown,
            "what": reason.label,
            "since": reason.since,
            "until": reason.until,
        },
    )


def said(reason: Reason) -> str:
    """The sentence in English."""
    code, values = words_of(reason)
    return (
        SENTENCES[code]
        .format(
            source=values["source"],
            shown=values["shown"],
            what=THINGS[reason.label],
            since=_time(reason.since),
            until=_time(reason.until),
        )
        .strip()
    )


def _time(moment: datetime | None) -> str:
    if moment is None:
        return "an unknown time"
    return f"{moment.day} {moment:%b %Y %H:%M:%S} UTC"


def _code(reason: Reason) -> str:
    made = _MADE.get(reason.why)
    return str(reason.why) if made is None else made(reason)


def _listed(reason: Reason) -> str:
    if _of_a_day(reason):
        return "listed-table"
    return "listed-open" if reason.until is None else "listed"


def _later(reason: Reason) -> str:
    if reason.label is Label.UNKNOWN:
        return "network-later"
    if _of_a_day(reason):
        return "users-later" if reason.shown.isdigit() else "listed-later-table"
    return "listed-later" if reason.since is not None else "listed-again"


def _not_covered(reason: Reason) -> str:
    if reason.since is None:
        return "not-covered-family" if reason.shown == ONLY_IPV4 else "not-covered"
    return "old-table" if _of_a_day(reason) else "not-covered-known"


def _network(reason: Reason) -> str:
    if not _of_a_day(reason):
        return "network-kind-later" if reason.later_day else "network-kind"
    if reason.against:
        return "network-differs"
    return "network-later-day" if reason.later_day else "network"


def _country(reason: Reason) -> str:
    return "country-later-day" if reason.later_day else "country"


def _no_time(reason: Reason) -> str:
    if not reason.source:
        return "no-time"
    return "no-time-table" if _of_a_day(reason) else "no-time-listed"


def _transition(reason: Reason) -> str:
    if reason.source != Transition.NAT64:
        return reason.source
    return "nat64" if reason.shown else "nat64-inside"


def _of_a_day(reason: Reason) -> bool:
    """Whether a dated table says it, which knows one moment only."""
    return reason.since is not None and reason.since == reason.until


_MADE = {
    Why.LISTED: _listed,
    Why.LISTED_LATER: _later,
    Why.NOT_COVERED: _not_covered,
    Why.NETWORK: _network,
    Why.PREFIX: lambda reason: "users" if reason.shown.isdigit() else "prefix",
    Why.TRANSITION: _transition,
    Why.REPORTER_SAYS: lambda reason: "reporter-proxy" if reason.shown == Stated.YES else "reporter-no-proxy",
    Why.NO_TIME: _no_time,
    Why.COUNTRY: _country,
}
