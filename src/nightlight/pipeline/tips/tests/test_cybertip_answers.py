# SPDX-License-Identifier: Apache-2.0
"""Every answer is a document that the published schema and the known clients accept."""

from __future__ import annotations

import re
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from nightlight.pipeline.tips.formats.cybertipline import answers, xsd
from nightlight.pipeline.tips.formats.cybertipline.answers import Preset, Situation
from nightlight.pipeline.tips.tests.cybertip_documents import NO_ORACLE, ORACLE

DECLARATION = b'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
needs_oracle = pytest.mark.skipif(not ORACLE.exists(), reason=NO_ORACLE)


@cache
def published() -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(str(ORACLE)))


def test_a_response_says_code_and_description_and_no_more_than_asked() -> None:
    assert answers.response(0, "Success") == DECLARATION + (
        b"<reportResponse><responseCode>0</responseCode>"
        b"<responseDescription>Success</responseDescription></reportResponse>"
    )


def test_a_full_response_is_in_the_order_of_the_schema() -> None:
    body = answers.response(0, "Success", report_id=42, file_id="a1", hash="d41d8cd9")
    assert body == DECLARATION + (
        b"<reportResponse><responseCode>0</responseCode><responseDescription>Success</responseDescription>"
        b"<reportId>42</reportId><fileId>a1</fileId><hash>d41d8cd9</hash></reportResponse>"
    )


def test_a_finish_answer_has_no_description_and_always_a_files_element() -> None:
    assert answers.done(5001, report_id=0) == DECLARATION + (
        b"<reportDoneResponse><responseCode>5001</responseCode><reportId>0</reportId><files/></reportDoneResponse>"
    )
    assert b"<files><fileId>a1</fileId><fileId>c2</fileId></files>" in answers.done(
        0, report_id=42, file_ids=("a1", "c2")
    )


@pytest.mark.parametrize("preset", Preset)
@pytest.mark.parametrize("situation", Situation)
def test_every_situation_has_an_answer_that_our_schema_accepts(situation: Situation, preset: Preset) -> None:
    row = answers.answer(situation, preset)
    for body in (
        answers.response(row.code, row.description),
        answers.response(row.code, row.description, report_id=7, file_id="a", hash="b"),
        answers.done(row.code, report_id=7),
        answers.done(row.code, report_id=7, file_ids=["a", "b"]),
    ):
        assert xsd.validator(False).validate(etree.fromstring(body))
        if ORACLE.exists():
            assert published().validate(etree.fromstring(body))


@pytest.mark.parametrize(
    ("situation", "status", "code"),
    [
        (Situation.SUCCESS, 200, 0),
        (Situation.UNAUTHENTICATED, 401, 2000),
        (Situation.INVALID, 400, 4100),
        (Situation.FUTURE_DATE, 400, 4100),
        (Situation.BATCH_TOO_LARGE, 400, 4100),
        (Situation.MALFORMED_XML, 400, 4110),
        (Situation.MALFORMED_FILE, 400, 4200),
        (Situation.INVALID_REQUEST, 400, 4000),
        (Situation.SECOND_FILE_DETAILS, 400, 4000),
        (Situation.UNKNOWN_REPORT, 404, 5001),
        (Situation.UNKNOWN_FILE, 404, 5002),
        (Situation.ALREADY_RETRACTED, 409, 5101),
        (Situation.ALREADY_FINISHED, 409, 5102),
        (Situation.NO_SUBMIT_RIGHT, 403, 3100),
        (Situation.UNKNOWN_PATH, 404, 1210),
        (Situation.SUBMIT_NOT_STORED, 500, 1100),
        (Situation.UPLOAD_NOT_STORED, 500, 1111),
        (Situation.FILE_DETAILS_NOT_STORED, 500, 1300),
        (Situation.SERVER_ERROR, 500, 1000),
    ],
)
def test_the_modern_preset_is_the_table_of_the_specification(situation: Situation, status: int, code: int) -> None:
    row = answers.answer(situation)
    assert (row.status, row.code) == (status, code)


def test_the_legacy_preset_sends_every_code_with_status_200_but_keeps_401() -> None:
    for situation in Situation:
        modern, legacy = (answers.answer(situation, preset) for preset in Preset)
        assert legacy.code == modern.code
        assert legacy.status == (401 if situation is Situation.UNAUTHENTICATED else 200)


def test_success_is_described_with_the_one_word_clients_know() -> None:
    assert answers.answer(Situation.SUCCESS).description == "Success"
    assert "must be a past date" in answers.answer(Situation.FUTURE_DATE).description


@given(st.text(st.characters(), max_size=80))
def test_any_description_makes_a_valid_document(description: str) -> None:
    root = etree.fromstring(answers.response(4100, description))
    assert xsd.validator(False).validate(root)
    kept = re.sub("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "", description)
    assert (root.findtext("responseDescription") or "") == kept.replace("\r\n", "\n").replace("\r", "\n")


def test_lone_surrogates_and_control_characters_are_left_out() -> None:
    root = etree.fromstring(answers.response(1000, "a\ud800b\x00c\x1bd\ufffee]]>&<"))
    assert root.findtext("responseDescription") == "abcde]]>&<"


def test_no_file_id_reads_as_a_number() -> None:
    seen = {answers.new_file_id() for _ in range(3000)}
    assert len(seen) == 3000
    for file_id in seen:
        assert re.fullmatch(r"[0-9a-f]{32}", file_id)
        assert set(file_id) & set("ac")
        with pytest.raises(ValueError, match="could not convert"):
            float(file_id)
