# SPDX-License-Identifier: Apache-2.0
"""Tables of what is known about places: lists of districts, each version kept, and where networks say they are."""

from __future__ import annotations

from django.db import models

APPEND_ONLY_TABLES = ("routing_districtlist", "routing_district", "routing_feed")


class DistrictList(models.Model):
    """One version of the list of districts as it was loaded; the newest is in use, the others stay to be compared."""

    name = models.CharField(max_length=200, db_comment="of the file")
    sha256 = models.CharField(max_length=64)
    rows = models.IntegerField()
    passed_over = models.IntegerField(db_comment="lines that could not be read")
    by = models.CharField(max_length=64)
    at = models.DateTimeField()

    class Meta:
        db_table = "routing_districtlist"

    def __str__(self) -> str:
        return f"{self.name} of {self.at:%Y-%m-%d}"


class District(models.Model):
    """A district of one list: ``state`` is ISO 3166-2; ``aliases`` and ``pins`` are separated by ";"."""

    list = models.ForeignKey(DistrictList, on_delete=models.PROTECT, related_name="districts", db_index=False)
    code = models.CharField(max_length=40)
    name = models.CharField(max_length=200)
    state = models.CharField(max_length=8)
    aliases = models.TextField(blank=True)
    pins = models.TextField(blank=True)

    class Meta:
        db_table = "routing_district"
        constraints = [models.UniqueConstraint(fields=["list", "code"], name="district_once")]

    def __str__(self) -> str:
        return f"{self.code} {self.name}"


class Feed(models.Model):
    """Where operators say that their addresses are (RFC 8805), from a day on; ``until`` a day after which it is not so.

    ``kind`` is a `geofeed.ListKind`: a list may also name the addresses of anonymisers or of data centres. The file
    lies in the home, under its digest; what is read from it is compared with the digest first.
    """

    name = models.CharField(max_length=200, db_comment="of the file")
    kind = models.CharField(max_length=12)
    sha256 = models.CharField(max_length=64)
    size = models.BigIntegerField()
    rows = models.IntegerField()
    passed_over = models.IntegerField(db_comment="lines that could not be read")
    as_of = models.DateField()
    until = models.DateField(null=True)
    by = models.CharField(max_length=64)
    at = models.DateTimeField()

    class Meta:
        db_table = "routing_feed"
        constraints = [
            models.UniqueConstraint(fields=["sha256", "kind", "as_of"], name="feed_once"),
            models.CheckConstraint(
                condition=models.Q(until=None) | models.Q(until__gte=models.F("as_of")), name="feed_until_after"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} as of {self.as_of}"
