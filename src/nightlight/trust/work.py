# SPDX-License-Identifier: Apache-2.0
"""Background work: our own thin names over procrastinate, whose queue lives in the same PostgreSQL.

A task is deferred inside the caller's transaction, so it exists if and only if what caused it was committed.
"""

from __future__ import annotations

import contextlib
import functools
import time
from typing import TYPE_CHECKING, Protocol, cast

from django.db import IntegrityError, connection, connections, transaction
from procrastinate import RetryStrategy
from procrastinate.contrib.django import app
from procrastinate.exceptions import UniqueViolation
from procrastinate.jobs import Status

from nightlight.trust import identity

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from procrastinate.jobs import Job
    from procrastinate.manager import JobManager

SERVICE = "service:worker"
# After the last try a job stays in the queue as failed, where an administrator sees it and can start it again.
_RETRY = RetryStrategy(max_attempts=8, exponential_wait=2)
# What comes round by itself is tried again soon: while one waits for its next try, no other of its kind is begun.
_SOON = RetryStrategy(max_attempts=8, linear_wait=2)
# One job that waits is enough for a task that takes all there is to do; the lock is unique among waiting jobs. Where
# another transaction is putting one there just now, its job will do (see wait_for_those_under_way): waiting for it
# cost time, and two that put several there in different orders waited for one another for ever (a deadlock).
_DEFER_ONCE = """
SELECT procrastinate_defer_jobs_v1(ARRAY[ROW('{queue}', '{name}', 0, {lock}, '{name}', '{{}}', NULL)
                                        ::procrastinate_job_to_defer_v1])
WHERE pg_try_advisory_xact_lock(hashtextextended('queue {name}', 0))
  AND NOT EXISTS (SELECT 1 FROM procrastinate_jobs WHERE queueing_lock = '{name}' AND status = 'todo')
"""
# Which lost jobs share a queueing lock is decided before the statement writes: the first goes back, unless one waits.
_GIVE_BACK = """
WITH lost AS (
    SELECT job.id, job.queueing_lock FROM procrastinate_jobs job
    LEFT JOIN procrastinate_workers worker ON worker.id = job.worker_id
    WHERE job.status = 'doing'
      AND (worker.id IS NULL OR worker.last_heartbeat < now() - make_interval(secs => %s))
    ORDER BY job.id FOR UPDATE OF job SKIP LOCKED
), back AS (
    SELECT min(lost.id) AS id FROM lost
    WHERE NOT EXISTS (SELECT 1 FROM procrastinate_jobs waiting
                      WHERE waiting.status = 'todo' AND waiting.queueing_lock = lost.queueing_lock)
    GROUP BY coalesce(lost.queueing_lock, lost.id::text)
), gone AS (
    DELETE FROM procrastinate_jobs
    WHERE id IN (SELECT id FROM lost EXCEPT SELECT id FROM back)
)
UPDATE procrastinate_jobs SET status = 'todo', attempts = attempts + 1, scheduled_at = now()
WHERE id IN (SELECT id FROM back)
"""


class Task(Protocol):
    """A function that can be run later by the worker."""

    once_sql: str

    def defer(self, **arguments: str | int) -> int:
        """Put the task into the queue inside the current transaction; return the job's number."""

    def __call__(self, **arguments: str | int) -> None:
        """Run the task now."""


def task(
    *, acts_as: str, every: str = "", queue: str = "steps", alone: str = "", once: bool = False
) -> Callable[[Callable[..., None]], Task]:
    """Make a function a task; ``every`` is a cron line for tasks the worker starts by itself.

    ``acts_as`` names the step towards the database, which lets it do what the step needs and nothing else.
    ``alone`` names a lock: tasks that share it never run at the same time. ``once`` marks a task without arguments
    that takes all there is to do: while one waits, no second is put into the queue (``once_sql`` puts it there).
    Every task must be safe to run twice, because a worker can die after the work and before saying so.
    """

    def wrap(function: Callable[..., None]) -> Task:
        @functools.wraps(function)
        def run(timestamp: int = 0, **arguments: str | int) -> None:  # timestamp: when a periodic task was due
            try:
                with identity.acting_as(service=acts_as):
                    function(**arguments)
            finally:
                connections.close_all()  # hand the thread's connection back to the pool

        name = f"{function.__module__.removeprefix('nightlight.')}.{function.__name__}"
        waits_once = name if once or every else None
        made = app.task(
            name=name, queue=queue, retry=_SOON if every else _RETRY, lock=alone or None, queueing_lock=waits_once
        )(run)
        if every:
            app.periodic(cron=every)(made)
        lock = f"'{alone}'" if alone else "NULL"
        told = cast("Task", made)
        told.once_sql = _DEFER_ONCE.format(queue=queue, name=name, lock=lock) if once else ""
        return told

    return wrap


def defer_once(task: Task) -> None:
    """Put a task of the kind ``once`` into the queue in the current transaction, unless one waits there."""
    with contextlib.suppress(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(task.once_sql)


def wait_for_those_under_way(*, patience: float = 10.0) -> None:
    """Wait until every transaction that was open at the call has ended, at most ``patience`` seconds.

    A task of the kind ``once`` calls this before its last look: a transaction that found the task waiting, and so
    did not put a second one into the queue, may commit its rows only after the task has looked. All that begin
    later find no task waiting, and put a new one there.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint")
        (newest,) = cursor.fetchone()
        end = time.monotonic() + patience
        while time.monotonic() < end:
            cursor.execute("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint >= %s", [newest])
            if cursor.fetchone()[0]:
                return
            time.sleep(0.01)


@app.periodic(cron="* * * * * */15")
@app.task(name="work.rescue", queue="custody", queueing_lock="work.rescue")
def rescue(timestamp: int = 0) -> None:
    """Give the jobs of workers that died back to the queue, once their heartbeat has been silent for 20 s."""
    try:
        give_back(silent_for=20)
    finally:
        connections.close_all()


def give_back(*, silent_for: float) -> None:
    """Give back to the queue what workers did whose heartbeat has been silent for ``silent_for`` seconds.

    Of a kind that waits at most once (a queueing lock), one is enough: the others are let go. It is one statement,
    so that rescues which run at the same time leave no job to both, and a job that one cannot take stops no other.
    """
    with connection.cursor() as cursor:
        cursor.execute(_GIVE_BACK, [silent_for])


async def retry_or_let_go(manager: JobManager, job: Job, retry: Callable[[], Awaitable[None]]) -> None:
    """Put a failed job back into the queue, or let it go where another of its kind waits there (a queueing lock)."""
    try:
        await retry()
    except UniqueViolation:
        await manager.finish_job(job, status=Status.ABORTED, delete_job=True)
