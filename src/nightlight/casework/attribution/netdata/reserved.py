# SPDX-License-Identifier: Apache-2.0
"""Addresses that no subscriber of the internet has: the IANA special-purpose registries, as data.

Sources: IANA IPv4 and IPv6 Special-Purpose Address Registries (RFC 6890, RFC 8190), IPv4 multicast (RFC 5771), and the
IPv6 address space registry: unicast addresses of the internet are taken from 2000::/3 alone (RFC 4291 section 2.4).
Where blocks lie inside each other, the smallest one says what an address is.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network


@dataclass(frozen=True, slots=True)
class Block:
    """One entry: its prefix, what it is for, the document that says so, and whether it is reached from everywhere."""

    prefix: str
    purpose: str
    document: str
    routable: bool = False

    @property
    def network(self) -> IPv4Network | IPv6Network:
        """The prefix as a network."""
        return ip_network(self.prefix)

    @property
    def documentation(self) -> bool:
        """Whether it is for examples: the only blocks that an exercise may use as if they were somebody's."""
        return self.purpose == _DOCUMENTATION


_DOCUMENTATION = "documentation"
BLOCKS = (
    Block("0.0.0.0/8", "this network", "RFC 791"),
    Block("0.0.0.0/32", "this host on this network", "RFC 1122"),
    Block("10.0.0.0/8", "private use", "RFC 1918"),
    Block("100.64.0.0/10", "shared address space inside an operator", "RFC 6598"),
    Block("127.0.0.0/8", "loopback", "RFC 1122"),
    Block("169.254.0.0/16", "link-local", "RFC 3927"),
    Block("172.16.0.0/12", "private use", "RFC 1918"),
    Block("192.0.0.0/24", "protocol assignments", "RFC 6890"),
    Block("192.0.0.0/29", "IPv4 service continuity (DS-Lite)", "RFC 7335"),
    Block("192.0.0.8/32", "IPv4 dummy address", "RFC 7600"),
    Block("192.0.0.9/32", "port control protocol anycast", "RFC 7723", routable=True),
    Block("192.0.0.10/32", "relays around translators, anycast", "RFC 8155", routable=True),
    Block("192.0.0.170/31", "NAT64 discovery", "RFC 7050"),
    Block("192.0.2.0/24", _DOCUMENTATION, "RFC 5737"),
    Block("192.31.196.0/24", "AS112", "RFC 7535", routable=True),
    Block("192.52.193.0/24", "automatic multicast tunnels", "RFC 7450", routable=True),
    Block("192.88.99.0/24", "6to4 relay anycast, withdrawn", "RFC 7526"),
    Block("192.168.0.0/16", "private use", "RFC 1918"),
    Block("192.175.48.0/24", "direct delegation AS112", "RFC 7534", routable=True),
    Block("198.18.0.0/15", "benchmarking", "RFC 2544"),
    Block("198.51.100.0/24", _DOCUMENTATION, "RFC 5737"),
    Block("203.0.113.0/24", _DOCUMENTATION, "RFC 5737"),
    Block("224.0.0.0/4", "multicast", "RFC 5771"),
    Block("240.0.0.0/4", "reserved", "RFC 1112"),
    Block("255.255.255.255/32", "limited broadcast", "RFC 919"),
    Block("::/3", "not in use", "RFC 4291"),
    Block("4000::/2", "not in use", "RFC 4291"),
    Block("8000::/1", "not in use", "RFC 4291"),
    Block("::/128", "unspecified", "RFC 4291"),
    Block("::1/128", "loopback", "RFC 4291"),
    Block("::ffff:0:0/96", "IPv4-mapped", "RFC 4291"),
    Block("64:ff9b::/96", "NAT64", "RFC 6052", routable=True),
    Block("64:ff9b:1::/48", "NAT64 inside a network", "RFC 8215"),
    Block("100::/64", "discard only", "RFC 6666"),
    Block("100:0:0:1::/64", "IPv6 dummy prefix", "RFC 9780"),
    Block("2001::/23", "protocol assignments", "RFC 2928"),
    Block("2001::/32", "Teredo", "RFC 4380", routable=True),
    Block("2001:1::1/128", "port control protocol anycast", "RFC 7723", routable=True),
    Block("2001:1::2/128", "relays around translators, anycast", "RFC 8155", routable=True),
    Block("2001:1::3/128", "service registration anycast", "RFC 9665", routable=True),
    Block("2001:2::/48", "benchmarking", "RFC 5180"),
    Block("2001:3::/32", "automatic multicast tunnels", "RFC 7450", routable=True),
    Block("2001:4:112::/48", "AS112", "RFC 7535", routable=True),
    Block("2001:10::/28", "ORCHID, withdrawn", "RFC 4843"),
    Block("2001:20::/28", "ORCHIDv2", "RFC 7343", routable=True),
    Block("2001:30::/28", "drone identifiers", "RFC 9374", routable=True),
    Block("2001:db8::/32", _DOCUMENTATION, "RFC 3849"),
    Block("2002::/16", "6to4", "RFC 3056", routable=True),
    Block("2620:4f:8000::/48", "direct delegation AS112", "RFC 7534", routable=True),
    Block("3fff::/20", _DOCUMENTATION, "RFC 9637"),
    Block("5f00::/16", "segment routing identifiers", "RFC 9602"),
    Block("fc00::/7", "unique local", "RFC 4193"),
    Block("fe80::/10", "link-local", "RFC 4291"),
    Block("fec0::/10", "site-local, withdrawn", "RFC 3879"),
    Block("ff00::/8", "multicast", "RFC 4291"),
)


class NotDocumentation(ValueError):
    """An exercise asked for addresses that are not set aside for documentation."""


@cache
def _networks() -> tuple[tuple[IPv4Network | IPv6Network, Block], ...]:
    """The blocks, smallest first."""
    return tuple(sorted(((block.network, block) for block in BLOCKS), key=lambda pair: -pair[0].prefixlen))


def block_of(address: str) -> Block | None:
    """The smallest block that an address (canonical text) lies in, reached from everywhere or not; None: in none."""
    number = ip_address(address)
    return next((block for network, block in _networks() if number in network), None)


def exercise_networks(prefixes: tuple[str, ...]) -> tuple[IPv4Network | IPv6Network, ...]:
    """Read the prefixes that an exercise gives to operators that do not exist. Raises NotDocumentation, ValueError."""
    networks = tuple(ip_network(prefix) for prefix in prefixes)
    documentation = [block.network for block in BLOCKS if block.documentation]
    for network in networks:
        if not any(
            network.version == allowed.version
            and network.network_address in allowed
            and network.broadcast_address in allowed
            for allowed in documentation
        ):
            raise NotDocumentation(f"{network} is not set aside for documentation (RFC 5737, RFC 3849, RFC 9637).")
    return networks
