# SPDX-License-Identifier: Apache-2.0
"""Tells what a file is by its first bytes and never by its name, which anybody can choose."""

from __future__ import annotations

from nightlight.trust.viewing.rendering.terms import Kind, RenditionRefused, Why

HEAD = 4096  # bytes that are looked at

_STARTS = (
    (b"\xff\xd8\xff", Kind.JPEG),
    (b"\x89PNG\r\n\x1a\n", Kind.PNG),
    (b"GIF87a", Kind.GIF),
    (b"GIF89a", Kind.GIF),
    (b"%PDF-", Kind.PDF),
)
# ISO/IEC 23008-12, Annex B, and the MP4 registration authority: brands of pictures coded with HEVC.
_HEVC_PICTURES = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"})
_ANY_PICTURES = frozenset({b"mif1", b"msf1"})
_FILMS = frozenset({
    *(b"isom", b"iso2", b"iso3", b"iso4", b"iso5", b"iso6", b"iso7", b"iso8", b"iso9"),
    *(b"mp41", b"mp42", b"mp71", b"avc1", b"hvc1", b"M4V ", b"M4VH", b"M4VP", b"MSNV", b"dash", b"f4v "),
})  # fmt: skip
_EBML = b"\x1a\x45\xdf\xa3"
_DOC_TYPE = b"\x42\x82"


def sniff(head: bytes) -> Kind:
    """Return the format of a file that starts with ``head`` (its first 4096 bytes or all of it).

    Raises RenditionRefused(not-on-the-list) for everything but the eight formats of ``Kind``.
    """
    for start, kind in _STARTS:
        if head.startswith(start):
            return kind
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return Kind.WEBP
    if head[4:8] == b"ftyp":
        return _by_brands(head)
    if head.startswith(_EBML) and _doc_type(head) == b"webm":
        return Kind.WEBM
    raise RenditionRefused(Why.NOT_ON_THE_LIST)


def _by_brands(head: bytes) -> Kind:
    """A box of type "ftyp": its length, its name, the main brand, a version, more brands, four bytes each."""
    length = min(int.from_bytes(head[:4], "big"), len(head))
    main = head[8:12]
    others = {head[at : at + 4] for at in range(16, length - 3, 4)}
    if main in _HEVC_PICTURES or (main in _ANY_PICTURES and others & _HEVC_PICTURES):
        return Kind.HEIF
    if main in _FILMS:
        return Kind.MP4
    raise RenditionRefused(Why.NOT_ON_THE_LIST)


def _doc_type(head: bytes) -> bytes:
    """The document type in the header of an EBML file (RFC 8794); empty if there is none."""
    at = head.find(_DOC_TYPE, 4, 96)
    if at < 0 or at + 3 > len(head) or not head[at + 2] & 0x80:
        return b""
    length = head[at + 2] & 0x7F
    return head[at + 3 : at + 3 + length].rstrip(b"\0")
