# SPDX-License-Identifier: Apache-2.0
"""Tables of attribution."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("tips", "0009_telling"),
        ("units", "0002_posts_of_earlier_roles"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="DirectoryVersion",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=120)),
                ("sha256", models.CharField(max_length=64)),
                ("body", models.TextField()),
                ("operators", models.IntegerField()),
                ("by", models.CharField(max_length=64)),
                ("at", models.DateTimeField()),
            ],
            options={
                "db_table": "attribution_directory",
            },
        ),
        migrations.CreateModel(
            name="Prepared",
            fields=[
                (
                    "tip",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="prepared",
                        serialize=False,
                        to="tips.tip",
                    ),
                ),
                ("version", models.IntegerField()),
                ("lists", models.CharField(max_length=64)),
                ("body", models.TextField()),
                ("events", models.IntegerField()),
                ("grade", models.CharField(blank=True, max_length=1)),
                ("way", models.CharField(blank=True, max_length=16)),
                ("kept_until", models.DateTimeField(null=True)),
                ("made_at", models.DateTimeField()),
            ],
            options={
                "db_table": "attribution_prepared",
            },
        ),
        migrations.CreateModel(
            name="Sources",
            fields=[
                (
                    "tip",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="sources",
                        serialize=False,
                        to="tips.tip",
                    ),
                ),
                ("version", models.IntegerField()),
                ("body", models.TextField()),
                ("made_at", models.DateTimeField()),
            ],
            options={
                "db_table": "attribution_sources",
            },
        ),
        migrations.CreateModel(
            name="Archive",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(max_length=24)),
                ("series", models.CharField(max_length=120)),
                ("as_of", models.DateTimeField(null=True)),
                ("sha256", models.CharField(max_length=64)),
                ("size", models.BigIntegerField()),
                ("rows", models.IntegerField()),
                ("snapshots", models.IntegerField()),
                ("covers_from", models.DateTimeField(null=True)),
                ("covers_until", models.DateTimeField(null=True)),
                ("changed_at", models.DateTimeField()),
            ],
            options={
                "db_table": "attribution_archive",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("kind", "series", "as_of"), name="attribution_archive_once", nulls_distinct=False
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Layout",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("operator", models.CharField(max_length=80)),
                ("fingerprint", models.CharField(db_comment="of the header", max_length=64)),
                ("body", models.TextField()),
                ("at", models.DateTimeField()),
                (
                    "by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "db_table": "attribution_layout",
            },
        ),
        migrations.CreateModel(
            name="ListImport",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(max_length=24)),
                ("series", models.CharField(max_length=120)),
                ("version", models.CharField(max_length=120)),
                ("licence", models.TextField()),
                ("file", models.CharField(max_length=200)),
                ("sha256", models.CharField(max_length=64)),
                ("size", models.BigIntegerField()),
                ("as_of", models.DateTimeField()),
                ("entries", models.IntegerField()),
                ("problems", models.IntegerField(db_comment="lines that could not be read, all counted")),
                ("named", models.TextField(blank=True, db_comment="the first of them (JSON)")),
                ("by", models.CharField(max_length=64)),
                ("at", models.DateTimeField()),
            ],
            options={
                "db_table": "attribution_listimport",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("kind", "series", "sha256", "as_of"), name="attribution_import_once"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Request",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("public_id", models.CharField(max_length=16, unique=True)),
                ("kind", models.CharField(max_length=24)),
                ("operator", models.CharField(max_length=80)),
                ("addressee", models.CharField(max_length=200)),
                ("power", models.CharField(blank=True, max_length=60)),
                ("body", models.TextField()),
                ("lines", models.IntegerField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("draft", "Draft"),
                            ("checked", "Checked by a second person"),
                            ("signed", "Signed"),
                            ("sent", "Sent"),
                            ("answered", "Answered"),
                            ("refused", "Refused by the operator"),
                            ("withdrawn", "Withdrawn"),
                        ],
                        max_length=12,
                    ),
                ),
                ("drafted_at", models.DateTimeField()),
                ("sent_at", models.DateTimeField(null=True)),
                ("due_at", models.DateTimeField(db_comment="by when an answer is expected", null=True)),
                ("reminded_at", models.DateTimeField(null=True)),
                ("ended_at", models.DateTimeField(null=True)),
                ("log_until", models.DateTimeField(null=True)),
                (
                    "checked_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "drafted_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "signed_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "tip",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="requests", to="tips.tip"
                    ),
                ),
                (
                    "unit",
                    models.ForeignKey(
                        db_comment="that held the tip",
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="units.unit",
                    ),
                ),
            ],
            options={
                "db_table": "attribution_request",
            },
        ),
        migrations.CreateModel(
            name="Finding",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("line", models.CharField(db_comment="key of the event", max_length=200)),
                ("subscriber", models.CharField(max_length=200)),
                ("band", models.CharField(max_length=12)),
                ("body", models.TextField()),
                ("at", models.DateTimeField()),
                (
                    "by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "tip",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="findings", to="tips.tip"
                    ),
                ),
                (
                    "request",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="findings", to="attribution.request"
                    ),
                ),
            ],
            options={
                "db_table": "attribution_finding",
            },
        ),
        migrations.CreateModel(
            name="Return",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("public_id", models.CharField(max_length=16, unique=True)),
                ("item", models.CharField(db_comment="of the evidence vault", max_length=16)),
                ("name", models.CharField(max_length=200)),
                ("size", models.BigIntegerField()),
                ("sha256", models.CharField(max_length=64)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("received", "Received"),
                            ("unknown-layout", "Its columns have to be named"),
                            ("read", "Read and compared"),
                            ("damaged", "Could not be read"),
                        ],
                        max_length=16,
                    ),
                ),
                (
                    "built_in",
                    models.CharField(
                        blank=True, db_comment="name of the layout where it is one of ours", max_length=60
                    ),
                ),
                ("clock_error", models.IntegerField(db_comment="seconds, as the operator states it", default=0)),
                ("counts", models.TextField(blank=True)),
                ("answers", models.TextField(blank=True)),
                ("proposal", models.TextField(blank=True)),
                ("bad", models.BinaryField(null=True)),
                ("password_closed", models.BinaryField(default=b"")),
                ("password_key_part", models.BinaryField(default=b"")),
                ("disclosed", models.IntegerField(null=True)),
                ("problem", models.CharField(blank=True, max_length=60)),
                ("at", models.DateTimeField()),
                ("read_at", models.DateTimeField(null=True)),
                (
                    "by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "layout",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="attribution.layout",
                    ),
                ),
                (
                    "request",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="returns", to="attribution.request"
                    ),
                ),
            ],
            options={
                "db_table": "attribution_return",
            },
        ),
        migrations.CreateModel(
            name="Step",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("drafted", "Drafted"),
                            ("checked", "Compared with the source by a second person"),
                            ("disputed", "Not as in the source"),
                            ("signed", "Signed"),
                            ("sent", "Sent"),
                            ("reminded", "Reminded"),
                            ("escalated", "Taken to the commander"),
                            ("answered", "Answered"),
                            ("refused", "Refused by the operator"),
                            ("withdrawn", "Withdrawn"),
                        ],
                        max_length=12,
                    ),
                ),
                ("by", models.CharField(max_length=64)),
                ("at", models.DateTimeField()),
                ("event", models.BigIntegerField()),
                ("data", models.TextField(blank=True)),
                (
                    "request",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="steps", to="attribution.request"
                    ),
                ),
            ],
            options={
                "db_table": "attribution_step",
            },
        ),
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
                ("failed_since", models.DateTimeField(null=True)),
                ("failed_times", models.IntegerField(db_default=0)),
                ("why", models.CharField(blank=True, db_default="", max_length=80)),
                ("try_at", models.DateTimeField(null=True)),
            ],
            options={
                "db_table": "attribution_waiting",
                "indexes": [
                    models.Index(
                        condition=models.Q(("failed_times__gt", 0)), fields=["failed_since"], name="attribution_failed"
                    ),
                    models.Index(
                        models.OrderBy(models.F("try_at"), nulls_first=True),
                        models.OrderBy(models.F("tip"), descending=True),
                        name="attribution_turn",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="WrongDoor",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("public_id", models.CharField(max_length=16, unique=True)),
                ("path", models.CharField(max_length=120)),
                ("kind", models.CharField(max_length=40)),
                ("reached", models.BooleanField(db_comment="whether anybody unconnected was troubled")),
                ("note", models.TextField(blank=True)),
                ("by", models.CharField(max_length=64)),
                ("at", models.DateTimeField()),
                (
                    "request",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="attribution.request",
                    ),
                ),
                (
                    "tip",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="tips.tip"),
                ),
            ],
            options={
                "db_table": "attribution_wrongdoor",
            },
        ),
        migrations.AddIndex(
            model_name="layout",
            index=models.Index(fields=["operator", "fingerprint", "-id"], name="attribution_layout_of"),
        ),
        migrations.AddIndex(
            model_name="request",
            index=models.Index(fields=["tip"], name="attribution_request_tip"),
        ),
        migrations.AddIndex(
            model_name="request",
            index=models.Index(fields=["unit", "state"], name="attribution_request_desk"),
        ),
        migrations.AddIndex(
            model_name="request",
            index=models.Index(
                condition=models.Q(("state", "sent")), fields=["due_at"], name="attribution_request_due"
            ),
        ),
        migrations.AddConstraint(
            model_name="request",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("checked_by", None),
                    models.Q(("checked_by", models.F("drafted_by")), _negated=True),
                    _connector="OR",
                ),
                name="request_checked_by_another",
            ),
        ),
        migrations.AddConstraint(
            model_name="request",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("state__in", ["draft", "withdrawn"]),
                    models.Q(("checked_by", None), _negated=True),
                    _connector="OR",
                ),
                name="request_checked_before",
            ),
        ),
        migrations.AddIndex(
            model_name="finding",
            index=models.Index(fields=["tip"], name="attribution_finding_of"),
        ),
        migrations.AddIndex(
            model_name="return",
            index=models.Index(fields=["request"], name="attribution_return_of"),
        ),
        migrations.AddIndex(
            model_name="wrongdoor",
            index=models.Index(fields=["path"], name="attribution_wrong_path"),
        ),
    ]
