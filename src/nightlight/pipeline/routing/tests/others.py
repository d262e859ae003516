# SPDX-License-Identifier: Apache-2.0
"""Another installation for tests: its keys, its card, packages it signs, and requests about them."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pyrage

from nightlight.foundation import clock, public_ids
from nightlight.pipeline.routing.exchange import cards, envelope, keys, partners, wire

if TYPE_CHECKING:
    from pathlib import Path

    from nightlight.pipeline.routing.exchange.envelope import Head
    from nightlight.pipeline.routing.models import Installation
    from nightlight.trust.units.models import Unit

_LOG = "east.example.org/custody+00000000+" + "A" * 44


@dataclass
class Other:
    """An installation that is not ours."""

    folder: Path
    name: str = "State East"
    url: str = "https://east.example.org"
    keys: keys.Keys = field(init=False)

    def __post_init__(self) -> None:
        self.keys = keys.in_folder(self.folder)

    @property
    def card(self) -> str:
        """What it hands out."""
        return self.keys.card(name=self.name, url=self.url, logs=(_LOG,))

    @property
    def spoken(self) -> str:
        """What an officer there reads out."""
        return cards.spoken(self.keys.fingerprint)

    def added(self, unit: Unit | None = None) -> Installation:
        """Added here, and not compared."""
        return partners.add(by="command:cli", at=clock.now(), card=self.card, unit=unit)

    def trusted(self, unit: Unit | None = None) -> Installation:
        """Added here by one and compared by another."""
        made = self.added(unit)
        assert partners.compare(
            by="command:cli", at=clock.now(), installation=made, told=self.spoken, second="officer:OF-7F3K-9QTX"
        )
        made.refresh_from_db()
        return made

    def package(
        self,
        body: bytes = b"",
        *,
        to: str = "",
        name: str = "",
        size: int = 0,
        kind: envelope.Kind = envelope.Kind.REFERRAL,
    ) -> tuple[Head, bytes]:
        """A signed head and what follows it: sealed for us, and nothing that could be taken in."""
        sealed = body or pyrage.encrypt(b"a pattern of squares", [keys.ours().identity.to_public()])
        header = envelope.Header(
            kind=kind,
            id=name or public_ids.new("PK"),
            made_at=clock.now(),
            sender=self.keys.fingerprint,
            sender_name=self.name,
            receiver=to or keys.ours().fingerprint,
            size=size or len(sealed),
            sha256=hashlib.sha256(sealed).hexdigest(),
        )
        return envelope.sign(header, self.keys.signing), sealed

    def shows(self, package: str, act: str, *, offset: int = 0, body: bytes = b"", to: str = "") -> dict[str, str]:
        """The headers of a request about a package."""
        digest = hashlib.sha256(body).digest()
        text = wire.signed(
            sender=self.keys.fingerprint,
            receiver=to or keys.ours().fingerprint,
            package=package,
            act=act,
            offset=offset,
            digest=digest,
        )
        shown = {"Authorization": wire.authorization(self.keys.fingerprint, text, self.keys.signing.sign)}
        return shown | ({wire.OFFSET: str(offset), wire.DIGEST: wire.stating(digest)} if act == wire.CHUNK else {})


def whole(head: Head, sealed: bytes) -> io.BytesIO:
    """A package as it lies on a stick."""
    return io.BytesIO(head.to_bytes() + sealed)
