# SPDX-License-Identifier: Apache-2.0
"""Files a whole world at a running installation, each platform in its own manner, and keeps the receipts."""

from __future__ import annotations

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

from nightlight.exercise.filer import Answer, Filer, Unanswered
from nightlight.exercise.patterns import CONTENT_TYPE, draw
from nightlight.exercise.plan import Ending, PlannedFile, PlannedReport
from nightlight.exercise.reporters import BY_KEY, Reporter
from nightlight.exercise.reports import write_file_details, write_report
from nightlight.foundation.clock import now

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from nightlight.exercise.expected import Expected
    from nightlight.exercise.world import World

__all__ = ["Answer", "Filed", "Filer", "Login", "Progress", "Receipt", "Unanswered", "file_world"]


@dataclass(frozen=True, slots=True)
class Login:
    """The credentials under which a platform files."""

    username: str
    password: str


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of one planned report: `ending` is None when the server left us without an answer.

    `code` and `description` come from the answer that decided, `files` pairs planned file keys with the
    server's ids, `refused_files` names files it would not take; `finished_at` is ISO 8601 in UTC.
    """

    key: str
    reporter: str
    planned: Ending
    ending: Ending | None
    report_id: int | None = None
    code: int | None = None
    description: str | None = None
    files: tuple[tuple[str, str], ...] = ()
    refused_files: tuple[str, ...] = ()
    finished_at: str = ""

    @property
    def as_planned(self) -> bool:
        """Whether the report ended as the plan said."""
        return self.ending is self.planned


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the filing has come."""

    done: int
    total: int
    receipt: Receipt


@dataclass(frozen=True, slots=True)
class Filed:
    """All receipts, in the order of the plan."""

    receipts: tuple[Receipt, ...]

    @property
    def ids(self) -> dict[str, int]:
        """The report id of every planned report that got one."""
        return {one.key: one.report_id for one in self.receipts if one.report_id is not None}

    @property
    def surprises(self) -> tuple[Receipt, ...]:
        """The receipts of reports that did not end as planned."""
        return tuple(one for one in self.receipts if not one.as_planned)

    @property
    def finished(self) -> tuple[str, ...]:
        """The planned keys of the reports that were received, in the order in which the answers came."""
        done = [one for one in self.receipts if one.ending is Ending.FINISHED]
        return tuple(one.key for one in sorted(done, key=lambda one: one.finished_at))

    @property
    def refused_files(self) -> frozenset[str]:
        """The planned keys of the files that did not arrive; a file whose description was refused did."""
        arrived = {key for one in self.receipts for key, _id in one.files}
        return frozenset(key for one in self.receipts for key in one.refused_files) - arrived

    def write_truth(self, world: World, path: Path, *, states: Mapping[str, Sequence[Expected]] | None = None) -> None:
        """Write the receipts and the ground truth of `world` to `path` as one JSON document.

        `states` are what is to be said of each file (see `expected`), under a name for each state of the lists.
        """
        receipts = json.dumps([asdict(one) for one in self.receipts], ensure_ascii=False, indent=1)
        files = json.dumps({name: [asdict(one) for one in some] for name, some in (states or {}).items()}, indent=1)
        head = f'{{"seed": {world.seed}, "now": "{world.now.isoformat()}",\n"receipts": {receipts},\n'
        path.write_text(f'{head}"states": {files},\n"truth": {world.truth.to_json()}}}\n', encoding="utf-8")


def file_world(
    world: World,
    logins: Mapping[str, Login],
    base_url: str,
    *,
    workers: int = 4,
    on_progress: Callable[[Progress], None] | None = None,
    per_second: float | None = None,
    ca_file: str | Path | None = None,
) -> Filed:
    """File every report of `world` at `base_url` and return the receipts.

    `logins` maps reporter keys (`world.reporters`) to credentials. Reports start in the order of the plan,
    `workers` at a time and at most `per_second` of them a second; one that names an earlier report waits for
    it. `on_progress` is called once per report, never twice at once. Raises ValueError when a login is
    missing or refused, Unanswered when the server cannot be reached at the start; what goes wrong later
    stands in the receipt.
    """
    return _Run(world, logins, base_url, ca_file, _Pace(per_second)).file(max(1, workers), on_progress)


class _Pace:
    """Lets reports start at an even pace."""

    def __init__(self, per_second: float | None) -> None:
        self._gap = 1 / per_second if per_second else 0.0
        self._lock = threading.Lock()
        self._next = time.monotonic()

    def wait(self) -> None:
        if not self._gap:
            return
        with self._lock:
            start = max(self._next, time.monotonic())
            self._next = start + self._gap
        time.sleep(max(0.0, start - time.monotonic()))


class _Run:
    """One filing of one world."""

    def __init__(
        self,
        world: World,
        logins: Mapping[str, Login],
        base_url: str,
        ca_file: str | Path | None,
        pace: _Pace,
    ) -> None:
        self._reports = world.reports
        self._logins, self._base_url, self._ca_file, self._pace = logins, base_url, ca_file, pace
        self._local = threading.local()
        self._lock = threading.Lock()
        self._filers: list[Filer] = []
        self._settled = {report.key: threading.Event() for report in world.reports}
        self._finished: dict[str, int] = {}
        self._done = 0

    def file(self, workers: int, on_progress: Callable[[Progress], None] | None) -> Filed:
        try:
            self._check_logins()
            with ThreadPoolExecutor(workers) as pool:
                futures = [pool.submit(self._one, report, on_progress) for report in self._reports]
                try:
                    return Filed(tuple(future.result() for future in futures))
                except BaseException:
                    pool.shutdown(wait=False, cancel_futures=True)
                    raise
        finally:
            for filer in self._filers:
                filer.close()

    def _check_logins(self) -> None:
        for key in sorted({report.reporter for report in self._reports}):
            if key not in self._logins:
                raise ValueError(f"no login for the reporter {key}")
            answer = self._filer(key).status()
            if not answer.ok:
                raise ValueError(f"the login of the reporter {key} was refused (HTTP {answer.http_status})")

    def _filer(self, reporter: str) -> Filer:
        """Return this thread's connection for that reporter."""
        mine: dict[str, Filer] = self._local.__dict__.setdefault("filers", {})
        if reporter not in mine:
            login = self._logins[reporter]
            mine[reporter] = Filer(self._base_url, login.username, login.password, ca_file=self._ca_file)
            with self._lock:
                self._filers.append(mine[reporter])
        return mine[reporter]

    def _one(self, report: PlannedReport, on_progress: Callable[[Progress], None] | None) -> Receipt:
        try:
            # Work is taken in the order of the plan, so whoever we wait for is already being filed.
            for earlier in (*report.prior, *((report.duplicate_of,) if report.duplicate_of else ())):
                self._settled[earlier].wait()
            self._pace.wait()
            receipt = replace(self._attempt(report), finished_at=now().isoformat())
            if receipt.ending is Ending.FINISHED and receipt.report_id is not None:
                self._finished[report.key] = receipt.report_id
        finally:
            self._settled[report.key].set()
        with self._lock:
            self._done += 1
            if on_progress is not None:
                on_progress(Progress(self._done, len(self._reports), receipt))
        return receipt

    def _attempt(self, report: PlannedReport) -> Receipt:
        """File once, and once more from the start when an upload was lost on the way."""
        filer, reporter = self._filer(report.reporter), BY_KEY[report.reporter]
        nothing = Receipt(report.key, report.reporter, report.ending, None)
        reason = ""
        for _ in range(2):
            try:
                answer = filer.submit(write_report(report, self._finished), charset=reporter.dialect.charset)
                if not answer.ok or answer.report_id is None:
                    return _decided(nothing, Ending.REFUSED, answer)
                opened = replace(nothing, report_id=answer.report_id)
                try:
                    return _complete(filer, reporter, report, _send_files(filer, reporter, report, opened))
                except Unanswered:
                    filer.retract(answer.report_id)
                    raise
            except Unanswered as error:
                reason = str(error)
        return replace(nothing, description=reason)


def _decided(receipt: Receipt, ending: Ending, answer: Answer) -> Receipt:
    return replace(receipt, ending=ending, code=answer.code, description=answer.description)


def _send_files(filer: Filer, reporter: Reporter, report: PlannedReport, receipt: Receipt) -> Receipt:
    """Upload and describe the files of an open report."""
    for file in report.files:
        answer = _upload(filer, reporter, receipt.report_id or 0, file)
        if not answer.ok or answer.file_id is None:
            receipt = replace(receipt, refused_files=(*receipt.refused_files, file.key))
            continue
        receipt = replace(receipt, files=(*receipt.files, (file.key, answer.file_id)))
        if file.described:
            details = write_file_details(report, file, receipt.report_id or 0, answer.file_id)
            if not filer.fileinfo(details, charset=reporter.dialect.charset).ok:
                receipt = replace(receipt, refused_files=(*receipt.refused_files, file.key))
    return receipt


def _upload(filer: Filer, reporter: Reporter, report_id: int, file: PlannedFile) -> Answer:
    return filer.upload(
        report_id,
        draw(file.picture),
        name=file.name if reporter.dialect.names_parts else None,
        content_type=CONTENT_TYPE[file.picture.suffix],
        file_first=reporter.dialect.file_first,
    )


def _complete(filer: Filer, reporter: Reporter, report: PlannedReport, receipt: Receipt) -> Receipt:
    """End an open report as planned; one that the server will not finish is withdrawn."""
    report_id, urlencoded = receipt.report_id or 0, reporter.dialect.urlencoded_finish
    if report.ending is Ending.LEFT_OPEN:
        return replace(receipt, ending=Ending.LEFT_OPEN)
    if report.ending is Ending.RETRACTED:
        answer = filer.retract(report_id, urlencoded=urlencoded)
        return _decided(receipt, Ending.RETRACTED if answer.ok else Ending.REFUSED, answer)
    answer = filer.finish(report_id, urlencoded=urlencoded)
    if answer.ok:
        return _decided(receipt, Ending.FINISHED, answer)
    filer.retract(report_id, urlencoded=urlencoded)
    return _decided(receipt, Ending.REFUSED, answer)
