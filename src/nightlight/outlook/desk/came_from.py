# SPDX-License-Identifier: Apache-2.0
"""Where the link back from a tip leads: to the list its reader came from, at its place and with its filters.

The browser says where a request comes from (Referer; our policy has it say so to our own pages only). Of that a name
out of a closed set and the parameters this list knows are taken, and the address is made anew from these: whatever a
Referer says, the link never leads out of the installation. What is done on the tip's page leads back to it; then the
session still knows the list.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode, urlsplit

from django.urls import Resolver404, resolve, reverse
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django.http import HttpRequest
    from django.utils.functional import _StrPromise as StrPromise

    from nightlight.pipeline.tips.models import Tip

REMEMBERED = "nightlight.came_from"  # in the session: name of a list, query
_LONGEST = 300  # characters of a query; ours are shorter
_BELOW = "/tips/"  # pages of a tip lead to each other


@dataclass(frozen=True, slots=True)
class _List:
    label: StrPromise
    parameters: frozenset[str]
    row: str = ""  # how the row of a tip is named on the page, before its identifier


_INBOX = "desk:inbox"
_LISTS = {
    _INBOX: _List(
        _("Tips"),
        frozenset({"environment", "state", "reporter", "type", "unit", "from", "to", "after", "before"}),
        "tip-",
    ),
    "desk:queue": _List(_("Queue"), frozenset({"environment", "unit", "band", "whose", "after"}), "row-"),
    "desk:alerts": _List(_("Alerts"), frozenset()),
    "desk:notices": _List(_("Notices"), frozenset()),
    "desk:requests": _List(_("Requests"), frozenset({"show"}), "row-"),
    "desk:hand-overs": _List(_("Hand-overs"), frozenset({"show"}), "row-"),
}


@dataclass(frozen=True, slots=True)
class Back:
    """The link back: where to, and what it says."""

    address: str
    label: str


def back(request: HttpRequest, tip: Tip) -> Back:
    """Return the link back from the page of a tip, and have the session remember the list."""
    name, query = _came_from(request)
    if request.session.get(REMEMBERED, ["", ""]) != [name, query]:
        request.session[REMEMBERED] = [name, query]
    if not name:
        test = tip.environment == "test"
        return Back(reverse(_INBOX) + ("?environment=test" if test else ""), str(_("Test tips") if test else _("Tips")))
    known = _LISTS[name]
    label = _("Test tips") if name == _INBOX and "environment=test" in query else known.label
    row = f"#{known.row}{tip.public_id}" if known.row else ""
    return Back(f"{reverse(name)}{'?' if query else ''}{query}{row}", str(label))


def _came_from(request: HttpRequest) -> tuple[str, str]:
    """The list, and the query on it; two empty texts where it is not known."""
    try:
        said = urlsplit(request.headers.get("Referer", ""))
        ours = said.netloc == request.get_host()
        name = resolve(said.path).view_name if ours else ""
    except (ValueError, Resolver404):  # an address that cannot be one, or none of ours
        return "", ""
    if name in _LISTS:
        return name, _kept(name, said.query)
    remembered = request.session.get(REMEMBERED) if ours and said.path.startswith(_BELOW) else None
    match remembered:
        case [str(name), str(query)] if name in _LISTS:
            return name, query
    return "", ""


def _kept(name: str, query: str) -> str:
    try:
        said = parse_qsl(query[: _LONGEST + 1], max_num_fields=20)
    except ValueError:
        return ""
    kept = urlencode([(one, value) for one, value in said if value and one in _LISTS[name].parameters])
    return kept if len(query) <= _LONGEST else ""
