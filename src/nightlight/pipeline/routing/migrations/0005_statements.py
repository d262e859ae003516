# SPDX-License-Identifier: Apache-2.0
"""By which offers tips came from other installations, and what those are owed about them."""

import django.db.models.deletion
from django.db import migrations, models

from nightlight.trust.custody.append_only import append_only_sql


class Migration(migrations.Migration):
    dependencies = [
        ("routing", "0004_installation_guard"),
    ]

    operations = [
        migrations.CreateModel(
            name="Came",
            fields=[
                (
                    "offer",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="came",
                        serialize=False,
                        to="routing.offer",
                    ),
                ),
                ("their_offer", models.CharField(max_length=16)),
                ("their_tip", models.CharField(max_length=16)),
                (
                    "installation",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="routing.installation",
                    ),
                ),
                (
                    "package",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="routing.package",
                    ),
                ),
            ],
            options={
                "db_table": "routing_came",
                "constraints": [models.UniqueConstraint(fields=("installation", "their_offer"), name="came_once")],
            },
        ),
        migrations.CreateModel(
            name="Owed",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("their_offer", models.CharField(max_length=16)),
                ("kind", models.CharField(max_length=10)),
                ("body", models.TextField()),
                ("made_at", models.DateTimeField()),
                (
                    "installation",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="routing.installation",
                    ),
                ),
                (
                    "package",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="statements",
                        to="routing.package",
                    ),
                ),
                (
                    "receipt",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="owed",
                        to="routing.receipt",
                    ),
                ),
            ],
            options={
                "db_table": "routing_owed",
                "indexes": [
                    models.Index(
                        condition=models.Q(("package", None)), fields=["installation", "id"], name="owed_to_send"
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("kind", "outcome"), _negated=True),
                        fields=("installation", "their_offer", "kind"),
                        name="owed_once",
                    )
                ],
            },
        ),
        migrations.RunSQL(*append_only_sql("routing_came")),
    ]
