# SPDX-License-Identifier: Apache-2.0
"""The kinds of identifier, the sides they stand on, and the words pages use for them."""

from __future__ import annotations

from enum import StrEnum


class Kind(StrEnum):
    """What sort of identifier; each member's value is a short code, `label` what pages show, in the singular."""

    EMAIL = "email"
    PHONE = "phone"
    ACCOUNT = "account"
    HANDLE = "handle"
    ANY_HANDLE = "any-handle"
    PROFILE_URL = "profile-url"
    URL = "url"
    DEVICE = "device"
    PAYMENT = "payment"
    ENDPOINT = "endpoint"
    ADDRESS = "address"
    NETWORK = "network"
    FILE = "file"
    GROUP = "group"

    @property
    def label(self) -> str:
        """Plain words for one of this kind."""
        return _LABELS[self]


_LABELS = {
    Kind.EMAIL: "e-mail address",
    Kind.PHONE: "telephone number",
    Kind.ACCOUNT: "account",
    Kind.HANDLE: "screen name on one service",
    Kind.ANY_HANDLE: "screen name on any service",
    Kind.PROFILE_URL: "profile page",
    Kind.URL: "web address",
    Kind.DEVICE: "device identifier",
    Kind.PAYMENT: "payment handle",
    Kind.ENDPOINT: "network address with port and time",
    Kind.ADDRESS: "network address",
    Kind.NETWORK: "network range",
    Kind.FILE: "file",
    Kind.GROUP: "group",
}


class Side(StrEnum):
    """Whose an identifier is: of reported people, of victims and recipients, or of nobody in particular."""

    SUSPECT = "suspect"
    CHILD = "child"
    TIP = "tip"

    @property
    def label(self) -> str:
        """Plain words for this side; a reported person is not an offender until a court says so."""
        return {Side.SUSPECT: "reported side", Side.CHILD: "child's side", Side.TIP: "the report itself"}[self]
