# SPDX-License-Identifier: Apache-2.0
"""Lists of known files, and what was worked out from the files that came."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("evidence", "0003_who_sees"),
        ("matching", "0001_transaction"),
        ("tips", "0007_counted_by_index"),
    ]

    operations = [
        migrations.CreateModel(
            name="Edition",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.IntegerField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("loading", "Being read"),
                            ("whole", "In use"),
                            ("failed", "Refused; the version before stays in use"),
                        ],
                        max_length=8,
                    ),
                ),
                ("source", models.TextField()),
                ("source_version", models.TextField(blank=True)),
                ("name", models.TextField(blank=True)),
                ("sha256", models.BinaryField(db_default=b"")),
                ("replaces", models.BooleanField()),
                ("started_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(null=True)),
                ("by", models.TextField()),
                ("rows", models.BigIntegerField(db_default=0)),
                ("good", models.BigIntegerField(db_default=0)),
                ("bad", models.BigIntegerField(db_default=0)),
                ("repeated", models.BigIntegerField(db_default=0)),
                ("added", models.BigIntegerField(db_default=0)),
                ("updated", models.BigIntegerField(db_default=0)),
                ("withdrawn", models.BigIntegerField(db_default=0)),
                ("unchanged", models.BigIntegerField(db_default=0)),
                ("notes", models.JSONField(default=list)),
                ("why", models.TextField(blank=True)),
                ("done_bytes", models.BigIntegerField(db_default=0)),
                ("all_bytes", models.BigIntegerField(db_default=0)),
            ],
            options={
                "db_table": "matching_edition",
            },
        ),
        migrations.CreateModel(
            name="Entry",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("source_id", models.TextField()),
                ("media", models.CharField(blank=True, max_length=5)),
                ("classification", models.TextField(blank=True)),
                ("md5", models.BinaryField(null=True)),
                ("sha1", models.BinaryField(null=True)),
                ("sha256", models.BinaryField(null=True)),
                ("pdq", models.BinaryField(null=True)),
                ("pdq_quality", models.SmallIntegerField(null=True)),
                ("frames", models.BinaryField(db_default=b"")),
                ("opaque", models.JSONField(default=dict)),
                ("claims", models.JSONField(default=dict)),
                ("withdrawn", models.BooleanField(db_default=False)),
                ("edition", models.IntegerField()),
                ("changed_at", models.DateTimeField()),
                (
                    "transaction",
                    models.BigIntegerField(
                        db_default=models.Func(function="matching_transaction", output_field=models.BigIntegerField())
                    ),
                ),
            ],
            options={
                "db_table": "matching_entry",
            },
        ),
        migrations.CreateModel(
            name="HashList",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("public_id", models.TextField(unique=True)),
                ("name", models.TextField(unique=True)),
                ("owner", models.TextField()),
                ("legal_basis", models.TextField()),
                ("scheme", models.TextField()),
                ("scheme_version", models.TextField()),
                (
                    "purpose",
                    models.CharField(
                        choices=[
                            ("known", "Known files: nobody needs to look again"),
                            ("label", "Labels only, such as files passed around as jokes: lowers nothing"),
                        ],
                        max_length=8,
                    ),
                ),
                ("made_at", models.DateTimeField()),
                ("made_by", models.TextField()),
            ],
            options={
                "db_table": "matching_list",
            },
        ),
        migrations.CreateModel(
            name="Feedback",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("type", models.CharField(max_length=20)),
                ("affirmative", models.BooleanField()),
                ("reasons", models.JSONField(default=list)),
                ("at", models.DateTimeField()),
            ],
            options={
                "db_table": "matching_feedback",
            },
        ),
        migrations.CreateModel(
            name="Fingerprint",
            fields=[
                (
                    "blob",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="fingerprint",
                        serialize=False,
                        to="evidence.blob",
                    ),
                ),
                ("version", models.IntegerField()),
                ("format", models.CharField(blank=True, max_length=8)),
                ("why", models.CharField(blank=True, max_length=20)),
                ("pdq", models.BinaryField(null=True)),
                ("quality", models.SmallIntegerField(null=True)),
                ("dihedral", models.BinaryField(db_default=b"")),
                ("width", models.IntegerField(null=True)),
                ("height", models.IntegerField(null=True)),
                ("duration", models.FloatField(null=True)),
                ("at", models.DateTimeField()),
            ],
            options={
                "db_table": "matching_fingerprint",
            },
        ),
        migrations.CreateModel(
            name="Horizon",
            fields=[
                ("name", models.TextField(primary_key=True, serialize=False)),
                ("transaction", models.BigIntegerField()),
                ("entry", models.BigIntegerField()),
            ],
            options={
                "db_table": "matching_horizon",
            },
        ),
        migrations.CreateModel(
            name="Member",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("public_id", models.TextField(unique=True)),
                ("number", models.IntegerField(unique=True)),
                ("name", models.TextField(unique=True)),
                ("username", models.TextField(unique=True)),
                ("secret_digest", models.BinaryField()),
                ("made_at", models.DateTimeField()),
                ("made_by", models.TextField()),
                ("ended_at", models.DateTimeField(null=True)),
            ],
            options={
                "db_table": "matching_member",
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
                        related_name="matching",
                        serialize=False,
                        to="tips.tip",
                    ),
                ),
                ("version", models.IntegerField()),
                ("digests_at", models.DateTimeField()),
                ("finished_at", models.DateTimeField(null=True)),
                ("files", models.IntegerField()),
                ("measured", models.IntegerField()),
                ("known", models.IntegerField()),
                ("near", models.IntegerField()),
                ("disputed", models.IntegerField()),
                ("seen", models.IntegerField()),
                ("new", models.IntegerField()),
                ("reopened_at", models.DateTimeField(null=True)),
            ],
            options={
                "db_table": "matching_progress",
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
                "db_table": "matching_waiting",
            },
        ),
        migrations.CreateModel(
            name="BadRow",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("row", models.BigIntegerField()),
                ("code", models.TextField()),
                ("reason", models.TextField()),
                ("raw", models.BinaryField()),
                (
                    "edition",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="bad_rows", to="matching.edition"
                    ),
                ),
            ],
            options={
                "db_table": "matching_badrow",
            },
        ),
        migrations.CreateModel(
            name="EntryChange",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("edition", models.IntegerField()),
                ("what", models.CharField(max_length=10)),
                ("before", models.JSONField()),
                ("at", models.DateTimeField()),
                (
                    "entry",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="changes", to="matching.entry"
                    ),
                ),
            ],
            options={
                "db_table": "matching_entrychange",
            },
        ),
        migrations.CreateModel(
            name="Feed",
            fields=[
                (
                    "hash_list",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="feed",
                        serialize=False,
                        to="matching.hashlist",
                    ),
                ),
                ("url", models.TextField()),
                ("username", models.TextField()),
                ("secret", models.BinaryField()),
                ("secret_key_part", models.BinaryField()),
                ("every_minutes", models.IntegerField()),
                ("checkpoint", models.JSONField()),
                ("polled_at", models.DateTimeField(null=True)),
                ("failed_at", models.DateTimeField(null=True)),
                ("why", models.TextField(blank=True)),
            ],
            options={
                "db_table": "matching_feed",
            },
        ),
        migrations.CreateModel(
            name="Share",
            fields=[
                (
                    "hash_list",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="share",
                        serialize=False,
                        to="matching.hashlist",
                    ),
                ),
                ("slug", models.SlugField(unique=True)),
                ("owner_number", models.IntegerField()),
                ("owner_name", models.TextField()),
                ("at", models.DateTimeField()),
            ],
            options={
                "db_table": "matching_share",
            },
        ),
        migrations.AddField(
            model_name="entry",
            name="hash_list",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="entries", to="matching.hashlist"
            ),
        ),
        migrations.AddField(
            model_name="edition",
            name="hash_list",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="editions", to="matching.hashlist"
            ),
        ),
        migrations.CreateModel(
            name="FeedbackAnswer",
            fields=[
                (
                    "feedback",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="answer",
                        serialize=False,
                        to="matching.feedback",
                    ),
                ),
                (
                    "verdict",
                    models.CharField(choices=[("agreed", "Agreed"), ("disagreed", "Disagreed")], max_length=10),
                ),
                ("text", models.TextField(blank=True)),
                ("by", models.TextField()),
                ("at", models.DateTimeField()),
            ],
            options={
                "db_table": "matching_feedbackanswer",
            },
        ),
        migrations.AddField(
            model_name="feedback",
            name="entry",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="feedback", to="matching.entry"
            ),
        ),
        migrations.CreateModel(
            name="FileState",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("state", models.CharField(max_length=10)),
                ("alike", models.IntegerField()),
                ("version", models.IntegerField()),
                (
                    "blob",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="evidence.blob"
                    ),
                ),
                (
                    "tip",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="tips.tip"),
                ),
            ],
            options={
                "db_table": "matching_filestate",
            },
        ),
        migrations.CreateModel(
            name="Frame",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.IntegerField()),
                ("at_second", models.FloatField(null=True)),
                ("pdq", models.BinaryField()),
                ("quality", models.SmallIntegerField()),
                (
                    "blob",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="evidence.blob"
                    ),
                ),
            ],
            options={
                "db_table": "matching_frame",
            },
        ),
        migrations.CreateModel(
            name="Match",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "how",
                    models.CharField(
                        choices=[
                            ("digest", "the same bytes"),
                            ("pdq", "nearly the same picture"),
                            ("frames", "frames of a film"),
                        ],
                        max_length=6,
                    ),
                ),
                ("agree", models.TextField(blank=True)),
                ("differ", models.TextField(blank=True)),
                ("distance", models.SmallIntegerField(null=True)),
                ("orientation", models.SmallIntegerField(null=True)),
                ("frames", models.IntegerField(null=True)),
                ("frames_of", models.IntegerField(null=True)),
                ("version", models.IntegerField()),
                ("found_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(null=True)),
                (
                    "blob",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="evidence.blob"
                    ),
                ),
                (
                    "entry",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="matches", to="matching.entry"
                    ),
                ),
            ],
            options={
                "db_table": "matching_match",
            },
        ),
        migrations.AddField(
            model_name="feedback",
            name="member",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="feedback", to="matching.member"
            ),
        ),
        migrations.CreateModel(
            name="Access",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("may_answer", models.BooleanField()),
                ("at", models.DateTimeField()),
                (
                    "hash_list",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="access", to="matching.hashlist"
                    ),
                ),
                (
                    "member",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="access", to="matching.member"
                    ),
                ),
            ],
            options={
                "db_table": "matching_access",
            },
        ),
        migrations.CreateModel(
            name="Near",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("distance", models.SmallIntegerField()),
                ("orientation", models.SmallIntegerField()),
                ("version", models.IntegerField()),
                (
                    "blob",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="evidence.blob"
                    ),
                ),
                (
                    "other",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="evidence.blob"
                    ),
                ),
            ],
            options={
                "db_table": "matching_near",
            },
        ),
        migrations.CreateModel(
            name="Pair",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "key", "sibling", "file_id", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("key", models.IntegerField()),
                ("sibling", models.IntegerField()),
                ("file_id", models.BigIntegerField()),
            ],
            options={
                "db_table": "matching_pair",
                "indexes": [models.Index(fields=["file_id"], name="pair_file")],
            },
        ),
        migrations.CreateModel(
            name="Sighting",
            fields=[
                (
                    "blob",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="sighting",
                        serialize=False,
                        to="evidence.blob",
                    ),
                ),
                ("tips", models.IntegerField()),
                ("reporters", models.IntegerField()),
                ("first_at", models.DateTimeField()),
                ("first_reporter", models.TextField()),
                (
                    "first_tip",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="tips.tip"),
                ),
            ],
            options={
                "db_table": "matching_sighting",
            },
        ),
        migrations.CreateModel(
            name="EditionFile",
            fields=[
                (
                    "edition",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="kept",
                        serialize=False,
                        to="matching.edition",
                    ),
                ),
                (
                    "item",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="evidence.item"
                    ),
                ),
            ],
            options={
                "db_table": "matching_editionfile",
            },
        ),
        migrations.AddIndex(
            model_name="entry",
            index=models.Index(fields=["transaction", "id"], name="entry_transaction"),
        ),
        migrations.AddIndex(
            model_name="entry",
            index=models.Index(fields=["hash_list", "changed_at", "id"], name="entry_changed"),
        ),
        migrations.AddConstraint(
            model_name="entry",
            constraint=models.UniqueConstraint(fields=("hash_list", "source_id"), name="entry_once"),
        ),
        migrations.AddConstraint(
            model_name="edition",
            constraint=models.UniqueConstraint(fields=("hash_list", "number"), name="edition_once"),
        ),
        migrations.AddConstraint(
            model_name="filestate",
            constraint=models.UniqueConstraint(fields=("tip", "blob"), name="file_state_once"),
        ),
        migrations.AddConstraint(
            model_name="frame",
            constraint=models.UniqueConstraint(fields=("blob", "number"), name="frame_once"),
        ),
        migrations.AddIndex(
            model_name="match",
            index=models.Index(condition=models.Q(("ended_at", None)), fields=["blob"], name="match_open"),
        ),
        migrations.AddConstraint(
            model_name="match",
            constraint=models.UniqueConstraint(fields=("blob", "entry", "how"), name="match_once"),
        ),
        migrations.AddIndex(
            model_name="feedback",
            index=models.Index(fields=["entry", "member", "type", "-id"], name="feedback_latest"),
        ),
        migrations.AddConstraint(
            model_name="access",
            constraint=models.UniqueConstraint(fields=("member", "hash_list"), name="access_once"),
        ),
        migrations.AddConstraint(
            model_name="near",
            constraint=models.UniqueConstraint(fields=("blob", "other"), name="near_once"),
        ),
    ]
