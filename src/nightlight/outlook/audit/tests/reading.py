# SPDX-License-Identifier: Apache-2.0
"""How these tests read a page of the audit, and have the log signed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from nightlight.foundation import clock
from nightlight.trust.custody import actions as custody
from nightlight.trust.custody import keys

if TYPE_CHECKING:
    from django.test import Client


def text(client: Client, address: str, status: int = 200) -> str:
    answer = client.get(address)
    assert answer.status_code == status, answer.content[:2000]
    return answer.content.decode()


def sign() -> None:
    assert custody.sign_head(at=clock.now(), key=keys.signing_key()) is not None


def entries(page: str) -> list[str]:
    return re.findall(r'href="/audit/entry/([0-9a-f]+)/"', page)
