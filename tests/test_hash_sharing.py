# SPDX-License-Identifier: Apache-2.0
"""A running installation, pulled and answered by the client of the threatexchange package as it is published."""

from __future__ import annotations

import random
import time
from base64 import b64encode
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

import httpx
import psycopg
import pytest

from nightlight.config import postgres
from nightlight.pipeline.matching.sharing import terms
from nightlight.pipeline.matching.sharing.offered import offered

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from threatexchange.exchanges.clients.ncmec.hash_api import NCMECEntryUpdate, NCMECHashAPI
    from threatexchange.exchanges.impl.ncmec_api import NCMECCheckpoint

    from tests.installation import Installation

hash_api = pytest.importorskip("threatexchange.exchanges.clients.ncmec.hash_api", reason="the group peers is absent")
ncmec_api = pytest.importorskip("threatexchange.exchanges.impl.ncmec_api")
pdq_signal = pytest.importorskip("threatexchange.signal_type.pdq.signal").PdqSignal
video_signal = pytest.importorskip("threatexchange.signal_type.md5").VideoMD5Signal

OWNER = 7000
ENTRIES = 2500
FILMS = 100
PLATFORM, HELPLINE, READER = "Example Platform", "Example Helpline", "Example Reader"
PHOTODNA = b64encode(random.Random(2).randbytes(144)).decode()  # of no picture


@pytest.fixture(autouse=True, scope="module")
def _in_utc() -> Iterator[None]:
    """The package writes local times and calls them UTC; partners are told to run it in UTC."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", "UTC")
        time.tzset()
        yield
    time.tzset()


@dataclass
class National:
    """A list of the installation, made, filled and opened at its command line."""

    installation: Installation
    database: psycopg.Connection[Any]
    slug: str = "national"
    logins: dict[str, tuple[str, str]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """What the list is called."""
        return f"Shared list {self.slug}"

    @property
    def base(self) -> str:
        """What a client is told as its base address."""
        return f"{self.installation.base}/hashsharing/{self.slug}"

    def add(self) -> None:
        """Add the list and share it."""
        words = ("--owner", "Example Authority", "--legal-basis", "Example Act", "--scheme", "industry")
        self.installation.run("hashes", "add-list", self.name, *words)
        owner = ("--owner-number", str(OWNER), "--owner-name", "Example Authority")
        self.installation.run("hashes", "members", "share", self.name, "--slug", self.slug, *owner)

    def member(self, name: str, number: int, *more: str) -> None:
        """Add a member to whom the list is opened."""
        told = self.installation.json("hashes", "members", "add", name, "--number", str(number))
        self.logins[name] = str(told["username"]), str(told["secret"])
        self.installation.run("hashes", "members", "give", name, self.name, *more)

    def write(self, *, without: Collection[int] = (), other: Collection[int] = ()) -> None:
        """Bring the list to a new version: all entries but some, some of them with another classification."""
        chance = random.Random(1)
        lines = ["id,media,classification,md5,sha1,pdq,photodna"]
        for number in range(ENTRIES):
            film = number >= ENTRIES - FILMS
            media = "video" if film else ("image" if number % 3 else "")
            label = "B1" if number in other else f"A{number % 2 + 1}"
            md5, sha1, pdq = (chance.randbytes(size).hex() for size in (16, 20, 32))
            photodna = PHOTODNA if number == 0 else ""
            if number not in without:
                lines.append(f"{_id(number)},{media},{label},{md5},{sha1},{'' if film else pdq},{photodna}")
        file = self.installation.home / f"{self.slug}.csv"
        file.write_text("\n".join(lines) + "\n")
        self.installation.run("hashes", "import", self.name, str(file), "--replace")

    def states(self) -> dict[str, tuple[str, str, str | None]]:
        """What the list says now: medium as served, classification, MD5 by entry; what was withdrawn is absent."""
        rows = self.database.execute(
            "SELECT source_id, CASE media WHEN 'video' THEN 'video' ELSE 'image' END, classification,"
            " encode(md5, 'hex') FROM matching_entry e JOIN matching_list l ON l.id = e.hash_list_id"
            " WHERE l.name = %s AND NOT withdrawn",
            [self.name],
        )
        return {row[0]: row[1:] for row in rows}

    def age(self) -> None:
        """Let the entries be from an hour ago, over a minute."""
        self.database.execute(
            "UPDATE matching_entry SET changed_at = now() - make_interval(hours => 1, secs => id %% 60)"
            " WHERE hash_list_id = (SELECT id FROM matching_list WHERE name = %s)",
            [self.name],
        )

    def events(self, kind: str) -> list[dict[str, Any]]:
        """What the custody log has of this list."""
        rows = self.database.execute(
            "SELECT e.body::json FROM custody_event e JOIN matching_list l ON e.subject = 'hashlist:' || l.public_id"
            " WHERE l.name = %s AND e.kind = %s ORDER BY e.id",
            [self.name, kind],
        )
        return [row[0] for row in rows]


def _id(number: int) -> str:
    return f"entry-{number:05}"


@pytest.fixture(scope="module")
def national(installation: Installation) -> Iterator[National]:
    """A list with all its entries, opened to two that may answer and one that may not."""
    url = postgres.url(installation.home, role=postgres.SUPERUSER)
    with psycopg.connect(url, autocommit=True) as database:
        made = National(installation, database)
        made.add()
        made.member(PLATFORM, OWNER + 1, "--may-answer")
        made.member(HELPLINE, OWNER + 2, "--may-answer")
        made.member(READER, OWNER + 3)
        made.write()
        yield made


def environment(base: str) -> Enum:
    """The package names its servers in an enumeration; ours is one more."""
    return Enum("Environment", {"nightlight": base}).nightlight  # type: ignore[attr-defined, no-any-return]


def client(national: National, name: str = PLATFORM) -> NCMECHashAPI:
    """The package's client."""
    return hash_api.NCMECHashAPI(*national.logins[name], environment(national.base))


def test_the_client_is_refused_without_a_valid_login_and_without_access(national: National) -> None:
    login = national.logins[PLATFORM]
    for wrong in ((login[0], "wrong"), ("nobody", login[1])):
        with pytest.raises(Exception, match="401"):
            hash_api.NCMECHashAPI(*wrong, environment(national.base)).status()
    answer = httpx.get(f"{national.base}/v2/status")
    assert (answer.status_code, answer.content) == (401, b"")
    assert answer.headers["WWW-Authenticate"].startswith("Basic ")
    assert answer.headers["Cache-Control"] == "no-store"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert not answer.cookies
    other = National(national.installation, national.database, "others")
    other.add()
    answers = [httpx.get(f"{base}/v2/entries", auth=login) for base in (other.base, f"{national.base}-none")]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].content == answers[1].content


def test_the_client_learns_who_it_is_and_who_there_is(national: National) -> None:
    told = client(national).status()
    assert (told.esp_id, told.esp_name) == (OWNER + 1, PLATFORM)
    members = {member.esp_id: member.esp_name for member in client(national).members()}
    assert {OWNER: "Example Authority", OWNER + 1: PLATFORM, OWNER + 2: HELPLINE, OWNER + 3: READER}.items() <= (
        members.items()
    )


def test_the_client_pages_through_the_list_and_is_told_what_was_withdrawn(national: National) -> None:
    national.write()
    asked, before = client(national), len(national.events("hashes.pulled"))
    checkpoint = _second()
    responses = list(asked.get_entries_iter(start_timestamp=0, end_timestamp=checkpoint))
    assert [len(response.updates) for response in responses] == [1000, 1000, 500]
    assert responses[0].get_next_info() == hash_api.GetEntriesNextInfo(start=1001, size=1000, max=ENTRIES)
    updates = [update for response in responses for update in response.updates]
    assert {update.member_id for update in updates} == {OWNER}
    assert not any(update.deleted for update in updates)
    assert _states(updates) == national.states()
    assert next(update for update in updates if update.id == _id(0)).fingerprints["pdna"] == PHOTODNA
    pulled = national.events("hashes.pulled")[before:]
    assert [event["data"]["count"] for event in pulled] == [1000, 1000, 500]
    assert pulled[0]["by"].startswith("partner:HM-")
    national.write(without=(7, ENTRIES - 1), other=(8,))
    (response,) = asked.get_entries_iter(start_timestamp=checkpoint, end_timestamp=_second())
    assert {u.id: (u.entry_type.value, u.deleted, u.classification) for u in response.updates} == {
        _id(7): ("image", True, None),
        _id(ENTRIES - 1): ("video", True, None),
        _id(8): ("image", False, "B1"),
    }


def test_the_client_answers_about_entries_and_reads_what_was_answered(national: National) -> None:
    platform, helpline, reader = (client(national, name) for name in (PLATFORM, HELPLINE, READER))
    reason = offered().against("MD5")[0]
    md5, pdq = hash_api.FingerprintType.md5, hash_api.FingerprintType.pdq
    down, up = hash_api.FeedbackType.downvote, hash_api.FeedbackType.upvote
    with pytest.raises(Exception, match="403"):
        reader.submit_upvote(OWNER, _id(1), md5)
    with pytest.raises(Exception, match="404"):
        platform.submit_upvote(OWNER, "no-such-entry", md5)
    with pytest.raises(Exception, match="404"):
        platform.submit_upvote(OWNER, _id(1), hash_api.FingerprintType.pdna)
    with pytest.raises(Exception, match="400"):
        platform.submit_feedback(OWNER, _id(1), md5, down, "00000000-0000-0000-0000-000000000000")
    platform.submit_upvote(OWNER, _id(1), md5)
    platform.submit_feedback(OWNER, _id(1), pdq, up)
    helpline.submit_feedback(OWNER, _id(1), md5, down, reason.guid)
    responses = reader.get_entries_iter(end_timestamp=_second())
    said = {update.id: update.feedback for response in responses for update in response.updates}
    assert said[_id(2)] == {}
    assert {
        kind: [(f.feedback_type, f.member.esp_id, f.reason) for f in found] for kind, found in said[_id(1)].items()
    } == {
        "MD5": [(up, OWNER + 1, ""), (down, OWNER + 2, reason.name)],
        "PDQ": [(up, OWNER + 1, "")],
    }
    assert len(national.events("hashes.feedback-given")) == 3


def test_the_client_finds_the_reasons_where_it_looks_and_others_where_they_are_documented(national: National) -> None:
    """It looks for an element inside the root that the documentation names as the root; ours has both."""
    expected = {reason.guid: reason.name for reason in offered().against("MD5")}
    assert client(national).feedback_reasons(hash_api.FingerprintType.md5) == expected
    answer = httpx.get(f"{national.base}/v2/feedback/MD5/reasons", auth=national.logins[PLATFORM])
    root = hash_api.ET.fromstring(answer.content)
    space = f"{{{terms.NAMESPACE}}}"
    assert root.tag == f"{space}availableFeedbackReasons"
    assert {reason.get("guid"): reason.get("name") for reason in root.findall(f"{space}reason")} == expected


def test_the_exchange_of_the_package_fetches_into_its_own_state(national: National) -> None:
    """Its strategy is its own: it narrows a range that does not fit on a page, and starts again."""
    national.write()
    national.age()
    config = ncmec_api.NCMECCollabConfig(name="national", environment=environment(national.base))
    exchange = ncmec_api.NCMECSignalExchangeAPI(config, *national.logins[PLATFORM])
    state: dict[str, Any] = {}

    def fetch(checkpoint: NCMECCheckpoint | None) -> NCMECCheckpoint:
        for delta in exchange.fetch_iter([pdq_signal, video_signal], checkpoint):
            for key, update in delta.updates.items():
                merged = exchange.fetch_value_merge(state.get(key), update)
                state.pop(key, None)
                if merged is not None:
                    state[key] = merged
            checkpoint = delta.checkpoint
        assert checkpoint is not None
        return checkpoint

    checkpoint = fetch(None)
    assert _states(state.values()) == national.states()
    assert checkpoint.paging_info is None
    signals = exchange.naive_convert_to_signal_type([pdq_signal, video_signal], config, state)
    assert (len(signals[pdq_signal]), len(signals[video_signal])) == (ENTRIES - FILMS, FILMS)
    national.write(without=range(0, ENTRIES, 2), other=range(1, ENTRIES, 10))
    changed = _second()
    while time.time() - 5 < changed:  # the package stays five seconds behind
        time.sleep(0.2)
    fetch(checkpoint)
    assert _states(state.values()) == national.states()
    assert len(state) == ENTRIES // 2


def _states(updates: Iterable[NCMECEntryUpdate]) -> dict[str, tuple[str, str | None, str | None]]:
    return {u.id: (u.entry_type.value, u.classification, u.fingerprints.get("md5")) for u in updates}


def _second() -> int:
    """The next second, once it has come: up to it, everything until now is asked for."""
    second = int(time.time()) + 1
    while time.time() < second:
        time.sleep(0.05)
    return second
