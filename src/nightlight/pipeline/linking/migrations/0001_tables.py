# SPDX-License-Identifier: Apache-2.0
"""The tables of linking."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("evidence", "0003_who_sees"),
        ("tips", "0007_counted_by_index"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="FileGroup",
            fields=[
                (
                    "blob",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="evidence.blob",
                    ),
                ),
                ("anchor", models.BigIntegerField(db_index=True)),
            ],
            options={
                "db_table": "linking_filegroup",
            },
        ),
        migrations.CreateModel(
            name="Progress",
            fields=[
                (
                    "tip",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="linking",
                        serialize=False,
                        to="tips.tip",
                    ),
                ),
                ("version", models.IntegerField()),
                ("at", models.DateTimeField()),
            ],
            options={
                "db_table": "linking_progress",
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
            ],
            options={
                "db_table": "linking_waiting",
            },
        ),
        migrations.CreateModel(
            name="Identifier",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("email", "e-mail address"),
                            ("phone", "telephone number"),
                            ("account", "account"),
                            ("handle", "screen name on one service"),
                            ("any-handle", "screen name on any service"),
                            ("profile-url", "profile page"),
                            ("url", "web address"),
                            ("device", "device identifier"),
                            ("payment", "payment handle"),
                            ("endpoint", "network address with port and time"),
                            ("address", "network address"),
                            ("network", "network range"),
                            ("file", "file"),
                            ("group", "group"),
                        ],
                        max_length=12,
                    ),
                ),
                ("digest", models.BinaryField(max_length=16)),
                ("suspects", models.IntegerField(db_default=0)),
                ("children", models.IntegerField(db_default=0)),
                ("silenced", models.BooleanField(db_default=False)),
            ],
            options={
                "db_table": "linking_identifier",
                "constraints": [models.UniqueConstraint(fields=("kind", "digest"), name="identifier_once")],
            },
        ),
        migrations.CreateModel(
            name="Subject",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("party", models.SmallIntegerField()),
                ("side", models.CharField(choices=[("suspect", "reported"), ("child", "child")], max_length=7)),
                ("pseudonym", models.CharField(max_length=60)),
                ("component", models.BigIntegerField()),
                ("person", models.BigIntegerField()),
                ("gone", models.BooleanField(db_default=False)),
                (
                    "tip",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="subjects", to="tips.tip"
                    ),
                ),
            ],
            options={
                "db_table": "linking_subject",
            },
        ),
        migrations.CreateModel(
            name="Sighting",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "side",
                    models.CharField(
                        choices=[("suspect", "suspect"), ("child", "child"), ("tip", "tip")], max_length=7
                    ),
                ),
                ("role", models.CharField(blank=True, max_length=10)),
                ("source", models.TextField()),
                ("as_sent", models.TextField(blank=True)),
                ("value", models.TextField(blank=True)),
                ("verified", models.BooleanField(null=True)),
                ("from_text", models.BooleanField()),
                ("at", models.DateTimeField(null=True)),
                (
                    "identifier",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="sightings",
                        to="linking.identifier",
                    ),
                ),
                (
                    "tip",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="sightings", to="tips.tip"
                    ),
                ),
                (
                    "subject",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="sightings",
                        to="linking.subject",
                    ),
                ),
            ],
            options={
                "db_table": "linking_sighting",
            },
        ),
        migrations.CreateModel(
            name="Decision",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("public_id", models.CharField(max_length=16, unique=True)),
                (
                    "verdict",
                    models.CharField(
                        choices=[
                            ("confirm", "These are one person"),
                            ("forbid", "These are not one person"),
                            ("silence", "This value links nobody"),
                        ],
                        max_length=7,
                    ),
                ),
                ("reason", models.TextField()),
                ("at", models.DateTimeField()),
                (
                    "by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "identifier",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="decisions",
                        to="linking.identifier",
                    ),
                ),
                (
                    "first",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="linking.subject"
                    ),
                ),
                (
                    "second",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="linking.subject"
                    ),
                ),
            ],
            options={
                "db_table": "linking_decision",
            },
        ),
        migrations.AddIndex(
            model_name="subject",
            index=models.Index(fields=["person", "id"], name="subject_person"),
        ),
        migrations.AddIndex(
            model_name="subject",
            index=models.Index(fields=["component", "id"], name="subject_component"),
        ),
        migrations.AddConstraint(
            model_name="subject",
            constraint=models.UniqueConstraint(fields=("tip", "party"), name="subject_once"),
        ),
        migrations.AddIndex(
            model_name="sighting",
            index=models.Index(fields=["identifier", "side", "subject"], name="sighting_identifier"),
        ),
        migrations.AddIndex(
            model_name="sighting",
            index=models.Index(
                condition=models.Q(("verified", True)), fields=["identifier", "side"], name="sighting_verified"
            ),
        ),
        migrations.AddConstraint(
            model_name="decision",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("first__isnull", True),
                        ("identifier__isnull", False),
                        ("second__isnull", True),
                        ("verdict", "silence"),
                    ),
                    models.Q(
                        models.Q(("verdict", "silence"), _negated=True),
                        ("first__isnull", False),
                        ("first__lt", models.F("second")),
                        ("identifier__isnull", True),
                        ("second__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="decision_about_a_pair_or_a_value",
            ),
        ),
    ]
