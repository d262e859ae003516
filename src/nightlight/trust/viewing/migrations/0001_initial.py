# SPDX-License-Identifier: Apache-2.0
"""The tables of looking at files; what was asked for never changes, and nobody but the worker answers it."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from nightlight.trust.custody.append_only import append_only_sql

# Whoever could exchange the one-time key before the worker answers would get the pictures.
_HOLD = """
CREATE FUNCTION viewing_hold() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (to_jsonb(NEW) - 'state' - 'why' - 'format' - 'duration' - 'pages' - 'answered_at' - 'closed_at')
       <> (to_jsonb(OLD) - 'state' - 'why' - 'format' - 'duration' - 'pages' - 'answered_at' - 'closed_at') THEN
        RAISE EXCEPTION 'what was asked for is never changed' USING ERRCODE = 'restrict_violation';
    END IF;
    IF NOT ((OLD.state = 'asked' AND NEW.state IN ('ready', 'refused', 'closed'))
            OR (OLD.state = 'ready' AND NEW.state = 'closed')) THEN
        RAISE EXCEPTION 'a viewing does not go from % to %', OLD.state, NEW.state USING ERRCODE = 'restrict_violation';
    END IF;
    -- Pages act for a person; the worker acts for nobody.
    IF NEW.state IN ('ready', 'refused') AND coalesce(current_setting('nightlight.viewer', true), '') <> '' THEN
        RAISE EXCEPTION 'a page does not prepare a viewing' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER hold BEFORE UPDATE ON viewing_viewing FOR EACH ROW EXECUTE FUNCTION viewing_hold();
CREATE FUNCTION viewing_hold_export() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (to_jsonb(NEW) - 'state' - 'decided_by_id' - 'decided_at' - 'expires_at' - 'written_at')
       <> (to_jsonb(OLD) - 'state' - 'decided_by_id' - 'decided_at' - 'expires_at' - 'written_at') THEN
        RAISE EXCEPTION 'what was asked for is never changed' USING ERRCODE = 'restrict_violation';
    END IF;
    IF NOT ((OLD.state = 'asked' AND NEW.state IN ('approved', 'refused', 'expired'))
            OR (OLD.state = 'approved' AND NEW.state IN ('written', 'expired')
                AND NEW.decided_by_id = OLD.decided_by_id AND NEW.decided_at = OLD.decided_at)) THEN
        RAISE EXCEPTION 'an export does not go from % to %', OLD.state, NEW.state USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER hold BEFORE UPDATE ON viewing_export FOR EACH ROW EXECUTE FUNCTION viewing_hold_export();
"""
_LET_GO = """
DROP TRIGGER hold ON viewing_export; DROP FUNCTION viewing_hold_export();
DROP TRIGGER hold ON viewing_viewing; DROP FUNCTION viewing_hold();
"""
# A commander sees sums of the people of their units and below, and no row: so a function of the owner sums.
_TOTALS = """
CREATE FUNCTION viewing_totals(p_day timestamptz, p_month timestamptz)
RETURNS TABLE (user_id bigint, today bigint, month bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT e.user_id, coalesce(sum(e.weight) FILTER (WHERE e.at >= p_day), 0), coalesce(sum(e.weight), 0)
    FROM viewing_exposure e
    WHERE e.at >= p_month AND e.user_id IN (
        SELECT p.user_id FROM units_post p WHERE p.starts_at <= now() AND (p.ends_at IS NULL OR p.ends_at > now())
        AND p.unit_id IN (SELECT b.unit_id FROM units_posts() c JOIN units_below b ON b.ancestor_id = c.unit_id
                          WHERE c.role = 'commander'))
    GROUP BY e.user_id
$$;
"""
_NO_TOTALS = "DROP FUNCTION viewing_totals(timestamptz, timestamptz)"


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("evidence", "0001_initial"),
        ("custody", "0001_initial"),
        ("units", "0002_posts_of_earlier_roles"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Viewing",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("public_id", models.TextField(unique=True)),
                ("subject", models.TextField()),
                ("session", models.BinaryField()),
                (
                    "reason_kind",
                    models.TextField(
                        choices=[
                            ("urgency", "Find out how urgent it is"),
                            ("child", "Find a child who may be in danger"),
                            ("evidence", "Describe it as evidence"),
                            ("court", "Prepare for court"),
                            ("second", "A second look that somebody asked for"),
                        ]
                    ),
                ),
                ("reason", models.TextField()),
                ("law", models.TextField()),
                ("violent", models.BooleanField()),
                ("overrode", models.TextField(default="")),
                ("override_reason", models.TextField(default="")),
                ("public_key", models.BinaryField()),
                ("asked_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField()),
                (
                    "state",
                    models.TextField(
                        choices=[
                            ("asked", "Being prepared"),
                            ("ready", "Ready"),
                            ("refused", "Refused"),
                            ("closed", "Closed"),
                        ],
                        default="asked",
                    ),
                ),
                ("why", models.TextField(default="")),
                ("format", models.TextField(default="")),
                ("duration", models.FloatField(null=True)),
                ("pages", models.IntegerField(null=True)),
                ("answered_at", models.DateTimeField(null=True)),
                ("closed_at", models.DateTimeField(null=True)),
                (
                    "item",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="evidence.item"
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "db_table": "viewing_viewing",
            },
        ),
        migrations.CreateModel(
            name="Picture",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("mode", models.TextField()),
                ("number", models.SmallIntegerField()),
                ("width", models.IntegerField()),
                ("height", models.IntegerField()),
                ("at_second", models.FloatField(null=True)),
                ("key_part", models.BinaryField()),
                ("body", models.BinaryField()),
                (
                    "viewing",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="pictures",
                        to="viewing.viewing",
                    ),
                ),
            ],
            options={
                "db_table": "viewing_picture",
            },
        ),
        migrations.CreateModel(
            name="Exposure",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("at", models.DateTimeField()),
                ("mode", models.TextField()),
                ("number", models.SmallIntegerField()),
                ("milliseconds", models.IntegerField(null=True)),
                ("weight", models.SmallIntegerField()),
                (
                    "user",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "viewing",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="exposures", to="viewing.viewing"
                    ),
                ),
            ],
            options={
                "db_table": "viewing_exposure",
            },
        ),
        migrations.CreateModel(
            name="Assessment",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("at", models.DateTimeField()),
                (
                    "outcome",
                    models.TextField(
                        choices=[
                            ("nothing-of-concern", "Nothing of concern"),
                            ("matches-report", "It is what the report says it is"),
                            ("needs-specialist", "A specialist has to look"),
                            ("other-incident", "It belongs to another incident"),
                            ("cannot-tell", "Cannot tell from this"),
                        ]
                    ),
                ),
                ("violent", models.BooleanField()),
                ("rule", models.SmallIntegerField()),
                (
                    "blob",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="evidence.blob"
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "viewing",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="viewing.viewing"
                    ),
                ),
            ],
            options={
                "db_table": "viewing_assessment",
            },
        ),
        migrations.CreateModel(
            name="Warrant",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("public_id", models.TextField(unique=True)),
                ("number", models.TextField()),
                ("court", models.TextField()),
                ("issued_on", models.DateField()),
                ("recorded_at", models.DateTimeField()),
                (
                    "item",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="evidence.item"
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "db_table": "viewing_warrant",
            },
        ),
        migrations.CreateModel(
            name="Export",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("public_id", models.TextField(unique=True)),
                ("subject", models.TextField()),
                ("items", models.JSONField()),
                (
                    "purpose",
                    models.TextField(
                        choices=[
                            ("court", "A court asked for them"),
                            ("prosecutor", "The prosecutor needs them"),
                            ("forensics", "A forensic laboratory examines them"),
                            ("partner", "Another force acts on them"),
                        ]
                    ),
                ),
                ("words", models.TextField()),
                ("recipient", models.TextField()),
                ("recipient_key", models.BinaryField()),
                ("asked_at", models.DateTimeField()),
                (
                    "state",
                    models.TextField(
                        choices=[
                            ("asked", "Waiting for a second person"),
                            ("approved", "Approved; to be written within a day"),
                            ("refused", "Refused"),
                            ("written", "Written"),
                            ("expired", "Lapsed"),
                        ],
                        default="asked",
                    ),
                ),
                ("decided_at", models.DateTimeField(null=True)),
                ("expires_at", models.DateTimeField(null=True)),
                ("written_at", models.DateTimeField(null=True)),
                (
                    "decided_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "db_table": "viewing_export",
                "indexes": [models.Index(fields=["subject", "id"], name="export_subject")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("state__in", ["asked", "approved", "refused", "written", "expired"])),
                        name="export_state",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("decided_by", models.F("user")), _negated=True), name="export_two_people"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("state__in", ["asked", "expired"]),
                            models.Q(("decided_at__isnull", False), ("decided_by__isnull", False)),
                            _connector="OR",
                        ),
                        name="export_decided_by_somebody",
                    ),
                ],
            },
        ),
        migrations.AddIndex(
            model_name="viewing",
            index=models.Index(fields=["subject", "id"], name="viewing_subject"),
        ),
        migrations.AddIndex(
            model_name="viewing",
            index=models.Index(fields=["user", "asked_at"], name="viewing_user"),
        ),
        migrations.AddIndex(
            model_name="viewing",
            index=models.Index(
                condition=models.Q(("state__in", ["asked", "ready"])), fields=["expires_at"], name="viewing_open"
            ),
        ),
        migrations.AddConstraint(
            model_name="viewing",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["asked", "ready", "refused", "closed"])), name="viewing_state"
            ),
        ),
        migrations.AddConstraint(
            model_name="picture",
            constraint=models.UniqueConstraint(fields=("viewing", "mode", "number"), name="viewing_picture_once"),
        ),
        migrations.AddIndex(
            model_name="exposure",
            index=models.Index(fields=["user", "at"], name="exposure_user"),
        ),
        migrations.AddConstraint(
            model_name="exposure",
            constraint=models.CheckConstraint(
                condition=models.Q(("mode__in", ["still", "enlarged", "colour"])), name="exposure_mode"
            ),
        ),
        migrations.AddConstraint(
            model_name="exposure",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("milliseconds__isnull", True), ("weight__gt", 0)),
                    models.Q(("milliseconds__gte", 0), ("weight", 0)),
                    _connector="OR",
                ),
                name="exposure_shown_or_held",
            ),
        ),
        migrations.AddConstraint(
            model_name="assessment",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "outcome__in",
                        ["nothing-of-concern", "matches-report", "needs-specialist", "other-incident", "cannot-tell"],
                    )
                ),
                name="assessment_outcome",
            ),
        ),
        migrations.RunSQL(_HOLD, _LET_GO),
        migrations.RunSQL(_TOTALS, _NO_TOTALS),
        migrations.RunSQL(*append_only_sql("viewing_warrant")),
        migrations.RunSQL(*append_only_sql("viewing_assessment")),
        migrations.RunSQL(*append_only_sql("viewing_exposure")),
    ]
