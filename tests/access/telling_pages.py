# SPDX-License-Identifier: Apache-2.0
"""Pages on which people tell: the hotline, which lets everybody in and knows nobody, and the telephone at the desk."""

from __future__ import annotations

from tests.access import objects
from tests.access.asking import INTAKE, TRIAGE, Page, any_of

_LANGUAGE = {"language": "en"}
_FORM = "application/x-www-form-urlencoded"
_TAKES_CALLS = any_of(frozenset({INTAKE, TRIAGE}))

PAGES = {
    "hotline:languages": [Page({}, anybody=True, anonymous="in")],
    "hotline:tell": [
        Page({}, kwargs=_LANGUAGE, anybody=True, anonymous="in"),
        Page({}, kwargs=_LANGUAGE, anybody=True, anonymous="in", method="POST", content_type=_FORM, body=b"what=x"),
    ],
    "hotline:back": [
        Page({}, kwargs=_LANGUAGE, anybody=True, anonymous="in"),
        # A code that is none.
        Page({}, kwargs=_LANGUAGE, anybody=True, anonymous="absent", inside=("absent",), method="POST",
             content_type=_FORM, body=b"code=0000"),
    ],
    "desk:phone-call": [
        Page(_TAKES_CALLS),
        Page(
            _TAKES_CALLS,
            method="POST",
            data={"what": "A stranger keeps writing to a pupil", "came": objects.just_now},
            effect=True,
        ),
    ],
}  # fmt: skip
