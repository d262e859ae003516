# SPDX-License-Identifier: Apache-2.0
"""Closes what a reporter sent before it reaches the database: reports name children; the worker alone opens them.

Receipts are ours and name nobody; they stay as they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nightlight.pipeline.tips.models import DocumentKind
from nightlight.trust.sealed import box
from nightlight.trust.sealed.box import Closed
from nightlight.trust.sealed.keys import current_keyring, current_sealer

if TYPE_CHECKING:
    from nightlight.pipeline.tips.models import Document

TAG = 16  # bytes by which a closed document is longer


def close(body: bytes, *, tip: str, kind: str, file_id: str = "") -> Closed:
    """Return the document closed for its place: the tip "NL-…", what it is, and of which file. Raises KeysRefused."""
    return current_sealer().seal(body, _place(tip, kind, file_id))


def opened(document: Document, *, tip: str) -> bytes:
    """Return the bytes as they were received. For the worker and the command line, which hold the private key.

    Raises KeysRefused, and Damaged for what was altered, put in another's place, or destroyed.
    """
    return open_at(tip, document.kind, document.file_id, bytes(document.key_part), bytes(document.body))


def open_at(tip: str, kind: str, file_id: str, key_part: bytes, body: bytes) -> bytes:
    """Return the bytes of the document that lies at this place, as ``opened`` does."""
    if kind == DocumentKind.RECEIPT:
        return body
    return box.unseal(current_keyring(), Closed(key_part, body), _place(tip, kind, file_id))


def _place(tip: str, kind: str, file_id: str) -> bytes:
    return f"document\n{tip}\n{kind}\n{file_id}".encode()
