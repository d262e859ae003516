# SPDX-License-Identifier: Apache-2.0
"""XML from strangers is refused or read, and never reaches a file, the network or much memory."""

from __future__ import annotations

import resource
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightlight.foundation import xml

if TYPE_CHECKING:
    from pathlib import Path

MEGABYTE = 1_000_000


def refusal(body: bytes, max_bytes: int = 2 * MEGABYTE) -> xml.XmlRefused:
    with pytest.raises(xml.XmlRefused) as caught:
        xml.parse(body, max_bytes=max_bytes)
    return caught.value


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"   \n ",
        b"<report",
        b"<report><a></report>",
        b"<report>",
        b"<report/>rest",
        b"<report/><report/>",
        b'{"report": {}}',
        b"report=1&id=2",
        b"<report>&#0;</report>",
        b"<report>\x01</report>",
        b"<report>&unknown;</report>",
        b"<a b='1' b='2'/>",
        b"PK\x03\x04",
    ],
)
def test_what_is_not_one_well_formed_document_is_refused(body: bytes) -> None:
    caught = refusal(body)
    assert caught.line >= 1
    assert caught.column >= 1
    assert "line" not in caught.reason or "column" not in caught.reason


@pytest.mark.parametrize(
    "body",
    [
        b"<!DOCTYPE report><report/>",
        b'<?xml version="1.0"?>\n<!-- a --><?p i?>\n<!DOCTYPE report SYSTEM "file:///etc/hostname"><report/>',
        b'<!DOCTYPE r [<!ENTITY a "b">]><r>&a;</r>',
        b'<!DOCTYPE r [<!ENTITY a SYSTEM "http://192.0.2.1/">]><r>&a;</r>',
        b'<!DOCTYPE r [<!ENTITY % p SYSTEM "http://192.0.2.1/"> %p;]><r/>',
        '<!DOCTYPE r [<!ENTITY a "b">]><r>&a;</r>'.encode("utf-16"),
        b'\xef\xbb\xbf<!DOCTYPE r [<!ATTLIST r a CDATA "default">]><r/>',
    ],
)
def test_any_document_type_declaration_is_refused(body: bytes) -> None:
    assert "DOCTYPE" in refusal(body).reason


def test_a_doctype_is_reported_where_it_stands() -> None:
    caught = refusal(b"<?xml version='1.0'?>\n\n  <!DOCTYPE r><r/>")
    assert (caught.line, caught.column) == (3, 3)


def test_an_entity_bomb_is_refused_at_once() -> None:
    levels = "".join(f'<!ENTITY a{n + 1} "{f"&a{n};" * 10}">' for n in range(20))
    began = time.perf_counter()
    refusal(f'<!DOCTYPE r [<!ENTITY a0 "ha">{levels}]><r>&a20;</r>'.encode())
    assert time.perf_counter() - began < 0.1


def test_a_doctype_inside_text_is_only_text() -> None:
    root = xml.parse(b"<r><![CDATA[<!DOCTYPE html>]]> and &lt;!DOCTYPE&gt;</r>", max_bytes=MEGABYTE)
    assert root.text == "<!DOCTYPE html> and <!DOCTYPE>"


@pytest.mark.parametrize(
    "body",
    [
        b"<a>" * 333_333,
        b"<!--" + b"x" * MEGABYTE,
        b"<?a?>" * 200_000 + b"<!DOCTYP",
        b"<!---->" * 140_000 + b"<!DOCTYPE a>",
        b"<a>" * 70 + b"</a>" * 70,
        b"<r>" + b"<a/>" * 500_001 + b"</r>",
    ],
)
def test_a_hostile_document_is_refused_quickly_and_in_bounded_memory(body: bytes) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.perf_counter()
    refusal(body, max_bytes=4 * MEGABYTE)
    assert time.perf_counter() - began < 1.0
    grown_kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown_kilobytes < 100_000


def test_one_byte_too_many_is_refused_and_the_limit_itself_is_accepted() -> None:
    body = b"<r>12345</r>"
    refusal(body, max_bytes=len(body) - 1)
    assert xml.parse(body, max_bytes=len(body)).text == "12345"


def test_depth_is_counted_in_elements() -> None:
    deep = b"<a>" * 65 + b"</a>" * 65
    assert "deeper than 64" in refusal(deep).reason
    assert xml.parse(deep, max_bytes=MEGABYTE, max_depth=65).tag == "a"
    wide = b"<r>" + b"<a><b/></a>" * 1000 + b"</r>"
    assert len(xml.parse(wide, max_bytes=MEGABYTE, max_depth=3)) == 1000


@pytest.mark.parametrize(
    "body",
    [
        b"<r>\xff</r>",
        b"<r>\xed\xa0\x80</r>",
        b"<r>\xc3</r>",
        b'<?xml version="1.0" encoding="UTF-7"?><r/>',
        b'<?xml version="1.0" encoding="rot13"?><r/>',
        b'<?xml version="1.0" encoding="EBCDIC-CP-US"?><r/>',
        b'<?xml version="1.0" encoding="windows-1252"?><r>\x81</r>',
        "<r/>".encode("utf-32"),
        b"\xff\xfe<\x00r",
        b"\xff\xfe\x00\xd8",
    ],
)
def test_bytes_that_do_not_decode_are_refused(body: bytes) -> None:
    refusal(body)


def test_undecodable_bytes_are_reported_where_they_stand() -> None:
    caught = refusal(b"<r>\n  \xff</r>")
    assert (caught.line, caught.column) == (2, 3)


@pytest.mark.parametrize(
    "body",
    [
        "<r>é</r>".encode(),
        "\ufeff<r>é</r>".encode(),
        '<?xml version="1.0" encoding="utf-8"?><r>é</r>'.encode(),
        '<?xml version="1.0" encoding="utf-16"?><r>é</r>'.encode(),
        '<?xml version="1.0" encoding="ISO-8859-1"?><r>é</r>'.encode("latin-1"),
        "<?xml version='1.0' standalone='yes' ?><r>é</r>".encode(),
        '<?xml version="1.0" encoding="windows-1252"?><r>é</r>'.encode("cp1252"),
        '<?xml version="1.0" encoding="UTF-16"?><r>é</r>'.encode("utf-16"),
        "<r>é</r>".encode("utf-16-le"),
        "<r>é</r>".encode("utf-16-be"),
    ],
)
def test_an_encoding_that_decodes_is_read(body: bytes) -> None:
    assert xml.parse(body, max_bytes=MEGABYTE).text == "é"


def test_comments_and_instructions_are_dropped_and_their_neighbours_joined() -> None:
    root = xml.parse(b"<?x y?><r>tr<!-- c -->u<?p i?>e<a/></r>", max_bytes=MEGABYTE)
    assert root.text == "true"
    assert [child.tag for child in root.iter()] == ["r", "a"]


def test_xinclude_stays_an_element(tmp_path: Path) -> None:
    secret = tmp_path / "secret.xml"
    secret.write_text("<secret/>")
    body = f'<r xmlns:xi="http://www.w3.org/2001/XInclude"><xi:include href="{secret}"/></r>'
    root = xml.parse(body.encode(), max_bytes=MEGABYTE)
    assert root.find(".//secret") is None


def test_the_position_of_an_element_is_line_and_column() -> None:
    body = "<r>\n  <a/><b>é</b>\n\n <c/></r>".encode()
    assert [xml.position(body, index) for index in range(4)] == [
        xml.Position(1, 1),
        xml.Position(2, 3),
        xml.Position(2, 7),
        xml.Position(4, 2),
    ]
    assert xml.position(body, 4) is None


def test_threads_do_not_disturb_each_other() -> None:
    bodies = [f"<r><a>{n}</a></r>".encode() if n % 3 else b"<r><a>" for n in range(300)]

    def read(body: bytes) -> str | None:
        try:
            return xml.parse(body, max_bytes=1000).findtext("a")
        except xml.XmlRefused:
            return None

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(read, bodies)) == [str(n) if n % 3 else None for n in range(300)]


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(noise: bytes) -> None:
    for body in (noise, b"<r>" + noise + b"</r>"):
        try:
            xml.parse(body, max_bytes=1000)
        except xml.XmlRefused as caught:
            assert caught.reason
