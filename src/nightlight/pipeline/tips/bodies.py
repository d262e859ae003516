# SPDX-License-Identifier: Apache-2.0
"""Reads what a reporter's software sends as a request body, in bounded memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import parse_qs

import multipart

from nightlight.pipeline.tips.formats.cybertipline.answers import Situation
from nightlight.pipeline.tips.formats.cybertipline.document import Refused

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    Environ = Mapping[str, Any]

CHUNK = 256 * 1024
# The interface states no limit for XML; real reports stay far below this, and memory must be bounded.
MAX_XML = 8 * 1024 * 1024
_MAX_FORM = 64 * 1024


class BodyCutShort(Exception):
    """The connection ended before the declared length had come."""


class Sink(Protocol):
    """Where the bytes of an uploaded file go."""

    def write(self, chunk: bytes | bytearray) -> None:
        """Take the next bytes."""


def chunks(environ: Environ) -> Iterator[bytes]:
    """Yield the request body as it comes, whether its length is declared or it is chunked.

    ``environ`` is the WSGI environment (PEP 3333); its stream ends where the body ends, as this server promises.
    Raises BodyCutShort.
    """
    stream = environ["wsgi.input"]
    declared = environ.get("CONTENT_LENGTH") or ""
    left = int(declared) if declared.isdecimal() else None
    while left is None or left > 0:
        try:
            chunk = stream.read(CHUNK if left is None else min(CHUNK, left))
        except OSError as error:
            raise BodyCutShort from error
        if not chunk:
            break
        if left is not None:
            left -= len(chunk)
        yield chunk
    if left:
        raise BodyCutShort


def whole(environ: Environ, *, at_most: int) -> bytes | None:
    """Return the whole body, or None if it is larger than ``at_most`` bytes (the rest is read and dropped)."""
    kept: list[bytes] = []
    size = 0
    for chunk in chunks(environ):
        size += len(chunk)
        if size <= at_most:
            kept.append(chunk)
    return b"".join(kept) if size <= at_most else None


@dataclass(slots=True)
class Form:
    """The fields of a form; ``file_name`` is None where no file part came."""

    fields: dict[str, str]
    file_name: str | None = None


def form(environ: Environ) -> Form:
    """Read a small form in either encoding. Raises Refused (4000) where it is neither or broken."""
    kind, options = multipart.parse_options_header(environ.get("CONTENT_TYPE", ""))
    if kind == "multipart/form-data":
        return _multipart(environ, options, sink=None, broken=Situation.INVALID_REQUEST)
    body = whole(environ, at_most=_MAX_FORM)
    if body is None:
        raise Refused(Situation.INVALID_REQUEST, "The form is too large.")
    try:
        pairs = parse_qs(body.decode("ascii"), keep_blank_values=True, max_num_fields=20)
    except ValueError:
        raise Refused(Situation.INVALID_REQUEST, "The form could not be read.") from None
    return Form(fields={name: values[0] for name, values in pairs.items()})


def upload(environ: Environ, sink: Sink) -> Form:
    """Read an upload, streaming the part ``file`` into ``sink``. Raises Refused (4200) where it is broken."""
    kind, options = multipart.parse_options_header(environ.get("CONTENT_TYPE", ""))
    if kind != "multipart/form-data":
        for _ in chunks(environ):  # read to the end, so that the answer is not lost in a reset connection
            pass
        raise Refused(Situation.MALFORMED_FILE, "An upload is sent as multipart/form-data.")
    return _multipart(environ, options, sink=sink, broken=Situation.MALFORMED_FILE)


def _multipart(environ: Environ, options: dict[str, str], *, sink: Sink | None, broken: Situation) -> Form:
    incoming = chunks(environ)
    reader = _Parts(sink, broken)
    try:
        parser = multipart.PushMultipartParser(options.get("boundary", ""), max_segment_count=20)
        for chunk in incoming:
            if not parser.closed:  # what follows the last boundary is of no interest (RFC 2046, 5.1.1)
                for event in parser.parse(chunk):
                    reader.take(event)
        parser.close()  # raises where the last boundary never came
    except (multipart.MultipartError, Refused) as error:
        for _ in incoming:  # read to the end, so that the answer is not lost in a reset connection
            pass
        if isinstance(error, Refused):
            raise
        raise Refused(broken, "The multipart body is broken.") from None
    return reader.form


class _Parts:
    """Sorts the parts of a form: the part named ``file`` goes to the sink, the others are kept as text."""

    def __init__(self, sink: Sink | None, broken: Situation) -> None:
        self.form = Form(fields={})
        self._sink, self._broken = sink, broken
        self._part: multipart.MultipartSegment | None = None
        self._text = bytearray()

    def take(self, event: multipart.MultipartSegment | bytes | bytearray | None) -> None:
        """Take the parser's next event: a part begins, some bytes of it, or None at its end."""
        if isinstance(event, multipart.MultipartSegment):
            self._begin(event)
        elif event is None:
            self._end()
        elif self._sink is not None and self._is_file():
            self._sink.write(event)
        elif len(self._text) + len(event) > _MAX_FORM:
            raise Refused(self._broken, "A form field is too large.")
        else:
            self._text += event

    def _is_file(self) -> bool:
        return self._part is not None and self._part.name == "file"

    def _begin(self, part: multipart.MultipartSegment) -> None:
        self._part, self._text = part, bytearray()
        if self._sink is not None and self._is_file():
            if self.form.file_name is not None:
                raise Refused(self._broken, "An upload holds one file.")
            self.form.file_name = part.filename or ""

    def _end(self) -> None:
        if self._part is not None and not (self._sink is not None and self._is_file()):
            self.form.fields.setdefault(self._part.name, bytes(self._text).decode("utf-8", "replace"))
