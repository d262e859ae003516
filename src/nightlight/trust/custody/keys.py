# SPDX-License-Identifier: Apache-2.0
"""Keeps the key that signs tree heads: one file, readable by its owner alone, made on first use."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings

from nightlight.trust import key_files

from .checkpoint import SigningKey, VerifierKey

if TYPE_CHECKING:
    from collections.abc import Sequence

DEFAULT_ORIGIN = "nightlight.example.org/custody"


def origin() -> str:
    """Return the name of this installation's log, from `NIGHTLIGHT_CUSTODY_ORIGIN`."""
    return str(getattr(settings, "NIGHTLIGHT_CUSTODY_ORIGIN", DEFAULT_ORIGIN))


def signing_key() -> SigningKey:
    """Return the key in `NIGHTLIGHT_CUSTODY_KEY_FILE` (PKCS #8, PEM), making it if there is none.

    Raises ValueError when the file is not an Ed25519 key, or can be read by anybody but its owner.
    """
    path = _path()
    return SigningKey(origin(), key_files.ed25519(key_files.first(path, key_files.ed25519_pem), path))


def trusted_keys() -> Sequence[VerifierKey]:
    """Return the keys whose tree heads count: the present one and `NIGHTLIGHT_CUSTODY_RETIRED_KEYS`.

    Never makes a key. A key is replaced by listing its public half as retired and moving its file away.
    """
    present = [_load(_path()).verifier] if _path().exists() else []
    return [*present, *retired_keys()]


def retired_keys() -> Sequence[VerifierKey]:
    """Return the public halves of earlier keys, each written `name+keyid+key`."""
    return [VerifierKey.parse(text) for text in getattr(settings, "NIGHTLIGHT_CUSTODY_RETIRED_KEYS", ())]


def _path() -> Path:
    return Path(settings.NIGHTLIGHT_CUSTODY_KEY_FILE)


def _load(path: Path) -> SigningKey:
    return SigningKey(origin(), key_files.ed25519(key_files.read(path), path))
