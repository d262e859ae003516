# SPDX-License-Identifier: Apache-2.0
"""The tables of triage."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("accounts", "0003_sign_in"),
        ("tips", "0007_counted_by_index"),
        ("units", "0002_posts_of_earlier_roles"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Closure",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "disposition",
                    models.CharField(
                        choices=[
                            ("referred", "Made into a case"),
                            ("linked", "Worked under another tip"),
                            ("no-offence", "No offence under the law that applies"),
                            ("cannot-work", "Cannot be worked: nothing leads to anybody"),
                            ("evidence-gone", "Cannot be worked: the records are gone"),
                            ("not-ours", "Belongs to another unit or country"),
                            ("false-report", "The report was mistaken"),
                        ],
                        max_length=16,
                    ),
                ),
                ("reason", models.TextField()),
                ("sampled", models.BooleanField()),
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
                        on_delete=django.db.models.deletion.PROTECT, related_name="closures", to="tips.tip"
                    ),
                ),
            ],
            options={
                "db_table": "triage_closure",
            },
        ),
        migrations.CreateModel(
            name="LastLook",
            fields=[
                (
                    "user",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("at", models.DateTimeField()),
                ("before", models.DateTimeField(null=True)),
            ],
            options={
                "db_table": "triage_lastlook",
            },
        ),
        migrations.CreateModel(
            name="Rulebook",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.IntegerField(unique=True)),
                ("body", models.TextField()),
                ("reason", models.TextField()),
                ("by", models.CharField(max_length=64)),
                ("at", models.DateTimeField()),
            ],
            options={
                "db_table": "triage_rulebook",
            },
        ),
        migrations.CreateModel(
            name="Score",
            fields=[
                ("rulebook", models.IntegerField()),
                ("rules", models.CharField(max_length=32)),
                ("band", models.SmallIntegerField(choices=[(0, "Low"), (1, "Medium"), (2, "High"), (3, "Critical")])),
                ("harm", models.SmallIntegerField()),
                ("dies_at", models.DateTimeField(null=True)),
                ("workability", models.SmallIntegerField()),
                ("body", models.TextField()),
                ("at", models.DateTimeField()),
                (
                    "tip",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="score",
                        serialize=False,
                        to="tips.tip",
                    ),
                ),
                ("due_at", models.DateTimeField(db_index=True, null=True)),
            ],
            options={
                "db_table": "triage_score",
                "indexes": [models.Index(fields=["rules"], name="score_rules")],
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
                "db_table": "triage_waiting",
            },
        ),
        migrations.CreateModel(
            name="Alert",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("public_id", models.CharField(max_length=16, unique=True)),
                ("code", models.CharField(max_length=40)),
                ("label", models.TextField()),
                ("raised_at", models.DateTimeField()),
                ("level", models.SmallIntegerField(db_default=0)),
                ("call_at", models.DateTimeField(null=True)),
                ("acknowledged_at", models.DateTimeField(null=True)),
                (
                    "acknowledged_by",
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
                        on_delete=django.db.models.deletion.PROTECT, related_name="alerts", to="tips.tip"
                    ),
                ),
                (
                    "unit",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="units.unit"),
                ),
            ],
            options={
                "db_table": "triage_alert",
            },
        ),
        migrations.CreateModel(
            name="AlertCall",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("level", models.SmallIntegerField()),
                ("how", models.CharField(max_length=10)),
                ("whom", models.TextField()),
                ("sent", models.BooleanField()),
                ("why", models.TextField(blank=True)),
                ("at", models.DateTimeField()),
                (
                    "alert",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="calls", to="triage.alert"
                    ),
                ),
            ],
            options={
                "db_table": "triage_alertcall",
            },
        ),
        migrations.CreateModel(
            name="SecondLook",
            fields=[
                (
                    "closure",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="second_look",
                        serialize=False,
                        to="triage.closure",
                    ),
                ),
                ("agrees", models.BooleanField()),
                ("reason", models.TextField()),
                ("at", models.DateTimeField()),
            ],
            options={
                "db_table": "triage_secondlook",
            },
        ),
        migrations.CreateModel(
            name="OfficerFact",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("fact", models.CharField(max_length=40)),
                ("value", models.BooleanField(null=True)),
                ("moment", models.DateTimeField(null=True)),
                ("reason", models.TextField()),
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
                        on_delete=django.db.models.deletion.PROTECT, related_name="officer_facts", to="tips.tip"
                    ),
                ),
            ],
            options={
                "db_table": "triage_officerfact",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("value__isnull", True), ("moment__isnull", True), _connector="OR"),
                        name="officer_fact_is_one_thing",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Override",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "band",
                    models.SmallIntegerField(
                        choices=[(0, "Low"), (1, "Medium"), (2, "High"), (3, "Critical")], null=True
                    ),
                ),
                (
                    "rules_band",
                    models.SmallIntegerField(choices=[(0, "Low"), (1, "Medium"), (2, "High"), (3, "Critical")]),
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
                    "tip",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="overrides", to="tips.tip"
                    ),
                ),
            ],
            options={
                "db_table": "triage_override",
            },
        ),
        migrations.CreateModel(
            name="PastScore",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("rulebook", models.IntegerField()),
                ("rules", models.CharField(max_length=32)),
                ("band", models.SmallIntegerField(choices=[(0, "Low"), (1, "Medium"), (2, "High"), (3, "Critical")])),
                ("harm", models.SmallIntegerField()),
                ("dies_at", models.DateTimeField(null=True)),
                ("workability", models.SmallIntegerField()),
                ("body", models.TextField()),
                ("at", models.DateTimeField()),
                (
                    "tip",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="past_scores", to="tips.tip"
                    ),
                ),
            ],
            options={
                "db_table": "triage_pastscore",
            },
        ),
        migrations.CreateModel(
            name="Row",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("environment", models.CharField(max_length=10)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("single", "One tip"),
                            ("repeats", "The same report again"),
                            ("person", "Proposed as one person"),
                            ("viral", "One file passed on by many"),
                        ],
                        max_length=7,
                    ),
                ),
                ("anchor", models.BigIntegerField()),
                ("tips", models.IntegerField()),
                ("band", models.SmallIntegerField(choices=[(0, "Low"), (1, "Medium"), (2, "High"), (3, "Critical")])),
                ("harm", models.SmallIntegerField()),
                ("dies_at", models.DateTimeField(null=True)),
                ("workability", models.SmallIntegerField()),
                ("first_at", models.DateTimeField()),
                ("newest_at", models.DateTimeField()),
                (
                    "holder",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "lead",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="tips.tip"),
                ),
                (
                    "unit",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="units.unit"
                    ),
                ),
            ],
            options={
                "db_table": "triage_row",
            },
        ),
        migrations.CreateModel(
            name="Standing",
            fields=[
                (
                    "tip",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="standing",
                        serialize=False,
                        to="tips.tip",
                    ),
                ),
                ("environment", models.CharField(max_length=10)),
                ("band", models.SmallIntegerField(choices=[(0, "Low"), (1, "Medium"), (2, "High"), (3, "Critical")])),
                ("harm", models.SmallIntegerField()),
                ("dies_at", models.DateTimeField(null=True)),
                ("workability", models.SmallIntegerField()),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("single", "One tip"),
                            ("repeats", "The same report again"),
                            ("person", "Proposed as one person"),
                            ("viral", "One file passed on by many"),
                        ],
                        max_length=7,
                    ),
                ),
                ("anchor", models.BigIntegerField()),
                (
                    "lane",
                    models.CharField(
                        choices=[("open", "Open"), ("snoozed", "Put off"), ("closed", "Closed")],
                        db_default="open",
                        max_length=7,
                    ),
                ),
                ("held_since", models.DateTimeField(null=True)),
                ("snoozed_until", models.DateTimeField(null=True)),
                ("snooze_reason", models.TextField(blank=True, db_default="")),
                ("arrived_at", models.DateTimeField()),
                (
                    "holder",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "unit",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="units.unit"
                    ),
                ),
            ],
            options={
                "db_table": "triage_standing",
            },
        ),
        migrations.AddIndex(
            model_name="alert",
            index=models.Index(condition=models.Q(("call_at__isnull", False)), fields=["call_at"], name="alert_call"),
        ),
        migrations.AddIndex(
            model_name="alert",
            index=models.Index(fields=["unit", "-raised_at"], name="alert_unit"),
        ),
        migrations.AddConstraint(
            model_name="alert",
            constraint=models.UniqueConstraint(fields=("tip", "code"), name="alert_once"),
        ),
        migrations.AddConstraint(
            model_name="alert",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("acknowledged_at__isnull", True), ("acknowledged_by__isnull", True)),
                    models.Q(
                        ("acknowledged_at__isnull", False),
                        ("acknowledged_by__isnull", False),
                        ("call_at__isnull", True),
                    ),
                    _connector="OR",
                ),
                name="alert_acknowledged_whole",
            ),
        ),
        migrations.AddField(
            model_name="secondlook",
            name="by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddIndex(
            model_name="closure",
            index=models.Index(condition=models.Q(("sampled", True)), fields=["at"], name="closure_sampled"),
        ),
        migrations.AddIndex(
            model_name="row",
            index=models.Index(
                models.F("unit"),
                models.F("environment"),
                models.OrderBy(models.F("band"), descending=True),
                models.OrderBy(models.F("dies_at"), nulls_last=True),
                models.OrderBy(models.F("workability"), descending=True),
                models.F("id"),
                name="row_queue_unit",
            ),
        ),
        migrations.AddIndex(
            model_name="row",
            index=models.Index(
                models.F("environment"),
                models.OrderBy(models.F("band"), descending=True),
                models.OrderBy(models.F("dies_at"), nulls_last=True),
                models.OrderBy(models.F("workability"), descending=True),
                models.F("id"),
                include=("unit",),
                name="row_queue",
            ),
        ),
        migrations.AddIndex(
            model_name="row",
            index=models.Index(fields=["unit", "environment", "newest_at"], name="row_newest"),
        ),
        migrations.AddConstraint(
            model_name="row",
            constraint=models.UniqueConstraint(fields=("unit", "environment", "kind", "anchor"), name="row_once"),
        ),
        migrations.AddIndex(
            model_name="standing",
            index=models.Index(fields=["unit", "environment", "kind", "anchor", "lane"], name="standing_group"),
        ),
        migrations.AddIndex(
            model_name="standing",
            index=models.Index(
                condition=models.Q(("lane", "snoozed")), fields=["snoozed_until"], name="standing_snoozed"
            ),
        ),
    ]
