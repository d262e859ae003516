# SPDX-License-Identifier: Apache-2.0
"""Closes the names under which files were sent: a name can hold anything, a child's name included."""

from __future__ import annotations

from nightlight.trust.sealed import box
from nightlight.trust.sealed.box import Closed
from nightlight.trust.sealed.keys import current_keyring, current_sealer

NOTHING = Closed(b"", b"")


def close(name: str, *, item: str) -> Closed:
    """Return the name closed for the received file "EV-…"; nothing for no name. Raises KeysRefused."""
    return current_sealer().seal(name.encode(), _place(item)) if name else NOTHING


def opened(closed: Closed, *, item: str) -> str:
    """Return the name as it was sent; for the worker and the command line. Raises KeysRefused or Damaged."""
    if not closed.body:
        return ""
    return box.unseal(current_keyring(), closed, _place(item)).decode()


def _place(item: str) -> bytes:
    return f"name\n{item}".encode()
