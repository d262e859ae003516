# SPDX-License-Identifier: Apache-2.0
"""What goes into packages: what is offered to a unit that works elsewhere, together, once, and again when it failed."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from nightlight.foundation import clock
from nightlight.foundation.refusals import Conflict
from nightlight.outlook.desk.tests import cast
from nightlight.pipeline.routing import offers
from nightlight.pipeline.routing.exchange import outbox, partners, pushing, receiving, tasks
from nightlight.pipeline.routing.models import Package, PackageTip
from nightlight.pipeline.routing.tests.others import Other
from nightlight.story import STORY
from nightlight.trust.custody.models import Event
from nightlight.trust.units import actions as units
from nightlight.trust.units.models import Notice

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_django import Settings

    from nightlight.pipeline.tips.models import Tip
    from nightlight.trust.units.models import Unit

pytestmark = pytest.mark.django_db
BY = "service:worker"
_STATES = Package.State


@pytest.fixture(autouse=True)
def _places(settings: Settings, tmp_path: Path) -> None:
    settings.NIGHTLIGHT_EXCHANGE_FOLDER = tmp_path / "exchange"
    settings.NIGHTLIGHT_EXCHANGE_KEYS_DIR = tmp_path / "ours"


@pytest.fixture
def desk() -> cast.Desk:
    return cast.Desk(cast.reporter())


def _unit(code: str, parent: Unit | None = None, kind: str = "state") -> Unit:
    above = parent or cast.root()
    return units.add_unit(by="command:cli", at=clock.now(), parent=above, name=code, code=code, kind=kind)


def _offer(tip: Tip, to: Unit) -> None:
    offers.offer(by="command:cli", at=clock.now(), tip=tip, to=to, why="area")


def _gather() -> float:
    return outbox.gather(by=BY, at=clock.now() + timedelta(seconds=60))


def test_only_what_leaves_for_a_trusted_installation_goes(desk: cast.Desk, tmp_path: Path) -> None:
    state, other = _unit("ST-E"), _unit("ST-W")
    district = _unit("D-E", state, "district")
    east = Other(tmp_path / "east")
    made = east.added(state)
    _offer(desk.received(read=False), district)
    _offer(desk.received(read=False), other)
    assert (_gather(), Package.objects.count()) == (0.0, 0)
    assert partners.compare(
        by="command:cli", at=clock.now(), installation=made, told=east.spoken, second="officer:OF-X"
    )
    # What was offered before it was trusted goes now; each offer once.
    for _ in range(2):
        _gather()
        assert PackageTip.objects.values_list("offer__to_unit__code", flat=True).get() == "D-E"
    package = Package.objects.get()
    assert (package.state, package.kind, package.tips, package.installation) == ("building", "referral", 1, made)
    # The nearest installation gets it, and what two units hand to each other inside one that works elsewhere stays.
    nearer = Other(tmp_path / "near", name="District East").trusted(district)
    _offer(desk.received(read=False), district)
    _gather()
    assert Package.objects.latest("pk").installation == nearer


def test_offers_made_one_after_the_other_go_together(
    desk: cast.Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = _unit("ST-E")
    Other(tmp_path / "east").trusted(state)
    for _ in range(5):
        _offer(desk.received(read=False), state)
    waits = outbox.gather(by=BY, at=clock.now())
    assert 0 < waits <= outbox.GATHERED.total_seconds()
    assert not Package.objects.exists()
    monkeypatch.setattr(outbox, "MOST_TIPS", 3)
    _gather()
    assert list(Package.objects.order_by("pk").values_list("tips", flat=True)) == [3, 2]


def test_a_refused_package_is_tried_again_under_a_new_name_and_people_are_told(desk: cast.Desk, tmp_path: Path) -> None:
    state = _unit("ST-E")
    Other(tmp_path / "east").trusted(state)
    _offer(desk.received(read=False), state)
    _gather()
    package = Package.objects.get()
    with pytest.raises(receiving.NotFound):
        receiving.path_of(package)
    outbox.refused(package, code="digest", why="It was\nchanged on its way.", at=clock.now(), by=BY)
    assert package.why == "It was changed on its way."
    assert set(Notice.objects.values_list("kind", flat=True)) >= {"exchange.refused"}
    assert Event.objects.filter(kind="exchange.package-refused-there").count() == 1
    assert outbox.renew(package, by=BY, at=clock.now()) is not None
    assert outbox.renew(package, by=BY, at=clock.now()) is None
    again = Package.objects.latest("pk")
    assert (again.state, again.tips) == ("building", 1)
    assert again.package_id != package.package_id
    with pytest.raises(Conflict, match="has not arrived"):
        outbox.retry(Package(outgoing=False), by=BY, at=clock.now())


def test_a_package_nobody_takes_waits_ever_longer_and_is_told_of_after_a_day(desk: cast.Desk, tmp_path: Path) -> None:
    state = _unit("ST-E")
    # Nobody listens there.
    east = Other(tmp_path / "east", url="https://127.0.0.1:9")
    east.trusted(state)
    _offer(desk.received(read=False), state)
    _gather()
    package = Package.objects.get()
    package.state, package.header, package.size = _STATES.READY, "head", 100
    package.save()
    waits = []
    for _ in range(4):
        Package.objects.update(not_before=None)
        at = clock.now()
        pushing.push_due(by=BY, now=lambda at=at: at)  # type: ignore[misc]
        package.refresh_from_db()
        assert package.not_before is not None
        waits.append((package.not_before - at).total_seconds())
    assert (package.state, package.tries) == ("ready", 4)
    assert "cannot be reached" in package.why
    assert waits[0] < 3 < waits[3] < 22
    assert not list(outbox.due(*outbox.UNDER_WAY, at=clock.now()))
    assert outbox.tell_late(at=clock.now()) == 0
    later = clock.now() + timedelta(days=1, hours=1)
    assert (outbox.tell_late(at=later), outbox.tell_late(at=later)) == (1, 0)
    assert Notice.objects.filter(kind="exchange.late", role="administrator").count() == 1


def test_files_of_what_is_over_are_dropped(settings: Settings, tmp_path: Path) -> None:
    one = Other(tmp_path / "east").trusted()
    kept = {}
    for number, (state, code, days) in enumerate(
        (
            ("taken", "", 0),
            ("refused", "digest", 1),
            ("refused", "discarded", 0),
            ("refused", "digest", 8),
            ("sending", "", 9),
        )
    ):
        path = receiving.folder() / "in" / f"{number}.nlp"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"whatever is sealed in it")
        Package.objects.create(
            public_id=f"PK-{number}", outgoing=False, kind="referral", installation=one, package_id=f"PK-{number}",
            sender=one.fingerprint, state=state, code=code, path=f"in/{number}.nlp", by=BY,
            made_at=clock.now(), state_at=clock.now() - timedelta(days=days),
        )  # fmt: skip
        kept[number] = path
    assert pushing.clear_away(at=clock.now()) == 3
    assert [number for number, path in kept.items() if path.exists()] == [1, 4]


def test_what_follows_an_addition_is_the_exchange_too() -> None:
    assert tasks.dispatch in STORY["tip.added-to"]
