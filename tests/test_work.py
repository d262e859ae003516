# SPDX-License-Identifier: Apache-2.0
"""Jobs of workers that died, and jobs that failed while another of their kind waits, in the real queue."""

from __future__ import annotations

import asyncio

import pytest
from django.db import connection
from procrastinate.contrib.django import app

from nightlight.config import worker
from nightlight.trust import work

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def empty() -> None:
    """Empty the queue's tables; they are no models, so nothing else does."""
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE procrastinate_jobs, procrastinate_workers CASCADE")


def _worker(silent_for: int) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO procrastinate_workers (last_heartbeat)"
            " VALUES (now() - make_interval(secs => %s)) RETURNING id",
            [silent_for],
        )
        return int(cursor.fetchone()[0])


def _job(status: str, *, kind: str | None = None, of: int | None = None) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO procrastinate_jobs (queue_name, task_name, priority, queueing_lock, args, status, worker_id)"
            " VALUES ('steps', 'test', 0, %s, '{}', %s, %s) RETURNING id",
            [kind, status, of],
        )
        return int(cursor.fetchone()[0])


def _jobs() -> dict[int, tuple[str, int]]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, status::text, attempts FROM procrastinate_jobs")
        return {number: (status, attempts) for number, status, attempts in cursor.fetchall()}


def test_a_living_workers_job_stays_with_it() -> None:
    mine = _job("doing", of=_worker(5))
    work.give_back(silent_for=20)
    assert _jobs() == {mine: ("doing", 0)}


def test_the_jobs_of_the_dead_go_back_to_the_queue() -> None:
    silent, nobodys = _job("doing", of=_worker(25)), _job("doing")
    work.give_back(silent_for=20)
    assert _jobs() == {silent: ("todo", 1), nobodys: ("todo", 1)}


def test_of_a_kind_that_waits_at_most_once_one_goes_back() -> None:
    dead = _worker(25)
    first, other = _job("doing", kind="read", of=dead), _job("doing", kind="look", of=dead)
    _job("doing", kind="read")
    _job("doing", kind="read", of=dead)
    work.give_back(silent_for=20)
    assert _jobs() == {first: ("todo", 1), other: ("todo", 1)}


def test_where_one_of_the_kind_waits_all_the_lost_ones_are_let_go() -> None:
    waits, plain = _job("todo", kind="read"), _job("doing")
    _job("doing", kind="read")
    _job("doing", kind="read")
    work.give_back(silent_for=20)
    assert _jobs() == {waits: ("todo", 0), plain: ("todo", 1)}


def _retry(number: int) -> None:
    """Let a worker record that the job failed and is to be tried again, as it does after an error."""

    async def failed() -> None:
        with app.replace_connector(app.connector.get_worker_connector()) as ours:  # type: ignore[attr-defined]
            async with ours.open_async():
                worker.insist_on_ends(ours.job_manager)
                (job,) = [job for job in await ours.job_manager.list_jobs_async() if job.id == number]
                await ours.job_manager.retry_job(job)

    asyncio.run(failed())


def test_a_failed_job_is_let_go_where_another_of_its_kind_waits() -> None:
    waits = _job("todo", kind="read")
    _retry(_job("doing", kind="read", of=_worker(0)))
    assert _jobs() == {waits: ("todo", 0)}


def test_a_failed_job_waits_for_its_next_try() -> None:
    failed = _job("doing", kind="read", of=_worker(0))
    _retry(failed)
    assert _jobs() == {failed: ("todo", 1)}
