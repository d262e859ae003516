# SPDX-License-Identifier: Apache-2.0
"""Reads the files of an upload form as they come, so that they go into the vault and nowhere else on the way.

Django's own reader would first write them in the clear to a temporary folder.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import multipart
from django.utils.translation import gettext as _

from nightlight.foundation.refusals import Conflict, NotAllowed
from nightlight.pipeline.tips import bodies

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.http import HttpRequest

MAX_FILES = 200
_LONGEST_TEXT = 1000  # bytes


def same_origin(request: HttpRequest) -> None:
    """Refuse a form that another site sent in the officer's name. Raises NotAllowed.

    Stands in for the form token, which lies inside the body that is streamed. The browser itself says where a
    request comes from (Fetch Metadata, W3C; RFC 6454), and the session cookie is SameSite=Lax besides.
    """
    site = request.headers.get("Sec-Fetch-Site")
    origin = request.headers.get("Origin")
    ours = f"{request.scheme}://{request.get_host()}"
    if site == "same-origin" or (site is None and origin == ours):
        return
    raise NotAllowed(_("This upload did not come from the import page of this installation. Open it and try again."))


def files(request: HttpRequest, fields: dict[str, str] | None = None) -> Iterator[tuple[str, Iterator[bytes]]]:
    """Yield the name and the bytes of each file of the form, one after the other.

    The bytes of one must be read before the next is asked for. ``fields`` is filled with the short texts of the form
    that stand before it. Raises Conflict where the form is broken.
    """
    kind, options = multipart.parse_options_header(request.META.get("CONTENT_TYPE", ""))
    if kind != "multipart/form-data":
        raise Conflict(_("Files are sent with the form of the import page."))
    events = _events(request, options.get("boundary", ""))
    for event in events:
        if isinstance(event, multipart.MultipartSegment) and event.name == "file" and event.filename:
            yield event.filename, _until_end(events)
        elif isinstance(event, multipart.MultipartSegment) and fields is not None and not event.filename:
            fields[event.name] = _text(_until_end(events))


def _text(pieces: Iterator[bytes]) -> str:
    """A short text of the form; of a longer one its beginning."""
    kept = b""
    for piece in pieces:
        kept += piece[: _LONGEST_TEXT - len(kept)]
    return kept.decode("utf-8", "replace")


def _until_end(events: Iterator[object]) -> Iterator[bytes]:
    for event in events:
        if event is None:
            return
        if isinstance(event, bytes | bytearray):
            yield bytes(event)


def _events(request: HttpRequest, boundary: str) -> Iterator[object]:
    """The form as the parser tells it: a segment begins, bytes of it, None at its end."""
    incoming = bodies.chunks(request.META)
    try:
        parser = multipart.PushMultipartParser(boundary, max_segment_count=MAX_FILES + 20)
        for chunk in incoming:
            if not parser.closed:
                yield from parser.parse(chunk)
        parser.close()
    except (multipart.MultipartError, UnicodeDecodeError, bodies.BodyCutShort) as broken:
        raise Conflict(_("The upload was cut short or broken. What is not listed below did not arrive.")) from broken
    finally:
        for _rest in incoming:  # else the answer is lost in a connection that is reset
            pass
