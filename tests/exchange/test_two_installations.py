# SPDX-License-Identifier: Apache-2.0
"""Two installations with real servers exchange referrals both ways: strangers first, then partners, receipts back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from nightlight.pipeline.routing.tests.others import Other
from tests.exchange.pair import introduce, two
from tests.faults.installation import until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.exchange.pair import Side

pytestmark = pytest.mark.slow
LONG = 120.0  # seconds until something must have arrived; on a quiet machine it takes three


@pytest.fixture(scope="module")
def pair() -> Iterator[tuple[Side, Side]]:
    """A centre and a state, each with its own home, database, certificate and keys."""
    with two() as both:
        yield both


def _offers(side: Side) -> dict[str, str]:
    return dict(side.rows("SELECT t.public_id, o.state FROM routing_offer o JOIN tips_tip t ON t.id = o.tip_id"))


def test_referrals_go_both_ways_with_receipts_and_an_outcome(pair: tuple[Side, Side]) -> None:
    centre, east = pair
    # The centre knows the state; the state does not know the centre yet. What it sends is held there, unopened.
    introduce(centre, east)
    tips = centre.file(["heron", "curlew", "plover"], [150_000, 900])
    centre.act({"do": "offer", "tips": tips, "to": "OTHER"})
    until(lambda: bool(east.packages(state="quarantined")), "the package of a stranger is held", LONG)
    held = east.packages()[0]
    assert (held["moved"], held["installation"]) == (0, "")
    until(lambda: centre.packages()[0]["tries"] > 0, "the centre is told", LONG)
    waiting = centre.packages()[0]
    assert waiting["state"] == "ready"
    assert "compare fingerprints" in waiting["why"]
    assert east.rows("SELECT count(*) FROM tips_tip") == [(0,)]

    # Two officers compare; the centre tries again; the tips are there, each with its files, and the centre knows it.
    introduce(east, centre)
    assert centre.command("exchange", "retry", waiting["package"]).returncode == 0
    until(lambda: set(_offers(centre).values()) == {"delivered"}, "three receipts of delivery", LONG)
    here, there = centre.act({"do": "digests"})[0], east.act({"do": "digests"})[0]
    assert sorted(there) == sorted(tips)
    for tip in tips:
        assert (there[tip]["documents"], there[tip]["files"]) == (here[tip]["documents"], here[tip]["files"])
        assert len(there[tip]["files"]) == 2
        assert (here[tip]["unit"], there[tip]["unit"]) == ("IN", "OTHER")  # each holds its own until it is accepted

    # Accepted, sent back, worked on: the centre learns of each.
    numbers = dict(
        east.rows("SELECT r.origin_tip, o.public_id FROM routing_referred r JOIN routing_offer o ON o.id = r.offer_id")
    )
    ours = dict(
        east.rows("SELECT r.origin_tip, t.public_id FROM routing_referred r JOIN tips_tip t ON t.id = r.tip_id")
    )
    heron, curlew, plover = tips
    east.told("person", "add", "asha", "--role", "triage-officer")
    east.act(
        {"do": "accept", "offers": [numbers[heron], numbers[plover]]},
        {"do": "bounce", "offer": numbers[curlew], "reason": "the harbour belongs to the state in the west"},
        {"do": "work", "tip": ours[plover], "disposition": "cannot-work"},
        by="asha",
    )
    wanted = {heron: "accepted", curlew: "bounced", plover: "accepted"}
    until(lambda: _offers(centre) == wanted, "the answers are known at the centre", LONG)
    outcomes = "SELECT data::jsonb ->> 'outcome' FROM routing_receipt WHERE kind = 'outcome'"
    until(lambda: ("insufficient",) in centre.rows(outcomes), "what became of it is known at the centre", LONG)
    reason = centre.rows("SELECT answer FROM routing_offer WHERE state = 'bounced'")
    assert reason == [("the harbour belongs to the state in the west",)]

    # And the other way.
    (tern,) = east.file(["tern"], [5000])
    east.act({"do": "offer", "tips": [tern], "to": "OTHER"})
    until(lambda: _offers(east).get(tern) == "delivered", "the tip of the state is at the centre", LONG)
    assert centre.rows("SELECT origin_tip FROM routing_referred") == [(tern,)]
    assert [side.verified()[0] for side in pair] == [0, 0]


def test_a_package_with_a_changed_byte_is_refused_with_the_reason(pair: tuple[Side, Side], tmp_path: Path) -> None:
    centre, east = pair
    if not east.rows("SELECT 1 FROM routing_installation WHERE state = 'trusted'"):
        introduce(east, centre)
    fingerprint = str(east.told("exchange", "card")["fingerprint"])
    as_centre = Other(centre.home / "keys" / "exchange", name="Centre", url=centre.base)
    head, sealed = as_centre.package(b"whatever is sealed in it " * 40, to=fingerprint)
    stick = tmp_path / "package.nlp"
    stick.write_bytes(head.to_bytes() + sealed[:500] + bytes([sealed[500] ^ 1]) + sealed[501:])
    taken = east.told("exchange", "take", str(stick))
    until(lambda: east.packages(package=taken["package"])[0]["state"] == "refused", "it is refused", LONG)
    assert east.packages(package=taken["package"])[0]["code"] == "digest"
    # The head itself, changed, is nobody's.
    stick.write_bytes(head.to_bytes().replace(b'"Centre"', b'"Cantre"') + sealed)
    done = east.command("exchange", "take", str(stick))
    assert (done.returncode, "signature" in done.stderr) == (2, True)
    # From a stranger the whole file is held, and nothing is believed.
    stranger = Other(tmp_path / "stranger", name="Centre", url=centre.base)
    head, sealed = stranger.package(b"sealed by nobody we know", to=fingerprint)
    stick.write_bytes(head.to_bytes() + sealed)
    assert east.command("exchange", "take", str(stick)).returncode == 1
    held = east.packages(sender=stranger.keys.fingerprint)[0]
    assert (held["state"], held["moved"]) == ("quarantined", len(head.to_bytes()) + len(sealed))
    assert east.command("exchange", "release", held["package"]).returncode == 1
    assert east.command("exchange", "discard", held["package"], "--why", "nobody there sent it").returncode == 0
    assert [side.verified()[0] for side in pair] == [0, 0]
