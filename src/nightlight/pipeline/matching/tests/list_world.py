# SPDX-License-Identifier: Apache-2.0
"""Lists in the making for these tests: files of random digests, and what a list says once one was read in."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from nightlight.pipeline.matching import importing, list_actions
from nightlight.pipeline.matching.lists.tests.material import hash_set, media, packed
from nightlight.pipeline.matching.models import Entry, HashList
from nightlight.trust.custody.models import Event

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from pytest_django import Settings

    from nightlight.pipeline.matching.importing import Done

BY = "command:cli"
AT = datetime(2026, 11, 20, 6, 30, tzinfo=UTC)


@pytest.fixture
def vault(tmp_path: Path, settings: Settings) -> None:
    """The installation's vault and sealing keys, in the test's own folder."""
    settings.NIGHTLIGHT_VAULT = str(tmp_path / "vault")
    settings.NIGHTLIGHT_VAULT_KEYS_DIR = tmp_path / "keys"
    settings.NIGHTLIGHT_SEALING_KEYS_DIR = tmp_path / "sealing"


def make_list(name: str = "Example List", **more: str) -> HashList:
    """An empty list."""
    told = {"owner": "Example Centre", "legal_basis": "Example Act, section 1", "scheme": "vic"}
    told |= {"scheme_version": "2.0/US"} | more
    return list_actions.add_list(by=BY, at=AT, name=name, **told)


def vic(numbers: Iterable[int], **changed: dict[str, Any]) -> bytes:
    """A hash set with these records; ``n7={"Category": 3}`` says what is different in record 7."""
    return packed(hash_set([media(number, **changed.get(f"n{number}", {})) for number in numbers]))


def read_in(of: HashList, body: bytes, *, replaces: bool = True, name: str = "list.json", **more: Any) -> Done:  # noqa: ANN401
    """Read a file into a list."""
    ticks = _ticks()
    return importing.run(
        hash_list=of, stream=io.BytesIO(body), name=name, replaces=replaces, by=BY, at=lambda: next(ticks), **more
    )


def _ticks() -> Iterator[datetime]:
    at = AT
    while True:
        at += timedelta(seconds=1)
        yield at


def said(of: HashList) -> dict[str, tuple[object, ...]]:
    """Everything the list's entries say now, and the transaction that wrote each."""
    names = [field.attname for field in Entry._meta.concrete_fields]
    return {
        str(row[names.index("source_id")]): tuple(bytes(v) if isinstance(v, memoryview) else v for v in row)
        for row in Entry.objects.filter(hash_list=of).values_list(*names)
    }


def standing(of: HashList) -> set[str]:
    """The ids of the entries that stand."""
    return set(Entry.objects.filter(hash_list=of, withdrawn=False).values_list("source_id", flat=True))


def logged(of: HashList) -> list[str]:
    """What the log says happened to a list."""
    rows = Event.objects.filter(subject=f"hashlist:{of.public_id}").order_by("id")
    return list(rows.values_list("kind", flat=True))
