# SPDX-License-Identifier: Apache-2.0
"""Draws one page of a PDF. Scripts and forms in it are not run: the library is built without them."""

from __future__ import annotations

from typing import BinaryIO

import pypdfium2
import pypdfium2.raw as pdfium

from nightlight.trust.viewing.rendering.decoders import Decoded, finish
from nightlight.trust.viewing.rendering.terms import Kind, Limits, RenditionRefused, Wanted, Why

_LOCKED = (pdfium.FPDF_ERR_PASSWORD, pdfium.FPDF_ERR_SECURITY)


def decode(file: BinaryIO, kind: Kind, wanted: Wanted, limits: Limits) -> Decoded:
    """Return the wanted page and how many there are."""
    del kind, limits  # the page is drawn at the size of the picture, however large it says it is
    if wanted.frame:
        raise RenditionRefused(Why.NO_SUCH_PART)
    try:
        # Not the open file itself: the library would call us back through code it makes, which may not be run here.
        document = pypdfium2.PdfDocument(file.read())
    except pypdfium2.PdfiumError as refusal:
        raise RenditionRefused(Why.ENCRYPTED if refusal.err_code in _LOCKED else Why.DAMAGED) from refusal
    pages = len(document)
    if wanted.page > pages:
        raise RenditionRefused(Why.NO_SUCH_PART if pages else Why.DAMAGED)
    page = document[wanted.page - 1]
    width, height = page.get_size()
    if not (0 < width < 1e9 and 0 < height < 1e9):
        raise RenditionRefused(Why.DAMAGED)
    scale = (wanted.size - 1) / max(width, height)  # its size is rounded up
    bitmap = page.render(scale=scale, may_draw_forms=False, rev_byteorder=True)
    return Decoded((finish(bitmap.to_pil().convert("RGB"), wanted),), pages=pages)
