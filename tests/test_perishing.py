# SPDX-License-Identifier: Apache-2.0
"""How long operators keep what would answer is a clock of the tip: whose records end first is read first."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from nightlight.casework.attribution.models import Prepared
from nightlight.casework.attribution.models import Waiting as Unprepared
from nightlight.casework.attribution.tests import prepared_cast as cast
from nightlight.outlook.desk import triage as pages
from nightlight.pipeline.linking.tests.db_cast import person
from nightlight.pipeline.triage import queue, records, rules, tasks
from nightlight.pipeline.triage.models import RecordsEnd, Score, Standing, Waiting
from nightlight.pipeline.triage.queue import Filter
from nightlight.pipeline.triage.tests import cast as triage
from nightlight.story import STORY
from nightlight.trust.custody.models import Event
from nightlight.trust.units.tests import staff

if TYPE_CHECKING:
    from nightlight.pipeline.tips.models import Tip
    from nightlight.trust.accounts.queries import ReporterLogin

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
USED = "2026-11-09T03:00:00Z"
SOON = datetime(2026, 11, 21, 3, tzinfo=UTC)  # twelve days after it, 20 hours and a half from NOW
LABEL = "The operator's records of who had an address end"


@pytest.fixture
def chat(monkeypatch: pytest.MonkeyPatch) -> ReporterLogin:
    """A reporter, with lists loaded: one operator keeps records for 12 days, the other for 161."""
    cast.load(monkeypatch, cast.lists(days=12, fibre_days=161))
    return cast.reporter()


def _score(of: Tip) -> rules.Score:
    return rules.from_json(Score.objects.get(tip=of).body)


def _ends(of: Tip) -> list[datetime]:
    return RecordsEnd.objects.get(tip=of).ends


def test_what_can_not_be_traced_has_no_records_to_wait_for(chat: ReporterLogin) -> None:
    tip = cast.tip(chat, cast.reported(cast.used(cast.TOR, USED, 41000), cast.used(cast.TUNNEL, USED, 41000)))
    cast.prepare()
    triage.assess(cast.NOW)
    assert Prepared.objects.get(tip=tip).kept_until is None
    assert not RecordsEnd.objects.exists()
    score = _score(tip)
    assert score.inputs["records_end"] is None
    assert "operator-records" not in [loss.id for loss in score.losses]
    assert "address-with-port" in [loss.id for loss in score.losses]  # what is assumed goes on standing in for it


def test_what_is_told_has_a_zone_and_is_written_once(chat: ReporterLogin) -> None:
    tip = cast.tip(chat, cast.reported(cast.used(cast.NOBODYS, USED, 41000)))
    with pytest.raises(ValueError, match="zone"):
        records.tell({tip: [datetime(2026, 11, 21)]}, at=cast.NOW)  # noqa: DTZ001
    triage.assess(cast.NOW)
    many = [SOON + n * HOUR for n in range(100)]
    for each in (many, many[::-1]):
        records.tell({tip: each}, at=cast.NOW)
        assert _ends(tip) == [*many[: records.MOST - 1], many[-1]]
    assert list(Waiting.objects.values_list("tip_id", flat=True)) == [tip.pk]
    triage.assess(cast.NOW)
    records.tell({tip: many}, at=cast.NOW + HOUR)
    assert not Waiting.objects.exists()
    records.tell({tip: ()}, at=cast.NOW + HOUR)
    assert not RecordsEnd.objects.exists()
    assert list(Waiting.objects.values_list("tip_id", flat=True)) == [tip.pk]


def test_of_two_tips_alike_the_one_whose_records_end_sooner_stands_above(chat: ReporterLogin) -> None:
    late = cast.tip(chat, cast.reported(cast.used(cast.FIBRE, USED, 41000)))
    soon = cast.tip(chat, cast.reported(cast.used(cast.MOBILE, USED, 41000), name="reed-9"))
    asha = person("Asha", "triage-officer")
    triage.assess(cast.NOW)

    def shown(at: datetime) -> list[str]:
        lines = queue.queue(staff.looking(asha, at), Filter()).lines
        return [line.row.lead.public_id for line in lines]

    assert len({(one.band, one.dies_at, one.workability) for one in Standing.objects.all()}) == 1
    triage.guard()
    with cast.as_attribution():
        cast.prepare()
    assert (_ends(soon)[0], _ends(late)[0]) == (SOON, SOON + 149 * 24 * HOUR)
    assert set(Waiting.objects.values_list("tip_id", flat=True)) == {soon.pk, late.pk}
    triage.assess(cast.NOW)
    assert shown(cast.NOW) == [soon.public_id, late.public_id]
    first, second = _score(soon), _score(late)
    assert (first.harm, first.band, first.workability) == (second.harm, second.band, second.workability)
    assert first.dies_at == Prepared.objects.get(tip=soon).kept_until == SOON
    assert f"In 20 hours: {LABEL}." in rules.explain(first)
    line, other = pages.shown_lines(queue.queue(staff.looking(asha, cast.NOW), Filter()).lines, cast.NOW)
    assert line.dies == "evidence dies in 20 h"
    assert (LABEL in [one.text for one in line.why], LABEL in [one.text for one in other.why]) == (True, False)
    # When they are over the duty of the law still runs, and nobody has to look the addresses up again.
    after = SOON + HOUR
    triage.assess(after)
    assert shown(after) == [late.public_id, soon.public_id]
    assert _score(soon).inputs["records_end"] == _ends(soon)[1]


def test_who_looks_addresses_up_has_the_tip_scored_and_takes_it_back_with_the_tip(chat: ReporterLogin) -> None:
    tip = cast.tip(chat, cast.reported(cast.used(cast.MOBILE, USED, 41000)))
    cast.prepare()
    (said,) = Event.objects.filter(kind="tip.addresses-looked-up", subject=f"tip:{tip.public_id}")
    assert tasks.assess in STORY[said.kind]
    tip.documents.filter(kind="report").update(key_part=b"")
    assert Unprepared.objects.filter(tip=tip).exists()
    cast.prepare()
    assert not RecordsEnd.objects.exists()
