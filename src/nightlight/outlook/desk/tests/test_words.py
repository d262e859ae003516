# SPDX-License-Identifier: Apache-2.0
"""Every word that a page shows is marked for translation: in templates, and in what the modules of pages say."""

from __future__ import annotations

import ast
import re
from html.parser import HTMLParser
from pathlib import Path
from unittest.mock import patch

import pytest
from django.template.base import Lexer, TokenType

from nightlight.outlook.desk import triage

OUTLOOK = Path(__file__).parents[2]
TEMPLATES = sorted(OUTLOOK.glob("*/templates/**/*.html"))
SAYS = frozenset({"aria-label", "title", "placeholder", "alt", "data-label", "data-hint", "aria-description"})
# The same in every language: names of digests and keys, formats, examples of what is typed.
SAME = frozenset(
    {"SHA-256", "UTC", "CSV", "Enter", "NL-7F3K-9QTX", "OF-7F3K-9QTX", "PS-RIVERSIDE", "IN-MH; LGD:482; PIN:431"}
)
DESK = OUTLOOK / "desk"
MODULES = sorted([*DESK.glob("*.py"), *(DESK / "views").glob("*.py")])
MARKS = frozenset({"_", "gettext", "gettext_lazy", "ngettext"})
INSIDE = frozenset(  # said to no reader of a page: what the log keeps, and what libraries of ours are told
    {
        "[known file, looked at all the same]",
        "not stated",  # a value of the reading
        "this secret was not encrypted by this installation",
        "The ID token cannot be read.",
        "The ID token is not signed with the provider's own key.",
    }
)
_LETTERS = re.compile(r"[^\W\d_]{2,}")
_OPAQUE = "\ue000"  # stands for what a tag of the template gives


class _Words(HTMLParser):
    """Collects words a reader sees."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self._in_code = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._in_code = tag == "code"
        self.found += [str(value) for name, value in attrs if name in SAYS and value]

    def handle_endtag(self, tag: str) -> None:
        self._in_code = False

    def handle_data(self, data: str) -> None:
        if not self._in_code:  # commands, as they are typed
            self.found.append(data)


def unmarked(source: str) -> list[str]:
    """Words of a template that stand in no ``translate`` and no ``blocktranslate``."""
    kept: list[str] = []
    depth, in_class = 0, False
    for token in Lexer(source).tokenize():
        if token.token_type is TokenType.BLOCK:
            name, *rest = token.contents.split()
            if name == "block" and rest == ["body_class"]:
                depth, in_class = depth + 1, True
            elif name == "endblock" and in_class:
                depth, in_class = depth - 1, False
            depth += {"blocktranslate": 1, "comment": 1, "endblocktranslate": -1, "endcomment": -1}.get(name, 0)
            kept.append(_OPAQUE if name in {"translate", "blocktranslate", "url", "static"} else "")
        elif token.token_type is TokenType.VAR:
            kept.append(_OPAQUE)
        elif token.token_type is TokenType.TEXT and not depth:
            kept.append(token.contents)
    words = _Words()
    words.feed("".join(kept))
    told = (word.strip() for text in words.found for word in _parts(text))
    return [word for word in told if _LETTERS.search(word) and word not in SAME]


def _parts(text: str) -> list[str]:
    return text.replace("\n", _OPAQUE).split(_OPAQUE)


@pytest.mark.parametrize(
    ("source", "left"),
    [
        ("<p>Take it</p>", ["Take it"]),
        ('<p>{% translate "Take it" %} now</p>', ["now"]),
        ('<th aria-label="Band">{{ band }} to {{ other }}</th>', ["Band", "to"]),
        ("{% blocktranslate %}Take it{% endblocktranslate %}", []),
        ('<a class="plain" href="/queue/">{{ label }}</a><dt>SHA-256</dt>', []),
        ("<p><code>nightlight unit seed</code> does it</p>", ["does it"]),
        ("{% block body_class %}entrance{% endblock %}{% block content %}Take it{% endblock %}", ["Take it"]),
        ("{% comment %}of ours{% endcomment %}{# and this #}", []),
    ],
)
def test_words_that_are_not_marked_are_noticed(source: str, left: list[str]) -> None:
    assert unmarked(source) == left


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_every_word_of_a_template_is_marked(path: Path) -> None:
    assert unmarked(path.read_text()) == []


def unmarked_in_python(source: str) -> list[str]:
    """Texts of several words in a module that stand in no call that marks them, and are no docstring."""
    tree = ast.parse(source)
    passed: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr | ast.AnnAssign):  # docstrings, annotations
            passed |= set(ast.walk(node.value if isinstance(node, ast.Expr) else node.annotation))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in MARKS | {"cast"}:
            passed |= set(ast.walk(node))
    texts = (one for one in ast.walk(tree) if isinstance(one, ast.Constant) and one not in passed)
    return [one.value for one in texts if isinstance(one.value, str) and _several_words(one.value)]


def _several_words(text: str) -> bool:
    return re.search(r"[^\W\d_]{2,} +[^\W\d_]{2,}| [a-z]{2,} ", text) is not None and "SELECT" not in text


@pytest.mark.parametrize(
    ("source", "left"),
    [
        ('said = "Take it"', ["Take it"]),
        ('said = f"{first} to {last}"', [" to "]),
        ('said = _("Take %(what)s now") % {"what": "it"}', []),
        ('"""Of ours."""\nsaid: Literal["one two"] = ngettext("one tip", "more tips", n)', []),
    ],
)
def test_texts_that_are_not_marked_are_noticed(source: str, left: list[str]) -> None:
    assert unmarked_in_python(source) == left


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
def test_every_text_of_a_page_is_marked(path: Path) -> None:
    assert set(unmarked_in_python(path.read_text())) <= INSIDE


def test_the_heads_of_the_picture_of_the_pile_are_in_the_readers_language() -> None:
    with patch.object(triage, "_", lambda text: text.replace("to", "bis")):
        assert triage.drawn({}).columns == ("0 bis 20", "20 bis 40", "40 bis 60", "60 bis 80", "80 bis 100")
    assert triage.drawn({(3, 0): 12}).columns[0] == "0 to 20"
