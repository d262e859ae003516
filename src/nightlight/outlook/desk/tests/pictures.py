# SPDX-License-Identifier: Apache-2.0
"""Tips with a file that can be shown: gradients only, received the way real ones are."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from nightlight.foundation import clock
from nightlight.outlook.desk.tests import cast
from nightlight.pipeline.tips import actions, intake, summarising
from nightlight.pipeline.tips.models import Tip
from nightlight.trust.evidence.models import Item
from nightlight.trust.evidence.vault import current_vault
from nightlight.trust.viewing import preparing
from nightlight.trust.viewing.tests import files

if TYPE_CHECKING:
    from datetime import datetime

    from django.http import HttpResponse
    from django.test import Client

REASON = {"reason_kind": "urgency", "reason": "The words do not say what is in it"}
DETAILS = """<fileDetails><reportId>{report}</reportId><fileId>{file}</fileId>
<fileViewedByEsp>{viewed}</fileViewedByEsp>{more}</fileDetails>"""


def gradient(width: int = 160) -> bytes:
    """A gradient, as a PNG."""
    return files.saved(files.gradient(width), "PNG")


def tip_with_file(
    desk: cast.Desk, body: bytes, *, viewed: str = "true", more: str = "", at: datetime = cast.NOON
) -> tuple[Tip, Item]:
    """A finished and read report with this one file."""
    report_id, public_id = desk.opened(cast.PLAIN, at)
    with current_vault().stage() as staging:
        staging.write(body)
        sealed = staging.seal()
    file_id, _md5 = actions.add_file(by=desk.by, at=at, report_id=report_id, sealed=sealed, name_as_sent="pattern.png")
    details = DETAILS.format(report=report_id, file=file_id, viewed=viewed, more=more).encode()
    actions.describe_file(by=desk.by, at=at, body=details, settings=intake.settings(), note=lambda _report: None)
    actions.finish(by=desk.by, at=at + timedelta(seconds=2), report_id=report_id)
    tip = Tip.objects.get(public_id=public_id)
    summarising.summarise([tip], by="service:worker", at=at)
    return tip, Item.objects.get(tip_file__tip=tip)


def ask(client: Client, tip: Tip, **more: str) -> HttpResponse:
    """Ask to look at the only file of a tip."""
    return client.post(f"/tips/{tip.public_id}/files/1/", {**REASON, **more})  # type: ignore[return-value]


def prepare(item: Item) -> int:
    """Do what the background worker does."""
    return preparing.prepare(by="service:worker", now=clock.now, item=item.public_id)


def opened(client: Client, tip: Tip, item: Item) -> str:
    """Ask, have it prepared, and return the address of the viewing."""
    answer = ask(client, tip)
    assert answer.status_code == 302, answer.content.decode()
    assert prepare(item) == 1
    return answer.headers["Location"]
