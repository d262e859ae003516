# SPDX-License-Identifier: Apache-2.0
"""The filer speaks the Reporting API and repeats a request only where that does no harm."""

from __future__ import annotations

import hashlib

import pytest

from nightlight.exercise import filer as filer_module
from nightlight.exercise.filer import Filer, Unanswered, parse_answer
from nightlight.exercise.tests.answering_server import PASSWORD, USERNAME, answering


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filer_module, "PAUSES", (0.0, 0.0, 0.0))


def test_an_address_that_is_not_http_is_refused() -> None:
    with pytest.raises(ValueError, match="not an http"):
        Filer("ftp://example.org/ispws", USERNAME, PASSWORD)


def test_wrong_credentials_give_an_answer_without_a_code() -> None:
    with answering() as (base, _), Filer(base, USERNAME, "wrong") as filer:
        answer = filer.status()
    assert (answer.http_status, answer.code, answer.ok) == (401, None, False)


def test_a_server_that_is_not_there_is_unanswered() -> None:
    with answering() as (base, _):
        pass
    with pytest.raises(Unanswered), Filer(base, USERNAME, PASSWORD) as filer:
        filer.submit(b"<report/>")


def test_a_refused_submit_says_why() -> None:
    with answering() as (base, _), Filer(base, USERNAME, PASSWORD) as filer:
        answer = filer.submit(b"<fileDetails/>")
    assert (answer.code, answer.http_status, answer.report_id) == (4100, 400, None)
    assert answer.description == "Validation failed [1,1]-refused"
    assert answer.request_id == "request-1"


@pytest.mark.parametrize("body", [b"", b"<html>busy</html>", b"not xml", b"<reportResponse/>"])
def test_a_body_that_is_no_response_document_has_no_code(body: bytes) -> None:
    assert parse_answer(body, 502, None).code is None


def test_a_report_goes_through_from_submit_to_finish_over_one_connection() -> None:
    with answering() as (base, desk), Filer(base, USERNAME, PASSWORD) as filer:
        assert filer.status().report_id is None
        opened = filer.submit(b"<report/>").report_id
        assert opened is not None
        uploaded = filer.upload(opened, b"\x89PNG\r\n--not a boundary", name="a.png", content_type="image/png")
        filer.fileinfo(f"<fileDetails><reportId>{opened}</reportId></fileDetails>".encode())
        finished = filer.finish(opened)
    assert uploaded.hash == hashlib.md5(b"\x89PNG\r\n--not a boundary", usedforsecurity=False).hexdigest()
    assert finished.ok
    assert finished.files == (uploaded.file_id,)
    assert len(desk.reports[opened].infos) == 1
    assert len(desk.connections) == 1


@pytest.mark.parametrize("file_first", [True, False])
@pytest.mark.parametrize("name", ["a.png", None])
def test_parts_arrive_whole_in_either_order(file_first: bool, name: str | None) -> None:
    with answering() as (base, desk), Filer(base, USERNAME, PASSWORD) as filer:
        opened = filer.submit(b"<report/>").report_id or 0
        filer.upload(opened, b"", name=name, file_first=file_first)
        filer.upload(opened, bytes(range(256)), name=name, file_first=file_first)
    assert [content for _, content in desk.reports[opened].files] == [b"", bytes(range(256))]


def test_finish_and_retract_go_out_in_both_encodings() -> None:
    with answering() as (base, desk), Filer(base, USERNAME, PASSWORD) as filer:
        first, second = (filer.submit(b"<report/>").report_id or 0 for _ in range(2))
        assert filer.finish(first, urlencoded=True).ok
        assert filer.finish(second).ok
        assert filer.retract(first, urlencoded=True).code == 5101
    assert desk.finish_types == ["application/x-www-form-urlencoded", "multipart/form-data"]


def test_a_connection_that_the_server_closed_is_opened_anew() -> None:
    with answering() as (base, desk), Filer(base, USERNAME, PASSWORD) as filer:
        desk.hang_up = True
        assert all(filer.submit(b"<report/>").ok for _ in range(3))
    assert len(desk.connections) == 3
    assert len(desk.reports) == 3


def test_a_lost_upload_is_not_repeated() -> None:
    with answering() as (base, desk), Filer(base, USERNAME, PASSWORD) as filer:
        opened = filer.submit(b"<report/>").report_id or 0
        desk.lose.append("upload")
        with pytest.raises(Unanswered):
            filer.upload(opened, b"x", name="a.png")
    assert len(desk.reports[opened].files) == 1


def test_a_lost_finish_is_repeated_and_counts_as_finished() -> None:
    with answering() as (base, desk), Filer(base, USERNAME, PASSWORD) as filer:
        opened = filer.submit(b"<report/>").report_id or 0
        desk.lose.append("finish")
        assert filer.finish(opened).ok
        assert filer.finish(opened).code == 5102


def test_a_busy_server_is_asked_again_even_for_an_upload() -> None:
    with answering() as (base, desk), Filer(base, USERNAME, PASSWORD) as filer:
        opened = filer.submit(b"<report/>").report_id or 0
        desk.busy.append("upload")
        assert filer.upload(opened, b"x", name="a.png").ok
    assert len(desk.reports[opened].files) == 1


def test_a_server_that_stays_busy_says_so_in_the_answer() -> None:
    with answering() as (base, desk), Filer(base, USERNAME, PASSWORD) as filer:
        desk.busy += ["submit"] * 3
        assert filer.submit(b"<report/>").http_status == 503
