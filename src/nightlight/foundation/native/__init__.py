# SPDX-License-Identifier: Apache-2.0
"""The optional compiled core: the same answers as the numpy paths, several times quicker.

``scripts/build-native`` compiles the C files of this folder into ``_core.so`` beside them. ``LIBRARY`` is that library,
or None: it was never built, it was built from other sources than those lying here, or ``NIGHTLIGHT_NATIVE=no`` says not
to use it. Whoever uses it has a numpy path for None. A call through it runs without Python's lock.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
from pathlib import Path

FOLDER = Path(__file__).parent
BUILT = FOLDER / "_core.so"


def sources() -> list[Path]:
    """The files it is compiled from, in the order in which they are digested."""
    return sorted([*FOLDER.glob("*.c"), *FOLDER.glob("*.h")])


def version() -> str:
    """SHA-256 (hex) over the sources; the library is told when it is compiled and must answer the same."""
    digest = hashlib.sha256()
    for path in sources():
        body = path.read_bytes()
        digest.update(f"{path.name} {len(body)}\n".encode())
        digest.update(body)
    return digest.hexdigest()


def load(path: Path = BUILT) -> ctypes.CDLL | None:
    """Open the library at ``path``; None where it is missing, for another machine, or of other sources than these."""
    if os.environ.get("NIGHTLIGHT_NATIVE") == "no" or not path.exists():
        return None
    try:
        library = ctypes.CDLL(str(path))
        library.nl_core_version.restype = ctypes.c_char_p
        library.nl_core_version.argtypes = []
        told = library.nl_core_version()
    except (OSError, AttributeError):  # not for this processor or C library; or not ours
        return None
    return library if told == version().encode() else None


LIBRARY: ctypes.CDLL | None = load()
