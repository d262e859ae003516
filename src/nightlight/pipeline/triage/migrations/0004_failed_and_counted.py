# SPDX-License-Identifier: Apache-2.0
"""Tips that cannot be scored are kept in sight; rows of the queue cost the same however many tips stand in them."""

from django.db import migrations, models

_DEFINER = "LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp"
_ANEW = """
CREATE TRIGGER triage_waits_anew BEFORE UPDATE OF tip_id ON triage_waiting
    FOR EACH ROW EXECUTE FUNCTION linking_waits_anew();
"""
_UNANEW = "DROP TRIGGER triage_waits_anew ON triage_waiting;"
# Counted to queue.MOST_COUNTED and one more: of a larger row the first of the queue's order tell the numbers. Its ends
# in time are of all of them, as the index gives them.
_ROW = f"""
CREATE OR REPLACE FUNCTION triage_regroup(wanted_unit bigint, wanted_environment text, wanted_kind text,
                                          wanted_anchor bigint)
RETURNS void {_DEFINER} AS $$
BEGIN
    INSERT INTO triage_row AS r (unit_id, environment, kind, anchor, lead_id, tips, band, harm, dies_at,
                                 workability, first_at, newest_at, holder_id)
    SELECT wanted_unit, wanted_environment, wanted_kind, wanted_anchor, lead.tip_id, whole.tips, whole.band,
           whole.harm, whole.dies_at, whole.workability, oldest.arrived_at, newest.arrived_at, lead.holder_id
    FROM (SELECT count(*) AS tips, max(band) AS band, max(harm) AS harm, min(dies_at) AS dies_at,
                 max(workability) AS workability
          FROM (SELECT band, harm, dies_at, workability FROM triage_standing
                WHERE unit_id = wanted_unit AND environment = wanted_environment
                  AND kind = wanted_kind AND anchor = wanted_anchor AND lane = 'open'
                ORDER BY band DESC, dies_at NULLS LAST, workability DESC, tip_id LIMIT 121) AS counted) AS whole,
         (SELECT tip_id, holder_id FROM triage_standing
          WHERE unit_id = wanted_unit AND environment = wanted_environment
            AND kind = wanted_kind AND anchor = wanted_anchor AND lane = 'open'
          ORDER BY band DESC, dies_at NULLS LAST, workability DESC, tip_id LIMIT 1) AS lead,
         (SELECT arrived_at FROM triage_standing
          WHERE unit_id = wanted_unit AND environment = wanted_environment
            AND kind = wanted_kind AND anchor = wanted_anchor AND lane = 'open'
          ORDER BY arrived_at LIMIT 1) AS oldest,
         (SELECT arrived_at FROM triage_standing
          WHERE unit_id = wanted_unit AND environment = wanted_environment
            AND kind = wanted_kind AND anchor = wanted_anchor AND lane = 'open'
          ORDER BY arrived_at DESC LIMIT 1) AS newest
    ON CONFLICT (unit_id, environment, kind, anchor) DO UPDATE
    SET lead_id = EXCLUDED.lead_id, tips = EXCLUDED.tips, band = EXCLUDED.band, harm = EXCLUDED.harm,
        dies_at = EXCLUDED.dies_at, workability = EXCLUDED.workability, first_at = EXCLUDED.first_at,
        newest_at = EXCLUDED.newest_at, holder_id = EXCLUDED.holder_id;
    IF NOT FOUND THEN
        DELETE FROM triage_row WHERE unit_id = wanted_unit AND environment = wanted_environment
           AND kind = wanted_kind AND anchor = wanted_anchor;
    END IF;
END
$$;
UPDATE triage_row SET tips = 121 WHERE tips > 121;
"""  # noqa: S608 - our own names
# A tip that was never scored goes back into the band in which it is to be looked at (standing.unscored).
_OVERRIDE = f"""
CREATE OR REPLACE FUNCTION triage_overridden() RETURNS trigger {_DEFINER} AS $$
BEGIN
    UPDATE triage_standing
    SET band = coalesce(NEW.band, (SELECT s.band FROM triage_score s WHERE s.tip_id = NEW.tip_id),
                        (SELECT 3 FROM tips_tip t
                         WHERE t.id = NEW.tip_id AND t.escalated AND t.environment = 'production'), 2)
    WHERE tip_id = NEW.tip_id;
    RETURN NULL;
END
$$;
"""  # noqa: S608 - our own names
# For those who run the installation, who see no tip: how many defeat which step, with which error, and since when.
_DEFEATED = """
CREATE FUNCTION triage_defeated(OUT step text, OUT why text, OUT tips bigint, OUT since timestamptz)
RETURNS SETOF record LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT told.step, told.why::text, count(*), min(told.failed_since)
    FROM (SELECT 'triage' AS step, w.why, w.failed_since FROM triage_waiting w WHERE w.failed_times > 0
          UNION ALL
          SELECT 'linking', w.why, w.failed_since FROM linking_waiting w WHERE w.failed_times > 0) AS told
    WHERE units_has_role('administrator', 'auditor')
    GROUP BY 1, 2 ORDER BY 4, 1, 2
$$;
"""
# What called nobody by the program before this one did so because it came late: it wakes as such an alert does now.
_LATE = """
UPDATE triage_alert SET quiet = 'late'
WHERE call_at IS NULL AND acknowledged_by_id IS NULL AND quiet = ''
  AND tip_id NOT IN (SELECT id FROM tips_tip WHERE set_apart)
"""


class Migration(migrations.Migration):
    dependencies = [("triage", "0003_shifts"), ("linking", "0004_failed_and_heard")]
    operations = [
        migrations.AddField("waiting", "failed_since", models.DateTimeField(null=True)),
        migrations.AddField("waiting", "failed_times", models.IntegerField(db_default=0)),
        migrations.AddField("waiting", "why", models.CharField(blank=True, db_default="", max_length=80)),
        migrations.AddField("waiting", "try_at", models.DateTimeField(null=True)),
        migrations.AddIndex(
            "waiting",
            models.Index(condition=models.Q(("failed_times__gt", 0)), fields=["failed_since"], name="triage_failed"),
        ),
        migrations.AddIndex(
            "waiting",
            models.Index(
                models.OrderBy(models.F("try_at"), nulls_first=True),
                models.OrderBy(models.F("tip"), descending=True),
                name="triage_turn",
            ),
        ),
        migrations.RunSQL(_ANEW, _UNANEW),
        migrations.RunSQL(_DEFEATED, "DROP FUNCTION triage_defeated()"),
        migrations.AddField(
            "alert",
            "quiet",
            models.CharField(
                blank=True,
                choices=[("old", "Old; nobody was called"), ("late", "Scored late; nobody was called")],
                db_default="",
                max_length=4,
            ),
        ),
        migrations.AddIndex(
            "alert",
            models.Index(
                condition=models.Q(("acknowledged_by", None)), fields=["quiet", "-raised_at"], name="alert_listed"
            ),
        ),
        migrations.AddIndex("alertcall", models.Index(fields=["alert", "-id"], name="alertcall_latest")),
        migrations.RemoveIndex("standing", "standing_group"),
        migrations.AddIndex(
            "standing",
            models.Index(
                models.F("unit"),
                models.F("environment"),
                models.F("kind"),
                models.F("anchor"),
                models.F("lane"),
                models.OrderBy(models.F("band"), descending=True),
                models.OrderBy(models.F("dies_at"), nulls_last=True),
                models.OrderBy(models.F("workability"), descending=True),
                models.F("tip"),
                name="standing_group",
            ),
        ),
        migrations.AddIndex(
            "standing",
            models.Index(
                fields=["unit", "environment", "kind", "anchor", "lane", "arrived_at", "tip"], name="standing_first"
            ),
        ),
        # What these were before gives the same, at more cost and not for a tip that was never scored.
        migrations.RunSQL(_ROW, migrations.RunSQL.noop),
        migrations.RunSQL(_OVERRIDE, migrations.RunSQL.noop),
        migrations.RunSQL(_LATE, migrations.RunSQL.noop),
    ]
