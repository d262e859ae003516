# SPDX-License-Identifier: Apache-2.0
"""A login is taken out of a header, or there is none."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightlight.foundation import basic_login


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Basic",
        "Basic !!",
        "Bearer " + base64.b64encode(b"a:b").decode(),
        "Basic /w==",
        "Basic " + base64.b64encode(b"a\0:b").decode(),
    ],
)
def test_what_is_no_login_is_none(header: str) -> None:
    shown = basic_login.read(header)
    assert shown is None or shown == ("", "")
    assert shown is None or header == "Basic"


@given(
    st.text().filter(lambda text: ":" not in text and "\0" not in text), st.text(), st.sampled_from(["Basic", "basic"])
)
def test_a_login_comes_out_as_it_went_in(username: str, password: str, scheme: str) -> None:
    try:
        told = base64.b64encode(f"{username}:{password}".encode()).decode()
    except UnicodeEncodeError:
        return
    assert basic_login.read(f"{scheme} {told}") == (username, password)
