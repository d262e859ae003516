# SPDX-License-Identifier: Apache-2.0
"""The evidence tables; what was received can be added to and never changed."""

from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models

from nightlight.trust.custody.append_only import append_only_sql


class Migration(migrations.Migration):
    initial = True
    dependencies = [("custody", "0001_initial")]
    operations = [
        migrations.CreateModel(
            name="Blob",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("public_id", models.TextField(unique=True)),
                ("sha256", models.BinaryField(unique=True)),
                ("sha1", models.BinaryField()),
                ("md5", models.BinaryField()),
                ("size", models.BigIntegerField()),
                ("locator", models.TextField(unique=True)),
                ("envelope", models.SmallIntegerField()),
                ("stored_at", models.DateTimeField()),
            ],
            options={"db_table": "evidence_blob"},
        ),
        migrations.CreateModel(
            name="BlobKey",
            fields=[
                (
                    "blob",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="key",
                        serialize=False,
                        to="evidence.blob",
                    ),
                ),
                ("wrapped_key", models.BinaryField()),
                ("key_id", models.TextField()),
                ("wrapped_at", models.DateTimeField()),
            ],
            options={
                "db_table": "evidence_blob_key",
                "indexes": [models.Index(fields=["key_id"], name="evidence_blob_key_key_id")],
            },
        ),
        migrations.CreateModel(
            name="Item",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("public_id", models.TextField(unique=True)),
                (
                    "blob",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="items", to="evidence.blob"
                    ),
                ),
                ("received_at", models.DateTimeField()),
                ("name_as_sent", models.TextField()),
                ("source", models.TextField()),
                ("context", models.TextField()),
            ],
            options={"db_table": "evidence_item"},
        ),
        migrations.RunSQL(*append_only_sql("evidence_blob")),
        migrations.RunSQL(*append_only_sql("evidence_item")),
    ]
