# SPDX-License-Identifier: Apache-2.0
"""The hand-over between shifts, and indexes for counting what happened in a shift or a month."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from nightlight.trust.custody.append_only import append_only_sql

_APPEND_ONLY = ("triage_handover", "triage_handoverread")


class Migration(migrations.Migration):
    dependencies = [
        ("tips", "0007_counted_by_index"),
        ("triage", "0002_guards"),
        ("units", "0002_posts_of_earlier_roles"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Handover",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("public_id", models.CharField(max_length=16, unique=True)),
                ("since", models.DateTimeField()),
                ("until", models.DateTimeField()),
                ("figures", models.TextField()),
                ("note", models.TextField(blank=True)),
                ("at", models.DateTimeField()),
            ],
            options={
                "db_table": "triage_handover",
            },
        ),
        migrations.CreateModel(
            name="HandoverRead",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField()),
            ],
            options={
                "db_table": "triage_handoverread",
            },
        ),
        migrations.AddIndex(
            model_name="alert",
            index=models.Index(
                condition=models.Q(("acknowledged_by__isnull", True)), fields=["-raised_at"], name="alert_waiting"
            ),
        ),
        migrations.AddIndex(
            model_name="alert",
            index=models.Index(fields=["acknowledged_at"], name="alert_answered"),
        ),
        migrations.AddIndex(
            model_name="closure",
            index=models.Index(fields=["at"], name="closure_at"),
        ),
        migrations.AddIndex(
            model_name="override",
            index=models.Index(fields=["at"], name="override_at"),
        ),
        migrations.AddIndex(
            model_name="standing",
            index=models.Index(
                condition=models.Q(("holder__isnull", False)), fields=["unit", "held_since"], name="standing_held"
            ),
        ),
        migrations.AddIndex(
            model_name="standing",
            index=models.Index(fields=["unit", "environment", "-arrived_at"], name="standing_arrived"),
        ),
        migrations.AddIndex(
            model_name="standing",
            index=models.Index(fields=["environment", "-arrived_at"], name="standing_came"),
        ),
        migrations.AddIndex(
            model_name="standing",
            index=models.Index(
                condition=models.Q(("lane", "snoozed")), fields=["unit", "snoozed_until"], name="standing_put_off"
            ),
        ),
        migrations.AddField(
            model_name="handover",
            name="by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="handover",
            name="unit",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="units.unit"
            ),
        ),
        migrations.AddField(
            model_name="handoverread",
            name="by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="handoverread",
            name="handover",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="reads", to="triage.handover"
            ),
        ),
        migrations.AddIndex(
            model_name="handover",
            index=models.Index(fields=["unit", "-at"], name="handover_unit"),
        ),
        migrations.AddConstraint(
            model_name="handover",
            constraint=models.CheckConstraint(
                condition=models.Q(("until__gt", models.F("since"))), name="handover_ends"
            ),
        ),
        migrations.AddConstraint(
            model_name="handoverread",
            constraint=models.UniqueConstraint(fields=("handover", "by"), name="handover_read_once"),
        ),
        *(migrations.RunSQL(*append_only_sql(table)) for table in _APPEND_ONLY),
    ]
