# SPDX-License-Identifier: Apache-2.0
"""A platform asks the running system what became of its report, with the credential that filed it."""

from __future__ import annotations

import csv
import io
import time
from typing import TYPE_CHECKING

import httpx

from tests.wire_client import Client

if TYPE_CHECKING:
    from tests.installation import Installation


def test_a_platform_sees_what_became_of_its_report_and_nobody_else_does(installation: Installation) -> None:
    mine, other = installation.reporter("Example Asking"), installation.reporter("Example Curious")
    base = f"{installation.base}/feedback/v1"
    client = Client(installation.base, mine)
    report = client.submit().report_id
    unfinished = httpx.get(f"{base}/reports/{report}", auth=mine, timeout=60)
    assert (unfinished.status_code, unfinished.headers["Content-Type"]) == (404, "application/problem+json")
    client.finish(report)
    assert httpx.get(f"{base}/reports/{report}", auth=other, timeout=60).content == unfinished.content
    assert httpx.get(f"{base}/reports/{report}", auth=(mine[0], other[1]), timeout=60).status_code == 401

    told = httpx.get(f"{base}/reports/{report}", auth=mine, timeout=60)
    assert told.json()["outcome"] == "received"
    assert told.headers["Cache-Control"] == "no-store"
    deadline = time.monotonic() + 120
    while not (listed := httpx.get(f"{base}/reports.json", auth=mine, timeout=60).json()["reports"]):
        assert time.monotonic() < deadline, "the worker has counted nothing"
        time.sleep(0.5)
    assert [one["reportId"] for one in listed] == [int(str(report))]
    rows = list(csv.DictReader(io.StringIO(httpx.get(f"{base}/reports.csv", auth=mine, timeout=60).text)))
    assert [(row["report_id"], row["outcome"], row["ended"]) for row in rows] == [(str(report), "received", "no")]
    assert httpx.get(f"{base}/reports.csv", auth=other, timeout=60).text.count("\n") == 1
