# SPDX-License-Identifier: Apache-2.0
"""What was loaded about networks, in the table of tables and in the world: it holds nothing of any case."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nightlight.casework.attribution.models_lists import Archive, DirectoryVersion, ListImport
from tests.access.stated import Rule, Table

if TYPE_CHECKING:
    from tests.access.world import World

_SIGNED_IN: Rule = {"*": {"signed-in": {"any"}}}
_KEPT = Table("S", "", "S I", "attribution verifying S command SI", sees=_SIGNED_IN)
_DIRECTORY = """
schema = 1
name = "Example"
version = "1"
as_of = 2026-11-01
exercise = false
[sources.a]
title = "Example"
[[operator]]
code = "example"
name = "Example Operator"
country = "IN"
kind = "fixed"
source = "a"
check = "K"
network = [{ numbers = [64496] }]
"""

TABLES: dict[str, Table] = {
    "attribution_listimport": _KEPT,
    "attribution_archive": Table(
        "S", "", "S I U D", "attribution verifying S command SIUD", sees=_SIGNED_IN, worker_sets="rows = 2"
    ),
    "attribution_directory": _KEPT,
}


def build(world: World) -> None:
    """Rows as the command line leaves them."""
    named = {"kind": "vpn", "series": "Example", "sha256": "0" * 64, "size": 1}
    by = {"by": "command:cli", "at": world.at}
    ListImport.objects.create(
        version="1", licence="CC0", file="a.txt", as_of=world.at, entries=1, problems=0, **named, **by
    )
    Archive.objects.create(rows=1, snapshots=1, changed_at=world.at, **named)
    DirectoryVersion.objects.create(name="Example", sha256="0" * 64, body=_DIRECTORY, operators=1, **by)
