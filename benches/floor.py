# SPDX-License-Identifier: Apache-2.0
"""The least a server can do with a report: know who sends it, read it, and keep a note and the file for good.

Served by the same granian, with the same Django, workers and threads as Nightlight. Each request is signed in
with the same query, its body is read with the same code, one row (report id, file id, length, time) is inserted by a
single statement in autocommit, and one file is written with what was read: created exclusively, synced, and its
folder synced. The **lean** floor (NIGHTLIGHT_FLOOR=lean) writes a file for the upload only. Nothing is validated,
digested, encrypted, linked, logged or answered but a constant.

Started by ``intake.py``: ``python floor.py PORT``.
"""

from __future__ import annotations

import base64
import os
import secrets
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from django.http import HttpRequest, HttpResponse

    from nightlight.config.environment import Environment

TABLE = """
CREATE TABLE IF NOT EXISTS bench_floor (
  id bigserial PRIMARY KEY, report_id bigint NOT NULL, file_id text NOT NULL, size integer NOT NULL,
  at timestamptz NOT NULL);
GRANT INSERT ON bench_floor TO nightlight_intake;
GRANT USAGE ON SEQUENCE bench_floor_id_seq TO nightlight_intake;
"""
_INSERT = "INSERT INTO bench_floor (report_id, file_id, size, at) VALUES (%s, %s, %s, %s)"
_ANSWER = (
    '<?xml version="1.0" encoding="UTF-8" standalone="yes"?><reportResponse><responseCode>0</responseCode>'
    "<responseDescription>Success</responseDescription><reportId>{}</reportId><fileId>{}</fileId></reportResponse>"
)


class _File:
    """A new file in one of 256 folders, as the vault's are, but plain."""

    def __init__(self, root: Path, file_id: str) -> None:
        self.size = 0
        self._folder = root / file_id[:2]
        self._handle = os.open(self._folder / file_id, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)

    def write(self, chunk: bytes) -> None:
        self.size += os.write(self._handle, chunk)

    def keep(self) -> None:
        os.fsync(self._handle)
        os.close(self._handle)
        folder = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _folder(environment: Environment) -> Path:
    return environment.home / "floor"


def floor_first(_rest: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Take every request, as the wire's middleware takes its own."""
    from django.conf import settings
    from django.db import connection
    from django.http import HttpResponse

    from nightlight.foundation import clock
    from nightlight.pipeline.tips import bodies
    from nightlight.trust.accounts import queries as accounts

    root = _folder(settings.ENVIRONMENT)
    lean = os.environ.get("NIGHTLIGHT_FLOOR") == "lean"

    def answer(request: HttpRequest) -> HttpResponse:
        _, _, credentials = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
        username, _, password = base64.b64decode(credentials).decode().partition(":")
        if accounts.reporter_login(username, password) is None:
            return HttpResponse(status=401)
        report_id, file_id = 10**11 + secrets.randbelow(9 * 10**11), secrets.token_hex(16)
        if request.path_info == "/ispws/upload":
            file = _File(root, file_id)
            bodies.upload(request.META, file)
            file.keep()
            size = file.size
        else:
            body = bodies.whole(request.META, at_most=bodies.MAX_XML) or b""
            size = len(body)
            if not lean:
                file = _File(root, file_id)
                file.write(body)
                file.keep()
        with connection.cursor() as cursor:
            cursor.execute(_INSERT, [report_id, file_id, size, clock.now()])
        response = HttpResponse(_ANSWER.format(report_id, file_id).encode(), content_type="application/xml")
        response["Content-Length"] = str(len(response.content))
        return response

    return answer


def main() -> None:
    """Serve the floor on the given port."""
    from nightlight.config import environment, postgres, web

    found = environment.read()
    for number in range(256):
        (_folder(found) / f"{number:02x}").mkdir(parents=True, exist_ok=True)
    postgres.pool_connections()
    web.serve(
        found,
        host="127.0.0.1",
        port=int(sys.argv[1]),
        tls_cert=None,
        tls_key=None,
        application="floor_wsgi:application",
    )


if __name__ == "__main__":
    main()
