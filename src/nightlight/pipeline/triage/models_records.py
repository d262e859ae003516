# SPDX-License-Identifier: Apache-2.0
"""The table of triage that says until when records are kept, told by another part."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models

from nightlight.pipeline.tips.models import Tip


class RecordsEnd(models.Model):
    """When operators stop keeping the records that addresses of a tip would be answered from, soonest first.

    Told by whoever looks addresses up; a tip of which nothing is known has no row.
    """

    tip = models.OneToOneField(Tip, on_delete=models.PROTECT, primary_key=True, related_name="+")
    ends = ArrayField(models.DateTimeField())
    told_at = models.DateTimeField()

    class Meta:
        db_table = "triage_recordsend"

    def __str__(self) -> str:
        return str(self.tip_id)
