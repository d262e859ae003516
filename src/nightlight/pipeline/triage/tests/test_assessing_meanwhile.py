# SPDX-License-Identifier: Apache-2.0
"""What somebody writes about a tip while it is being scored is counted, whichever of the two comes first.

Two connections, held at the points that matter by events; every wait has its end, in Python and in the database, so
that a mistake fails and never hangs.
"""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from django.db import connection, connections, transaction

from nightlight.pipeline.matching.models import Progress as LookedUp
from nightlight.pipeline.triage import assessing, gathering, rules
from nightlight.pipeline.triage.models import OfficerFact, Score, Standing, Waiting
from nightlight.pipeline.triage.tests import cast
from nightlight.trust.units.tests import staff

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from nightlight.pipeline.tips.models import Tip
    from nightlight.pipeline.triage.gathering import Known

pytestmark = pytest.mark.django_db(transaction=True)
LONGEST = 15.0  # seconds until a wait is a failure


def bounded() -> None:
    """Let nothing in this connection wait for ever."""
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = '10s'; SET lock_timeout = '8s'")


@contextmanager
def beside(work: Callable[[], None]) -> Iterator[threading.Thread]:
    """Do something in a thread with a connection of its own; its failure is ours."""
    failed: list[BaseException] = []

    def run() -> None:
        try:
            bounded()
            work()
        except BaseException as error:
            failed.append(error)
        finally:
            connections.close_all()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield thread
    finally:
        thread.join(LONGEST)
        assert not thread.is_alive(), "it still waits"
        if failed:
            raise failed[0]


def wait(event: threading.Event) -> None:
    """Wait for the other side, and not for ever."""
    assert event.wait(LONGEST), "the other side never came here"


def somebody_waits_for_a_lock() -> bool:
    """Whether the database says so within the time that a test may take."""
    end = time.monotonic() + LONGEST
    while time.monotonic() < end:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
            )
            if cursor.fetchone() != (0,):
                return True
        time.sleep(0.01)
    return False


def prior_record(of: Tip) -> object:
    """What the last score says of this fact."""
    return rules.from_json(Score.objects.get(tip=of).body).inputs["prior_record"]


class Scene:
    """Two tips that wait, and an officer who finds out something about the first."""

    def __init__(self) -> None:
        chat = cast.reporter()
        self.officer = staff.person("Asha", "triage-officer")
        self.tip, self.other = cast.tip(chat), cast.tip(chat)

    def match(self) -> None:
        """Its files were compared with the lists."""
        states = dict.fromkeys(("measured", "known", "near", "disputed", "seen", "new"), 0)
        LookedUp.objects.create(
            tip=self.tip, version=1, digests_at=cast.NOON, finished_at=cast.NOON, **{**states, "files": 1, "new": 1}
        )

    def find_out(self) -> None:
        """Record the fact, as the action does."""
        OfficerFact.objects.create(
            tip=self.tip, fact="prior_record", value=True, reason=cast.WHY, by=self.officer, at=cast.NOON
        )


@pytest.fixture
def scene() -> Iterator[Scene]:
    """The scene, with an end to every wait of this connection."""
    bounded()
    yield Scene()
    with connection.cursor() as cursor:
        cursor.execute("RESET statement_timeout; RESET lock_timeout")


def test_a_tip_about_which_somebody_is_writing_is_passed_over_and_scored_with_what_they_write(scene: Scene) -> None:
    written, done = threading.Event(), threading.Event()

    def write() -> None:
        with transaction.atomic():
            scene.find_out()
            written.set()
            wait(done)

    with beside(write):
        wait(written)
        left = assessing.assess_new(by=cast.BY, now=lambda: cast.NOON)
        done.set()
        # Passed over, not failed: nobody is told of a tip that cannot be scored.
        assert left == (False, {scene.tip.pk})
    assert list(Standing.objects.values_list("tip_id", flat=True)) == [scene.other.pk]
    assert Waiting.objects.get().failed_times == 0
    cast.assess()
    assert prior_record(scene.tip) is True


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[threading.Event, threading.Event]]:
    """Scoring stops where everything was read and nothing written: the first event says so, the second lets it go."""
    read, go = threading.Event(), threading.Event()
    real = gathering.gather

    def gather(tips: list[Tip], at: object) -> list[Known]:
        known = real(tips, at)  # type: ignore[arg-type]
        read.set()
        wait(go)
        return known

    monkeypatch.setattr(gathering, "gather", gather)
    yield read, go
    go.set()


def _score() -> None:
    assessing.assess([*Waiting.objects.values_list("tip_id", flat=True)], by=cast.BY, at=cast.NOON)


@pytest.mark.parametrize("what", ["find_out", "match"])
def test_what_is_written_after_everything_was_read_has_the_tip_wait_again(
    scene: Scene, held: tuple[threading.Event, threading.Event], what: str
) -> None:
    read, go = held
    with beside(_score):
        wait(read)
        with beside(getattr(scene, what)):  # its trigger finds the entry that is being taken away, and waits for that
            assert somebody_waits_for_a_lock()
            go.set()
    assert prior_record(scene.tip) is None  # scored by what was read
    assert list(Waiting.objects.values_list("tip_id", flat=True)) == [scene.tip.pk]
    cast.assess()
    assert prior_record(scene.tip) is (True if what == "find_out" else None)


def test_the_same_of_a_tip_that_is_scored_by_the_clock_and_waited_in_no_list(
    scene: Scene, held: tuple[threading.Event, threading.Event]
) -> None:
    read, go = held
    go.set()
    cast.assess()
    assert not Waiting.objects.exists()
    read.clear()
    go.clear()

    def score() -> None:
        assessing.assess([scene.tip.pk], by=cast.BY, at=cast.NOON)

    with beside(score):
        wait(read)
        scene.find_out()  # nobody holds anything it needs: it does not wait for the step
        assert list(Waiting.objects.values_list("tip_id", flat=True)) == [scene.tip.pk]
        go.set()
    assert prior_record(scene.tip) is None
    assert list(Waiting.objects.values_list("tip_id", flat=True)) == [scene.tip.pk]
    cast.assess()
    assert prior_record(scene.tip) is True


def test_a_score_that_comes_to_nothing_leaves_the_tip_waiting(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object, **__: object) -> None:
        raise RuntimeError("the worker dies here")

    monkeypatch.setattr("nightlight.pipeline.triage.standing.place", fails)
    with pytest.raises(RuntimeError):
        _score()
    assert set(Waiting.objects.values_list("tip_id", flat=True)) == {scene.tip.pk, scene.other.pk}
    assert not Score.objects.exists()


def test_who_stands_beside_is_due_by_the_clock_where_somebody_else_is_writing_them_down(scene: Scene) -> None:
    """A list that somebody holds open holds up no score, and no tip is forgotten if they write nothing in the end."""
    cast.assess()
    Score.objects.update(due_at=None)
    written, done = threading.Event(), threading.Event()

    def write() -> None:
        with transaction.atomic():
            scene.find_out()
            written.set()
            wait(done)
            transaction.set_rollback(True)

    with beside(write):
        wait(written)
        with transaction.atomic():
            assessing._wait_again({scene.tip.pk, scene.other.pk}, at=cast.NOON)
        done.set()
    assert not Waiting.objects.exists()
    assert set(Score.objects.filter(due_at=cast.NOON).values_list("tip_id", flat=True)) == {
        scene.tip.pk, scene.other.pk,
    }  # fmt: skip
