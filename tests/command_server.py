# SPDX-License-Identifier: Apache-2.0
"""Runs commands in forks of a process that has loaded Nightlight once: what ``nightlight`` does, two seconds sooner.

Standard input: one JSON object a line, ``{"words": [...], "out": path, "err": path}``. Standard output: the exit code
of each, a line each. Only for commands that connect as commands do; others start a process of their own.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import traceback


def main() -> None:
    """Load, then answer until standard input ends."""
    from nightlight import cli
    from nightlight.commands import base
    from nightlight.config import postgres

    postgres.act_as_worker()
    base.set_up_django()
    assert threading.active_count() == 1, "a fork takes no threads along"
    for line in sys.stdin:
        asked = json.loads(line)
        child = os.fork()
        if child == 0:
            _run(cli.main, asked)
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


def _run(command: object, asked: dict[str, object]) -> None:
    code = 1
    try:
        for number, path, flags in (
            (0, os.devnull, os.O_RDONLY),
            (1, str(asked["out"]), os.O_WRONLY | os.O_CREAT | os.O_TRUNC),
            (2, str(asked["err"]), os.O_WRONLY | os.O_CREAT | os.O_TRUNC),
        ):
            os.dup2(os.open(path, flags, 0o600), number)
        sys.stdin = os.fdopen(0, closefd=False)
        sys.argv = ["nightlight", *asked["words"]]  # type: ignore[misc]
        command()  # type: ignore[operator]
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    main()
