# SPDX-License-Identifier: Apache-2.0
"""Tables of what each report held and what its reporter is told."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0004_deconfliction"),
        ("tips", "0008_shares"),
    ]

    operations = [
        migrations.CreateModel(
            name="Waiting",
            fields=[
                (
                    "tip",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="tips.tip",
                    ),
                ),
                ("day", models.DateField(db_index=True)),
            ],
            options={
                "db_table": "insight_waiting",
            },
        ),
        migrations.CreateModel(
            name="HoldBack",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("held", models.BooleanField()),
                ("reason", models.TextField()),
                ("at", models.DateTimeField()),
                (
                    "by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.user"
                    ),
                ),
                (
                    "tip",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="holdbacks", to="tips.tip"
                    ),
                ),
            ],
            options={
                "db_table": "insight_holdback",
            },
        ),
        migrations.CreateModel(
            name="Quality",
            fields=[
                (
                    "tip",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="tips.tip",
                    ),
                ),
                ("version", models.SmallIntegerField()),
                (
                    "environment",
                    models.CharField(choices=[("production", "Production"), ("test", "Test")], max_length=10),
                ),
                ("state", models.CharField(max_length=10)),
                ("month", models.DateField()),
                ("arrived_at", models.DateTimeField()),
                ("happened_on", models.DateField(null=True)),
                ("days", models.IntegerField(null=True)),
                ("events", models.IntegerField()),
                ("addressed", models.IntegerField()),
                ("with_port", models.IntegerField()),
                ("with_zone", models.IntegerField()),
                ("files", models.IntegerField()),
                ("arrived", models.IntegerField()),
                ("viewed_stated", models.IntegerField()),
                ("contact", models.BooleanField()),
                ("account", models.BooleanField()),
                ("narrative", models.BooleanField()),
                ("thin", models.BooleanField()),
                ("repeats", models.BooleanField()),
                (
                    "reporter",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.reporter",
                    ),
                ),
            ],
            options={
                "db_table": "insight_quality",
                "indexes": [models.Index(fields=["environment", "reporter", "month"], name="quality_of_reporter")],
            },
        ),
        migrations.CreateModel(
            name="Told",
            fields=[
                (
                    "tip",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="feedback",
                        serialize=False,
                        to="tips.tip",
                    ),
                ),
                (
                    "environment",
                    models.CharField(choices=[("production", "Production"), ("test", "Test")], max_length=10),
                ),
                ("report_id", models.BigIntegerField()),
                ("received_on", models.DateField()),
                ("outcome", models.CharField(max_length=20)),
                ("told", models.CharField(max_length=20)),
                ("told_on", models.DateField()),
                ("lacks", models.CharField(blank=True, max_length=200)),
                (
                    "reporter",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.reporter",
                    ),
                ),
            ],
            options={
                "db_table": "insight_told",
                "indexes": [
                    models.Index(fields=["reporter", "environment", "told_on", "report_id"], name="told_to_reporter")
                ],
            },
        ),
    ]
