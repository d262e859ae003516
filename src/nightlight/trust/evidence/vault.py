# SPDX-License-Identifier: Apache-2.0
"""The evidence vault: takes in a file's bytes, digests and encrypts them, and gives them back unaltered."""

from __future__ import annotations

import contextlib
import os
import secrets
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Self

from django.conf import settings

from nightlight.foundation.digests import Digester, Digests
from nightlight.trust.evidence import envelope, keys
from nightlight.trust.evidence.envelope import Damaged
from nightlight.trust.evidence.keys import Keyring, KeysRefused, WrappedKey
from nightlight.trust.evidence.store import FolderStore, StoreFailed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

    from nightlight.foundation.digests import Bytes
    from nightlight.trust.evidence.store import Store


@dataclass(frozen=True)
class Sealed:
    """A file that lies encrypted in the store: where, under which key, and what its bytes digest to.

    ``stored_size`` is the size of the envelope in bytes, ``digests.size`` that of the file.
    """

    locator: str
    digests: Digests
    key: WrappedKey
    stored_size: int
    envelope: int = envelope.VERSION


class Staging:
    """A file on its way into the vault. Leaving a ``with`` block without ``seal()`` discards it."""

    def __init__(self, store: Store, keyring: Keyring) -> None:
        self._store = store
        self._locator = secrets.token_hex(16)
        file_key = secrets.token_bytes(envelope.KEY_SIZE)
        self._key = keyring.wrap(file_key)
        self._digester = Digester()
        self._file = store.create(self._locator)
        self._envelope = envelope.EncryptingWriter(file_key, self._locator, self._file.write)
        self._open = True

    def write(self, chunk: Bytes) -> None:
        """Take the next bytes, any number of them. Raises StoreFailed."""
        self._digester.update(chunk)
        self._envelope.write(chunk)

    def seal(self) -> Sealed:
        """Finish the file; it is durable on return. Raises StoreFailed, then nothing was kept."""
        self._envelope.finish()
        self._file.commit()
        self._open = False
        digests = self._digester.result()
        return Sealed(self._locator, digests, self._key, envelope.stored_size(digests.size))

    def discard(self) -> None:
        """Leave nothing behind, sealed or not. May be called after any failure, and twice.

        Only for a file that was not recorded. What cannot be removed now is not listed, and swept later.
        """
        self._file.abort()
        with contextlib.suppress(StoreFailed):
            if not self._open:
                self._store.remove(self._locator)
        self._open = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._open:
            self.discard()


class Vault:
    """A store and the keyring that opens what lies in it. Holds no state of its own; threads may share it."""

    def __init__(self, store: Store, keyring: Keyring) -> None:
        self.store = store
        self.keyring = keyring

    def stage(self) -> Staging:
        """Begin to take a file in. Raises StoreFailed."""
        return Staging(self.store, self.keyring)

    def open(self, sealed: Sealed) -> Iterator[bytes]:
        """Yield the file's bytes, each chunk authentic; only reaching the end proves that nothing is missing.

        Raises Absent, StoreFailed, Damaged, or KeysRefused.
        """
        file_key = self.keyring.unwrap(sealed.key)
        return envelope.decrypt(file_key, sealed.locator, self.store.open(sealed.locator))

    def check(self, sealed: Sealed) -> None:
        """Read the whole file. Raises as ``open`` does, and Damaged if its digests are not those recorded."""
        digester = Digester()
        for piece in self.open(sealed):
            digester.update(piece)
        if digester.result() != sealed.digests:
            raise Damaged("the digests of the file are not those in its record")

    def whole(self, sealed: Sealed) -> bool:
        """Say whether a file of the right size lies there. A quick look, not a check."""
        return self.store.size(sealed.locator) == sealed.stored_size

    def restore(self, lost: Sealed, *, good: Sealed) -> None:
        """Put back a file that is missing or cut short from another copy of the same bytes.

        The same bytes under the same key and locator give the same envelope, so the record of ``lost`` holds
        again, and no nonce ever serves for two messages. Raises Damaged if the copy is not of those bytes.
        """
        if good.digests != lost.digests:
            raise Damaged("the copy is not of the same bytes")
        self.check(good)
        if self.store.size(lost.locator) is not None:
            self.store.remove(lost.locator)
        file = self.store.create(lost.locator)
        try:
            writer = envelope.EncryptingWriter(self.keyring.unwrap(lost.key), lost.locator, file.write)
            for piece in self.open(good):
                writer.write(piece)
            writer.finish()
            file.commit()
        except BaseException:
            file.abort()
            raise

    def rewrap(self, key: WrappedKey) -> WrappedKey:
        """Lock a file's key under the current master key instead. Raises KeysRefused."""
        return self.keyring.wrap(self.keyring.unwrap(key))

    def discard(self, sealed: Sealed) -> None:
        """Remove a sealed file that no record lists. Raises Absent or StoreFailed."""
        self.store.remove(sealed.locator)


def current_vault() -> Vault:
    """Return the installation's vault, as the settings describe it; one per process.

    ``NIGHTLIGHT_VAULT`` is a folder or ``s3://bucket/prefix`` (options in ``NIGHTLIGHT_VAULT_OPTIONS``).
    Master keys come from ``NIGHTLIGHT_VAULT_MASTER_KEY`` if that is set, else from the folder
    ``NIGHTLIGHT_VAULT_KEYS_DIR``. Raises StoreFailed or KeysRefused.
    """
    return _built(
        os.getpid(),  # a forked process must not use its parent's connections
        str(settings.NIGHTLIGHT_VAULT),
        tuple(sorted(getattr(settings, "NIGHTLIGHT_VAULT_OPTIONS", {}).items())),
        getattr(settings, "NIGHTLIGHT_VAULT_MASTER_KEY", ""),
        Path(settings.NIGHTLIGHT_VAULT_KEYS_DIR),
    )


@lru_cache(maxsize=1)
def _built(
    _process: int, place: str, options: tuple[tuple[str, str], ...], master_key: str, keys_folder: Path
) -> Vault:
    store: Store
    if "://" in place:
        from nightlight.trust.evidence.object_store import ObjectStore

        store = ObjectStore.from_url(place, dict(options))
    else:
        store = FolderStore(Path(place))
    if master_key:
        return Vault(store, Keyring(lambda: keys.from_text(master_key)))
    if not keys.from_folder(keys_folder):
        used = next(iter(store.stored()), None) is not None
        # Read again: another process may have made the first key, and begun a file, since the line before last.
        if used and not keys.from_folder(keys_folder):
            # A new key here would hide, until somebody asks for a file, that the old ones are gone.
            raise KeysRefused(f"the vault holds files, but there is no master key in {keys_folder}")
        keys.first_in_folder(keys_folder)
    return Vault(store, Keyring(lambda: keys.from_folder(keys_folder)))
