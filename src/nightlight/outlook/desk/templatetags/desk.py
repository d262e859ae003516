# SPDX-License-Identifier: Apache-2.0
"""Times and counts as pages show them: in the officers' zone, with the UTC value and the words sent near."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from django import template
from django.conf import settings
from django.utils.html import format_html
from django.utils.translation import gettext as _

from nightlight.foundation import clock
from nightlight.outlook.desk import sign_in
from nightlight.pipeline.tips.queries import Counted

if TYPE_CHECKING:
    from django.utils.safestring import SafeString

    from nightlight.pipeline.tips.values import Moment

register = template.Library()


def zone() -> ZoneInfo:
    """The officers' time zone."""
    return ZoneInfo(settings.ENVIRONMENT.zone)


def full(at: datetime) -> str:
    """A time with day, seconds and zone: "22 Nov 2026, 15:04:05 IST"."""
    local = at.astimezone(zone())
    return f"{local.day} {local:%b %Y, %H:%M:%S} {local.tzname()}"


def short(at: datetime, now: datetime) -> str:
    """A time as short as is still clear: the hour for today, else the day with it, else the year too."""
    local, today = at.astimezone(zone()), now.astimezone(zone())
    hour = f"{local:%H:%M} {local.tzname()}"
    if local.date() == today.date():
        return hour
    if local.year == today.year:
        return f"{local.day} {local:%b}, {hour}"
    return f"{local.day} {local:%b %Y}, {hour}"


def in_utc(at: datetime) -> str:
    """A time in UTC: "22 Nov 2026, 09:34:05 UTC"."""
    there = at.astimezone(UTC)
    return f"{there.day} {there:%b %Y, %H:%M:%S} UTC"


@register.filter
def plainly(word: str) -> str:
    """A word of the law pack as people write it: "court-order" is "court order"."""
    return word.replace("-", " ")


@register.simple_tag
def when(at: datetime) -> SafeString:
    """A time in full, its UTC value in the element and on hover."""
    return format_html('<time datetime="{}" title="{}">{}</time>', clock.stamp(at), in_utc(at), full(at))


@register.simple_tag
def when_short(at: datetime) -> SafeString:
    """A time for a list; hovering shows it in full, in both zones."""
    title = f"{full(at)} · {in_utc(at)}"
    return format_html('<time datetime="{}" title="{}">{}</time>', clock.stamp(at), title, short(at, clock.now()))


@register.inclusion_tag("desk/moment.html")
def moment(of: Moment) -> dict[str, object]:
    """A time as a sender wrote it: in the officers' zone if it can be, the rest one click away."""
    return {
        "moment": of,
        "local": full(of.utc) if of.utc else "",
        "utc": in_utc(of.utc) if of.utc else "",
        "stamp": clock.stamp(of.utc) if of.utc else "",
    }


@register.filter
def count(number: Counted | int) -> str:
    """A number for people: "1,204", or "10,000+" where counting stopped."""
    if isinstance(number, Counted):
        return f"{number.number:,}+" if number.more else f"{number.number:,}"
    return f"{number:,}"


@register.filter
def duration(seconds: int) -> str:
    """How long: "under a minute", "12 minutes", "3 hours"."""
    if seconds < 60:
        return _("under a minute")
    if seconds < 5400:
        return _("about %(n)d min") % {"n": round(seconds / 60)}
    return _("about %(n)d h") % {"n": round(seconds / 3600)}


@register.simple_tag
def demo_people() -> list[sign_in.DemoPerson]:
    """The sign-ins of a demo; empty elsewhere."""
    return sign_in.demo_people()
