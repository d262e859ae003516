# SPDX-License-Identifier: Apache-2.0
"""A value that ever more people share says ever less: links go the moment it does, and what is kept is a rebuild's."""

from __future__ import annotations

import pytest

from nightlight.pipeline.linking import bulk, joining, rebuilding
from nightlight.pipeline.linking.kinds import Kind
from nightlight.pipeline.linking.models import Identifier, Subject
from nightlight.pipeline.linking.tests.db_cast import link, persons, rebuilt_the_same, reporter, suspect, tip
from nightlight.pipeline.linking.weights import Points, Weights
from nightlight.pipeline.tips.models import Tip

pytestmark = pytest.mark.django_db
# A device says 26, 24, 22 ... : enough for up to four, too little alone for five and six, nothing past six. Two people
# who share a name on a service too (12) are still held together then.
TABLE = Weights(
    1,
    20,
    {
        **{str(kind): Points(0, 0, 1) for kind in Kind},
        Kind.DEVICE: Points(26, 5, 6),
        Kind.HANDLE: Points(12, 0, 8),
    },
)
DEVICE = "490154203237518"


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (joining, bulk):
        monkeypatch.setattr(module, "weights", lambda: TABLE)
    monkeypatch.setattr(rebuilding, "_KINDS", list(TABLE.kinds))


def _sizes() -> list[int]:
    return [len(one) for one in persons()]


def test_links_go_when_a_value_becomes_common_and_come_back_when_it_is_rare_again() -> None:
    chat = reporter()
    seen, tips = [], []
    for number in range(8):
        name = "grey-heron" if number < 2 else ""  # the first two share a name as well
        tips.append(tip(chat, suspect(name, device=DEVICE)))
        link()
        seen.append(_sizes())
        rebuilt_the_same()
    worth = [TABLE.weight(Kind.DEVICE, count) for count in range(2, 9)]
    assert worth == [26, 21, 21, 16, 16, 0, 0]
    # Sufficient up to four; then only the two who share more; past the ceiling nobody.
    assert seen == [[], [2], [3], [4], [2], [2], [], []]
    for gone in tips[:1:-1]:  # they are set apart one after the other, the newest first
        Tip.objects.filter(pk=gone.pk).update(set_apart=True)
        link()
        rebuilt_the_same()
        left = Identifier.objects.get(kind="device").suspects
        expected = {7: [], 6: [2], 5: [2], 4: [4], 3: [3], 2: [2]}[left]
        assert _sizes() == expected, left


def test_one_tip_with_many_people_crosses_the_threshold_at_once() -> None:
    chat = reporter()
    for _ in range(3):
        tip(chat, suspect(device=DEVICE))
    link()
    assert _sizes() == [3]
    tip(chat, *(suspect(device=DEVICE) for _ in range(4)))
    link()
    assert _sizes() == []
    assert set(Subject.objects.values_list("person", flat=True)) == set(Subject.objects.values_list("pk", flat=True))
    rebuilt_the_same()
