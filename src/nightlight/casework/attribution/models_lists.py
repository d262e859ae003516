# SPDX-License-Identifier: Apache-2.0
"""Tables of what the unit loaded about networks: every import, the archives that grew of them, the directory."""

from __future__ import annotations

from django.db import models

APPEND_ONLY_TABLES = ("attribution_listimport", "attribution_directory")


class ListImport(models.Model):
    """One file that was imported as a list of one time, under the licence that whoever loaded it stated.

    ``kind`` is a `netdata.kinds.ListKind`, ``series`` the name under which snapshots of the same list grow together.
    """

    kind = models.CharField(max_length=24)
    series = models.CharField(max_length=120)
    version = models.CharField(max_length=120)
    licence = models.TextField()
    file = models.CharField(max_length=200)
    sha256 = models.CharField(max_length=64)
    size = models.BigIntegerField()
    as_of = models.DateTimeField()
    entries = models.IntegerField()
    problems = models.IntegerField(db_comment="lines that could not be read, all counted")
    named = models.TextField(blank=True, db_comment="the first of them (JSON)")
    by = models.CharField(max_length=64)
    at = models.DateTimeField()

    class Meta:
        db_table = "attribution_listimport"
        constraints = [
            models.UniqueConstraint(fields=["kind", "series", "sha256", "as_of"], name="attribution_import_once")
        ]

    def __str__(self) -> str:
        return f"{self.series} as of {self.as_of:%Y-%m-%d %H:%M}"


class Archive(models.Model):
    """What all imports of a series are together; the file lies in the home under its digest and is checked when read.

    For a series of tables (networks, countries) one row stands for each day, so ``as_of`` is set.
    """

    kind = models.CharField(max_length=24)
    series = models.CharField(max_length=120)
    as_of = models.DateTimeField(null=True)
    sha256 = models.CharField(max_length=64)
    size = models.BigIntegerField()
    rows = models.IntegerField()
    snapshots = models.IntegerField()
    covers_from = models.DateTimeField(null=True)
    covers_until = models.DateTimeField(null=True)
    changed_at = models.DateTimeField()

    class Meta:
        db_table = "attribution_archive"
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "series", "as_of"], name="attribution_archive_once", nulls_distinct=False
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.series}"


class DirectoryVersion(models.Model):
    """One version of the operator directory as it was loaded (TOML); the newest of a name is in use."""

    name = models.CharField(max_length=120)
    sha256 = models.CharField(max_length=64)
    body = models.TextField()
    operators = models.IntegerField()
    by = models.CharField(max_length=64)
    at = models.DateTimeField()

    class Meta:
        db_table = "attribution_directory"

    def __str__(self) -> str:
        return f"{self.name} of {self.at:%Y-%m-%d}"
