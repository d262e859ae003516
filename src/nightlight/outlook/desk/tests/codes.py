# SPDX-License-Identifier: Apache-2.0
"""An authenticator app for tests, as RFC 6238 describes it; each number it shows is used once."""

from __future__ import annotations

import base64
import hmac
import re
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from django.core.cache import cache

if TYPE_CHECKING:
    from django.test import Client
    from pytest_django import Settings

READER = "triage-officer"  # somebody who reads tips
ADD = "/accounts/second-factor/app/add/"


def quick(settings: Settings) -> None:
    """Let signing in be quick, and forget what was counted before: for tests that sign in many times."""
    settings.MFA_TOTP_TOLERANCE = 1  # an app may show three numbers then, so that no test has to wait for the next
    cache.clear()


def number(secret: str, step: int) -> str:
    """The six digits of one half minute."""
    mac = hmac.digest(base64.b32decode(secret), step.to_bytes(8, "big"), "sha1")
    at = mac[-1] & 0xF
    return f"{int.from_bytes(mac[at : at + 4], 'big') % 2**31 % 10**6:06}"


@dataclass
class App:
    """The app on a telephone."""

    secret: str
    shown: set[str] = field(default_factory=set)

    def next(self) -> str:
        """A number that counts now and was not taken before: of this half minute, the one before or the one after."""
        now = int(time.time()) // 30
        fresh = next(code for step in (now, now + 1, now - 1) if (code := number(self.secret, step)) not in self.shown)
        self.shown.add(fresh)
        return fresh


def set_up(client: Client) -> App:
    """Set the app up on its page, as a person who has just signed in."""
    page = client.get(ADD).content.decode()
    found = re.search(r'id="secret">([A-Z2-7]+)<', page)
    assert found, page
    app = App(found[1])
    answer = client.post(ADD, {"code": app.next()})
    assert answer.status_code == 302, answer.content.decode()
    return app
