# SPDX-License-Identifier: Apache-2.0
"""Reads of returns and findings, for whoever sees the tip they belong to."""

from __future__ import annotations

import gzip
import io
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from nightlight.casework.attribution.models import Finding, Request, Return
from nightlight.foundation.refusals import NotFound

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nightlight.trust.units.viewer import Viewer

_BLOCK = 1 << 16


def request(viewer: Viewer, public_id: str) -> Request:
    """The request "RQ-…" as far as the viewer sees its tip. Raises NotFound."""
    rows = Request.objects.select_related("tip__reporter", "tip__unit").filter(public_id=public_id)
    found = rows.first() if viewer.reads_tips else None
    if found is None:
        raise NotFound(_("There is no request %(id)s that you may see.") % {"id": public_id})
    return found


def one(viewer: Viewer, public_id: str) -> Return:
    """The return "RT-…" with its request and tip. Raises NotFound."""
    rows = Return.objects.select_related("request__tip__reporter", "request__tip__unit", "layout", "by").defer("bad")
    found = rows.filter(public_id=public_id).first() if viewer.reads_tips else None
    if found is None:
        raise NotFound(_("There is no return %(id)s that you may see.") % {"id": public_id})
    return found


def of_request(found: Request) -> list[Return]:
    """The returns of a request, newest first."""
    return list(Return.objects.filter(request=found).defer("bad", "answers", "proposal").order_by("-pk"))


def findings_of(found: Request) -> list[Finding]:
    """What was stated from the returns of a request."""
    return list(Finding.objects.filter(request=found).select_related("by").order_by("pk"))


def bad_rows(found: Return) -> Iterator[bytes]:
    """The rows that do not count, as CSV. Raises NotFound where there are none."""
    packed = Return.objects.filter(pk=found.pk).values_list("bad", flat=True).first()
    if packed is None:
        raise NotFound(_("All rows of this return count."))
    return _unpacked(bytes(packed))


def _unpacked(packed: bytes) -> Iterator[bytes]:
    with gzip.GzipFile(fileobj=io.BytesIO(packed)) as plain:
        while block := plain.read(_BLOCK):
            yield block
