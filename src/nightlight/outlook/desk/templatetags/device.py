# SPDX-License-Identifier: Apache-2.0
"""What somebody signs in with, in words: from what the browser says of itself, which need not be true."""

from __future__ import annotations

import re

from django import template
from django.utils.translation import gettext as _

register = template.Library()

# In this order: each browser also claims to be those after it.
_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Firefox", "Firefox"),
    ("FxiOS", "Firefox"),
    ("CriOS", "Chrome"),
    ("Chrom", "Chrome"),
    ("HeadlessChrome", "Chrome"),
    ("Safari", "Safari"),
)
_SYSTEMS = (
    ("Windows", "Windows"),
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Mac OS X", "Mac"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)


@register.filter
def device(said: str) -> str:
    """Name browser and system: "Firefox on Windows"; or repeat the beginning of what was said."""
    browser = next((name for word, name in _BROWSERS if re.search(rf"\b{word}", said)), "")
    system = next((name for word, name in _SYSTEMS if word in said), "")
    if browser and system:
        return _("%(browser)s on %(system)s") % {"browser": browser, "system": system}
    return said[:60] or _("unknown")
