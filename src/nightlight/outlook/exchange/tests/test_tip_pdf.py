# SPDX-License-Identifier: Apache-2.0
"""A PDF can be read by people and by programs, in every script that reports come in, and no text makes it fail."""

from __future__ import annotations

import re
import zlib
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pypdfium2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nightlight.outlook.exchange import letters, tip_pdf
from nightlight.outlook.exchange.letters import Letters
from nightlight.outlook.exchange.sheets import Block, Line, Section, Sheet

AT = datetime(2026, 11, 23, 7, 0, tzinfo=UTC)
NOWHERE = Path("/nowhere")
OURS = Letters(system=NOWHERE)
SHEET = Sheet(
    tip="NL-7F3K-9QTX",
    title="Tip NL-7F3K-9QTX",
    at=AT,
    warning="",
    front=(Block("", (Line("Received", "23 Nov 2026"),)),),
    sections=(
        Section(
            "A. Reported information",
            "Unverified.",
            (
                Block(
                    "File 1",
                    (
                        Line("Filename", "official office file.png"),
                        Line("MD5", "d41d8cd98f00b204e9800998ecf8427e"),
                        Line("IP Address", "203.0.113.5"),
                    ),
                ),
            ),
        ),
    ),
    footer=("Exported for Alice Example", "SHA-256 of the report as received: 0"),
)
# What reports from India come in, with what breaks where letters are not shaped: stacks, old joiners, right to left.
SCRIPTS = {
    "Hindi": "क्षत्रिय हिन्दी किरण र्म",
    "Malayalam": "മലയാളം ക്ഷ ശ്രീ കൊല്ലം അവന്\u200d",
    "Marathi": "पुण्यातील दुर्\u200dया",
    "Tamil": "தமிழ் ஸ்ரீ",
    "Telugu": "తెలుగు క్ష్మ",
    "Kannada": "ಕನ್ನಡ ಕ್ಷ್ಮಿ",
    "Bengali": "বাংলা ক্ষুদ্র",
    "Gujarati": "ગુજરાતી ક્ષ",
    "Punjabi": "ਪੰਜਾਬੀ ਸ੍ਰੀ",
    "Odia": "ଓଡ଼ିଆ କ୍ଷ".replace("\u0b5c", "\u0b21\u0b3c"),
    "Urdu": "پاکستان میں",
    "Latin": "Việt Łódź",
    "Greek": "Ελληνικά",
    "Russian": "Русский",
}
with_fonts = pytest.mark.skipif(not (letters.FONTS / "LICENSE.txt").exists(), reason="run assets/install.py first")


def _with(*prose: str, lines: tuple[Line, ...] = ()) -> Sheet:
    return replace(SHEET, front=(Block("Said", lines, prose),))


def _text(body: bytes) -> str:
    with pypdfium2.PdfDocument(body) as document:
        return "\n".join(page.get_textpage().get_text_range() for page in document).replace("\r\n", "\n")


def _meant(body: bytes) -> str:
    """What the document says its shaped lines mean (ActualText)."""
    streams = (zlib.decompress(found) for found in re.findall(rb"stream\n(x.*?)\nendstream", body, re.DOTALL))
    codes = (code for stream in streams for code in re.findall(rb"/ActualText <(feff[0-9a-f]*)>", stream))
    return "\n".join(bytes.fromhex(code.decode()).decode("utf-16") for code in codes)


def test_what_no_font_draws_is_written_as_its_code_points_and_said_so() -> None:
    text = _text(tip_pdf.write(_with("see \U0001f600\U0001f468\u200d\U0001f469 you\x00\ud800"), letters=Letters()))
    assert "see [U+1F600 U+1F468 U+200D U+1F469] you[U+0000 U+D800]" in text
    assert "no font of this installation draws" in text
    assert "no font" not in _text(tip_pdf.write(SHEET, letters=Letters()))


def test_an_override_of_direction_is_seen_and_does_nothing() -> None:
    assert "report[U+202E]gpj.exe" in _text(tip_pdf.write(_with("report\u202egpj.exe"), letters=OURS))


def test_without_any_font_a_page_still_says_everything() -> None:
    body = tip_pdf.write(_with("किरण Kiran"), letters=Letters(ours=NOWHERE, system=NOWHERE))
    text = _text(body)
    assert "[U+0915][U+093F][U+0930][U+0923] Kiran" in text
    assert "IP Address: 203.0.113.5" in text


@with_fonts
@pytest.mark.parametrize("script", SCRIPTS)
def test_every_script_can_be_read_and_copied(script: str) -> None:
    said = SCRIPTS[script]
    assert OURS.drawable(said) == said
    body = tip_pdf.write(_with(said), letters=OURS)
    assert said in _meant(body) or script in {"Latin", "Greek", "Russian"}
    # PDFium turns the letters of words that run from right to left, which the document states in reading order.
    assert script == "Urdu" or said in _text(body)


@with_fonts
def test_marks_and_joiners_stay_in_one_run_with_their_letters() -> None:
    for said in ("അവന്\u200d", "दुर्\u200dया", "ক্ষুদ্র"):
        assert len(list(OURS.runs(said, bold=False))) == 1
    assert [run for _face, run in OURS.runs("Kiran किरण kite", bold=False)] == ["Kiran ", "किरण ", "kite"]


@with_fonts
def test_letters_are_shaped() -> None:
    """Conjuncts are narrower than their letters, and so are letters that join."""
    paper = tip_pdf._Paper(OURS)
    try:
        width = {text: paper._width(text, False, 10) for text in ("क्ष", "क", "ष", "ക്ഷ", "ക", "ഷ", "بب", "ب")}
    finally:
        paper.close_fonts()
    assert width["क्ष"] < width["क"] + width["ष"]
    assert width["ക്ഷ"] < width["ക"] + width["ഷ"]
    assert width["بب"] < 2 * width["ب"]


def test_public_programs_find_their_labels_each_on_its_line() -> None:
    lines = _text(tip_pdf.write(SHEET, letters=Letters())).splitlines()
    assert "IP Address: 203.0.113.5" in lines
    assert "MD5: d41d8cd98f00b204e9800998ecf8427e" in lines
    assert "Filename: official office file.png" in lines  # no ligatures, which programs would not find


def test_the_same_sheet_gives_the_same_bytes_and_says_nothing_of_anybody_in_its_metadata() -> None:
    sheet = _with("क्षत्रिय", "plain")
    body = tip_pdf.write(sheet, letters=Letters())
    assert body == tip_pdf.write(sheet, letters=Letters())
    with pypdfium2.PdfDocument(body) as document:
        told = document.get_metadata_dict()
    assert told["Title"] == "NL-7F3K-9QTX"
    assert told["Author"] == told["Subject"] == told["Keywords"] == ""
    assert told["CreationDate"].startswith("D:20261123070000")
    assert b"Alice" not in body


def test_every_page_says_what_it_is_for_whom_and_which_of_how_many() -> None:
    body = tip_pdf.write(_with(*["a line of a long story"] * 120), letters=Letters())
    with pypdfium2.PdfDocument(body) as document:
        pages = [page.get_textpage().get_text_range() for page in document]
    assert len(pages) == 4
    for number, text in enumerate(pages, 1):
        assert tip_pdf.RESTRICTED in text
        assert f"Page {number} of 4" in text
        assert "Exported for Alice Example" in text


@pytest.mark.parametrize(
    "text", ["x" * 10_000, "word " * 2_000, "क्ष" * 3_000, "\n" * 500, "\u0d02" * 400, "\u200d" * 300]
)
def test_long_and_odd_texts_fit_on_the_page(text: str) -> None:
    body = tip_pdf.write(_with(text, lines=(Line(text[:300], text[:300]),)), letters=OURS)
    with pypdfium2.PdfDocument(body) as document:
        edge = 0.0
        for page in document:
            there = page.get_textpage()
            boxes = (there.get_charbox(at) for at in range(0, there.count_chars(), 37))
            edge = max([edge, *(right for _left, _bottom, right, _top in boxes)])
    assert edge < 210 / 25.4 * 72 - 30  # points; the margin is 51
    written = _text(body)
    assert written.count("x") >= 10_000 if text.startswith("x") else written


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(st.characters(min_codepoint=0, max_codepoint=0x10FFFF), max_size=200), st.text(max_size=60))
def test_no_text_makes_it_fail(said: str, label: str) -> None:
    system_free = letters.Letters(ours=letters.FONTS, system=NOWHERE)
    body = tip_pdf.write(_with(said, lines=(Line(label, said),)), letters=system_free)
    assert re.search("Tip NL-7F3K-9QTX", _text(body))


@given(st.text(max_size=80))
def test_what_is_drawable_stays_as_it_is_when_asked_again(said: str) -> None:
    once = OURS.drawable(said)
    assert OURS.drawable(once) == once
