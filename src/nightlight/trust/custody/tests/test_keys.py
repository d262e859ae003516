# SPDX-License-Identifier: Apache-2.0
"""The signing key stays with its owner, and is never replaced by accident."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from django.conf import settings as django_settings

from .. import keys

if TYPE_CHECKING:
    from pytest_django import Settings

    from ..checkpoint import SigningKey


def _file() -> Path:
    return Path(django_settings.NIGHTLIGHT_CUSTODY_KEY_FILE)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_a_key_that_others_can_read_or_write_is_refused(key: SigningKey, mode: int) -> None:
    _file().chmod(mode)
    with pytest.raises(ValueError, match="can be read by others"):
        keys.signing_key()


def test_a_file_that_is_not_an_ed25519_key_is_refused(key: SigningKey) -> None:
    _file().write_bytes(b"nothing")
    with pytest.raises(ValueError):
        keys.signing_key()
    pem = X25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    _file().write_bytes(pem)
    with pytest.raises(ValueError, match="not an Ed25519 key"):
        keys.signing_key()


def test_checking_never_makes_a_key(settings: Settings, tmp_path: Path) -> None:
    settings.NIGHTLIGHT_CUSTODY_KEY_FILE = tmp_path / "absent.key"
    assert list(keys.trusted_keys()) == []
    assert not (tmp_path / "absent.key").exists()


def test_a_new_key_is_made_once_for_its_owner_alone(key: SigningKey) -> None:
    assert stat.S_IMODE(_file().stat().st_mode) == 0o600
    assert keys.signing_key().verifier == key.verifier
    assert [file.name for file in _file().parent.iterdir()] == ["custody.key"]


def test_processes_that_start_together_agree_on_one_key(key: SigningKey) -> None:
    _file().unlink()
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: str(keys.signing_key().verifier), range(8)))
    assert len(set(made)) == 1
    assert made[0] != str(key.verifier)


def test_a_retired_key_is_still_trusted(key: SigningKey, stranger: SigningKey, settings: Settings) -> None:
    settings.NIGHTLIGHT_CUSTODY_RETIRED_KEYS = [str(stranger.verifier)]
    assert list(keys.trusted_keys()) == [key.verifier, stranger.verifier]
