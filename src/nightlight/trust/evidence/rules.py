# SPDX-License-Identifier: Apache-2.0
"""What a file's name may look like in a record."""

from __future__ import annotations


def storable(name: str) -> str:
    r"""Return the name, what no column can hold written out: NUL as ``\x00``, a broken byte as ``\udc80``.

    Everything else stays as it was sent, path separators and all: the name is a statement of the sender, and
    is never used as a path.
    """
    return name.encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")
