# SPDX-License-Identifier: Apache-2.0
"""What tests of requests begin with: a directory and lists, two people of one unit, a tip, a request drawn up."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from nightlight.casework.attribution.tests import requests_cast as cast

if TYPE_CHECKING:
    from nightlight.casework.attribution.models import Request
    from nightlight.pipeline.tips.models import Tip
    from nightlight.trust.units.viewer import Viewer

__all__ = ["asha", "drafted", "loaded_lists", "ravi", "tip"]


@pytest.fixture(autouse=True)
def loaded_lists(monkeypatch: pytest.MonkeyPatch) -> None:
    cast.load(monkeypatch)


@pytest.fixture
def asha() -> Viewer:
    return cast.viewer(cast.person("Asha"))


@pytest.fixture
def ravi() -> Viewer:
    return cast.viewer(cast.person("Ravi", rank="Inspector"))


@pytest.fixture
def tip() -> Tip:
    return cast.tip()


@pytest.fixture
def drafted(asha: Viewer, tip: Tip) -> Request:
    (made,) = cast.drafted(asha, tip)
    return made
