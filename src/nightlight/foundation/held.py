# SPDX-License-Identifier: Apache-2.0
"""Holds one thing in memory that is dear to make, for as long as what it was made from is the same."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

T = TypeVar("T")


class Held(Generic[T]):
    """One thing held in memory as long as what it was made from is the same; made by one thread at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: tuple[Hashable, T] | None = None

    def get(self, mark: Hashable, make: Callable[[], T]) -> T:
        """Return what was made for ``mark``; make it where the last one was made for another."""
        with self._lock:
            if self._held is None or self._held[0] != mark:
                self._held = (mark, make())
            return self._held[1]

    def forget(self) -> None:
        """Have it made anew at the next call."""
        with self._lock:
            self._held = None
