# SPDX-License-Identifier: Apache-2.0
"""Two installations, and a package on its way from the first to the second."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from nightlight.pipeline.routing.exchange.tests import ends
from nightlight.pipeline.tips.tests.conftest import login

if TYPE_CHECKING:
    from pathlib import Path


@dataclass
class OnItsWay:
    """A package, and what is in it."""

    body: bytes
    numbers: list[str]
    offers: list[str]
    facts: list[dict[str, object]]


@pytest.fixture
def delhi(tmp_path: Path) -> ends.End:
    """The one that sends."""
    return ends.End(tmp_path, "Delhi")


@pytest.fixture
def kerala(tmp_path: Path) -> ends.End:
    """The one that receives."""
    return ends.End(tmp_path, "Kerala")


@pytest.fixture
def on_its_way(db: None, delhi: ends.End, kerala: ends.End) -> OnItsWay:
    """Two tips, sent to Kerala; the database does not know them (any more)."""
    with ends.undone():
        there = delhi.knows(kerala, "KL")
        tips = [ends.full(login()), ends.full(login("Example Video"))]
        made = ends.sent(delhi, there, tips)
        (body,) = ends.bytes_of(delhi)
        return OnItsWay(
            body, [tip.public_id for tip in tips], [one.public_id for one in made], [ends.facts(tip) for tip in tips]
        )
