# SPDX-License-Identifier: Apache-2.0
"""A partner that counts by time ends with exactly what the list says, whatever changes before, between and during."""

from __future__ import annotations

import itertools
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nightlight.foundation import clock
from nightlight.outlook.sharing.tests.conftest import OWNER, Partner, add_list, add_member, open_to, put
from nightlight.pipeline.matching import sharing_actions, sharing_queries
from nightlight.pipeline.matching.models import Entry, HashList
from nightlight.pipeline.matching.sharing import writing
from nightlight.pipeline.matching.sharing.terms import Tombstone

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from nightlight.pipeline.matching.sharing.terms import Identity, Page

_slugs = (f"list-{number}" for number in itertools.count())


@dataclass
class Poller:
    """A client as the field writes them: the newest ``to`` is the next ``from``; pages are taken as they come."""

    partner: Partner
    upto: str = "1970-01-01T00:00:00.000Z"
    to: str = ""
    next: str | None = None
    known: dict[Identity, str] = field(default_factory=dict)

    def step(self, size: int) -> None:
        """Fetch one page; after the last one the checkpoint moves."""
        if self.next is None:
            self.to = writing.stamp(clock.now(), milliseconds=True)
            if self.to <= self.upto:
                return
            self._take(self.partner.page(**{"from": self.upto, "to": self.to, "size": str(size)}))
        else:
            self._take(self.partner.page(self.next))

    def _take(self, page: Page) -> None:
        for change in page.changes:
            if isinstance(change, Tombstone):
                self.known.pop(change.identity, None)
            else:
                self.known[change.identity] = str(change.classification)
        self.next = page.next
        if self.next is None:
            self.upto = self.to

    def finish(self) -> None:
        """Fetch what is left of a poll, then poll once more to the end."""
        for _ in range(2):
            self.step(100)
            while self.next is not None:
                self.step(100)


def _truth(hash_list: HashList) -> dict[Identity, str]:
    entries = Entry.objects.filter(hash_list=hash_list, withdrawn=False)
    return {(OWNER, entry.source_id): entry.classification for entry in entries}


@pytest.fixture
def member(db: None) -> Partner:
    """A partner without a list yet."""
    return Partner(add_member())


CHANGES = st.tuples(
    st.sets(st.sampled_from("abcdefgh"), min_size=1), st.sampled_from(["A1", "A2", "B1"]), st.booleans()
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.one_of(CHANGES, st.integers(1, 4)), max_size=16))
def test_a_poller_ends_with_what_the_list_says(member: Partner, steps: list[tuple[set[str], str, bool] | int]) -> None:
    slug = next(_slugs)
    hash_list = add_list(slug, slug)
    open_to(member.issued, hash_list)
    poller = Poller(Partner(member.issued, slug))
    for step in steps:
        if isinstance(step, int):
            poller.step(step)
        else:
            names, classification, withdrawn = step
            put(hash_list, sorted(names), classification=classification, withdrawn=withdrawn)
    poller.finish()
    assert poller.known == _truth(hash_list)


def test_the_moment_of_a_change_is_later_than_all_before_and_needs_a_transaction(hash_list: HashList) -> None:
    ahead = put(hash_list, ["one"], clock.now().replace(year=2999))
    with transaction.atomic():
        assert sharing_actions.moment_of_change(hash_list_id=hash_list.pk) > ahead


@pytest.mark.django_db(transaction=True)
def test_the_moment_of_a_change_outside_a_transaction_is_refused() -> None:
    with pytest.raises(RuntimeError, match="in the transaction"):
        sharing_actions.moment_of_change(hash_list_id=1)


# --- with other connections ------------------------------------------------------------------------------------------


class Beside:
    """Runs something on a connection of its own, beside the test; what it raises comes out at the end."""

    def __init__(self, deed: Callable[[], None]) -> None:
        self._deed = deed
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        try:
            self._deed()
        except BaseException as error:
            self._error = error
        finally:
            connection.close()

    def __enter__(self) -> Beside:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.join(60)
        assert not self._thread.is_alive()
        if self._error is not None:
            raise self._error

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self._thread.is_alive()


def _waiting() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted)")
        return bool(cursor.fetchone()[0])


@pytest.fixture
def opened(transactional_db: None) -> Iterator[Partner]:
    """A partner with a list, committed, so that other connections see both."""
    hash_list, member = add_list(), add_member()
    open_to(member, hash_list)
    partner = Partner(member)
    partner.hash_list = hash_list  # type: ignore[attr-defined]
    yield partner


def test_a_change_that_cannot_be_seen_yet_is_waited_for(opened: Partner) -> None:
    """An import is half way while a partner polls: its entries bear an earlier time than the partner's ``to``."""
    hash_list: HashList = opened.hash_list  # type: ignore[attr-defined]
    wrote, commit, pages = threading.Event(), threading.Event(), []

    def importing() -> None:
        with transaction.atomic():
            put(hash_list, ["one"])
            wrote.set()
            assert commit.wait(60)

    with Beside(importing):
        assert wrote.wait(60)
        to = writing.stamp(clock.now(), milliseconds=True)
        with Beside(lambda: pages.append(opened.page(to=to))) as polling:
            while not _waiting():
                assert polling.running
            commit.set()
    assert [change.entry_id for change in pages[0].changes] == ["one"]


def test_a_change_that_takes_long_is_said_to_take_long(opened: Partner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sharing_queries, "PATIENCE", "20ms")
    hash_list: HashList = opened.hash_list  # type: ignore[attr-defined]
    wrote, asked = threading.Event(), threading.Event()

    def importing() -> None:
        with transaction.atomic():
            put(hash_list, ["one"])
            wrote.set()
            assert asked.wait(60)

    with Beside(importing):
        assert wrote.wait(60)
        answer = opened.get("/v2/entries")
        asked.set()
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "30")
    assert len(opened.page().changes) == 1


def test_a_poller_misses_nothing_of_imports_that_run_beside_it(opened: Partner) -> None:
    hash_list: HashList = opened.hash_list  # type: ignore[attr-defined]
    poller = Poller(opened)

    def importing() -> None:
        for number in range(40):
            names = [f"e{number}-{n}" for n in range(5)]
            with transaction.atomic():
                put(hash_list, names, classification=f"C{number}")
                put(hash_list, [f"e{number // 2}-0"], withdrawn=True)
                with connection.cursor() as cursor:
                    cursor.execute("SELECT pg_sleep(0.01)")  # written, and not to be seen yet

    with Beside(importing) as beside:
        while beside.running:
            poller.step(20)
    poller.finish()
    assert poller.known == _truth(hash_list)
    assert poller.known
