# SPDX-License-Identifier: Apache-2.0
"""Background steps of matching; each is safe to run twice. Those that write about files run one at a time."""

from __future__ import annotations

from nightlight.foundation import clock
from nightlight.pipeline.matching import following, list_actions, looking_up, polling_lists, serving
from nightlight.trust import work


@work.task(acts_as="matching", queue="matching", once=True, every="* * * * *", alone="matching")
def look_up() -> None:
    """Look up the files of every received tip that waits, newest first; after a while others get their turn."""
    more = looking_up.look_up_new(by=work.SERVICE, now=clock.now)
    work.wait_for_those_under_way()
    if more or looking_up.waiting():
        work.defer_once(look_up)


@work.task(acts_as="matching", queue="matching", once=True, every="* * * * *", alone="matching")
def follow() -> None:
    """Compare the files that are here with what changed on lists."""
    if following.follow(by=work.SERVICE, now=clock.now):
        work.defer_once(follow)


@work.task(acts_as="matching", queue="matching", once=True, every="*/5 * * * *", alone="matching-index")
def index() -> None:
    """Build the index of lists anew when much has changed since it was built."""
    serving.build_if_due()


@work.task(acts_as="lists", every="* * * * *", alone="hashes-poll", queue="lists")
def poll() -> None:
    """Poll every list whose time has come; tell as failed what a killed process left half read."""
    list_actions.close_abandoned()
    polling_lists.poll_due(by=work.SERVICE)
