# SPDX-License-Identifier: Apache-2.0
"""A platform's software speaks to the running system: refusals first, then success, every answer conformant."""

from __future__ import annotations

import hashlib
import json
import socket
import zlib
from typing import TYPE_CHECKING

import httpx
import psycopg
import pytest
from lxml import etree

from nightlight.config import postgres
from tests.wire_client import Client, need_oracle, report, understand

if TYPE_CHECKING:
    from tests.installation import Installation


@pytest.fixture(scope="module")
def client(installation: Installation) -> Client:
    return Client(installation.base, installation.reporter("Example Chat"))


@pytest.fixture(scope="module")
def stranger(installation: Installation) -> Client:
    return Client(installation.base, installation.reporter("Example Forum"))


def test_answers_are_checked_against_the_clearing_houses_schema() -> None:
    need_oracle()


# --- who may ask ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["status", "xsd", "submit", "upload", "fileinfo", "finish", "retract", "nowhere"])
@pytest.mark.parametrize("authorization", ["", "Basic", "Basic !!!", "Bearer abc", "Basic dXNyMTIzOnBzd2QxMjM="])
def test_without_valid_credentials_there_is_an_empty_401(
    installation: Installation, path: str, authorization: str
) -> None:
    method = "GET" if path in {"status", "xsd"} else "POST"
    headers = {"Authorization": authorization} if authorization else {}
    answer = httpx.request(
        method, f"{installation.base}/ispws/{path}", headers=headers, content=b"x=1" * 100, timeout=60
    )
    assert (answer.status_code, answer.content) == (401, b"")
    assert answer.headers["WWW-Authenticate"].startswith("Basic ")
    assert answer.headers["Request-ID"]


def test_a_revoked_credential_ends_at_once(installation: Installation) -> None:
    login = installation.reporter("Example Gone")
    passing = Client(installation.base, login)
    assert passing.get("/status").code == 0
    installation.run("reporter", "revoke", login[0])
    assert passing.http.get("/status").status_code == 401


def test_another_reporters_report_is_answered_like_none(client: Client, stranger: Client) -> None:
    opened = client.submit().report_id
    for answer in (
        stranger.upload(opened, b"x"),
        stranger.fileinfo(opened, "a" * 32),
        stranger.finish(opened),
        stranger.retract(opened),
    ):
        assert (answer.status, answer.code) == (404, 5001)
    assert client.retract(opened).code == 0


def test_the_test_environment_cannot_touch_a_production_report(installation: Installation, client: Client) -> None:
    trial = Client(installation.base, installation.reporter("Example Chat", "test"))
    opened = client.submit().report_id
    assert trial.finish(opened).code == 5001
    own = trial.submit().report_id
    assert client.finish(own).code == 5001
    assert trial.finish(own).code == 0


# --- what is refused ------------------------------------------------------------------------------------------

BOMB = b'<!DOCTYPE r [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]><report>&b;</report>'
BAD_XML = {
    "empty": b"",
    "not XML": b"hello",
    "JSON": json.dumps({"report": {}}).encode(),
    "DTD": b"<!DOCTYPE report SYSTEM 'http://example.org/x.dtd'><report/>",
    "entity bomb": BOMB,
    "external entity": b'<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/hostname">]><report>&x;</report>',
    "truncated": report().encode()[:-20],
    "not UTF-8": report().replace("Asha", "\xff\xfe").encode("latin-1"),
    "one megabyte of nesting": b"<a>" * 350_000,
    "nested report": b"<report>" * 5_000 + b"</report>" * 5_000,
    "wrong root": b"<fileDetails><reportId>1</reportId><fileId>a</fileId></fileDetails>",
    "a bare part of the schema": b"<incidentSummary/>",
    "null bytes": b"\x00" * 1000,
    "compressed": zlib.compress(report().encode()),
}


@pytest.mark.parametrize("name", BAD_XML)
def test_what_is_not_a_report_document_is_4110(client: Client, name: str) -> None:
    answer = client.submit(BAD_XML[name])
    assert (answer.status, answer.code, answer.report_id) == (400, 4110, None), answer
    assert answer.description


def test_a_document_beyond_the_size_cap_is_4110_and_the_connection_survives(client: Client) -> None:
    assert client.submit(b"<report>" + b" " * 9_000_000 + b"</report>").code == 4110
    assert client.get("/status").code == 0


BAD_REPORTS = {
    "wrong order": "<report><reporter><reportingPerson/></reporter></report>",
    "unknown type": report(kind="Something else"),
    "future": report(at="2999-01-01T00:00:00Z"),
    "flag false": report(inside="<reportAnnotations><spam>false</spam></reportAnnotations>"),
    "unknown element": report(extra="<surprise/>"),
    "port": report(
        extra="<personOrUserReported><ipCaptureEvent><ipAddress>192.0.2.1</ipAddress><port>99999</port>"
        "</ipCaptureEvent></personOrUserReported>"
    ),
    "unknown prior report": report(
        extra="<personOrUserReported><priorCTReports>17</priorCTReports></personOrUserReported>"
    ),
}


@pytest.mark.parametrize("name", BAD_REPORTS)
def test_a_report_against_the_rules_is_4100_with_line_and_column(client: Client, name: str) -> None:
    answer = client.submit(BAD_REPORTS[name])
    assert (answer.status, answer.code, answer.report_id) == (400, 4100, None)
    assert answer.description.startswith("Validation failed")
    assert "[" in answer.description
    if name == "future":
        assert "must be a past date" in answer.description


@pytest.mark.parametrize("number", ["", "abc", "-1", "1.5", "9" * 40, "1e3", "\u0663", "0x10", "1\x00"])
@pytest.mark.parametrize("path", ["/finish", "/retract", "/upload"])
def test_a_missing_or_non_numeric_id_is_4000(client: Client, path: str, number: str) -> None:
    files = {"file": ("a.txt", b"x")} if path == "/upload" else {}
    answer = understand(client.http.post(path, files={**files, "id": (None, number.encode())}))
    assert (answer.status, answer.code) == (400, 4000)
    assert answer.root == ("reportDoneResponse" if path == "/finish" else "reportResponse")
    if path == "/finish":
        assert answer.report_id == 0


def test_an_unknown_report_is_5001_and_finish_echoes_the_id(client: Client) -> None:
    answer = client.finish(123456)
    assert (answer.status, answer.code, answer.root, answer.report_id) == (
        404,
        5001,
        "reportDoneResponse",
        123456,
    )
    assert client.retract(123456).code == 5001
    assert client.upload(123456, b"x").code == 5001
    assert client.fileinfo(123456, "a").code == 5001


def test_an_unknown_path_is_1210_and_a_wrong_method_4000(client: Client) -> None:
    assert (client.get("/nowhere").status, client.get("/nowhere").code) == (404, 1210)
    assert client.get("/submit").code == 4000
    assert understand(client.http.post("/status")).code == 4000
    assert understand(client.http.put("/finish", content=b"x")).root == "reportDoneResponse"


BOUNDARY = "b0undary"
BROKEN_UPLOADS = {
    "no final boundary": f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nabc',
    "no boundary at all": "hello",
    "no disposition": f"--{BOUNDARY}\r\n\r\nabc\r\n--{BOUNDARY}--\r\n",
    "empty": "",
    "headers cut": f"--{BOUNDARY}\r\nContent-Dispo",
}


@pytest.mark.parametrize("name", BROKEN_UPLOADS)
def test_a_broken_multipart_body_is_4200(client: Client, name: str) -> None:
    opened = client.submit().report_id
    kind = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
    answer = understand(client.http.post("/upload", content=BROKEN_UPLOADS[name].encode(), headers=kind))
    assert (answer.status, answer.code) == (400, 4200)
    assert client.finish(opened).files == ()


def test_an_upload_without_a_file_or_of_another_type_is_4200(client: Client) -> None:
    opened = client.submit().report_id
    assert understand(client.http.post("/upload", files={"id": (None, str(opened))})).code == 4200
    assert understand(client.http.post("/upload", data={"id": str(opened)})).code == 4200
    assert understand(client.http.post("/upload", content=b"{}", headers={"Content-Type": "text/xml"})).code == 4200
    assert client.retract(opened).code == 0


def test_a_connection_cut_in_the_middle_lists_no_file(installation: Installation, client: Client) -> None:
    opened = client.submit().report_id
    head = (
        f"POST /ispws/upload HTTP/1.1\r\nHost: localhost\r\nAuthorization: {_basic(client)}\r\n"
        f"Content-Type: multipart/form-data; boundary={BOUNDARY}\r\nContent-Length: 500000\r\n\r\n"
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="id"\r\n\r\n{opened}\r\n--{BOUNDARY}\r\n'
        f'Content-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
    )
    with socket.create_connection(("127.0.0.1", installation.port)) as raw:
        raw.sendall(head.encode() + b"x" * 100_000)
    assert client.finish(opened).files == ()


def test_details_of_an_unknown_file_are_5002_and_second_details_4000(client: Client) -> None:
    opened = client.submit().report_id
    other = client.submit().report_id
    file_id = client.upload(opened, b"abc").file_id
    assert (client.fileinfo(opened, "f" * 32).status, client.fileinfo(opened, "f" * 32).code) == (404, 5002)
    assert client.fileinfo(other, file_id).code == 5002
    assert client.fileinfo(opened, file_id).code == 0
    second = client.fileinfo(opened, file_id)
    assert (second.status, second.code, second.report_id) == (400, 4000, opened)


# --- the life of a report -------------------------------------------------------------------------------------


def test_status_names_user_and_address_and_no_report(client: Client) -> None:
    answer = client.get("/status")
    assert (answer.status, answer.code, answer.report_id) == (200, 0, None)
    assert answer.description.startswith("Remote User : rp-")
    assert answer.description.endswith(", Remote Ip : 127.0.0.1")


def test_the_served_schema_compiles_and_accepts_what_the_server_accepts(client: Client) -> None:
    served = client.http.get("/xsd")
    schema = etree.XMLSchema(etree.fromstring(served.content))
    assert schema.validate(etree.fromstring(report().encode()))
    assert served.headers["Request-ID"]


def test_a_complete_report_is_received_and_its_receipt_kept(installation: Installation, client: Client) -> None:
    body = bytes(range(256)) * 400
    opened = client.submit()
    assert (opened.status, opened.code, opened.description) == (200, 0, "Success")
    assert opened.report_id is not None
    assert 0 < opened.report_id < 2**53
    sent = client.upload(opened.report_id, body)
    assert (sent.code, sent.report_id, sent.hash) == (0, opened.report_id, hashlib.md5(body).hexdigest())
    assert sent.file_id is not None
    assert len(sent.file_id) == 32
    assert not sent.file_id.isdecimal()
    told = client.fileinfo(opened.report_id, sent.file_id, "<fileViewedByEsp>true</fileViewedByEsp>")
    assert (told.code, told.report_id) == (0, opened.report_id)
    done = client.finish(opened.report_id)
    assert (done.status, done.code, done.root, done.files) == (200, 0, "reportDoneResponse", (sent.file_id,))
    shown = installation.json("tip", "show", str(opened.report_id))
    assert shown["state"] == "received"
    receipts = [d for d in shown["documents"] if d["kind"] == "receipt"]  # type: ignore[union-attr, attr-defined]
    assert [r["sha256"] for r in receipts] == [hashlib.sha256(done.body).hexdigest()]
    (file,) = shown["files"]  # type: ignore[misc]
    assert file["sha256"] == hashlib.sha256(body).hexdigest()
    kinds = [event["kind"] for event in shown["history"]]  # type: ignore[union-attr, attr-defined]
    assert kinds[:4] == ["tip.opened", "evidence.received", "tip.file-described", "tip.received"]
    assert set(kinds[4:]) <= {"tip.fingerprinted", "tip.assessed", "tip.linked"}  # if the worker has come to it by now
    for answer in (client.finish(opened.report_id), client.retract(opened.report_id)):
        assert (answer.status, answer.code) == (409, 5102)
    assert client.upload(opened.report_id, b"late").code == 5102


def test_a_retracted_report_answers_5101(client: Client) -> None:
    opened = client.submit().report_id
    assert client.retract(opened).code == 0
    for answer in (client.retract(opened), client.finish(opened), client.upload(opened, b"x")):
        assert (answer.status, answer.code) == (409, 5101)


def test_an_expired_report_answers_5101_to_every_step(installation: Installation, client: Client) -> None:
    opened = client.submit().report_id
    file_id = client.upload(opened, b"early").file_id
    day = "- interval '25 hours'"
    aged = (
        f"UPDATE tips_tip SET opened_at = opened_at {day} WHERE report_id = %(id)s",
        f"UPDATE tips_document SET received_at = received_at {day}"
        " WHERE tip_id = (SELECT id FROM tips_tip WHERE report_id = %(id)s)",
        f"UPDATE evidence_item SET received_at = received_at {day} WHERE id IN (SELECT item_id FROM tips_tipfile f"
        " JOIN tips_tip t ON t.id = f.tip_id WHERE t.report_id = %(id)s)",
    )
    back = [sql.replace("- interval", "+ interval") for sql in aged]
    superuser = psycopg.connect(postgres.url(installation.home, role=postgres.SUPERUSER), autocommit=True)
    with superuser:
        superuser.execute("SET session_replication_role = replica")
        for sql in aged:
            superuser.execute(sql, {"id": opened})
        for answer in (
            client.finish(opened),
            client.retract(opened),
            client.upload(opened, b"late"),
            client.fileinfo(opened, file_id),
        ):
            assert (answer.status, answer.code, answer.report_id) == (409, 5101, opened)
        for sql in back:  # as it was, or the custody log would rightly complain
            superuser.execute(sql, {"id": opened})
    superuser.close()
    assert client.finish(opened).files == (file_id,)


def test_finish_takes_both_form_encodings_and_lists_files_in_upload_order(client: Client) -> None:
    opened = client.submit().report_id
    sent = [client.upload(opened, bytes([n])).file_id for n in range(5)]
    answer = understand(client.http.post("/finish", files={"id": (None, str(opened))}))
    assert (answer.code, list(answer.files)) == (0, sent)


def test_files_may_be_empty_nameless_repeated_and_come_before_the_id(client: Client) -> None:
    opened = client.submit().report_id
    empty = client.upload(opened, b"")
    assert empty.hash == hashlib.md5(b"").hexdigest()
    first, again = client.upload(opened, b"same bytes"), client.upload(opened, b"same bytes")
    assert first.hash == again.hash
    assert first.file_id != again.file_id
    body = (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"\r\n\r\nnameless\r\n'
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="id"\r\n\r\n{opened}\r\n--{BOUNDARY}--\r\n'
    )
    kind = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
    backwards = understand(client.http.post("/upload", content=body.encode(), headers=kind))
    assert backwards.hash == hashlib.md5(b"nameless").hexdigest()
    assert len(client.finish(opened).files) == 4


def test_a_chunked_upload_without_a_declared_length_is_taken(client: Client) -> None:
    opened = client.submit().report_id
    part = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="id"\r\n\r\n{opened}\r\n--{BOUNDARY}\r\n'
    head = f'{part}Content-Disposition: form-data; name="file"; filename="a"\r\n\r\n'

    def chunks() -> object:
        yield head.encode()
        for _ in range(50):
            yield b"y" * 10_000
        yield f"\r\n--{BOUNDARY}--\r\n".encode()

    kind = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
    answer = understand(client.http.post("/upload", content=chunks(), headers=kind))  # type: ignore[arg-type]
    assert answer.hash == hashlib.md5(b"y" * 500_000).hexdigest()


def test_a_repeated_report_is_a_second_report_flagged_as_likely_duplicate(
    installation: Installation, client: Client
) -> None:
    body = report(inside="<platform>retry</platform>")
    first, second = client.submit(body).report_id, client.submit(body).report_id
    assert first != second
    assert client.finish(first).code == client.finish(second).code == 0
    told = _when_read(installation, second)
    assert told["likely_duplicate_of"] == installation.json("tip", "show", str(first))["id"]


def test_an_earlier_finished_report_may_be_named_an_open_one_not(client: Client) -> None:
    earlier = client.submit().report_id
    names = "<personOrUserReported><priorCTReports>{}</priorCTReports></personOrUserReported>"
    assert client.submit(report(extra=names.format(earlier))).code == 4100
    client.finish(earlier)
    assert client.submit(report(extra=names.format(earlier))).code == 0


BATCHED = (
    '<report><batchedReport reason="VIRAL_POTENTIAL_MEME"/><incidentSummary><incidentType>Misleading Domain Name'
    "</incidentType><incidentDateTime>2026-11-01T08:00:00Z</incidentDateTime></incidentSummary>"
    "<reporter><reportingPerson><email>desk@example.org</email></reportingPerson></reporter>"
    "<personOrUserReported><espIdentifier>one</espIdentifier></personOrUserReported>"
    "<personOrUserReported><espIdentifier>two</espIdentifier></personOrUserReported></report>"
)


def test_a_batched_report_with_two_files_cannot_be_finished(client: Client) -> None:
    opened = client.submit(BATCHED)
    assert opened.code == 0, opened
    first = client.upload(opened.report_id, b"one").file_id
    assert client.fileinfo(opened.report_id, first, "<originalFileName>a</originalFileName>").code == 4100
    viral = "<fileAnnotations><viral/></fileAnnotations>"
    assert client.fileinfo(opened.report_id, first, viral).code == 0
    client.upload(opened.report_id, b"two")
    answer = client.finish(opened.report_id)
    assert (answer.status, answer.code, answer.root) == (400, 4100, "reportDoneResponse")
    assert client.retract(opened.report_id).code == 0


@pytest.mark.parametrize("flag", ["<spam/>", "<spam>true</spam>", "<spam>1</spam>", "<spam>\n true </spam>"])
def test_flags_and_times_are_taken_as_the_standard_takes_them(client: Client, flag: str) -> None:
    inside = f"<reportAnnotations>{flag}</reportAnnotations>"
    assert client.submit(report(inside=inside, at="\n  2026-11-01T08:00:00Z ")).code == 0


def _basic(client: Client) -> str:
    return str(client.http.get("/status").request.headers["Authorization"])


def _when_read(installation: Installation, report_id: object) -> dict[str, object]:
    import time

    for _ in range(60):
        told = installation.json("tip", "show", str(report_id))
        if told["likely_duplicate_of"]:
            return told
        time.sleep(0.25)
    raise AssertionError("the worker did not read the tip")


def test_an_account_without_the_right_to_submit_is_3100(installation: Installation) -> None:
    told = installation.json("reporter", "add", "Example Watcher", "--environment", "production", "--no-may-submit")
    watcher = Client(installation.base, (str(told["username"]), str(told["password"])))
    assert watcher.get("/status").code == 0
    answer = watcher.submit()
    assert (answer.status, answer.code, answer.report_id) == (403, 3100, None)
