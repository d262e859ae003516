# SPDX-License-Identifier: Apache-2.0
"""Tips that defeat the step are kept in sight; a value that was silenced can be heard again; counting stops somewhere.

What was silent without any officer's word was a cleared person's.
"""

from django.db import migrations, models

_CLEARED = """
UPDATE linking_identifier SET cleared = true
WHERE silenced AND id NOT IN (SELECT identifier_id FROM linking_decision WHERE identifier_id IS NOT NULL)
"""
# Whoever puts a tip there once more knows something new: it is tried at once. The step itself writes no key.
_ANEW = """
CREATE FUNCTION linking_waits_anew() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.try_at := NULL;
    RETURN NEW;
END
$$;
CREATE TRIGGER linking_waits_anew BEFORE UPDATE OF tip_id ON linking_waiting
    FOR EACH ROW EXECUTE FUNCTION linking_waits_anew();
"""
_UNANEW = "DROP TRIGGER linking_waits_anew ON linking_waiting; DROP FUNCTION linking_waits_anew();"
# Of those that have the value a few, so that one that cannot be linked does not keep a decision from being carried out.
_DECIDED = """
CREATE OR REPLACE FUNCTION linking_wait_for_decision() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    INSERT INTO linking_waiting (tip_id)
    SELECT tip_id FROM linking_subject WHERE id IN (NEW.first_id, NEW.second_id)
    UNION (SELECT tip_id FROM linking_sighting WHERE identifier_id = NEW.identifier_id LIMIT 5)
    ORDER BY tip_id
    ON CONFLICT (tip_id) DO UPDATE SET tip_id = excluded.tip_id;
    RETURN NULL;
END
$$;
"""
# Counted to queries.MOST_COUNTED and one more, whoever asks: two numbers, and nothing of the tips they do not see.
_SIZE = """
CREATE OR REPLACE FUNCTION linking_person_size(wanted bigint, OUT subjects bigint, OUT tips bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT count(*), count(DISTINCT tip_id)
    FROM (SELECT tip_id FROM linking_subject WHERE person = wanted AND NOT gone LIMIT 1001) AS counted
$$;
"""


class Migration(migrations.Migration):
    dependencies = [("linking", "0003_deconfliction")]
    operations = [
        migrations.AddField("waiting", "failed_since", models.DateTimeField(null=True)),
        migrations.AddField("waiting", "failed_times", models.IntegerField(db_default=0)),
        migrations.AddField("waiting", "why", models.CharField(blank=True, db_default="", max_length=80)),
        migrations.AddField("waiting", "try_at", models.DateTimeField(null=True)),
        migrations.AddIndex(
            "waiting",
            models.Index(condition=models.Q(("failed_times__gt", 0)), fields=["failed_since"], name="linking_failed"),
        ),
        migrations.AddIndex(
            "waiting",
            models.Index(
                models.OrderBy(models.F("try_at"), nulls_first=True),
                models.OrderBy(models.F("tip"), descending=True),
                name="linking_turn",
            ),
        ),
        migrations.RunSQL(_ANEW, _UNANEW),
        migrations.AddField("identifier", "cleared", models.BooleanField(db_default=False)),
        migrations.RunSQL(_CLEARED, migrations.RunSQL.noop),
        migrations.RemoveConstraint("decision", "decision_about_a_pair_or_a_value"),
        migrations.AlterField(
            "decision",
            "verdict",
            models.CharField(
                choices=[
                    ("confirm", "These are one person"),
                    ("forbid", "These are not one person"),
                    ("silence", "This value links nobody"),
                    ("hear", "This value links again"),
                ],
                max_length=7,
            ),
        ),
        migrations.AddConstraint(
            "decision",
            models.CheckConstraint(
                condition=models.Q(
                    ("first__isnull", True),
                    ("identifier__isnull", False),
                    ("second__isnull", True),
                    ("verdict__in", ["silence", "hear"]),
                )
                | models.Q(
                    models.Q(("verdict__in", ["silence", "hear"]), _negated=True),
                    ("first__isnull", False),
                    ("first__lt", models.F("second")),
                    ("identifier__isnull", True),
                    ("second__isnull", False),
                ),
                name="decision_about_a_pair_or_a_value",
            ),
        ),
        # What these were before gives the same, at more cost.
        migrations.RunSQL(_DECIDED, migrations.RunSQL.noop),
        migrations.RunSQL(_SIZE, migrations.RunSQL.noop),
    ]
