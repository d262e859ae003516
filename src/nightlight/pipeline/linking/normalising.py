# SPDX-License-Identifier: Apache-2.0
"""One spelling for each identifier, so that the same thing written in two ways is found to be the same.

`normalise` never raises: what is no identifier of its kind, or one that many strangers share by default, is None. No
spelling is guessed. What is data (provider rules, ranges, defaults) lies in `data/`; `RULES_VERSION` names its state
and the code here, and changes with either.
"""

from __future__ import annotations

import hashlib
import ipaddress
import re
import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import idna
import phonenumbers

from nightlight.pipeline.linking import confusables
from nightlight.pipeline.linking.kinds import Kind
from nightlight.pipeline.linking.rules_data import rules

if TYPE_CHECKING:
    from collections.abc import Callable

RULES_VERSION = 1

LONGEST = 512
"""Characters of a value; a longer one is kept as the digest of itself, so that equal ones stay equal."""

_LONGEST_READ = 20_000


@dataclass(frozen=True, slots=True)
class Context:
    """What stands beside a value: region for numbers without a country, the calling code, extension, service."""

    region: str | None = None
    calling_code: str | None = None
    extension: str | None = None
    service: str | None = None
    port: int | None = None
    at: datetime | None = None


def normalise(
    kind: Kind,
    value: str,
    *,
    region: str | None = None,
    calling_code: str | None = None,
    extension: str | None = None,
    service: str | None = None,
    port: int | None = None,
    at: datetime | None = None,
) -> str | None:
    """The one spelling of `value`, or None when it is no identifier of this kind.

    `region` (ISO 3166-1, default from the data) and `calling_code` are for phones, `service` for accounts, handles
    and groups, `port` and `at` (aware) for endpoints. An account, a handle or a group is "service|name".
    """
    text = value.strip()
    if not text or len(text) > _LONGEST_READ:
        return None
    found = _BY_KIND[kind](text, Context(region, calling_code, extension, service, port, at))
    return None if found is None else _bounded(found)


def service_name(text: str | None) -> str:
    """The name of a service without case, accents of width, or blanks at its ends; empty when there is none."""
    return " ".join(unicodedata.normalize("NFKC", text or "").casefold().replace("|", " ").split())


def host_name(text: str) -> str | None:
    """A domain name in lower-case ASCII (IDNA 2008 with the mapping of UTS #46), None when it is none."""
    host = text.strip().rstrip(".").lower()
    if not host or len(host) > 253 or "." not in host:
        return None
    if not host.isascii() or "xn--" in host:
        try:
            host = idna.encode(host, uts46=True).decode("ascii").lower()
        except (idna.IDNAError, UnicodeError):
            return None
    return host if _ASCII_HOST.fullmatch(host) else None


def _bounded(value: str) -> str:
    if len(value) <= LONGEST:
        return value
    return f"sha256:{hashlib.sha256(value.encode('utf-8', 'surrogatepass')).hexdigest()}"


# E-mail addresses.

_ASCII_HOST = re.compile(
    r"(?=.{1,253}\Z)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])"
)
_LOCAL = re.compile(r"[^\s@<>()\[\]\\,;:\"\x00-\x1f\x7f]{1,64}")


def _email(text: str, _context: Context) -> str | None:
    bare = text[7:] if text[:7].lower() == "mailto:" else text
    local, at, domain = bare.strip().removeprefix("<").removesuffix(">").rpartition("@")
    local = unicodedata.normalize("NFKC", local).casefold()
    host = host_name(domain)
    if not at or host is None or not _LOCAL.fullmatch(local) or len(local) + len(host) > 253:
        return None
    local, host = _mailbox(local, host)
    return f"{local}@{host}" if local else None


def _mailbox(local: str, host: str) -> tuple[str, str]:
    """The mailbox behind an address, where its provider is known to read several spellings as one."""
    provider = rules().providers.get(host)
    if provider is None:
        return local, host
    if provider.tag and local.find(provider.tag) > 0:
        local = local[: local.index(provider.tag)]
    return local.translate(provider.spelling), provider.host_of(host)


# Telephone numbers.


@lru_cache(maxsize=20_000)
def _phone_number(text: str, region: str, calling_code: str, extension: str) -> str | None:
    digits = re.sub(r"\D", "", calling_code)
    if digits and not text.startswith("+"):
        known = phonenumbers.region_code_for_country_code(int(digits[:4]))
        if known in ("ZZ", "001"):
            text = f"+{digits}{text}"
        else:
            region = known
    if extension.strip():
        text = f"{text} ext. {extension.strip()}"
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    said = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    # A switchboard is not one person: the extension is part of the number (RFC 3966).
    return f"{said};ext={number.extension}" if number.extension else said


def _phone(text: str, context: Context) -> str | None:
    region = (context.region or rules().region).upper()
    return _phone_number(text[4:] if text[:4].lower() == "tel:" else text, region, context.calling_code or "",
                         context.extension or "")  # fmt: skip


# Accounts, screen names, groups.

_SHORTEST_WITHOUT_SERVICE = 12


def _account(text: str, context: Context) -> str | None:
    service = service_name(context.service)
    # Small numbers are given out by every service: without its name they would join strangers.
    if not service and len(text) < _SHORTEST_WITHOUT_SERVICE:
        return None
    return f"{service}|{text}"


def handle_name(text: str) -> str | None:
    """A screen name as it looks: without case, width, a leading @, or letters of other scripts in place of Latin ones.

    The skeleton of UTS #39 but for characters within ASCII, which stay: a reader must know the name again, and the
    skeleton would read player10 and playerlo, bamey and barney as one.
    """
    name = confusables.skeleton(text.strip()).lstrip("@").strip()
    name = " ".join(name.split())
    return name if any(letter.isalnum() for letter in name) else None


def _handle(text: str, context: Context) -> str | None:
    service, name = service_name(context.service), handle_name(text)
    return f"{service}|{name}" if service and name else None


def _any_handle(text: str, _context: Context) -> str | None:
    return handle_name(text)


def _group(text: str, context: Context) -> str | None:
    name = " ".join(unicodedata.normalize("NFKC", text).casefold().split())
    service = service_name(context.service)
    return f"{service}|{name}" if service and name else None


# Web addresses.

_SCHEME = re.compile(r"[a-z][a-z0-9+.-]{0,20}:(?://)?", re.IGNORECASE)


def _url(text: str, _context: Context) -> str | None:
    plain = text.replace("[.]", ".").replace("[:]", ":")
    scheme = _SCHEME.match(plain)
    # "example.org:8080/a" has no scheme although something stands before the colon.
    if scheme and (scheme[0].endswith("//") or "." not in scheme[0]):
        if scheme[0].lower() not in ("http://", "https://", "hxxp://", "hxxps://"):
            return None
        plain = plain[scheme.end() :]
    try:
        parts = urlsplit(f"//{plain}")
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return None
    named = _address(host, Context()) if host and (host[-1].isdigit() or ":" in host) else host_name(host)
    if named is None:
        return None
    named = named.removeprefix("www.") if named.count(".") > 1 else named
    named = f"[{named}]" if ":" in named else named
    kept = "&".join(part for part in parts.query.split("&") if part and not _tracks(part))
    path = "" if parts.path == "/" else parts.path.rstrip("/")
    where = named if port in (None, 80, 443) else f"{named}:{port}"
    return f"{where}{path}" + (f"?{kept}" if kept else "")


def _tracks(parameter: str) -> bool:
    name = parameter.partition("=")[0].lower()
    known = rules()
    return name in known.tracking or name.startswith(known.tracking_beginnings)


def _profile_url(text: str, context: Context) -> str | None:
    # A service's front page is everybody's.
    url = _url(text, context)
    return url if url is not None and ("/" in url or "?" in url) else None


# Devices, payments.

_SEPARATORS = str.maketrans("", "", "-:{}. ")
_HEXADECIMAL = re.compile(r"[0-9a-f]+")


def _device(text: str, _context: Context) -> str | None:
    known = rules()
    lower = text.casefold()
    compact = lower.translate(_SEPARATORS)
    if len(compact) < known.shortest_device or lower.startswith(known.refused_beginnings):
        return None
    if {lower, compact} & known.refused_devices or len(set(compact)) == 1:
        return None
    # Hexadecimal digits mean the same in either case; of anything else, only the service knows.
    return compact if _HEXADECIMAL.fullmatch(compact) else text


_PAYMENT = re.compile(r"[a-z0-9._-]{2,256}@[a-z][a-z0-9]{1,63}")


def _payment(text: str, _context: Context) -> str | None:
    lower = text.lower()
    lower = lower.removeprefix("upi://pay?pa=").partition("&")[0] if lower.startswith("upi:") else lower
    return lower if _PAYMENT.fullmatch(lower) else None


# Addresses on the network.


def _public(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(text.strip("[]").partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return None if any(address in network for network in rules().refused_networks) else address


def _address(text: str, _context: Context) -> str | None:
    address = _public(text)
    return None if address is None else str(address)


def _network(text: str, _context: Context) -> str | None:
    # An operator gives a household a /64 (RFC 6177) and its neighbours the same /24.
    address = _public(text.partition("/")[0])
    if address is None:
        return None
    return str(ipaddress.ip_network(f"{address}/{24 if address.version == 4 else 64}", strict=False))


def _endpoint(text: str, context: Context) -> str | None:
    address = _public(text)
    if address is None or context.port is None or context.at is None or context.at.tzinfo is None:
        return None
    return f"{address}|{context.port}|{context.at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


_SHA256 = re.compile(r"[0-9a-f]{64}")


def _file(text: str, _context: Context) -> str | None:
    digest = text.lower()
    return digest if _SHA256.fullmatch(digest) and digest not in rules().refused_files else None


_BY_KIND: dict[Kind, Callable[[str, Context], str | None]] = {
    Kind.EMAIL: _email,
    Kind.PHONE: _phone,
    Kind.ACCOUNT: _account,
    Kind.HANDLE: _handle,
    Kind.ANY_HANDLE: _any_handle,
    Kind.PROFILE_URL: _profile_url,
    Kind.URL: _url,
    Kind.DEVICE: _device,
    Kind.PAYMENT: _payment,
    Kind.ENDPOINT: _endpoint,
    Kind.ADDRESS: _address,
    Kind.NETWORK: _network,
    Kind.FILE: _file,
    Kind.GROUP: _group,
}
