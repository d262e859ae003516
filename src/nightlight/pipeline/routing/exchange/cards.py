# SPDX-License-Identifier: Apache-2.0
"""The card an installation hands out: what it is called, where it is, and the keys by which it is known.

Whoever gets a card knows nothing yet: it was signed by the key it names. What makes it true is that two officers, one
at each end, compare the fingerprint of the keys over the telephone.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pyrage
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from nightlight.foundation import canonical_json
from nightlight.pipeline.routing.exchange.envelope import LONGEST_NAME

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

FORMAT = "nightlight-card/1"
LONGEST = 16 * 1024  # bytes of a card
MOST_LOGS = 20
GROUPS, DIGITS = 8, 5
_KEYS_DOMAIN = b"nightlight installation keys\n"
_CARD_DOMAIN = b"nightlight card\n"
_RECIPIENT = re.compile(r"age1[02-9ac-hj-np-z]{58}")
_VERIFIER = re.compile(r"[^\s+]{1,200}\+[0-9a-f]{8}\+[A-Za-z0-9+/]{44}")
_FIELDS = frozenset({"format", "name", "url", "signing_key", "recipient", "custody_keys", "signature"})


class CardRefused(ValueError):
    """A card cannot be taken; the message is a sentence for the person who handed it in."""


@dataclass(frozen=True, slots=True)
class Card:
    """An installation as it describes itself.

    ``public`` are the 32 bytes of its Ed25519 key, ``recipient`` its age recipient ("age1…"), ``custody_keys`` the
    verifier keys of its custody log ("name+keyid+key"). ``url`` may be empty: then packages go by stick.
    """

    name: str
    url: str
    public: bytes
    recipient: str
    custody_keys: tuple[str, ...]

    @property
    def fingerprint(self) -> str:
        """64 hex digits over both keys; name, address and log may change, whoever is meant by it does not."""
        return hashlib.sha256(_KEYS_DOMAIN + self.public + self.recipient.encode()).hexdigest()

    def _body(self) -> dict[str, canonical_json.Json]:
        return {
            "format": FORMAT,
            "name": self.name,
            "url": self.url,
            "signing_key": base64.b64encode(self.public).decode(),
            "recipient": self.recipient,
            "custody_keys": list(self.custody_keys),
        }

    def signed(self, key: Ed25519PrivateKey) -> str:
        """Return the card as text, signed with the key that it names. Raises ValueError for another key."""
        if key.public_key().public_bytes_raw() != self.public:
            raise ValueError("a card is signed with the key it names")
        signature = key.sign(_CARD_DOMAIN + canonical_json.encode(self._body()))
        text = canonical_json.encode({**self._body(), "signature": base64.b64encode(signature).decode()}).decode()
        read(text)  # whatever nobody could take is not handed out
        return text


def read(text: str) -> Card:
    """Read a card and check that the key it names signed it. Raises CardRefused."""
    if len(text.encode("utf-8", "surrogatepass")) > LONGEST:
        raise CardRefused("This is longer than a card of an installation.")
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        raise CardRefused("This is not the card of an installation: it is not JSON.") from None
    if not isinstance(body, dict) or body.get("format") != FORMAT:
        raise CardRefused(f"This is not the card of an installation, or not one of the form {FORMAT}.")
    if body.keys() != _FIELDS:
        raise CardRefused("The card lacks something, or holds something that no card holds.")
    card = Card(
        name=_name(body["name"]),
        url=_url(body["url"]),
        public=_raw(body["signing_key"], 32),
        recipient=_recipient(body["recipient"]),
        custody_keys=_verifiers(body["custody_keys"]),
    )
    try:
        Ed25519PublicKey.from_public_bytes(card.public).verify(
            _raw(body["signature"], 64), _CARD_DOMAIN + canonical_json.encode(card._body())
        )
    except InvalidSignature:
        raise CardRefused("The card was changed: its signature is not that of the key it names.") from None
    return card


def spoken(fingerprint: str) -> str:
    """Return a fingerprint as it is read out over the telephone: eight groups of five decimal digits.

    Digits, because they are read alike in every language. 40 digits are 132 of the 256 bits, too many for anybody to
    find other keys that have the same.
    """
    digits = f"{int(fingerprint, 16) % 10 ** (GROUPS * DIGITS):0{GROUPS * DIGITS}}"
    return " ".join(digits[start : start + DIGITS] for start in range(0, len(digits), DIGITS))


def heard(typed: str, fingerprint: str) -> bool:
    """Whether what an officer heard and typed is this fingerprint; spaces and dashes do not matter."""
    digits = re.sub(r"[\s\u2010-\u2015-]", "", typed)
    return digits in {fingerprint, spoken(fingerprint).replace(" ", "")}


def _name(value: object) -> str:
    if not isinstance(value, str) or not 1 <= len(value) <= LONGEST_NAME or not value.isprintable():
        raise CardRefused("The card states no name, or one too long to show.")
    return value


def _url(value: object) -> str:
    if value == "":
        return ""
    if isinstance(value, str) and len(value) <= 300 and value.isascii() and value.isprintable() and " " not in value:
        try:
            parts = urlsplit(value)
            parts.port  # noqa: B018 - raises where it is no number
        except ValueError:
            parts = urlsplit("")
        plain = not (parts.query or parts.fragment or parts.username or parts.password)
        if parts.scheme == "https" and parts.hostname and plain:
            return value
    raise CardRefused("The card names an address that does not begin with https:// and a host.")


def _text(value: object, form: re.Pattern[str], reason: str) -> str:
    if not isinstance(value, str) or not form.fullmatch(value):
        raise CardRefused(reason)
    return value


def _recipient(value: object) -> str:
    text = _text(value, _RECIPIENT, "The card names no age recipient.")
    try:
        pyrage.x25519.Recipient.from_str(text)
    except pyrage.RecipientError:
        raise CardRefused("The card names an age recipient with a slip in it.") from None
    return text


def _raw(value: object, size: int) -> bytes:
    try:
        raw = base64.b64decode(value, validate=True) if isinstance(value, str) else b""
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) != size or base64.b64encode(raw).decode() != value:
        raise CardRefused("The card holds a key or a signature that is not written as one.")
    return raw


def _verifiers(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not 1 <= len(value) <= MOST_LOGS:
        raise CardRefused("The card names no key of a custody log, or too many.")
    return tuple(_text(one, _VERIFIER, "The card holds a key of a custody log that is not one.") for one in value)
