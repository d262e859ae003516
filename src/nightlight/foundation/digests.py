# SPDX-License-Identifier: Apache-2.0
"""The digests by which a file is known: MD5, SHA-1 and SHA-256, computed together while its bytes pass by."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

Bytes = bytes | bytearray | memoryview


@dataclass(frozen=True)
class Digests:
    """What a file's bytes digest to: three lower-case hex strings, and the size in bytes.

    SHA-256 identifies the file (FIPS 180-4). MD5 (RFC 1321) and SHA-1 are here because the field's hash lists
    are written in them; nothing in Nightlight relies on them against a forger.
    """

    md5: str
    sha1: str
    sha256: str
    size: int


class Digester:
    """Computes the three digests in one pass, in constant memory."""

    __slots__ = ("_md5", "_sha1", "_sha256", "_size")

    def __init__(self) -> None:
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._sha1 = hashlib.sha1(usedforsecurity=False)
        self._sha256 = hashlib.sha256()
        self._size = 0

    def update(self, data: Bytes) -> None:
        """Take in the next bytes."""
        self._md5.update(data)
        self._sha1.update(data)
        self._sha256.update(data)
        self._size += data.nbytes if isinstance(data, memoryview) else len(data)

    def result(self) -> Digests:
        """Return the digests of everything taken in so far."""
        return Digests(self._md5.hexdigest(), self._sha1.hexdigest(), self._sha256.hexdigest(), self._size)
