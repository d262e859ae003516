# SPDX-License-Identifier: Apache-2.0
"""Background work: our own thin names over procrastinate, whose queue lives in the same PostgreSQL.

A task is deferred inside the caller's transaction, so it exists if and only if what caused it was committed.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Protocol, cast

from django.db import connections
from procrastinate import RetryStrategy
from procrastinate.contrib.django import app

if TYPE_CHECKING:
    from collections.abc import Callable

    from procrastinate import JobContext

SERVICE = "service:worker"
# After the last try a job stays in the queue as failed, where an administrator sees it and can start it again.
_RETRY = RetryStrategy(max_attempts=8, exponential_wait=2)


class Task(Protocol):
    """A function that can be run later by the worker."""

    def defer(self, **arguments: str | int) -> int:
        """Put the task into the queue inside the current transaction; return the job's number."""

    def __call__(self, **arguments: str | int) -> None:
        """Run the task now."""


def task(*, every: str = "", queue: str = "steps", alone: str = "") -> Callable[[Callable[..., None]], Task]:
    """Make a function a task; ``every`` is a cron line for tasks the worker starts by itself.

    ``alone`` names a lock: tasks that share it never run at the same time. Every task must be safe to run
    twice, because a worker can die after the work and before saying so.
    """

    def wrap(function: Callable[..., None]) -> Task:
        @functools.wraps(function)
        def run(timestamp: int = 0, **arguments: str | int) -> None:
            try:
                function(**arguments)
            finally:
                connections.close_all()  # hand the thread's connection back to the pool

        name = f"{function.__module__.removeprefix('nightlight.')}.{function.__name__}"
        made = app.task(name=name, queue=queue, retry=_RETRY, lock=alone or None)(run)
        if every:
            app.periodic(cron=every)(made)
        return cast("Task", made)

    return wrap


@app.periodic(cron="* * * * *")
@app.task(name="work.rescue", queue="custody", pass_context=True)
async def rescue(context: JobContext, timestamp: int) -> None:
    """Give the jobs of workers that died back to the queue, once their heartbeat has been silent for 20 s."""
    manager = context.app.job_manager
    for job in await manager.get_stalled_jobs(seconds_since_heartbeat=20):
        await manager.retry_job(job)
