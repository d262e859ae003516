# SPDX-License-Identifier: Apache-2.0
"""What people tell: two more ways in which a tip comes, codes to come back with, and limits."""

import django.db.models.deletion
from django.db import migrations, models

from nightlight.trust.custody.append_only import append_only_sql

# Whoever shows a code is told one word about the tip and nothing else, and can add to it. The intake, which asks for
# them, cannot read the digests. Both are answered from the log, whose kinds of entries mean the same wherever they
# come from; a tip that was destroyed has no code any more.
# The word is that of the end of the day before, and stands still from the day on which it was held back, sealed or set
# apart, as what reporters are told does. That a report became a case, or part of one, is not told.
_FUNCTIONS = """
CREATE FUNCTION tips_told(p_digest bytea) RETURNS TABLE (tip_id bigint, public_id text, apart boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT t.id, t.public_id::text, t.set_apart FROM tips_tellingcode c JOIN tips_tip t ON t.id = c.tip_id
    WHERE c.digest = p_digest AND NOT EXISTS (
        SELECT 1 FROM custody_event e WHERE e.subject = 'tip:' || t.public_id AND e.kind = 'record.destroyed')
$$;
CREATE FUNCTION tips_told_state(p_digest bytea, p_at timestamptz, p_zone text) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    WITH told AS (
        SELECT 'tip:' || t.public_id AS subject, t.opened_at, t.set_apart FROM tips_tip t
        WHERE t.id = (SELECT f.tip_id FROM tips_told(p_digest) f)
    ), held AS (
        SELECT min(at) AS at FROM (
            SELECT (SELECT CASE WHEN e.kind = 'feedback.held-back' THEN e.at END FROM custody_event e
                    WHERE e.subject = told.subject AND e.kind IN ('feedback.held-back', 'feedback.released')
                    ORDER BY e.id DESC LIMIT 1) AS at FROM told
            UNION ALL
            SELECT (SELECT min(e.at) FROM custody_event e
                    WHERE e.subject = told.subject
                      AND (e.kind = 'routing.sealed' OR told.set_apart AND e.kind = 'person.cleared')) FROM told
        ) AS any_of_them
    ), day AS (
        SELECT date_trunc('day', least(p_at, held.at) AT TIME ZONE p_zone) AT TIME ZONE p_zone AS began FROM held
    ), said AS (
        SELECT e.id, e.kind, e.body FROM custody_event e, told, day WHERE e.subject = told.subject AND e.at < day.began
    )
    SELECT CASE
        WHEN (SELECT s.kind = 'triage.closed'
                     AND s.body::jsonb -> 'data' ->> 'disposition' NOT IN ('referred', 'linked')
              FROM said s WHERE s.kind IN ('triage.closed', 'triage.reopened') ORDER BY s.id DESC LIMIT 1)
            THEN 'closed'
        WHEN EXISTS (SELECT 1 FROM said s WHERE s.kind IN ('tip.handed-over', 'routing.accepted')) THEN 'passed-on'
        WHEN told.opened_at < date_trunc('day', p_at AT TIME ZONE p_zone) AT TIME ZONE p_zone THEN 'looked-at'
        ELSE 'received' END
    FROM told
$$;
ALTER TABLE tips_tellinglimit SET UNLOGGED;
"""
_BACK = "DROP FUNCTION tips_told_state(bytea, timestamptz, text); DROP FUNCTION tips_told(bytea);"


class Migration(migrations.Migration):
    dependencies = [("tips", "0008_shares"), ("custody", "0001_initial")]
    operations = [
        migrations.AlterField(
            "tip",
            "source",
            models.CharField(
                choices=[
                    ("reporting-api", "Reporting API"),
                    ("cybertip-json", "CyberTip download"),
                    ("hotline", "Public hotline"),
                    ("phone", "Telephone call"),
                ],
                max_length=16,
            ),
        ),
        migrations.AlterField(
            "document",
            "kind",
            models.CharField(
                choices=[
                    ("report", "Report as received"),
                    ("file-details", "File details as received"),
                    ("receipt", "Receipt as sent"),
                    ("download", "CyberTip as downloaded"),
                    ("told", "What was told, as typed"),
                    ("addition", "Added later by who told it"),
                ],
                max_length=14,
            ),
        ),
        migrations.CreateModel(
            name="TellingCode",
            fields=[
                (
                    "tip",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="telling_code",
                        serialize=False,
                        to="tips.tip",
                    ),
                ),
                ("digest", models.BinaryField(max_length=32, unique=True)),
                ("made_at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="TellingLimit",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.BinaryField(max_length=16)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("told", "Told something or added to it"),
                            ("code", "Showed a code"),
                            ("key", "The key of the day"),
                        ],
                        max_length=4,
                    ),
                ),
                ("hour", models.DateTimeField()),
                ("number", models.IntegerField()),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("hour", "kind", "key"), name="telling_limit_once"),
                    models.UniqueConstraint(
                        condition=models.Q(("kind", "key")), fields=("hour",), name="telling_key_once"
                    ),
                ]
            },
        ),
        migrations.RunSQL(*append_only_sql("tips_tellingcode")),
        migrations.RunSQL(_FUNCTIONS, _BACK),
    ]
