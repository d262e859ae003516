# SPDX-License-Identifier: Apache-2.0
"""Which engine joins events with logs: this machine, or Spark by a setting. Both give the same pairs.

`nightlight logs match` reads the settings and hands them over: `NIGHTLIGHT_LOG_ENGINE` (local or spark) and, for Spark,
`NIGHTLIGHT_SPARK_MASTER` (`local[*]`, `spark://host:7077`, `yarn`, `k8s://...`).
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from enum import StrEnum
from importlib.util import find_spec
from os import environ
from typing import TYPE_CHECKING, Protocol

from . import vector

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .column_files import Events, Log
    from .vector import Pairs


class EngineName(StrEnum):
    """What the setting may say."""

    LOCAL = "local"
    SPARK = "spark"


class NoEngine(Exception):
    """The engine asked for does not exist or cannot run here; `code` says why."""

    def __init__(self, code: str, explanation: str) -> None:
        super().__init__(explanation)
        self.code = code


class Engine(Protocol):
    """Whoever joins."""

    def join(self, events: Events, log: Log) -> Pairs:
        """All matches of the events with the log. Raises WrongColumns, OSError."""

    def close(self) -> None:
        """Give back what it holds; it may be asked no more."""


@dataclass(frozen=True)
class Local:
    """One pass over the log in this process."""

    threads: int = vector.THREADS

    def join(self, events: Events, log: Log) -> Pairs:
        return vector.join(events, log, threads=self.threads)

    def close(self) -> None:
        """It holds nothing."""


# What one session needs of Spark; a cluster's own settings come from its own files, and from `options`.
_OPTIONS = {
    "spark.ui.enabled": "false",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.parquet.enableVectorizedReader": "true",
}


@dataclass(frozen=True)
class Spark:
    """One Spark session, started at the first join."""

    master: str = "local[*]"
    options: Mapping[str, str] = field(default_factory=dict)

    def join(self, events: Events, log: Log) -> Pairs:
        from pyspark.sql import SparkSession

        from . import spark

        building = SparkSession.builder.master(self.master).appName("nightlight")
        for name, value in {**_OPTIONS, **self.options}.items():
            building = building.config(name, value)
        return spark.join(building.getOrCreate(), events, log)

    def close(self) -> None:
        from pyspark.sql import SparkSession

        if (session := SparkSession.getActiveSession()) is not None:
            session.stop()


def engine(name: str, *, master: str = "local[*]", options: Mapping[str, str] | None = None) -> Engine:
    """The engine of that name. Raises NoEngine: unknown-engine, no-pyspark, no-java."""
    if name not in {each.value for each in EngineName}:
        raise NoEngine("unknown-engine", f"There is no log engine {name!r}: it is local or spark.")
    if name == EngineName.LOCAL:
        return Local()
    if find_spec("pyspark") is None:
        raise NoEngine("no-pyspark", "The log engine is spark, and the package pyspark is not installed.")
    if not has_java():
        raise NoEngine("no-java", "The log engine is spark, and there is no Java (17 or later) here.")
    return Spark(master, options or {})


def has_java() -> bool:
    """Whether a Java runtime is where Spark looks for it."""
    return bool(shutil.which("java") or shutil.which(f"{environ.get('JAVA_HOME', '/nowhere')}/bin/java"))
