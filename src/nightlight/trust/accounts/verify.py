# SPDX-License-Identifier: Apache-2.0
"""Checks that every reporter, credential and token is what the custody log says was entered."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from nightlight.foundation.clock import stamp
from nightlight.trust.accounts.models import ApiToken, Credential, Reporter
from nightlight.trust.custody.models import Event
from nightlight.trust.custody.verify import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nightlight.foundation.canonical_json import Json


def check() -> Iterator[Problem]:
    """Compare reporters, credentials and tokens with their events; yield what does not agree."""
    added = dict(_events("reporter.added"))
    for reporter in Reporter.objects.order_by("id"):
        where = f"reporter:{reporter.public_id}"
        if added.get(where) != {"name": reporter.name, "origin": reporter.origin}:
            yield Problem("reporter-altered", where, "Its name or origin is not what was entered.")
    issued = {data["username"]: (subject, data) for subject, data in _events("reporter.credential-issued")}
    revoked = {data["username"] for _, data in _events("reporter.credential-revoked")}
    for credential in Credential.objects.select_related("reporter").order_by("id"):
        where = f"reporter:{credential.reporter.public_id}"
        subject, said = issued.get(credential.username, ("", {}))
        stored = {
            "username": credential.username,
            "environment": credential.environment,
            "may_submit": credential.may_submit,
            "digest_sha256": digest_of(bytes(credential.digest)),
        }
        if subject != where or said != stored or credential.active == (credential.username in revoked):
            yield Problem("credential-altered", where, f"The credential {credential.username} is not what was issued.")
    yield from _tokens()


def _tokens() -> Iterator[Problem]:
    issued, revoked = dict(_events("token.issued")), {subject for subject, _ in _events("token.revoked")}
    for token in ApiToken.objects.order_by("id"):
        where = f"token:{token.public_id}"
        stored = {
            "name": token.name,
            "scopes": token.scopes,
            "unit": token.unit,
            "expires_at": stamp(token.expires_at),
            "digest_sha256": digest_of(bytes(token.digest)),
        }
        if issued.get(where) != stored or (token.revoked_at is not None) != (where in revoked):
            yield Problem("token-altered", where, "The token is not what was issued.")


def digest_of(stored: bytes) -> str:
    """Return what the log keeps of a credential's stored digest: SHA-256 in hex. It reveals nothing of the secret."""
    return hashlib.sha256(stored).hexdigest()


def _events(kind: str) -> Iterator[tuple[str, dict[str, Json]]]:
    for subject, body in Event.objects.filter(kind=kind).order_by("id").values_list("subject", "body").iterator():
        yield subject, json.loads(body)["data"]
