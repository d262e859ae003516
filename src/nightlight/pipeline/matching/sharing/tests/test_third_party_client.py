# SPDX-License-Identifier: Apache-2.0
"""The `threatexchange` package, unmodified, reads what we write, and writes what we read."""

from __future__ import annotations

import xml.etree.ElementTree as ET  # what that package reads with
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given

from nightlight.pipeline.matching.sharing import reading, writing
from nightlight.pipeline.matching.sharing.offered import offered
from nightlight.pipeline.matching.sharing.terms import Change, Entry, Media, Member, Negative, Status, Submission

from . import rows
from .hash_server import PASSWORD, USERNAME, serving

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

hash_api: ModuleType = pytest.importorskip("threatexchange.exchanges.clients.ncmec.hash_api")


def wrapped(body: bytes) -> Any:  # noqa: ANN401  the package is untyped to us
    """The document as that client sees it: without the namespace."""
    root = ET.fromstring(body)
    for element in root.iter():
        element.tag = element.tag.partition("}")[2]
    return hash_api._XMLWrapper(root)


def as_they_see(change: Change) -> tuple[object, ...]:
    """What the client makes of a change: the identity, medium, state, label, values and votes."""
    if not isinstance(change, Entry):
        return (change.entry_id, change.member_id, change.media.value, True, None, {}, {})
    votes: dict[str, list[tuple[str, int, str, str]]] = {}
    for said in change.feedback:
        mine = votes.setdefault(said.type, [])
        if isinstance(said, Negative):
            for objection in said.objections:
                mine += [("downvote", one.id, one.name, objection.reason.name) for one in objection.members]
        else:
            mine += [("upvote", one.id, one.name, "") for one in said.members]
    # Nothing of `large`: an element without text is passed over.
    return (
        change.entry_id,
        change.member_id,
        change.media.value,
        False,
        change.classification,
        dict(change.fingerprints),
        votes,
    )


def as_they_read(update: Any) -> tuple[object, ...]:  # noqa: ANN401
    votes = {
        kind: [(vote.feedback_type.value, vote.member.esp_id, vote.member.esp_name, vote.reason) for vote in given_]
        for kind, given_ in update.feedback.items()
    }
    if update.deleted:
        assert votes == {}
    return (
        update.id,
        update.member_id,
        update.entry_type.value,
        update.deleted,
        update.classification,
        update.fingerprints,
        votes,
    )


@given(rows.changes)
def test_its_reader_gets_the_same_entries(changes: list[Change]) -> None:
    found = hash_api.GetEntriesResponse.from_xml(wrapped(writing.query_result(changes, "/v2/entries?start=2")), 0)
    ordered = [change for medium in Media for change in changes if change.media is medium]
    assert [as_they_read(update) for update in found.updates] == [as_they_see(change) for change in ordered]
    assert found.next == "/v2/entries?start=2"
    assert found.max_timestamp == int(max((change.timestamp.timestamp() for change in changes), default=0))


def test_its_reader_gets_who_it_is_and_who_shares() -> None:
    answer = Status("192.0.2.7", "someone", Member(7, "Example Member"))
    me = hash_api.StatusResult.from_xml(wrapped(writing.status(answer))["member"])
    assert (me.esp_id, me.esp_name) == (7, "Example Member")
    listed = [hash_api.StatusResult.from_xml(one) for one in wrapped(writing.members([Member(7, "A"), Member(8)]))]
    assert [(one.esp_id, one.esp_name) for one in listed] == [(7, "A"), (8, "Member 8")]


def test_it_pages_through_a_real_server_at_an_address_of_our_own(environment: Callable[[str], object]) -> None:
    changes: list[Change] = [rows.entry(number, number % 7) for number in range(25)]
    changes += [rows.tombstone(100, 3), rows.entry(101, 4, media=Media.VIDEO)]
    with serving(changes, size=10) as (base, desk):
        client = hash_api.NCMECHashAPI(USERNAME, PASSWORD, environment(base))
        start = int(rows.START.timestamp())
        pages = list(client.get_entries_iter(start_timestamp=start - 1, end_timestamp=start + 100))
        assert [len(page.updates) for page in pages] == [10, 10, 7]
        read = sorted(as_they_read(update)[:6] for page in pages for update in page.updates)
        assert read == sorted(as_they_see(change)[:6] for change in changes)
        assert client.status().esp_name == "Example Platform"
        assert [member.esp_id for member in client.members()] == [7, 12]
        client.submit_upvote(7, "entry-1", hash_api.FingerprintType.md5)
        (reason, *_) = offered().against("PDQ")
        client.submit_feedback(7, "entry-2", hash_api.FingerprintType.pdq, hash_api.FeedbackType.downvote, reason.guid)
        assert [(path, reading.submission(body)) for path, body in desk.feedback] == [
            ("/v2/entries/7/entry-1/MD5/feedback", Submission(affirmative=True)),
            ("/v2/entries/7/entry-2/PDQ/feedback", Submission(affirmative=False, reasons=(reason.guid,))),
        ]


def test_its_whole_exchange_ends_with_what_we_share(environment: Callable[[str], object]) -> None:
    exchange = pytest.importorskip("threatexchange.exchanges.impl.ncmec_api")
    hour_ago = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
    shared: list[Change] = [replace(rows.entry(n), timestamp=hour_ago + timedelta(seconds=n // 4)) for n in range(250)]
    shared[3] = replace(rows.tombstone(3), timestamp=hour_ago + timedelta(minutes=30))
    with serving(shared, size=100) as (base, desk):
        collaboration = exchange.NCMECCollabConfig(name="ours", environment=environment(base))
        theirs = exchange.NCMECSignalExchangeAPI(collaboration, USERNAME, PASSWORD)
        got: dict[str, Any] = {}
        for delta in theirs.fetch_iter([], None):
            for key, update in delta.updates.items():
                got[key] = theirs.fetch_value_merge(got.get(key), update)
        assert delta.checkpoint.paging_info is None
        assert any("start=101" in target for target in desk.asked)
    assert set(got) == {f"{change.member_id}-{change.entry_id}" for change in shared}
    assert [key for key, update in got.items() if update is None] == ["7-entry-3"]
    for change in shared:
        if isinstance(change, Entry):
            assert as_they_read(got[f"7-{change.entry_id}"]) == as_they_see(change)


def test_it_stops_at_the_documented_reasons_and_reads_the_doubled_ones(environment: Callable[[str], object]) -> None:
    names = {reason.guid: reason.name for reason in offered().against("MD5")}
    with serving([]) as (base, desk):
        client = hash_api.NCMECHashAPI(USERNAME, PASSWORD, environment(base))
        with pytest.raises(IndexError):
            client.feedback_reasons(hash_api.FingerprintType.md5)
        desk.doubled = True
        assert client.feedback_reasons(hash_api.FingerprintType.md5) == names
