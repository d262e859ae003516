# SPDX-License-Identifier: Apache-2.0
"""Runs the background worker over the queue in PostgreSQL."""

from __future__ import annotations

import asyncio
import signal
import time
from typing import TYPE_CHECKING, Any, ParamSpec

import structlog
from django.db import connection
from django.db.utils import OperationalError
from procrastinate.contrib.django import app
from procrastinate.exceptions import ConnectorException, UniqueViolation

from nightlight.config.supervisor import die_with_parent
from nightlight.trust import work

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from procrastinate import App
    from procrastinate.jobs import Job
    from procrastinate.manager import JobManager

P = ParamSpec("P")
_PAUSES = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 5.0, 10.0, 10.0)  # seconds; a database is back within them

log = structlog.get_logger("worker")


def run() -> None:
    """Work until told to stop. When the database goes away, wait for it and go on."""
    die_with_parent()
    while True:
        try:
            _wait_for_database()
            with app.replace_connector(app.connector.get_worker_connector()) as ours:  # type: ignore[attr-defined]
                asyncio.run(_work(ours))
        except (KeyboardInterrupt, SystemExit):
            raise
        except Exception as failure:  # a lost database must not end the worker for good
            log.warning("worker-interrupted", why=type(failure).__name__)
            time.sleep(1)
        else:
            return


async def _work(ours: App) -> None:
    async with ours.open_async():
        insist_on_ends(ours.job_manager)
        # Alerts and the scores that raise them wait behind no other work.
        both = {
            asyncio.create_task(_run(ours, concurrency=4)),
            asyncio.create_task(_run(ours, concurrency=2, queues=["alerts", "triage"])),
        }
        stopped = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stopped.set)
        told = asyncio.create_task(stopped.wait())
        # Where one of them ends, both do: its error is raised, and run() starts both again.
        await asyncio.wait({*both, told}, return_when=asyncio.FIRST_COMPLETED)
        told.cancel()
        for one in both:
            one.cancel()  # a worker that is cancelled finishes the jobs it has begun, and takes no other
        for error in await asyncio.gather(*both, return_exceptions=True):
            if isinstance(error, Exception):
                raise error
        if not stopped.is_set():
            raise RuntimeError("a worker ended by itself")


def _run(ours: App, **how: Any) -> Coroutine[Any, Any, None]:  # noqa: ANN401 - handed through as it comes
    return ours.run_worker_async(
        fetch_job_polling_interval=2.0,
        update_heartbeat_interval=5.0,
        stalled_worker_timeout=20.0,
        delete_jobs="successful",
        install_signal_handlers=False,
        **how,
    )


def insist_on_ends(manager: JobManager) -> None:
    """Let the manager record how a job ended whatever comes between: a lost database, a job of its kind that waits."""
    manager.finish_job = _insisting(manager.finish_job)  # type: ignore[method-assign]
    again = _insisting(manager.retry_job)

    async def retry(job: Job, **how: Any) -> None:  # noqa: ANN401 - handed through as it comes
        await work.retry_or_let_go(manager, job, lambda: again(job, **how))

    manager.retry_job = retry  # type: ignore[method-assign, assignment]


def _insisting(
    record: Callable[P, Coroutine[Any, Any, None]],
) -> Callable[P, Coroutine[Any, Any, None]]:
    """Record the end of a job also when the database goes away just then.

    The worker itself outlives that, and a job whose end was never recorded would count as its running job for ever:
    no rescue takes a job from a worker that is alive.
    """

    async def insist(*args: P.args, **kwargs: P.kwargs) -> None:
        for wait in _PAUSES:
            try:
                await record(*args, **kwargs)
            except UniqueViolation:  # not the connection: another of its kind waits
                raise
            except ConnectorException as failure:
                if "not found" in f"{failure} {failure.__cause__}":  # it was recorded, and the answer was lost
                    return
                log.warning("worker-insists", why=type(failure.__cause__ or failure).__name__)
                await asyncio.sleep(wait)
            else:
                return
        await record(*args, **kwargs)

    return insist


def _wait_for_database() -> None:
    while True:
        try:
            connection.ensure_connection()
        except OperationalError:
            time.sleep(0.5)
        else:
            connection.close()
            return
