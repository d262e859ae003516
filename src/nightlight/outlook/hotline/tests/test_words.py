# SPDX-License-Identifier: Apache-2.0
"""Everything the hotline says is said in every language, and the compiled catalogues are the written ones."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from typing import Any

import pytest

from nightlight.outlook.hotline import views

ROOT = Path(__file__).resolve().parents[5]
SCRIPT = ROOT / "scripts" / "hotline_words.py"
# The letters of each script; in every text there is at least one.
SCRIPTS = {"hi": "[\u0900-\u097f]", "mr": "[\u0900-\u097f]", "ml": "[\u0d00-\u0d7f]"}

pytestmark = pytest.mark.skipif(not SCRIPT.exists(), reason="the sources are not here")


def words() -> Any:  # noqa: ANN401 - a script, which has no types here
    """The script that keeps the catalogues."""
    spec = importlib.util.spec_from_file_location("hotline_words", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


@pytest.mark.parametrize("language", SCRIPTS)
def test_nothing_is_untranslated_and_the_catalogue_is_compiled(language: str) -> None:
    script = words()
    path = script.catalogue(language)
    renewed = script.renewed(language)
    assert renewed.untranslated_entries() == [], "translate these, then run scripts/hotline_words.py"
    assert path.read_text(encoding="utf-8") == str(renewed), "run scripts/hotline_words.py"
    assert path.with_suffix(".mo").read_bytes() == renewed.to_binary(), "run scripts/hotline_words.py"
    for one in renewed:
        assert re.search(SCRIPTS[language], one.msgstr), one.msgid
        assert set(re.findall(r"%\(?\w+\)?|{\w+}", one.msgid)) == set(re.findall(r"%\(?\w+\)?|{\w+}", one.msgstr))


def test_every_language_of_the_page_has_a_catalogue() -> None:
    assert [code for code, _own in views.LANGUAGES] == ["en", *words().LANGUAGES]
    assert len(words().gathered()) > 100
