# SPDX-License-Identifier: Apache-2.0
"""The documentation says what the code does: settings, custody events, commands, links, docstrings."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import typer.main

from nightlight.cli import app
from nightlight.config import environment

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src" / "nightlight"
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
MODULES = sorted(path for path in SOURCE.rglob("*.py") if "node_modules" not in path.parts)

# Kinds that are put together when the program runs: module, the expression as written, what it may become.
PUT_TOGETHER = {
    ("pipeline/tips/actions.py", "f'tip.{state}'"): {"tip.retracted", "tip.expired"},
    ("outlook/desk/sign_in.py", "kind"): {"person.signed-in", "person.signed-out", "person.password-changed"},
    ("casework/attribution/request_steps.py", "KINDS[kind]"): {
        "request.drafted",
        "request.checked",
        "request.disputed",
        "request.signed",
        "request.sent",
        "request.reminded",
        "request.escalated",
        "request.answered",
        "request.refused",
        "request.withdrawn",
    },
    ("trust/viewing/actions.py", "ASKED"): {"evidence.viewing-asked"},
    ("pipeline/routing/exchange/outbox.py", "kind"): {
        "exchange.package-sent",
        "exchange.package-delivered",
        "exchange.package-refused-there",
    },
    ("pipeline/routing/exchange/partners.py", "COMPARED[same]"): {
        "exchange.installation-compared",
        "exchange.installation-compare-failed",
    },
    ("pipeline/routing/exchange/arriving.py", "kind"): {"tip.referred-in", "tip.referred-again"},
    ("trust/viewing/exporting.py", "kind"): {
        "export.asked",
        "export.approved",
        "export.refused",
        "export.expired",
        "export.written",
    },
    ("pipeline/matching/looking_up.py", "'tip.match-withdrawn' if reopened else 'tip.rematched'"): {
        "tip.match-withdrawn",
        "tip.rematched",
    },
    ("pipeline/triage/working.py", "kind"): {
        "triage.taken",
        "triage.released",
        "triage.assigned",
        "triage.put-off",
        "triage.closed",
        "triage.reopened",
    },
    ("pipeline/routing/recording.py", "KINDS[kind]"): {
        "routing.sent",
        "routing.delivered",
        "routing.opened",
        "routing.accepted",
        "routing.bounced",
        "routing.recalled",
        "routing.given-back",
        "routing.outcome",
    },
    ("pipeline/routing/stops.py", "kind"): {"routing.clock-stopped", "routing.clock-started"},
    # The custody log itself: it passes on the kind it is given.
    ("trust/custody/actions.py", "kind"): set(),
}


class _Noting(dict[str, str]):
    """An empty environment that notes which variables are asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: set[str] = set()

    def get(self, key: str, default: str | None = None) -> str | None:  # type: ignore[override]
        self.asked.add(key)
        return default


def _settings_read() -> set[str]:
    noting = _Noting()
    environment.read(noting)
    return noting.asked


def _named_in_source() -> set[str]:
    text = (SOURCE / "config" / "environment.py").read_text(encoding="utf-8")
    return set(re.findall(r"\bNIGHTLIGHT_[A-Z_]+\b|\bDATABASE_URL\b", text))


def _settings_documented() -> set[str]:
    text = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    table = text.partition("## Settings")[2].partition("\n## ")[0]
    return set(re.findall(r"^\| `([A-Z_]+)` \|", table, re.MULTILINE))


def test_every_setting_is_documented_and_every_documented_setting_is_read() -> None:
    assert _settings_documented() == _settings_read() == _named_in_source()


def _appends(path: Path) -> Iterator[ast.expr]:
    """Yield what is given as ``kind`` wherever a module adds to the custody log."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        function = node.func
        name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
        if name in {"append", "append_sql", "run_with_event"}:
            yield from (word.value for word in node.keywords if word.arg == "kind")


def _kinds_in_code() -> tuple[set[str], set[tuple[str, str]]]:
    """Return every kind of custody event, and which of those put together were met."""
    kinds: set[str] = set()
    met: set[tuple[str, str]] = set()
    for path in MODULES:
        if "tests" in path.parts:
            continue
        module = path.relative_to(SOURCE).as_posix()
        for kind in _appends(path):
            if isinstance(kind, ast.Constant):
                kinds.add(str(kind.value))
                continue
            key = (module, ast.unparse(kind))
            assert key in PUT_TOGETHER, f"{module}: say in PUT_TOGETHER what {ast.unparse(kind)} may be"
            met.add(key)
            kinds |= PUT_TOGETHER[key]
    return kinds, met


def _kinds_documented() -> set[str]:
    text = (ROOT / "docs" / "custody-events.md").read_text(encoding="utf-8")
    return set(re.findall(r"^\| `([a-z]+\.[a-z-]+)` \|", text, re.MULTILINE))


def test_every_custody_event_is_documented_and_every_documented_one_is_appended() -> None:
    kinds, met = _kinds_in_code()
    assert met == set(PUT_TOGETHER), "PUT_TOGETHER names an expression that is no longer there"
    assert _kinds_documented() == kinds


@pytest.mark.parametrize("module", ["pipeline/tips/actions.py", "outlook/desk/sign_in.py"])
def test_a_kind_that_is_put_together_stands_in_its_module(module: str) -> None:
    text = (SOURCE / module).read_text(encoding="utf-8")
    for (where, _), kinds in PUT_TOGETHER.items():
        for kind in kinds if where == module else ():
            assert f'"{kind}"' in text or f'"{kind.partition(".")[2]}"' in text, kind


def _commands() -> list[str]:
    found = []
    group = typer.main.get_group(app)
    for name, command in group.commands.items():
        below = getattr(command, "commands", None)
        found += [f"{name} {verb}" for verb in below] if below else [name]
    return sorted(found)


@pytest.mark.parametrize("command", _commands())
def test_every_command_is_in_the_readme_or_in_operations(command: str) -> None:
    text = "".join((ROOT / page).read_text(encoding="utf-8") for page in ("README.md", "docs/operations.md"))
    assert re.search(rf"nightlight {re.escape(command)}\b", text)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_no_page_names_a_command_that_does_not_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    known = set(_commands()) | {command.partition(" ")[0] for command in _commands()}
    quoted = re.findall(r"`[^`\n]+`", text) + re.findall(r"```(?:sh|ini)\n.*?```", text, re.DOTALL)
    for words in re.findall(r"\bnightlight ((?:[a-z]+ ?){1,2})(?![\w./:=@-])", "\n".join(quoted)):
        verbs = words.split()
        assert verbs[0] in known, f"nightlight {words}"
        if verbs[0] not in _commands():
            assert " ".join(verbs[:2]) in known, f"nightlight {words}"


def _anchors(page: Path) -> set[str]:
    """Return the names under which the headings of a page can be linked."""
    headings = re.findall(r"^#{1,6} (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if target.startswith(("http://", "https://")) or target.endswith(".png"):
            continue
        name, _, anchor = target.partition("#")
        linked = (page.parent / name).resolve() if name else page
        assert linked.exists(), target
        if anchor:
            assert anchor in _anchors(linked), target


def test_every_decision_has_its_number_once() -> None:
    numbers = [path.name[:4] for path in sorted((ROOT / "docs" / "decisions").glob("*.md"))]
    assert numbers == [f"{number:04d}" for number in range(1, len(numbers) + 1)]


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.relative_to(SOURCE).as_posix())
def test_every_module_says_what_it_is(module: Path) -> None:
    text = module.read_text(encoding="utf-8")
    tree = ast.parse(text)
    if module.name == "__init__.py" and not tree.body:  # marks a folder as a package and holds nothing
        return
    assert ast.get_docstring(tree), "a module begins with a sentence that says what it is"
    assert text.startswith("# SPDX-License-Identifier: Apache-2.0\n")


def test_the_version_is_read_from_the_changelog() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.match(r"# Changelog\n\n## \d+\.\d+\.\d+", text)
