# SPDX-License-Identifier: Apache-2.0
"""Tables of routing and of the exchange with other installations."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("tips", "0008_shares"),
        ("units", "0002_posts_of_earlier_roles"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Installation",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("public_id", models.CharField(max_length=16, unique=True)),
                ("name", models.CharField(max_length=120)),
                ("url", models.CharField(blank=True, max_length=300)),
                ("card", models.TextField()),
                ("fingerprint", models.CharField(max_length=64)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "Fingerprint not compared yet"),
                            ("trusted", "Trusted"),
                            ("ended", "Ended"),
                        ],
                        max_length=8,
                    ),
                ),
                ("ca", models.TextField(blank=True, db_default="")),
                ("added_by", models.CharField(max_length=64)),
                ("added_at", models.DateTimeField()),
                ("compared_by", models.CharField(blank=True, max_length=64)),
                ("compared_at", models.DateTimeField(null=True)),
                ("ended_at", models.DateTimeField(null=True)),
                ("last_seen_at", models.DateTimeField(null=True)),
                (
                    "unit",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="units.unit"
                    ),
                ),
            ],
            options={
                "db_table": "routing_installation",
            },
        ),
        migrations.CreateModel(
            name="Offer",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("public_id", models.CharField(max_length=16, unique=True)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("whole", "The tip"),
                            ("part", "Some of the people in it"),
                            ("joint", "To work on it together"),
                        ],
                        max_length=5,
                    ),
                ),
                ("why", models.CharField(max_length=24)),
                ("note", models.TextField(blank=True)),
                ("parties", models.CharField(db_default="[]", max_length=200)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("sent", "Sent"),
                            ("delivered", "Delivered"),
                            ("opened", "Opened"),
                            ("accepted", "Accepted"),
                            ("bounced", "Sent back"),
                            ("recalled", "Recalled"),
                        ],
                        max_length=9,
                    ),
                ),
                ("band", models.SmallIntegerField()),
                ("automatic", models.BooleanField(db_default=False)),
                ("given_back", models.BooleanField(db_default=False)),
                ("by", models.CharField(max_length=64)),
                ("sent_at", models.DateTimeField()),
                ("delivered_at", models.DateTimeField(null=True)),
                ("opened_at", models.DateTimeField(null=True)),
                ("answered_at", models.DateTimeField(null=True)),
                ("answered_by", models.CharField(blank=True, max_length=64)),
                (
                    "bounce_code",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("other-area", "The place is not in our area"),
                            ("other-place", "The person lives or acts somewhere else"),
                            ("abroad", "It belongs to another country"),
                            ("specialists", "It needs a special unit"),
                            ("have-it", "We work on this already under another tip"),
                            ("too-little", "Nothing in it shows that it is ours"),
                            ("other", "Another reason"),
                        ],
                        max_length=12,
                    ),
                ),
                ("answer", models.TextField(blank=True, db_comment="why it was sent back or recalled")),
                (
                    "due_at",
                    models.DateTimeField(db_comment="by when it is to be answered; put off while the clock stands"),
                ),
                ("reminded_at", models.DateTimeField(null=True)),
                (
                    "from_unit",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="units.unit"
                    ),
                ),
                (
                    "previous",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="routing.offer",
                    ),
                ),
                (
                    "tip",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="offers",
                        to="tips.tip",
                    ),
                ),
                (
                    "to_unit",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="units.unit"
                    ),
                ),
            ],
            options={
                "db_table": "routing_offer",
            },
        ),
        migrations.CreateModel(
            name="OfficerSign",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(max_length=24)),
                ("value", models.CharField(max_length=200)),
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
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="tips.tip"),
                ),
            ],
            options={
                "db_table": "routing_officersign",
            },
        ),
        migrations.CreateModel(
            name="Package",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("public_id", models.CharField(max_length=16, unique=True)),
                ("outgoing", models.BooleanField()),
                ("kind", models.CharField(choices=[("referral", "Referral"), ("receipts", "Receipts")], max_length=8)),
                ("sender", models.CharField(blank=True, db_comment="fingerprint the sender states", max_length=64)),
                ("package_id", models.CharField(max_length=64)),
                ("header", models.TextField(blank=True, db_comment="the signed header as it came or went")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("building", "Being put together"),
                            ("ready", "Ready to be sent"),
                            ("sending", "Being sent"),
                            ("sent", "Sent; not verified there yet"),
                            ("delivered", "Verified there"),
                            ("receiving", "Coming in"),
                            ("complete", "All of it is here"),
                            ("quarantined", "Held: the sender is not known"),
                            ("unpacking", "Being taken in"),
                            ("taken", "Taken in"),
                            ("refused", "Refused"),
                        ],
                        max_length=11,
                    ),
                ),
                ("path", models.CharField(blank=True, max_length=300)),
                ("size", models.BigIntegerField(db_default=0)),
                ("moved", models.BigIntegerField(db_default=0)),
                ("sha256", models.CharField(blank=True, max_length=64)),
                ("tips", models.IntegerField(db_default=0)),
                ("done", models.IntegerField(db_default=0)),
                ("code", models.CharField(blank=True, db_comment="why it was refused, for programs", max_length=40)),
                ("why", models.CharField(blank=True, max_length=300)),
                ("by", models.CharField(max_length=64)),
                ("made_at", models.DateTimeField()),
                ("state_at", models.DateTimeField()),
                ("tries", models.IntegerField(db_default=0)),
                ("not_before", models.DateTimeField(null=True)),
                (
                    "installation",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="packages",
                        to="routing.installation",
                    ),
                ),
            ],
            options={
                "db_table": "routing_package",
            },
        ),
        migrations.CreateModel(
            name="PackageTip",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "offer",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="routing.offer",
                    ),
                ),
                (
                    "package",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="contents",
                        to="routing.package",
                    ),
                ),
                (
                    "tip",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="tips.tip"),
                ),
            ],
            options={
                "db_table": "routing_packagetip",
            },
        ),
        migrations.CreateModel(
            name="Proposal",
            fields=[
                (
                    "tip",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="proposal",
                        serialize=False,
                        to="tips.tip",
                    ),
                ),
                ("version", models.IntegerField()),
                ("body", models.TextField()),
                ("country", models.CharField(blank=True, max_length=2)),
                ("state", models.CharField(blank=True, max_length=8)),
                ("district", models.CharField(blank=True, max_length=40)),
                ("confidence", models.SmallIntegerField()),
                ("made_at", models.DateTimeField()),
                (
                    "unit",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="units.unit",
                    ),
                ),
            ],
            options={
                "db_table": "routing_proposal",
            },
        ),
        migrations.CreateModel(
            name="Receipt",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("sent", "Sent"),
                            ("delivered", "Delivered"),
                            ("opened", "Opened"),
                            ("accepted", "Accepted"),
                            ("bounced", "Sent back"),
                            ("recalled", "Recalled"),
                            ("given-back", "Given back"),
                            ("outcome", "What became of it"),
                        ],
                        max_length=10,
                    ),
                ),
                ("at", models.DateTimeField()),
                ("by", models.CharField(max_length=64)),
                ("event", models.BigIntegerField()),
                ("data", models.TextField(db_default="{}")),
                (
                    "installation",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="routing.installation",
                    ),
                ),
                (
                    "offer",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="receipts",
                        to="routing.offer",
                    ),
                ),
            ],
            options={
                "db_table": "routing_receipt",
            },
        ),
        migrations.CreateModel(
            name="Referred",
            fields=[
                (
                    "tip",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="referred",
                        serialize=False,
                        to="tips.tip",
                    ),
                ),
                ("origin", models.CharField(max_length=64)),
                ("origin_tip", models.CharField(max_length=16)),
                ("origin_offer", models.CharField(blank=True, max_length=16)),
                ("proof", models.TextField()),
                ("at", models.DateTimeField()),
                (
                    "installation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="routing.installation"
                    ),
                ),
                (
                    "offer",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="routing.offer",
                    ),
                ),
                (
                    "package",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="routing.package"
                    ),
                ),
            ],
            options={
                "db_table": "routing_referred",
            },
        ),
        migrations.CreateModel(
            name="Seal",
            fields=[
                (
                    "tip",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="seal",
                        serialize=False,
                        to="tips.tip",
                    ),
                ),
                ("reason", models.TextField()),
                ("by", models.CharField(max_length=64)),
                ("at", models.DateTimeField()),
                (
                    "unit",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="units.unit"
                    ),
                ),
            ],
            options={
                "db_table": "routing_seal",
            },
        ),
        migrations.CreateModel(
            name="Stop",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("reason", models.CharField(max_length=24)),
                ("note", models.TextField(blank=True)),
                ("by", models.CharField(max_length=64)),
                ("at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(null=True)),
                ("ended_by", models.CharField(blank=True, max_length=64)),
                (
                    "tip",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="stops", to="tips.tip"
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
                "db_table": "routing_stop",
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
                "db_table": "routing_waiting",
                "indexes": [
                    models.Index(
                        condition=models.Q(("failed_times__gt", 0)), fields=["failed_since"], name="routing_failed"
                    ),
                    models.Index(
                        models.OrderBy(models.F("try_at"), nulls_first=True),
                        models.OrderBy(models.F("tip"), descending=True),
                        name="routing_turn",
                    ),
                ],
            },
        ),
        migrations.AddConstraint(
            model_name="installation",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "ended"), _negated=True),
                fields=("fingerprint",),
                name="installation_fingerprint_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="installation",
            constraint=models.UniqueConstraint(
                condition=models.Q(("unit__isnull", False), models.Q(("state", "ended"), _negated=True)),
                fields=("unit",),
                name="installation_unit_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="installation",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state", "trusted"), _negated=True), ("compared_at__isnull", False), _connector="OR"
                ),
                name="installation_compared",
            ),
        ),
        migrations.AddIndex(
            model_name="offer",
            index=models.Index(fields=["tip", "sent_at"], name="offer_of_tip"),
        ),
        migrations.AddIndex(
            model_name="offer",
            index=models.Index(
                condition=models.Q(("state__in", ["sent", "delivered", "opened"])),
                fields=["to_unit", "due_at"],
                name="offer_coming",
            ),
        ),
        migrations.AddIndex(
            model_name="offer",
            index=models.Index(fields=["from_unit", "-sent_at"], name="offer_gone"),
        ),
        migrations.AddIndex(
            model_name="offer",
            index=models.Index(fields=["to_unit", "-sent_at"], name="offer_came"),
        ),
        migrations.AddIndex(
            model_name="offer",
            index=models.Index(
                condition=models.Q(("state__in", ["sent", "delivered", "opened"])), fields=["due_at"], name="offer_due"
            ),
        ),
        migrations.AddIndex(
            model_name="offer",
            index=models.Index(
                condition=models.Q(("kind", "whole"), ("state", "accepted")), fields=["answered_at"], name="offer_taken"
            ),
        ),
        migrations.AddConstraint(
            model_name="offer",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state__in", ["sent", "delivered", "opened"])),
                fields=("tip", "to_unit"),
                name="offer_open_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="offer",
            constraint=models.UniqueConstraint(
                condition=models.Q(("kind", "whole"), ("state__in", ["sent", "delivered", "opened"])),
                fields=("tip",),
                name="offer_whole_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="offer",
            constraint=models.CheckConstraint(
                condition=models.Q(("from_unit", models.F("to_unit")), _negated=True), name="offer_to_another"
            ),
        ),
        migrations.AddConstraint(
            model_name="offer",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("answered_at", None), ("state__in", ["sent", "delivered", "opened"])),
                    models.Q(("answered_at__isnull", False), ("state__in", ["accepted", "bounced", "recalled"])),
                    _connector="OR",
                ),
                name="offer_answered",
            ),
        ),
        migrations.AddIndex(
            model_name="package",
            index=models.Index(fields=["installation", "-made_at"], name="package_of_installation"),
        ),
        migrations.AddIndex(
            model_name="package",
            index=models.Index(fields=["state", "not_before"], name="package_to_do"),
        ),
        migrations.AddConstraint(
            model_name="package",
            constraint=models.UniqueConstraint(fields=("outgoing", "sender", "package_id"), name="package_once"),
        ),
        migrations.AddConstraint(
            model_name="packagetip",
            constraint=models.UniqueConstraint(fields=("package", "tip"), name="package_tip_once"),
        ),
        migrations.AddIndex(
            model_name="receipt",
            index=models.Index(fields=["offer", "at"], name="receipt_of_offer"),
        ),
        migrations.AddIndex(
            model_name="receipt",
            index=models.Index(fields=["event"], name="receipt_event"),
        ),
        migrations.AddConstraint(
            model_name="receipt",
            constraint=models.UniqueConstraint(
                condition=models.Q(("kind", "outcome"), _negated=True), fields=("offer", "kind"), name="receipt_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="referred",
            constraint=models.UniqueConstraint(fields=("origin", "origin_tip"), name="referred_once"),
        ),
        migrations.AddIndex(
            model_name="stop",
            index=models.Index(fields=["tip", "at"], name="stop_of_tip"),
        ),
        migrations.AddConstraint(
            model_name="stop",
            constraint=models.UniqueConstraint(
                condition=models.Q(("ended_at", None)), fields=("tip", "unit"), name="stop_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="stop",
            constraint=models.CheckConstraint(
                condition=models.Q(("ended_at", None), ("ended_at__gte", models.F("at")), _connector="OR"),
                name="stop_ends_after_it_began",
            ),
        ),
    ]
