# SPDX-License-Identifier: Apache-2.0
"""Prints, for every listed file, the MD5 of its decrypted bytes and the MD5 in its record; run by the tests."""

from __future__ import annotations

import hashlib
import json
import sys


def main() -> None:
    """Read the vault of the installation in NIGHTLIGHT_HOME, whose database must run."""
    from nightlight.commands import base

    told = {}
    with base.database():
        from nightlight.pipeline.tips.models import TipFile
        from nightlight.trust.evidence import queries

        for file in TipFile.objects.select_related("item__blob").order_by("id"):
            md5 = hashlib.md5(usedforsecurity=False)
            for chunk in queries.read(file.item):
                md5.update(chunk)
            told[file.file_id] = {"bytes": md5.hexdigest(), "record": file.item.blob.digests.md5}
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main()
