# SPDX-License-Identifier: Apache-2.0
"""Runs the background worker over the queue in PostgreSQL."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import structlog
from django.db import connection
from django.db.utils import OperationalError
from procrastinate.contrib.django import app

from nightlight.config.supervisor import die_with_parent

if TYPE_CHECKING:
    from procrastinate import App

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
        await ours.run_worker_async(
            concurrency=2,
            fetch_job_polling_interval=2.0,
            update_heartbeat_interval=5.0,
            stalled_worker_timeout=20.0,
            delete_jobs="successful",
            install_signal_handlers=True,
        )


def _wait_for_database() -> None:
    while True:
        try:
            connection.ensure_connection()
        except OperationalError:
            time.sleep(0.5)
        else:
            connection.close()
            return
