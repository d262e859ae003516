# SPDX-License-Identifier: Apache-2.0
"""Read XML from strangers without letting the document reach a file, the network or much memory.

Refused outright: any document type declaration (so no entities and no defaults), bytes that do not decode,
documents deeper or larger than the caller allows. Comments and processing instructions are dropped, XInclude
is never followed. Source: W3C Extensible Markup Language 1.0 (fifth edition); OWASP on XML external entities.
"""

from __future__ import annotations

import codecs
import re
import threading
from dataclasses import dataclass
from functools import lru_cache
from xml.parsers import expat

from lxml import etree

MAX_TAGS = 250_000
"""Tags one document may hold; each costs about 150 bytes of tree, so this bounds the tree near 40 MB."""

# Atomic groups: a hostile prolog must not make the search go back over itself.
_DOCTYPE = re.compile(rb"(?>\s++|<\?(?>.*?\?>)|<!--(?>.*?-->))*+<!DOCTYPE", re.DOTALL)
_DECLARED = re.compile(rb"<\?xml\s[^>]{0,80}?encoding\s*=\s*[\"']([A-Za-z0-9._-]{1,40})[\"']")
_EIGHT_BIT = re.compile(r"(iso-?8859-?\d{1,2}|latin-?1|(windows|cp)-?125\d)\Z", re.IGNORECASE)
_WHERE = re.compile(r", line \d+, column \d+.*\Z", re.DOTALL)
_PREFIXES: tuple[tuple[bytes, str], ...] = (
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (b"<\0", "utf-16-le"),
    (b"\0<", "utf-16-be"),
)


class XmlRefused(ValueError):
    """The document is not XML we accept: why, and where (line and column from 1)."""

    def __init__(self, reason: str, line: int = 1, column: int = 1) -> None:
        super().__init__(f"[{line},{column}] {reason}")
        self.reason = reason
        self.line = line
        self.column = column


@dataclass(frozen=True, slots=True)
class Position:
    """Where something stands in the bytes as received: line and column, both from 1."""

    line: int
    column: int


class _Parser(threading.local):
    """One libxml2 parser per thread: a shared one would make the threads wait for each other."""

    def __init__(self) -> None:
        self.xml = etree.XMLParser(
            encoding="utf-8",  # overrides the declaration; the bytes were transcoded before
            resolve_entities=False,
            load_dtd=False,
            dtd_validation=False,
            no_network=True,
            huge_tree=False,  # keeps libxml2's own limits: 256 levels, 10 MB per text
            remove_comments=True,
            remove_pis=True,
        )


_parser = _Parser()


def parse(body: bytes, *, max_bytes: int, max_depth: int = 64) -> etree._Element:
    """Return the root element of `body`, or raise XmlRefused.

    `max_bytes` bounds the document as received, `max_depth` (at most 256) its nesting. UTF-8 is expected;
    UTF-16, ISO-8859 and Windows-125x are accepted where declared and decodable.
    """
    if len(body) > max_bytes:
        raise XmlRefused(f"the document has {len(body)} bytes; at most {max_bytes} are accepted")
    text = _as_utf8(body)
    if text.count(b"<") > 2 * MAX_TAGS:
        raise XmlRefused(f"the document has more than {MAX_TAGS} elements")
    if b"<!DOCTYPE" in text and (match := _DOCTYPE.match(text)):
        raise XmlRefused("a document type declaration (DOCTYPE) is not accepted", *_place(text, match.end() - 9))
    try:
        root = etree.fromstring(text, _parser.xml)
    except etree.XMLSyntaxError as error:
        line, column = error.position
        raise XmlRefused(_reason(error.msg, max_depth), max(line, 1), max(column, 1)) from None
    if text.count(b"<") > max_depth and _deeper_than(max_depth)(root):
        raise XmlRefused(f"elements are nested deeper than {max_depth} levels")
    return root


def position(body: bytes, index: int) -> Position | None:
    """Return where the start tag of the element number `index` (document order, from 0) stands in `body`.

    For error messages only: it reads the document a second time, because libxml2 keeps no column. None when
    the bytes cannot be read this way.
    """
    parser = expat.ParserCreate()
    seen = -1
    found: Position | None = None

    def start(_name: str, _attributes: dict[str, str]) -> None:
        nonlocal seen, found
        seen += 1
        if seen == index:
            found = Position(parser.CurrentLineNumber, parser.CurrentColumnNumber + 1)

    parser.StartElementHandler = start
    try:
        parser.Parse(_as_utf8(body), True)
    except (expat.ExpatError, XmlRefused):
        return found
    return found


def _as_utf8(body: bytes) -> bytes:
    """The same text in UTF-8 without a byte order mark; XmlRefused where the bytes do not decode."""
    encoding = _encoding(body)
    try:
        if encoding is not None:
            return body.decode(encoding).removeprefix("\ufeff").encode()
        body.decode()
    except (UnicodeDecodeError, UnicodeEncodeError) as error:
        reason = f"the bytes are not valid {encoding or 'UTF-8'}"
        raise XmlRefused(reason, *_place(body, error.start)) from None
    return body.removeprefix(codecs.BOM_UTF8)


def _encoding(body: bytes) -> str | None:
    """The encoding to read `body` with when it is not UTF-8."""
    for prefix, encoding in _PREFIXES:
        if body.startswith(prefix):
            return encoding
    match = _DECLARED.match(body.removeprefix(codecs.BOM_UTF8))
    if match is None:
        return None
    declared = match[1].decode().lower()
    # Readable byte by byte, it cannot be UTF-16: some .NET writers put that word before UTF-8 bytes.
    if declared in {"utf-8", "utf8", "us-ascii", "ascii", "utf-16"}:
        return None
    if _EIGHT_BIT.match(declared):
        try:
            return codecs.lookup(declared).name
        except LookupError:
            pass
    raise XmlRefused(f"the encoding {declared!r} is not accepted; send UTF-8")


def _place(data: bytes, offset: int) -> tuple[int, int]:
    """Line and column (from 1, columns in bytes) of `offset`."""
    start = data.rfind(b"\n", 0, offset) + 1
    return data.count(b"\n", 0, offset) + 1, offset - start + 1


def _reason(message: str | None, max_depth: int) -> str:
    """libxml2's message without its own position and without advice about its options."""
    text = _WHERE.sub("", message or "not well-formed")
    return f"elements are nested deeper than {max_depth} levels" if "xcessive depth" in text else text


@lru_cache(maxsize=8)
def _deeper_than(levels: int) -> etree.XPath:
    return etree.XPath("boolean(" + "/*" * (levels + 1) + ")")
