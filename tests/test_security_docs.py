# SPDX-License-Identifier: Apache-2.0
"""docs/security.md says what the tests show: each requirement once, each cited test there, sums that are right."""

from __future__ import annotations

import ast
import json
import re
import tomllib
from collections import Counter
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src" / "nightlight"
PAGE = ROOT / "docs" / "security.md"
FOLDERS = {
    **{name: SOURCE / "outlook" / name / "tests" for name in ("desk", "audit", "api")},
    **{name: SOURCE / "trust" / name / "tests" for name in ("accounts", "custody", "evidence", "law", "sealed")},
    **{name: SOURCE / "trust" / name / "tests" for name in ("units", "viewing")},
    "tips": SOURCE / "pipeline" / "tips" / "tests",
    "foundation": SOURCE / "foundation" / "tests",
    "access": ROOT / "tests" / "access",
    "faults": ROOT / "tests" / "faults",
    "story": ROOT / "tests",
}
# How many requirements of level 1 and 2 each chapter of ASVS 5.0.0 has.
CHAPTERS = dict(enumerate((27, 11, 19, 10, 9, 35, 18, 7, 7, 29, 14, 9, 13, 9, 13, 16, 7), start=1))
LEVEL_ONE = 70
STATES = ("met", "n/a", "open")
WRITTEN = re.compile(r"V\d+\.1\.\d+$")  # in each chapter the first section asks for something written


class Row(NamedTuple):
    """One requirement of the list."""

    number: str
    level: str
    what: str
    state: str
    why: str


@cache
def rows() -> list[Row]:
    found = re.findall(r"^\| (V[\d.]+) \| (\S+) \| (.+?) \| (\S+) \| (.*) \|$", PAGE.read_text(encoding="utf-8"), re.M)
    return [Row(*one) for one in found]


@cache
def _tests_in(path: Path) -> frozenset[str]:
    if not path.exists():
        return frozenset()
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def _cited(text: str) -> list[tuple[str, str, str]]:
    return re.findall(r"`(\w+)/(test_\w+)::(test_\w+)`", text)


def test_every_requirement_is_listed_once() -> None:
    numbers = [row.number for row in rows()]
    assert [number for number, times in Counter(numbers).items() if times > 1] == []
    assert Counter(int(number[1:].split(".")[0]) for number in numbers) == CHAPTERS
    assert numbers == sorted(numbers, key=lambda number: [int(part) for part in number[1:].split(".")])
    assert {row.level for row in rows()} == {"1", "2"}
    assert sum(row.level == "1" for row in rows()) == LEVEL_ONE


def test_every_requirement_is_met_open_or_has_nothing_to_do_with_this() -> None:
    assert {row.state for row in rows()} <= set(STATES)
    assert [row.number for row in rows() if len(row.why) < 4] == []


def test_every_cited_test_exists() -> None:
    text = PAGE.read_text(encoding="utf-8")
    missing = {
        f"{folder}/{name}::{test}"
        for folder, name, test in _cited(text)
        if folder not in FOLDERS or test not in _tests_in(FOLDERS[folder] / f"{name}.py")
    }
    assert missing == set()
    assert text.count("::test_") == len(_cited(text))  # none is written so that it would not be looked for


def test_what_is_met_is_shown_by_a_test_or_is_a_page() -> None:
    unshown = [
        row.number
        for row in rows()
        if row.state == "met"
        and not _cited(row.why)
        and not (WRITTEN.match(row.number) and re.search(r"\]\((#|\w)", row.why))
    ]
    assert unshown == []


def test_the_sums_are_right() -> None:
    told = {
        name: [int(number) for number in re.findall(r"\d+", figures)]
        for name, figures in re.findall(
            r"^\| (?:\*\*)?(level 1|level 2|both)(?:\*\*)? \|(.*)\|$", PAGE.read_text(encoding="utf-8"), re.M
        )
    }
    for name in ("level 1", "level 2", "both"):
        counted = Counter(row.state for row in rows() if name == "both" or row.level == name[-1])
        assert told[name] == [*(counted[state] for state in STATES), counted.total()], name


def test_every_place_on_the_page_that_is_pointed_to_is_there() -> None:
    text = PAGE.read_text(encoding="utf-8")
    headings = {
        re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-")
        for heading in re.findall(r"^#+ (.+)$", text, re.M)
    }
    assert set(re.findall(r"\]\(#([\w-]+)\)", text)) <= headings


def test_every_library_comes_from_the_named_registry_with_its_digest() -> None:
    packages = tomllib.loads((ROOT / "uv.lock").read_text(encoding="utf-8"))["package"]
    others = [package for package in packages if package["name"] != "nightlight"]
    assert {package["source"].get("registry") for package in others} == {"https://pypi.org/simple"}
    for package in others:
        artefacts = [*package.get("wheels", []), *([package["sdist"]] if "sdist" in package else [])]
        assert artefacts, package["name"]
        assert all(one["hash"].startswith("sha256:") for one in artefacts), package["name"]
    assets = json.loads((ROOT / "assets" / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    assert all(found["integrity"].startswith("sha512-") for name, found in assets.items() if name)
