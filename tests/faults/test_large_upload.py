# SPDX-License-Identifier: Apache-2.0
"""A file of two gigabytes passes through the server, not into its memory."""

from __future__ import annotations

import hashlib
import random
import re
import shutil
import socket
import sys
import time
from base64 import b64encode
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .reporting import Line, report

if TYPE_CHECKING:
    from .installation import Installation

pytestmark = [pytest.mark.faults, pytest.mark.slow]
BLOCK = 1 << 20
SIZE = 2048 * BLOCK
MOST_MEMORY = 200 * 1024  # kB
NEEDED_DISK = 8 * 2**30


def test_two_gigabytes_are_taken_in_little_memory(running: Installation) -> None:
    free = shutil.disk_usage(running.home).free
    if free < NEEDED_DISK:
        pytest.skip(f"needs {NEEDED_DISK / 2**30:.0f} GB of free disk, there are {free / 2**30:.1f}")
    with Line(running.port, running.login) as line:
        report_id = line.submit(report("large")).value("reportId")
    began = time.monotonic()
    answer, md5 = _upload(running, report_id)
    took = time.monotonic() - began
    assert b"<responseCode>0</responseCode>" in answer, answer[-500:]
    assert re.findall(rb"<hash>([0-9a-f]{32})</hash>", answer) == [md5.encode()]
    with Line(running.port, running.login) as line:  # the server closes one that was idle for so long
        assert line.finish(report_id).ok
    web = running.part("web")
    assert web is not None
    peaks = {pid: _peak(pid) for pid in (web, *running.web_processes())}
    sys.stdout.write(
        f"\n2 GB in {took:.1f} s ({SIZE / took / 1e6:.0f} MB/s); peak memory {sorted(peaks.values())} kB\n"
    )
    assert len(peaks) > 1
    assert max(peaks.values()) < MOST_MEMORY, peaks
    assert running.rows("SELECT max(size) FROM evidence_blob") == [(SIZE,)]


def _upload(installation: Installation, report_id: str) -> tuple[bytes, str]:
    """Send the file as it is made; return the answer and the MD5 of what was sent."""
    boundary = "nightlight-large"
    head = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="id"\r\n\r\n{report_id}\r\n'
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="large.bin"\r\n\r\n'
    ).encode()
    tail = f"\r\n--{boundary}--\r\n".encode()
    token = b64encode(f"{installation.login.username}:{installation.login.password}".encode()).decode()
    request = (
        f"POST /ispws/upload HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nAuthorization: Basic {token}\r\n"
        f"Content-Type: multipart/form-data; boundary={boundary}\r\n"
        f"Content-Length: {len(head) + SIZE + len(tail)}\r\n\r\n"
    ).encode()
    md5 = hashlib.md5(usedforsecurity=False)
    pattern = random.Random(1).randbytes(BLOCK - 8)
    with socket.create_connection(("127.0.0.1", installation.port), timeout=120) as connection:
        connection.sendall(request + head)
        for number in range(SIZE // BLOCK):
            block = number.to_bytes(8, "big") + pattern
            md5.update(block)
            connection.sendall(block)
        connection.sendall(tail)
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
    return answer, md5.hexdigest()


def _peak(pid: int) -> int:
    """Return the most memory a process has ever held, in kB (VmHWM in proc(5))."""
    found = re.search(r"^VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    assert found
    return int(found[1])
