# SPDX-License-Identifier: Apache-2.0
"""Partners that pull our lists: who may what, and who decides about what they answer."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from nightlight.foundation.refusals import Conflict, NotAllowed, NotFound
from nightlight.pipeline.matching import member_actions, polling_lists, sharing_queries
from nightlight.pipeline.matching.models import Access, Feedback, FeedbackAnswer, Member, Verdict
from nightlight.pipeline.matching.tests.list_world import AT, BY, logged, make_list, read_in, vault, vic
from nightlight.trust.accounts import actions as accounts
from nightlight.trust.accounts.models import Role
from nightlight.trust.custody.models import Event
from nightlight.trust.units.models import Post, Unit
from nightlight.trust.units.viewer import viewer_of

if TYPE_CHECKING:
    from nightlight.pipeline.matching.models import HashList
    from nightlight.trust.units.viewer import Viewer

__all__ = ["vault"]
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("vault")]


def _member(name: str = "Example Chat", number: int = 101) -> Member:
    return member_actions.add_member(by=BY, at=AT, number=number, name=name).member


def _share(of: HashList, slug: str = "national") -> None:
    member_actions.share_list(by=BY, at=AT, hash_list=of, slug=slug, owner_number=1, owner_name="Example Centre")


def _viewer(role: Role) -> Viewer:
    unit = Unit.objects.get(code="IN")
    user = accounts.add_person(by=BY, at=AT, username=f"p-{role}", password="a long pass phrase of a test")
    Post.objects.create(
        public_id=f"PO-{user.pk:04d}-0000", user=user, unit=unit, role=role, starts_at=AT - timedelta(days=1)
    )
    return viewer_of(user, AT)


@pytest.mark.parametrize(
    ("name", "number"), [(" ", 5), ("x" * 201, 5), ("New", 0), ("New", 2**31), ("Example Chat", 5)]
)
def test_a_member_without_a_name_or_a_number_of_its_own_is_refused(name: str, number: int) -> None:
    _member()
    with pytest.raises(Conflict):
        _member(name, number)
    with pytest.raises(Conflict, match="numbered 101 already"):
        _member("Another", 101)
    assert Member.objects.count() == 1


def test_a_secret_is_shown_once_and_ends_with_the_member() -> None:
    issued = member_actions.add_member(by=BY, at=AT, number=101, name="Example  Chat")
    member = issued.member
    assert sharing_queries.member_login(member.username, "wrong") is None
    found = sharing_queries.member_login(member.username, issued.secret)
    assert found is not None
    assert (found.number, found.name) == (101, "Example Chat")
    assert issued.secret not in "".join(Event.objects.values_list("body", flat=True))
    for name in ("Example Chat", "101", member.public_id):
        assert member_actions.member_called(name) == member
    with pytest.raises(NotFound):
        member_actions.member_called("HM-0000-0000")
    member_actions.end_member(by=BY, at=AT, member=member)
    assert sharing_queries.member_login(member.username, issued.secret) is None
    with pytest.raises(Conflict, match="ended already"):
        member_actions.end_member(by=BY, at=AT, member=member)
    kinds = Event.objects.filter(subject=f"partner:{member.public_id}").order_by("id").values_list("kind", flat=True)
    assert list(kinds) == ["hashes.member-added", "hashes.member-ended"]


def test_a_list_is_shared_once_under_an_address_that_is_one() -> None:
    made, other, polled = make_list(), make_list("Other"), make_list("Polled")
    polling_lists.add_feed(
        by=BY, at=AT, hash_list=polled, url="https://x.example.org", username="us", password="p", every_minutes=60
    )
    for slug in ("", "two words", "../up", "x" * 51):
        with pytest.raises(Conflict, match="address"):
            _share(made, slug)
    with pytest.raises(Conflict, match="not ours to share"):
        _share(polled)
    with pytest.raises(Conflict, match="number of 1"):
        member_actions.share_list(by=BY, at=AT, hash_list=made, slug="x", owner_number=0, owner_name="Y")
    _share(made)
    with pytest.raises(Conflict, match="shared already"):
        _share(made, "again")
    with pytest.raises(Conflict, match="Another list"):
        _share(other)
    assert logged(made) == ["hashes.list-added", "hashes.shared"]


def test_access_is_given_changed_and_taken() -> None:
    made, member = make_list(), _member()
    with pytest.raises(Conflict, match="not shared yet"):
        member_actions.give_access(by=BY, at=AT, member=member, hash_list=made, may_answer=True)
    _share(made)
    with pytest.raises(NotFound, match="may not pull"):
        member_actions.take_access(by=BY, at=AT, member=member, hash_list=made)
    for may_answer in (False, True):
        member_actions.give_access(by=BY, at=AT, member=member, hash_list=made, may_answer=may_answer)
        assert Access.objects.get().may_answer is may_answer
    member_actions.take_access(by=BY, at=AT, member=member, hash_list=made)
    assert not Access.objects.exists()
    member_actions.end_member(by=BY, at=AT, member=member)
    with pytest.raises(Conflict, match="has ended"):
        member_actions.give_access(by=BY, at=AT, member=member, hash_list=made, may_answer=True)
    assert logged(made)[2:] == ["hashes.access-given", "hashes.access-given", "hashes.access-taken"]


def test_only_victim_identification_and_commanders_decide_and_once() -> None:
    made, member = make_list(), _member()
    read_in(made, vic([1]))
    said = Feedback.objects.create(entry=made.entries.get(), member=member, type="MD5", affirmative=False, at=AT)
    for role in Role:
        if role not in member_actions.ANSWERS:
            with pytest.raises(NotAllowed, match="specialist or a commander"):
                member_actions.answer(by=_viewer(role), at=AT, feedback=said, verdict=Verdict.AGREED)
    decider = _viewer(Role.VICTIM_IDENTIFICATION)
    for verdict, text, told in (
        ("perhaps", "x", "one of: agreed"),
        (Verdict.DISAGREED, " ", "Say why"),
        (Verdict.AGREED, "x" * 2001, "at most"),
    ):
        with pytest.raises(Conflict, match=told):
            member_actions.answer(by=decider, at=AT, feedback=said, verdict=verdict, text=text)
    member_actions.answer(by=decider, at=AT, feedback=said, verdict=Verdict.DISAGREED, text="It was looked at again.")
    with pytest.raises(Conflict, match="already"):
        member_actions.answer(by=_viewer(Role.COMMANDER), at=AT, feedback=said, verdict=Verdict.AGREED)
    given = FeedbackAnswer.objects.get()
    assert (given.verdict, given.by) == (Verdict.DISAGREED, decider.actor)
    assert logged(made)[-1] == "hashes.feedback-answered"
