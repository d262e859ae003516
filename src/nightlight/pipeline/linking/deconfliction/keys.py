# SPDX-License-Identifier: Apache-2.0
"""The keys of rings: one file for each ring and epoch, ``<ring>.<epoch>.key``, 64 hex digits or more, mode 0600.

Read by the step that prepares digests and by nobody else; pages and the API never have one.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings

from nightlight.foundation import durable
from nightlight.foundation.refusals import Conflict
from nightlight.pipeline.linking.deconfliction import rules
from nightlight.trust.key_folder import KeyFileRefused

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class RingKey:
    """The key of a ring in an epoch."""

    ring: str
    epoch: str
    key: bytes = field(repr=False)


def folder() -> Path:
    """Where the keys lie."""
    return Path(settings.NIGHTLIGHT_DECONFLICTION_KEYS_DIR)


def ring_keys() -> Sequence[RingKey]:
    """Return the keys that are there, by ring and epoch. Raises KeyFileRefused; it never says what a file holds."""
    found = []
    paths = sorted(folder().glob("*.key")) if folder().is_dir() else []
    for path in paths:
        ring, _dot, epoch = path.name.removesuffix(".key").partition(".")
        if not rules.name_of_ring(ring) or not rules.name_of_ring(epoch):
            raise KeyFileRefused(f"{path} is not called RING.EPOCH.key, such as states.2026-11.key")
        if path.stat().st_mode & 0o077:
            raise KeyFileRefused(f"{path} may be read by others; make it 0600 and consider the key known to them")
        try:
            found.append(RingKey(ring, epoch, rules.read_key(path.read_text(encoding="ascii"))))
        except ValueError as error:
            why = "is no text" if isinstance(error, UnicodeDecodeError) else str(error)
            raise KeyFileRefused(f"{path}: {why}") from None
    if len({one.key for one in found}) < len(found):
        raise KeyFileRefused(f"two files in {folder()} hold one key; each ring and each epoch has a key of its own")
    return found


def make(ring: str, epoch: str) -> Path:
    """Make the key of a ring for an epoch; return its file. Raises Conflict for odd names, and where there is one."""
    if not rules.name_of_ring(ring) or not rules.name_of_ring(epoch):
        raise Conflict("Ring and epoch are small letters, digits and hyphens, at most 40, such as states and 2026-11.")
    path = folder() / f"{ring}.{epoch}.key"
    try:
        durable.create(path, secrets.token_hex(rules.LEAST_KEY).encode() + b"\n")
    except FileExistsError:
        raise Conflict(f"There is a key of {ring} for {epoch} already: {path}") from None
    return path
