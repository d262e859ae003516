# SPDX-License-Identifier: Apache-2.0
"""Words that name a protected person are found and nothing is opened; the first list of a day is recorded."""

import django.db.models.deletion
from django.db import migrations, models

from nightlight.trust.rights import WEB, WORKER

_DEFINER = "SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp"
# Those who export a tip are answered about the people of that tip, and nobody about any other. Whoever reads the
# digests themselves may search (sealed/rights.py); this says yes or no.
_NAMES = f"""
CREATE FUNCTION insight_names_protected(p_tip bigint, p_digests bytea[]) RETURNS boolean
LANGUAGE sql STABLE {_DEFINER} AS $$
    SELECT EXISTS (
        SELECT 1 FROM tips_tip t
        JOIN sealed_identity i ON i.subject = 'tip:' || t.public_id
        JOIN sealed_search_digest d ON d.identity_id = i.id AND d.digest = ANY (p_digests)
        WHERE t.id = p_tip
          AND (units_service() = 'command' OR (
              units_has_role('intake-analyst', 'triage-officer', 'investigator', 'victim-identification', 'commander')
              AND (units_reaches_all() OR t.unit_id IN (SELECT units_reach()) OR t.id IN (SELECT tips_broken_into())
                   OR t.id IN (SELECT tips_shared())))))
$$;
REVOKE EXECUTE ON FUNCTION insight_names_protected(bigint, bytea[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION insight_names_protected(bigint, bytea[]) TO {WEB}, {WORKER};
"""  # noqa: S608 - our own names
_UNNAMES = "DROP FUNCTION insight_names_protected(bigint, bytea[]);"


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0004_deconfliction"),
        ("insight", "0002_guards"),
        ("sealed", "0001_initial"),
        ("tips", "0008_shares"),
        ("units", "0002_posts_of_earlier_roles"),
    ]
    operations = [
        migrations.CreateModel(
            name="Listed",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("form", models.CharField(max_length=4)),
                ("day", models.DateField()),
                (
                    "credential",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="accounts.credential"
                    ),
                ),
            ],
            options={
                "db_table": "insight_listed",
                "constraints": [
                    models.UniqueConstraint(fields=("credential", "form"), name="insight_listed_once"),
                ],
            },
        ),
        migrations.RunSQL(_NAMES, _UNNAMES),
    ]
