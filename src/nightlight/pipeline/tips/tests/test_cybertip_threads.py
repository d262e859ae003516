# SPDX-License-Identifier: Apache-2.0
"""Threads that need the first validator of their process at the same moment all get one that works."""

from __future__ import annotations

import subprocess
import sys

_TOGETHER = """
import sys
import threading
from lxml import etree
from nightlight.pipeline.tips.formats.cybertipline import xsd

xsd.document(True), xsd.document(False)
sys.setswitchinterval(1e-6)
together, failures = threading.Barrier(32), []

def ask(newer):
    together.wait()
    try:
        xsd.validator(newer).validate(etree.fromstring("<report/>"))
    except Exception as failure:
        failures.append(repr(failure))

threads = [threading.Thread(target=ask, args=(number % 2 == 0,)) for number in range(32)]
[thread.start() for thread in threads], [thread.join() for thread in threads]
print(failures)
"""


def test_the_first_validators_of_a_process_may_be_asked_for_at_once() -> None:
    # Only a process that has compiled no schema yet can go wrong; without the lock one in eight or so did.
    for _ in range(6):
        ended = subprocess.run([sys.executable, "-c", _TOGETHER], capture_output=True, text=True, check=False)
        assert (ended.stdout.strip(), ended.stderr) == ("[]", "")
