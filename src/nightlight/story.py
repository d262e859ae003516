# SPDX-License-Identifier: Apache-2.0
"""The wiring on one page: what follows what.

An action appends a custody event; this page says which tasks follow it. They are put in the queue in the same
transaction as the event, so nothing is lost between commit and queue.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nightlight.casework.attribution import prepare_tasks as addresses
from nightlight.casework.attribution import request_tasks as requests
from nightlight.casework.attribution import return_tasks as returns
from nightlight.casework.attribution import verify as attribution_verify
from nightlight.outlook.insight import tasks as insight
from nightlight.pipeline.linking import tasks as linking
from nightlight.pipeline.matching import tasks as matching
from nightlight.pipeline.routing import offer_tasks as offers
from nightlight.pipeline.routing import tasks as routing
from nightlight.pipeline.routing import verify as routing_verify
from nightlight.pipeline.routing.exchange import tasks as exchange
from nightlight.pipeline.routing.exchange import verify as exchange_verify
from nightlight.pipeline.tips import tasks as tips
from nightlight.pipeline.tips import verify as tips_verify
from nightlight.pipeline.triage import tasks as triage
from nightlight.trust import work
from nightlight.trust.accounts import verify as accounts_verify
from nightlight.trust.evidence import verify as evidence_verify
from nightlight.trust.retention import tasks as retention
from nightlight.trust.retention import verify as retention_verify
from nightlight.trust.sealed import tasks as sealed
from nightlight.trust.sealed import verify as sealed_verify
from nightlight.trust.units import verify as units_verify
from nightlight.trust.viewing import tasks as viewing
from nightlight.trust.viewing import verify as viewing_verify

if TYPE_CHECKING:
    from nightlight.trust.custody.actions import EventRef

STORY = {
    # Scored at once by what it says; again when its files and its people were compared with all others.
    "tip.received": [triage.assess, tips.read, matching.look_up, linking.link, routing.propose, addresses.prepare],
    "tip.imported": [triage.assess, matching.look_up, linking.link, routing.propose, addresses.prepare],
    "tip.told": [triage.assess, tips.read, matching.look_up, linking.link, routing.propose, addresses.prepare],
    "tip.referred-in": [triage.assess, tips.read, matching.look_up, linking.link, routing.propose, addresses.prepare],
    "tip.referred-again": [triage.assess, tips.read, linking.link, routing.propose, addresses.prepare],
    "tip.added-to": [
        *(triage.assess, tips.read, linking.link, tips.tell_of_addition, routing.propose, addresses.prepare),
        exchange.dispatch,  # of a tip that another installation has
    ],
    "routing.sign-recorded": [routing.propose],
    "tip.fingerprinted": [linking.link, triage.assess],
    "tip.rematched": [triage.assess],
    "tip.match-withdrawn": [triage.assess],
    "tip.linked": [triage.assess, insight.fill],
    "tip.addresses-looked-up": [triage.assess],  # how long operators keep what would answer is a clock of the tip
    "tip.handed-over": [triage.assess],
    "routing.sent": [offers.deliver, exchange.dispatch],
    "routing.accepted": [triage.assess, exchange.dispatch],
    "routing.bounced": [offers.reroute, exchange.dispatch],
    "routing.given-back": [triage.assess, offers.reroute, exchange.dispatch],
    "exchange.installation-compared": [exchange.dispatch],
    "exchange.package-arrived": [exchange.unpack],
    "exchange.package-released": [exchange.unpack],
    "exchange.package-retried": [exchange.renew],
    "triage.fact-recorded": [triage.assess],
    "triage.overridden": [offers.hurry],
    "triage.rulebook-saved": [triage.assess],
    "alert.raised": [triage.call],
    "tips.upload-received": [tips.import_upload],
    "return.received": [returns.read_return],
    "return.layout-confirmed": [returns.read_return],
    "return.to-read-again": [returns.read_return],
    "hashes.imported": [matching.index, matching.follow],
    "hashes.polled": [matching.index, matching.follow],
    "sealed.unsealing-asked": [sealed.answer],
    "sealed.opened": [tips.tell_owner],
    "evidence.viewing-asked": [viewing.render],
    "request.sent": [requests.remind],  # it may be recorded long after, when the answer is due already
    "person.cleared": [retention.set_apart, addresses.prepare],
    "destruction.approved": [retention.carry_out],
}


def follow(event: EventRef) -> None:
    """Put into the queue whatever follows ``event``, in its transaction."""
    for task in STORY.get(event.kind, ()):
        if task.once_sql:
            work.defer_once(task)
        else:
            task.defer(subject=event.subject)


def follow_in_sql(kind: str) -> list[str]:
    """Return the statements that put into the queue whatever follows an event of ``kind``, as part of its own.

    Raises LookupError where a task that follows needs more than a statement.
    """
    tasks = STORY.get(kind, [])
    if not all(task.once_sql for task in tasks):
        raise LookupError(f"what follows {kind} cannot be put into the queue by a statement")
    return [task.once_sql for task in tasks]


# What ``nightlight custody verify`` compares with the log, beyond the log itself.
CHECKS = (
    accounts_verify.check,
    evidence_verify.check,
    sealed_verify.check,
    units_verify.check,
    viewing_verify.check,
    retention_verify.check,
    tips_verify.check,
    tips_verify.check_summaries,
    routing_verify.check,
    exchange_verify.check,
    attribution_verify.check,
)
