#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Renews the words of the hotline: gathers what its pages say, brings the catalogues up to date, compiles them.

Run it as ``.venv/bin/python scripts/hotline_words.py`` after a text of a page was changed; then translate what it names
and run it again. A test fails as long as something is not translated, or a compiled catalogue is not the written one.
"""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from pathlib import Path

import polib

ROOT = Path(__file__).resolve().parent.parent
HOTLINE = ROOT / "src" / "nightlight" / "outlook" / "hotline"
STATES = ROOT / "src" / "nightlight" / "pipeline" / "tips" / "formats" / "hotline.py"
LANGUAGES = ("hi", "mr", "ml")
_TAG = re.compile(r'{%\s*translate\s+"([^"]+)"')
_CALLS = {"_", "gettext", "gettext_noop", "_in"}


def catalogue(language: str) -> Path:
    """The written catalogue of a language; the compiled one lies beside it."""
    return HOTLINE / "locale" / language / "LC_MESSAGES" / "django.po"


def gathered() -> list[str]:
    """Everything the hotline says, each once, in the order in which the files say it."""
    found: list[str] = []
    for template in sorted((HOTLINE / "templates" / "hotline").glob("*.html")):
        found += _TAG.findall(template.read_text(encoding="utf-8"))
    for module in sorted(HOTLINE.glob("*.py")):
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _CALLS:
                found += [one.value for one in node.args if isinstance(one, ast.Constant) and " " in str(one.value)]
    labels = tomllib.loads((HOTLINE / "data" / "helplines.toml").read_text(encoding="utf-8"))["numbers"]
    found += [one["label"] for one in labels]
    for node in ast.walk(ast.parse(STATES.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "STATES":
            found += list(ast.literal_eval(node.value).values())
    return list(dict.fromkeys(found))


def renewed(language: str) -> polib.POFile:
    """The catalogue with exactly what is said now; what was translated stays."""
    path = catalogue(language)
    known = {one.msgid: one.msgstr for one in polib.pofile(str(path))} if path.exists() else {}
    made = polib.POFile(wrapwidth=0)
    made.metadata = {
        "Project-Id-Version": "Nightlight hotline",
        "Language": language,
        "MIME-Version": "1.0",
        "Content-Type": "text/plain; charset=UTF-8",
        "Content-Transfer-Encoding": "8bit",
        "Plural-Forms": "nplurals=2; plural=(n != 1);",
    }
    made.header = "SPDX-License-Identifier: Apache-2.0\nNot yet reviewed by a native speaker."
    made.extend(polib.POEntry(msgid=text, msgstr=known.get(text, "")) for text in gathered())
    return made


def main() -> int:
    """Write and compile every catalogue; name what is not translated."""
    left = 0
    for language in LANGUAGES:
        path = catalogue(language)
        path.parent.mkdir(parents=True, exist_ok=True)
        made = renewed(language)
        made.save(str(path))
        made.save_as_mofile(str(path.with_suffix(".mo")))
        for one in made.untranslated_entries():
            sys.stdout.write(f"{language}: {one.msgid}\n")
            left += 1
    return 1 if left else 0


if __name__ == "__main__":
    raise SystemExit(main())
