# SPDX-License-Identifier: Apache-2.0
"""What a member says of an entry: who may, of what, with which reasons; and what is kept of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from nightlight.outlook.sharing.tests.conftest import OWNER, Partner, add_list, add_member, open_to, put
from nightlight.pipeline.matching.models import Feedback, HashList
from nightlight.pipeline.matching.sharing import reading, writing
from nightlight.pipeline.matching.sharing.offered import offered
from nightlight.pipeline.matching.sharing.terms import KINDS, Submission
from nightlight.trust.custody.models import Event

if TYPE_CHECKING:
    from django.http.response import HttpResponseBase

pytestmark = pytest.mark.django_db
WRONG = offered().against("MD5")[0].guid
YES = writing.submission(Submission(affirmative=True))
NO = writing.submission(Submission(affirmative=False, reasons=(WRONG,)))


@pytest.fixture(autouse=True)
def _entries(hash_list: HashList) -> None:
    put(hash_list, ["one", "two"])
    put(hash_list, ["gone"], withdrawn=True)
    put(add_list("Another", "another"), ["three"])


def _say(partner: Partner, what: str = f"{OWNER}/one/MD5", body: bytes = YES) -> HttpResponseBase:
    return partner.put(f"/v2/entries/{what}/feedback", body)


def _nothing_kept() -> None:
    assert Feedback.objects.count() == 0
    assert Event.objects.filter(kind="hashes.feedback-given").count() == 0


def test_a_member_that_may_only_read_is_refused(hash_list: HashList) -> None:
    member = add_member(12, "Example Reader")
    open_to(member, hash_list, may_answer=False)
    answer = _say(Partner(member))
    assert answer.status_code == 403
    assert "not answer" in reading.error(answer.content)  # type: ignore[attr-defined]
    _nothing_kept()


@pytest.mark.parametrize(
    "what",
    [
        f"{OWNER}/no-such-entry/MD5",
        f"{OWNER}/gone/MD5",
        f"{OWNER}/three/MD5",  # of a list of others
        f"{OWNER + 1}/one/MD5",
        "11/one/MD5",
        "x/one/MD5",
        f"-{OWNER}/one/MD5",
        f"{'9' * 40}/one/MD5",
        f"{OWNER}/one%00/MD5",
        f"{OWNER}/one/md5",
        f"{OWNER}/one/CRC32",
        f"{OWNER}/one/PDNA",  # a type, but not of this entry
        f"{OWNER}/one/TMK_PDQF",
    ],
)
def test_what_is_not_there_is_not_found(partner: Partner, what: str) -> None:
    assert _say(partner, what).status_code == 404
    _nothing_kept()


_WIRE = "https://hashsharing.ncmec.org/hashsharing/v2"


@pytest.mark.parametrize(
    "body",
    [
        b" ",
        b"yes",
        b"<feedbackSubmission",
        b"<other/>",
        f'<feedbackSubmission xmlns="{_WIRE}"/>'.encode(),
        f'<feedbackSubmission xmlns="{_WIRE}"><affirmative/><negative/></feedbackSubmission>'.encode(),
        f'<feedbackSubmission xmlns="{_WIRE}"><negative/></feedbackSubmission>'.encode(),
        f'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><feedbackSubmission xmlns="{_WIRE}"><affirmative/>'
        "&e;</feedbackSubmission>".encode(),
        NO.replace(WRONG.encode(), b"00000000-0000-0000-0000-000000000000"),
        NO.replace(WRONG.encode(), offered().affirmative[0].guid.encode()),
    ],
)
def test_what_is_no_feedback_is_refused(partner: Partner, body: bytes) -> None:
    answer = _say(partner, body=body)
    assert answer.status_code == 400
    assert reading.error(answer.content)  # type: ignore[attr-defined]
    assert b"root:" not in answer.content  # type: ignore[attr-defined]
    _nothing_kept()


def test_a_reason_against_perceptual_hashes_is_none_against_digests(partner: Partner) -> None:
    only_near = next(
        one for one in offered().against("PDQ") if one.guid not in {r.guid for r in offered().against("MD5")}
    )
    body = writing.submission(Submission(affirmative=False, reasons=(only_near.guid,)))
    assert _say(partner, body=body).status_code == 400
    _nothing_kept()
    assert _say(partner, f"{OWNER}/one/PDQ", body).status_code == 200


def test_a_body_without_end_is_refused(partner: Partner) -> None:
    assert _say(partner, body=YES + b" " * reading.MAX_SUBMISSION).status_code == 413
    _nothing_kept()


def test_an_answer_is_kept_with_its_entry_and_in_the_log(partner: Partner, hash_list: HashList) -> None:
    answer = _say(partner, body=NO)
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
    assert b"submissionResult" in answer.content  # type: ignore[attr-defined]
    (given,) = Feedback.objects.all()
    assert (given.entry.source_id, given.member, given.type) == ("one", partner.member, "MD5")
    assert (given.affirmative, given.reasons) == (False, [WRONG])
    (event,) = Event.objects.filter(kind="hashes.feedback-given")
    assert event.actor == f"partner:{partner.member.public_id}"
    assert event.subject == f"hashlist:{hash_list.public_id}"
    assert json.loads(event.body)["data"] == {
        "member": partner.member.public_id,
        "entry": "one",
        "type": "MD5",
        "affirmative": False,
        "reasons": [WRONG],
    }


def test_the_same_once_more_changes_nothing_and_another_answer_takes_its_place(partner: Partner) -> None:
    for body in (YES, YES, NO, NO, YES):
        assert _say(partner, body=body).status_code == 200
    assert list(Feedback.objects.order_by("id").values_list("affirmative", flat=True)) == [True, False, True]
    (entry,) = [entry for entry in partner.page().entries if entry.entry_id == "one"]
    (said,) = entry.feedback
    assert said.type == "MD5"
    assert type(said).__name__ == "Affirmative"


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.type)
def test_the_reasons_are_those_that_are_taken(partner: Partner, kind: object) -> None:
    name = kind.type  # type: ignore[attr-defined]
    answer = partner.get(f"/v2/feedback/{name}/reasons")
    assert answer.status_code == 200
    found = reading.reasons(answer.content)  # type: ignore[attr-defined]
    assert {reason.guid for reason in found} == {reason.guid for reason in offered().against(name)}
    assert {reason.types for reason in found} == {(name,)}


def test_the_labels_are_listed(partner: Partner) -> None:
    answer = partner.get("/v2/categorizations")
    assert reading.categorizations(answer.content) == offered().groups  # type: ignore[attr-defined]
