# SPDX-License-Identifier: Apache-2.0
"""Files of received tips are looked up: digests, pictures in any orientation, and what came before."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
import pytest
from django.db import IntegrityError, transaction
from PIL import Image

from nightlight.foundation import pdq
from nightlight.pipeline.matching import fingerprinting as measuring
from nightlight.pipeline.matching import looking_up, queries, rules, serving
from nightlight.pipeline.matching.models import Fingerprint, How, Match, Near, Progress, Sighting, Waiting
from nightlight.pipeline.matching.rules import State
from nightlight.pipeline.matching.tests.cast import (
    NOON,
    entry,
    events,
    hash_list,
    look_up,
    pattern,
    png,
    reporter,
    states,
    tip,
)
from nightlight.pipeline.tips.models import Tip
from nightlight.trust.evidence.models import Blob, BlobKey
from nightlight.trust.evidence.store import StoreFailed
from nightlight.trust.viewing.rendering.measure import measure
from nightlight.trust.viewing.rendering.terms import RenditionRefused, Why

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from nightlight.trust.evidence.models import Item
    from nightlight.trust.viewing.rendering.terms import Measured

pytestmark = pytest.mark.django_db


def test_what_cannot_be_decoded_is_recorded_as_such_and_stops_no_tip() -> None:
    whole = png(pattern(1))
    received = tip(reporter(), b"no picture at all", whole[:400], b"", b"%PDF-1.7 but not really")
    look_up()
    assert not Waiting.objects.exists()
    told = {row.why for row in Fingerprint.objects.all()}
    assert told <= {"not-on-the-list", "damaged", "no-picture"}
    assert Fingerprint.objects.filter(pdq=None).count() == 4
    assert set(states(received)) == {State.UNMEASURED}
    assert "tip.fingerprinted" in events(received)


def test_nothing_known_and_nothing_alike_is_new_to_everyone() -> None:
    received = tip(reporter(), png(pattern(2)))
    assert states(received) == [State.WORKING]
    look_up()
    assert states(received) == [State.NEW]
    progress = Progress.objects.get(tip=received)
    assert (progress.files, progress.measured, progress.new, progress.known) == (1, 1, 1, 0)
    assert progress.finished_at == NOON


def test_a_tip_without_files_is_done_at_once() -> None:
    received = tip(reporter())
    look_up()
    assert not Waiting.objects.exists()
    progress = Progress.objects.get(tip=received)
    assert (progress.files, progress.finished_at) == (0, NOON)
    assert events(received)[-1] == "tip.fingerprinted"


def test_a_withdrawn_entry_knows_nothing() -> None:
    content = png(pattern(3))
    entry(hash_list(), content, withdrawn=True)
    received = tip(reporter(), content)
    look_up()
    assert states(received) == [State.NEW]


def test_the_very_bytes_are_known_and_nobody_is_offered_to_look() -> None:
    content = png(pattern(4))
    known = entry(hash_list(), content)
    received = tip(reporter(), content, png(pattern(5)))
    look_up()
    assert states(received) == [State.KNOWN, State.NEW]
    _progress, found = queries.of_tip(received)
    first = found[min(found)]
    assert not first.look
    (agreement,) = first.agreements
    assert (agreement.match.entry_id, agreement.match.agree, agreement.hit.classification) == (
        known.pk,
        "sha1 md5",
        "A1",
    )
    assert found[max(found)].look


def test_another_sha1_beside_the_same_md5_is_a_dispute() -> None:
    content = png(pattern(6))
    entry(hash_list(), content, sha1=b"\x01" * 20)
    received = tip(reporter(), content)
    look_up()
    assert states(received) == [State.DISPUTED]
    assert Match.objects.get().differ == "sha1"


@pytest.mark.parametrize(
    ("turn", "orientation"),
    [(None, 0), (Image.Transpose.ROTATE_90, 1), (Image.Transpose.ROTATE_180, 2), (Image.Transpose.FLIP_LEFT_RIGHT, 5)],
)
def test_a_smaller_or_turned_copy_is_near(turn: Image.Transpose | None, orientation: int) -> None:
    original = pattern(7, (960, 720))
    entry(hash_list(), image=original)
    copy = original.resize((800, 600))
    received = tip(reporter(), png(copy.transpose(turn) if turn is not None else copy))
    look_up()
    assert states(received) == [State.NEAR]
    match = Match.objects.get()
    assert match.how == How.PDQ
    assert match.distance is not None
    assert match.distance <= rules.RADIUS
    # The hash of ours, turned so, is what lies near the list's: turning back by 90 degrees is turning on by 270.
    assert match.orientation in {orientation, {1: 3, 3: 1}.get(orientation, orientation)}


def test_a_flat_picture_is_compared_with_nothing() -> None:
    flat = Image.new("RGB", (320, 240), (200, 30, 30))
    entry(hash_list(), image=flat)
    received = tip(reporter(), png(flat))
    look_up()
    assert states(received) == [State.UNMEASURED]


def test_stripes_are_compared_with_nothing_although_they_are_sharp() -> None:
    stripes = Image.fromarray(np.repeat([[0, 0, 255, 255]], 240, axis=0).repeat(8, axis=1).astype(np.uint8))
    stripes = Image.fromarray(np.tile(np.asarray(stripes), (1, 10)))
    found = pdq.of_luma(np.asarray(stripes))
    assert not rules.comparable(found.hash, found.quality)
    entry(hash_list(), image=stripes)
    received = tip(reporter(), png(stripes))
    look_up()
    assert states(received) == [State.UNMEASURED]


def test_here_before_is_told_to_the_later_tip_only() -> None:
    content, original = png(pattern(8)), pattern(9, (960, 720))
    one, two = reporter("Example Chat"), reporter("Example Forum")
    first = tip(one, content, png(original), at=NOON)
    later = tip(two, content, png(original.resize((800, 600))), at=NOON + timedelta(days=1))
    look_up()
    assert states(first) == [State.NEW, State.NEW]
    assert states(later) == [State.SEEN, State.SEEN]
    seen = Sighting.objects.get(first_tip=first, tips=2)
    assert (seen.reporters, seen.first_reporter, seen.first_at) == (2, "Example Chat", first.state_at)
    _progress, found = queries.of_tip(later)
    assert [one.alike for _item, one in sorted(found.items())] == [0, 1]
    assert queries.same(later, min(found)) == ([first], 1)
    assert [one.tip for one in queries.alike(later, max(found))] == [first]


def test_the_order_of_looking_up_does_not_matter() -> None:
    """The newest tip is looked up first; that an older one had the like is told to it afterwards."""
    original = pattern(10, (960, 720))
    by = reporter()
    later = tip(by, png(original), at=NOON + timedelta(days=1))
    look_up()
    assert states(later) == [State.NEW]
    tip(by, png(original.resize((800, 600))), at=NOON)
    look_up()
    assert Near.objects.count() == 1
    assert states(later) == [State.SEEN]
    assert events(later)[-1] == "tip.rematched"


def test_looking_up_twice_changes_nothing() -> None:
    content, original = png(pattern(14)), pattern(15, (960, 720))
    source = hash_list()
    entry(source, content)
    entry(source, image=original)
    received = tip(reporter(), content, png(original.resize((800, 600))))
    look_up()
    before = list(Match.objects.order_by("id").values()), list(Fingerprint.objects.order_by("pk").values("pk", "pdq"))
    looking_up.again(received.public_id)
    look_up()
    after = list(Match.objects.order_by("id").values()), list(Fingerprint.objects.order_by("pk").values("pk", "pdq"))
    assert before == after
    assert states(received) == [State.KNOWN, State.NEAR]


def test_a_tip_that_comes_in_the_very_moment_is_not_taken_half(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between looking up digests and taking the newest tip another one can come."""
    late: list[Tip] = []
    digests = looking_up._digests

    def then_one_comes(*, by: str, at: datetime) -> int:
        done = digests(by=by, at=at)
        if not done and not late:
            late.append(tip(sender, png(pattern(18))))
        return done

    sender = reporter()
    monkeypatch.setattr(looking_up, "_digests", then_one_comes)
    look_up()
    assert states(late[0]) == [State.NEW]
    assert Progress.objects.get(tip=late[0]).finished_at == NOON


def test_what_is_known_by_its_bytes_is_not_told_twice() -> None:
    content = png(pattern(19))
    entry(hash_list(), content, pattern(19))
    tip(reporter(), content)
    look_up()
    assert [match.how for match in Match.objects.all()] == ["digest"]


def test_a_vault_that_does_not_answer_holds_up_no_other_tip(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is concluded from it: the tip waits until the vault answers."""
    by = reporter()
    older, newer = tip(by, png(pattern(40))), tip(by, png(pattern(41)))
    asked = measuring.fingerprint

    def unanswered(item: Item, *, at: datetime) -> Fingerprint:
        if item.tip_file.tip_id == newer.pk:
            raise StoreFailed("it timed out")
        return asked(item, at=at)

    monkeypatch.setattr(measuring, "fingerprint", unanswered)
    assert not looking_up.look_up_new(by="service:worker", now=lambda: NOON, patience=120)
    assert states(older) == [State.NEW]
    assert states(newer) == [State.WORKING]
    monkeypatch.setattr(measuring, "fingerprint", asked)
    look_up()
    assert states(newer) == [State.NEW]


def test_what_this_computer_could_not_do_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def too_slow(original: object) -> Measured:
        raise RenditionRefused(Why.TOO_SLOW)

    received = tip(reporter(), png(pattern(42)))
    with monkeypatch.context() as busy:
        busy.setattr(measuring, "measure", too_slow)
        look_up()
    assert states(received) == [State.UNMEASURED]
    looking_up.again(received.public_id)
    look_up()
    assert states(received) == [State.NEW]


def test_a_test_report_makes_no_file_one_that_was_here_before() -> None:
    content, original = png(pattern(43)), pattern(44, (960, 720))
    tip(reporter("Example Trial", "test"), content, png(original), at=NOON)
    real = tip(reporter(), content, png(original.resize((800, 600))), at=NOON + timedelta(days=1))
    look_up()
    assert states(real) == [State.NEW, State.NEW]
    _progress, found = queries.of_tip(real)
    assert queries.same(real, min(found)) == ([], 0)
    assert queries.alike(real, max(found)) == []


def test_a_cleared_person_is_matched_with_nothing_any_more() -> None:
    content, original = png(pattern(45)), pattern(46, (960, 720))
    by = reporter()
    first = tip(by, content, png(original), at=NOON)
    later = tip(by, content, png(original.resize((800, 600))), at=NOON + timedelta(days=1))
    look_up()
    assert states(later) == [State.SEEN, State.SEEN]
    Tip.objects.filter(pk=first.pk).update(set_apart=True)
    look_up()
    assert states(later) == [State.NEW, State.NEW]
    assert not Sighting.objects.filter(first_tip=first).exists()


def test_bytes_destroyed_while_they_were_decoded_leave_no_fingerprint(monkeypatch: pytest.MonkeyPatch) -> None:
    received = tip(reporter(), png(pattern(47)))
    asked = measure

    def then_destroyed(original: Iterable[bytes]) -> Measured:
        found = asked(original)
        BlobKey.objects.filter(blob__items__tip_file__tip=received).delete()
        return found

    monkeypatch.setattr(measuring, "measure", then_destroyed)
    look_up()
    told = Fingerprint.objects.get(blob__items__tip_file__tip=received)
    assert (told.why, told.pdq, bytes(told.dihedral)) == ("not-kept", None, b"")
    with pytest.raises(IntegrityError, match="destroyed"), transaction.atomic():
        Fingerprint.objects.filter(pk=told.pk).update(why="", pdq=b"1" * 32)


def test_what_earlier_rules_looked_up_is_looked_up_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    received = tip(reporter(), png(pattern(48)))
    look_up()
    monkeypatch.setattr(rules, "VERSION", rules.VERSION + 1)
    look_up()
    assert Progress.objects.get(tip=received).version == rules.VERSION
    assert Fingerprint.objects.get().version == rules.VERSION


def test_of_destroyed_bytes_no_fingerprint_remains() -> None:
    content = png(pattern(16))
    entry(hash_list(), content)
    tip(reporter(), content)
    look_up()
    blob = Blob.objects.get(size=len(content))
    assert Fingerprint.objects.filter(blob=blob).exists()
    BlobKey.objects.filter(blob=blob).delete()
    assert not Fingerprint.objects.filter(blob=blob).exists()
    assert not Match.objects.filter(blob=blob).exists()


def test_the_index_is_what_the_database_says() -> None:
    source = hash_list()
    for seed in range(20, 30):
        entry(source, png(pattern(seed)), pattern(seed))
    entry(source, frames=b"".join(bytes([n]) * 32 for n in range(5)))
    serving.build()
    assert serving.verify().ok
    told = serving.verify().lines
    assert "10 md5" in told[0]
