# SPDX-License-Identifier: Apache-2.0
"""What other installations are answered: our card, where to go on with a package, how it stands."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from django.http import HttpResponse, JsonResponse

from nightlight.foundation import clock
from nightlight.foundation.refusals import NotFound
from nightlight.outlook.exchange.access import for_installations
from nightlight.pipeline.routing.exchange import envelope, keys, receiving, wire
from nightlight.pipeline.routing.exchange.receiving import NotTaken
from nightlight.pipeline.tips import bodies

if TYPE_CHECKING:
    from django.http import HttpRequest

    from nightlight.pipeline.routing.exchange.receiving import Standing
    from nightlight.pipeline.routing.models import Installation


@for_installations("GET", "HEAD")
def card(request: HttpRequest) -> HttpResponse:
    """Show our card to anybody: it holds public keys, and is worth nothing before fingerprints were compared."""
    return HttpResponse(keys.our_card(), content_type="application/json")


@for_installations("POST")
def packages(request: HttpRequest) -> HttpResponse:
    """Take the head of a package; its signature says who sends it."""
    head = _body(request, at_most=envelope.LONGEST_HEAD)
    standing = receiving.announce(bytes(head), at=clock.now())
    return _answer(standing, status=200 if standing.state != wire.RECEIVING else 201)


@for_installations("GET", "HEAD", "PATCH")
def package(request: HttpRequest, package_id: str) -> HttpResponse:
    """Say how a package stands (GET, HEAD), or take its next piece (PATCH)."""
    if request.method != "PATCH":
        return _answer(receiving.standing(_sender(request, package_id, wire.STATE), package_id))
    offset = wire.offset_in(request.headers.get(wire.OFFSET, ""))
    digest = wire.stated_digest(request.headers.get(wire.DIGEST, ""))
    if offset is None or digest is None:
        raise NotTaken("piece", f"A piece states where it begins ({wire.OFFSET}) and its digest ({wire.DIGEST}).")
    sender = _sender(request, package_id, wire.CHUNK, offset=offset, digest=digest)
    piece = _body(request, at_most=wire.LARGEST_CHUNK)
    if hashlib.sha256(piece).digest() != digest:
        raise NotTaken("digest", "The piece is not what its digest says; send it again.", wait=1)
    return _answer(receiving.append(sender, package_id, offset=offset, piece=piece, at=clock.now()))


@for_installations("POST")
def complete(request: HttpRequest, package_id: str) -> HttpResponse:
    """Note that all bytes were sent; verifying them follows in the background."""
    sender = _sender(request, package_id, wire.COMPLETE)
    return _answer(receiving.complete(sender, package_id, at=clock.now()), status=202)


@for_installations("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
def nowhere(request: HttpRequest, rest: str) -> HttpResponse:
    """Say that there is nothing at this address, as a problem document."""
    raise NotFound("There is nothing at this address.")


def _sender(
    request: HttpRequest, package_id: str, act: str, *, offset: int = 0, digest: bytes = wire.NO_BODY
) -> Installation:
    if not wire.is_package(package_id):
        raise NotFound("No such package has been announced here.")
    shown = request.headers.get("Authorization", "")
    return receiving.sender_of(shown, package=package_id, act=act, offset=offset, digest=digest)


def _body(request: HttpRequest, *, at_most: int) -> bytearray:
    """Return the body, whose length is declared. Raises NotTaken (size); then nothing of it was read."""
    declared = request.META.get("CONTENT_LENGTH") or ""
    if not (declared.isascii() and declared.isdecimal() and 0 < int(declared) <= at_most):
        raise NotTaken("size", f"Declare the length of what you send, at most {at_most} bytes.")
    body, filled = bytearray(int(declared)), 0  # once in memory, not in pieces and then as a whole
    try:
        for piece in bodies.chunks(request.META):
            body[filled : filled + len(piece)] = piece
            filled += len(piece)
    except bodies.BodyCutShort:
        raise NotTaken("size", "The request ended before its declared length.") from None
    return body


def _answer(standing: Standing, *, status: int = 200) -> HttpResponse:
    told: dict[str, object] = {
        "package": standing.package,
        "state": standing.state,
        "offset": standing.offset,
        "size": standing.size,
    }
    if standing.state == wire.REFUSED:
        told |= {"code": standing.code, "why": standing.why}
    answer = JsonResponse(told, status=status)
    answer.headers[wire.OFFSET] = str(standing.offset)
    return answer
