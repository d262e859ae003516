# SPDX-License-Identifier: Apache-2.0
"""Reports, their documents and files, imports, and what was worked out."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("accounts", "0001_initial"),
        ("evidence", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="Import",
            fields=[
                (
                    "id",
                    models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                ),
                ("public_id", models.CharField(max_length=16, unique=True)),
                ("name", models.CharField(max_length=255)),
                ("by", models.CharField(max_length=64)),
                ("started_at", models.DateTimeField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "Waiting"),
                            ("running", "Running"),
                            ("done", "Done"),
                            ("stopped", "Stopped; what was imported stays, start it again to go on"),
                        ],
                        max_length=10,
                    ),
                ),
                ("expected", models.IntegerField(default=0)),
            ],
        ),
        migrations.CreateModel(
            name="Tip",
            fields=[
                (
                    "id",
                    models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                ),
                ("public_id", models.CharField(max_length=16, unique=True)),
                ("report_id", models.BigIntegerField(unique=True)),
                (
                    "source",
                    models.CharField(
                        choices=[("reporting-api", "Reporting API"), ("cybertip-json", "CyberTip download")],
                        max_length=16,
                    ),
                ),
                (
                    "environment",
                    models.CharField(choices=[("production", "Production"), ("test", "Test")], max_length=10),
                ),
                ("sent_by", models.CharField(max_length=64)),
                ("incident_type", models.CharField(max_length=24)),
                ("batched", models.BooleanField()),
                ("escalated", models.BooleanField()),
                ("payload_sha256", models.BinaryField(max_length=32)),
                ("opened_at", models.DateTimeField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("open", "Not finished yet"),
                            ("received", "Received"),
                            ("retracted", "Retracted by the reporter"),
                            ("expired", "Never finished by the reporter"),
                            ("unreadable", "Could not be read"),
                        ],
                        max_length=10,
                    ),
                ),
                ("state_at", models.DateTimeField()),
                (
                    "reporter",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="tips",
                        to="accounts.reporter",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Summary",
            fields=[
                (
                    "tip",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="summary",
                        serialize=False,
                        to="tips.tip",
                    ),
                ),
                ("version", models.IntegerField()),
                ("external_number", models.CharField(blank=True, db_index=True, max_length=40)),
                ("sentence", models.TextField()),
                ("people", models.IntegerField()),
                ("accounts", models.IntegerField()),
                ("network_events", models.IntegerField()),
                ("files", models.IntegerField()),
            ],
        ),
        migrations.CreateModel(
            name="ImportedFile",
            fields=[
                (
                    "id",
                    models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                ),
                ("name", models.CharField(max_length=1024)),
                ("sha256", models.BinaryField(max_length=32)),
                (
                    "outcome",
                    models.CharField(
                        choices=[
                            ("new", "New tip"),
                            ("known", "Already here"),
                            ("unreadable", "Kept, but could not be read"),
                            ("not-a-tip", "Not a CyberTip file; left where it was"),
                        ],
                        max_length=12,
                    ),
                ),
                ("reason", models.TextField(blank=True)),
                ("at", models.DateTimeField()),
                (
                    "batch",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="entries", to="tips.import"
                    ),
                ),
                (
                    "tip",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="imports",
                        to="tips.tip",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Document",
            fields=[
                (
                    "id",
                    models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("report", "Report as received"),
                            ("file-details", "File details as received"),
                            ("receipt", "Receipt as sent"),
                            ("download", "CyberTip as downloaded"),
                        ],
                        max_length=14,
                    ),
                ),
                ("file_id", models.CharField(blank=True, max_length=32)),
                ("body", models.BinaryField()),
                ("sha256", models.BinaryField(max_length=32)),
                ("received_at", models.DateTimeField()),
                (
                    "tip",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="documents", to="tips.tip"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="TipFile",
            fields=[
                (
                    "id",
                    models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                ),
                ("file_id", models.CharField(max_length=32, unique=True)),
                (
                    "item",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="tip_file",
                        to="evidence.item",
                    ),
                ),
                (
                    "tip",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="files", to="tips.tip"),
                ),
            ],
        ),
        migrations.CreateModel(
            name="ImportUpload",
            fields=[
                (
                    "batch",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="upload",
                        serialize=False,
                        to="tips.import",
                    ),
                ),
                (
                    "item",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="evidence.item"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Unread",
            fields=[
                (
                    "tip",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="unread",
                        serialize=False,
                        to="tips.tip",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="LikelyDuplicate",
            fields=[
                (
                    "tip",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="repeats",
                        serialize=False,
                        to="tips.tip",
                    ),
                ),
                (
                    "earlier",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="repeated_by", to="tips.tip"
                    ),
                ),
            ],
        ),
        migrations.AddIndex(
            model_name="tip",
            index=models.Index(
                condition=models.Q(("state", "open"), _negated=True),
                fields=["environment", "state", "-state_at", "-id"],
                name="tip_inbox",
            ),
        ),
        migrations.AddIndex(
            model_name="tip",
            index=models.Index(
                condition=models.Q(("state", "open"), _negated=True),
                fields=["environment", "state", "incident_type", "-state_at", "-id"],
                name="tip_inbox_type",
            ),
        ),
        migrations.AddIndex(
            model_name="tip",
            index=models.Index(
                condition=models.Q(("state", "open"), _negated=True),
                fields=["environment", "state", "reporter", "-state_at", "-id"],
                name="tip_inbox_reporter",
            ),
        ),
        migrations.AddIndex(
            model_name="tip",
            index=models.Index(
                condition=models.Q(("state", "open")), fields=["environment", "opened_at"], name="tip_open"
            ),
        ),
        migrations.AddIndex(
            model_name="tip",
            index=models.Index(fields=["payload_sha256"], name="tip_payload"),
        ),
        migrations.AddConstraint(
            model_name="importedfile",
            constraint=models.UniqueConstraint(fields=("batch", "name"), name="imported_once"),
        ),
        migrations.AddConstraint(
            model_name="document",
            constraint=models.UniqueConstraint(fields=("tip", "kind", "file_id"), name="document_once"),
        ),
    ]
