# SPDX-License-Identifier: Apache-2.0
"""Tips wait to be scored when a fact about them may have changed; the rows of the queue follow where tips stand."""

from django.db import migrations

from nightlight.trust.custody.append_only import append_only_sql

_APPEND_ONLY = (
    "triage_rulebook",
    "triage_pastscore",
    "triage_officerfact",
    "triage_override",
    "triage_closure",
    "triage_secondlook",
    "triage_alertcall",
)
_DEFINER = "LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp"
# A tip that waits already is written anew: the step that takes it passes it over then, and does not miss what we did.
_AGAIN = "ON CONFLICT (tip_id) DO UPDATE SET tip_id = excluded.tip_id"
_WAIT = f"""
CREATE FUNCTION triage_wait() RETURNS trigger {_DEFINER} AS $$
BEGIN
    INSERT INTO triage_waiting (tip_id) VALUES (NEW.id) {_AGAIN};
    RETURN NULL;
END
$$;
CREATE TRIGGER triage_received AFTER INSERT OR UPDATE OF state ON tips_tip FOR EACH ROW
    WHEN (NEW.state = 'received') EXECUTE FUNCTION triage_wait();
CREATE TRIGGER triage_changed AFTER UPDATE OF state, set_apart, unit_id ON tips_tip FOR EACH ROW
    WHEN (OLD.state = 'received' AND (NEW.state, NEW.set_apart, NEW.unit_id)
          IS DISTINCT FROM (OLD.state, OLD.set_apart, OLD.unit_id)) EXECUTE FUNCTION triage_wait();
CREATE FUNCTION triage_wait_for_tip() RETURNS trigger {_DEFINER} AS $$
BEGIN
    INSERT INTO triage_waiting (tip_id) VALUES (NEW.tip_id) {_AGAIN};
    RETURN NULL;
END
$$;
CREATE TRIGGER triage_files AFTER INSERT OR UPDATE ON matching_progress FOR EACH ROW
    WHEN (NEW.files > 0) EXECUTE FUNCTION triage_wait_for_tip();
CREATE TRIGGER triage_repeats AFTER INSERT ON tips_likelyduplicate FOR EACH ROW EXECUTE FUNCTION triage_wait_for_tip();
-- Whoever stays behind in a person that somebody leaves counts fewer tips.
CREATE FUNCTION triage_wait_for_rest() RETURNS trigger {_DEFINER} AS $$
BEGIN
    INSERT INTO triage_waiting (tip_id)
    SELECT DISTINCT member.tip_id FROM (
        SELECT unnest(ARRAY[o.person, n.person]) AS person FROM before o JOIN after n USING (id)
        WHERE (o.gone, o.person) IS DISTINCT FROM (n.gone, n.person)
        GROUP BY 1) AS moved
    CROSS JOIN LATERAL (SELECT s.tip_id FROM linking_subject s
                        WHERE s.person = moved.person AND NOT s.gone ORDER BY s.id LIMIT 200) AS member
    ORDER BY 1 {_AGAIN};
    RETURN NULL;
END
$$;
CREATE TRIGGER triage_rest AFTER UPDATE ON linking_subject
    REFERENCING OLD TABLE AS before NEW TABLE AS after
    FOR EACH STATEMENT EXECUTE FUNCTION triage_wait_for_rest();
CREATE TRIGGER triage_linked AFTER INSERT OR UPDATE ON linking_progress
    FOR EACH ROW EXECUTE FUNCTION triage_wait_for_tip();
CREATE TRIGGER triage_person AFTER INSERT ON linking_subject FOR EACH ROW
    WHEN (NEW.person <> NEW.id) EXECUTE FUNCTION triage_wait_for_tip();
CREATE TRIGGER triage_other_person AFTER UPDATE OF person ON linking_subject FOR EACH ROW
    WHEN (NEW.person <> OLD.person) EXECUTE FUNCTION triage_wait_for_tip();
CREATE TRIGGER triage_found_out AFTER INSERT ON triage_officerfact
    FOR EACH ROW EXECUTE FUNCTION triage_wait_for_tip();
-- Those that were here before.
INSERT INTO triage_waiting (tip_id) SELECT id FROM tips_tip WHERE state = 'received' ON CONFLICT DO NOTHING;
"""  # noqa: S608 - our own names
_UNWAIT = """
DROP TRIGGER triage_found_out ON triage_officerfact;
DROP TRIGGER triage_other_person ON linking_subject; DROP TRIGGER triage_person ON linking_subject;
DROP TRIGGER triage_rest ON linking_subject; DROP FUNCTION triage_wait_for_rest();
DROP TRIGGER triage_linked ON linking_progress;
DROP TRIGGER triage_repeats ON tips_likelyduplicate; DROP TRIGGER triage_files ON matching_progress;
DROP FUNCTION triage_wait_for_tip();
DROP TRIGGER triage_changed ON tips_tip; DROP TRIGGER triage_received ON tips_tip; DROP FUNCTION triage_wait();
"""
# What an officer decides counts at once, not when the step comes round to it.
_OVERRIDE = f"""
CREATE FUNCTION triage_overridden() RETURNS trigger {_DEFINER} AS $$
BEGIN
    UPDATE triage_standing SET band = coalesce(NEW.band, (SELECT s.band FROM triage_score s WHERE s.tip_id = NEW.tip_id))
    WHERE tip_id = NEW.tip_id;
    RETURN NULL;
END
$$;
CREATE TRIGGER triage_overridden AFTER INSERT ON triage_override FOR EACH ROW EXECUTE FUNCTION triage_overridden();
"""  # noqa: S608 - our own names
_UNOVERRIDE = "DROP TRIGGER triage_overridden ON triage_override; DROP FUNCTION triage_overridden();"
# Where a tip stands moves with the tip: the unit it comes to can work on it at once, and the other no more. There it
# is open and nobody's.
_HANDED = f"""
CREATE FUNCTION triage_handed_over() RETURNS trigger {_DEFINER} AS $$
BEGIN
    UPDATE triage_standing SET unit_id = NEW.unit_id, lane = 'open', holder_id = NULL, held_since = NULL,
                               snoozed_until = NULL, snooze_reason = ''
    WHERE tip_id = NEW.id;
    -- An alert nobody answered begins anew with the people of that unit.
    UPDATE triage_alert SET level = 0, call_at = now()
    WHERE tip_id = NEW.id AND acknowledged_by_id IS NULL AND call_at IS NOT NULL AND level > 0;
    RETURN NULL;
END
$$;
CREATE TRIGGER triage_handed_over AFTER UPDATE OF unit_id ON tips_tip FOR EACH ROW
    WHEN (NEW.unit_id <> OLD.unit_id) EXECUTE FUNCTION triage_handed_over();
-- Nor does the queue count a moment longer what is about people who were cleared. (No received tip is taken back.)
CREATE FUNCTION triage_set_apart() RETURNS trigger {_DEFINER} AS $$
BEGIN
    DELETE FROM triage_standing WHERE tip_id = NEW.id;
    RETURN NULL;
END
$$;
CREATE TRIGGER triage_set_apart AFTER UPDATE OF set_apart ON tips_tip FOR EACH ROW
    WHEN (NEW.set_apart AND NOT OLD.set_apart) EXECUTE FUNCTION triage_set_apart();
"""  # noqa: S608 - our own names
_UNHANDED = """
DROP TRIGGER triage_set_apart ON tips_tip; DROP FUNCTION triage_set_apart();
DROP TRIGGER triage_handed_over ON tips_tip; DROP FUNCTION triage_handed_over();
"""
# Who answered for an alert did; and a person ends its calls by answering, not by putting them off.
_ANSWERED = """
CREATE FUNCTION triage_alert_answered() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.acknowledged_by_id IS NOT NULL
       AND (NEW.acknowledged_by_id, NEW.acknowledged_at) IS DISTINCT FROM (OLD.acknowledged_by_id, OLD.acknowledged_at)
       -- The level is not a person's to change: only a tip that is handed over begins anew.
       OR public.units_viewer() IS NOT NULL AND NEW.acknowledged_by_id IS NULL AND NEW.level = OLD.level THEN
        RAISE EXCEPTION 'an alert is answered for once, and by a person only answered for'
        USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER triage_alert_answered BEFORE UPDATE ON triage_alert
    FOR EACH ROW EXECUTE FUNCTION triage_alert_answered();
"""
_UNANSWERED = "DROP TRIGGER triage_alert_answered ON triage_alert; DROP FUNCTION triage_alert_answered();"
# Rows are worked out from standings in the transaction that changed them. Two transactions that change tips of one
# group wait for one another (in the order of the groups' hashes), so that neither misses what the other did.
_ROW = f"""
CREATE FUNCTION triage_regroup(wanted_unit bigint, wanted_environment text, wanted_kind text, wanted_anchor bigint)
RETURNS void {_DEFINER} AS $$
BEGIN
    INSERT INTO triage_row AS r (unit_id, environment, kind, anchor, lead_id, tips, band, harm, dies_at,
                                 workability, first_at, newest_at, holder_id)
    SELECT wanted_unit, wanted_environment, wanted_kind, wanted_anchor, lead.tip_id, whole.tips, whole.band,
           whole.harm, whole.dies_at, whole.workability, whole.first_at, whole.newest_at, lead.holder_id
    FROM (SELECT count(*) AS tips, max(band) AS band, max(harm) AS harm, min(dies_at) AS dies_at,
                 max(workability) AS workability, min(arrived_at) AS first_at, max(arrived_at) AS newest_at
          FROM triage_standing WHERE unit_id = wanted_unit AND environment = wanted_environment
            AND kind = wanted_kind AND anchor = wanted_anchor AND lane = 'open') AS whole,
         (SELECT tip_id, holder_id FROM triage_standing
          WHERE unit_id = wanted_unit AND environment = wanted_environment
            AND kind = wanted_kind AND anchor = wanted_anchor AND lane = 'open'
          ORDER BY band DESC, dies_at NULLS LAST, workability DESC, tip_id LIMIT 1) AS lead
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
"""  # noqa: S608 - our own names
# A function sees only the transition tables that its trigger names, so there is one for each verb.
_EACH = """
CREATE FUNCTION triage_regroup_{verb}() RETURNS trigger {definer} AS $$
DECLARE
    touched record;
BEGIN
    FOR touched IN
        SELECT unit_id, environment, kind, anchor,
               hashtextextended(concat_ws(' ', unit_id, environment, kind, anchor), 5) AS lock
        FROM ({found}) AS found ORDER BY lock
    LOOP
        PERFORM pg_advisory_xact_lock(touched.lock);
        PERFORM triage_regroup(touched.unit_id, touched.environment, touched.kind, touched.anchor);
    END LOOP;
    RETURN NULL;
END
$$;
CREATE TRIGGER triage_regroup_{verb} AFTER {verb} ON triage_standing
    REFERENCING {tables} FOR EACH STATEMENT EXECUTE FUNCTION triage_regroup_{verb}();
"""
_GROUPS = "SELECT unit_id, environment, kind, anchor FROM {}"
_OLD, _NEW = _GROUPS.format("before"), _GROUPS.format("after")
_ROWS = _ROW + "".join(
    _EACH.format(verb=verb, definer=_DEFINER, tables=tables, found=found)
    for verb, tables, found in (
        ("insert", "NEW TABLE AS after", f"SELECT DISTINCT * FROM ({_NEW}) AS new"),  # noqa: S608
        ("update", "OLD TABLE AS before NEW TABLE AS after", f"{_OLD} UNION {_NEW}"),
        ("delete", "OLD TABLE AS before", f"SELECT DISTINCT * FROM ({_OLD}) AS old"),  # noqa: S608
    )
)
_UNROWS = (
    "".join(
        f"DROP TRIGGER triage_regroup_{verb} ON triage_standing; DROP FUNCTION triage_regroup_{verb}();"
        for verb in ("insert", "update", "delete")
    )
    + "DROP FUNCTION triage_regroup(bigint, text, text, bigint);"
)


class Migration(migrations.Migration):
    dependencies = [
        ("triage", "0001_tables"),
        ("linking", "0002_guards"),
        ("matching", "0003_guards"),
        ("tips", "0007_counted_by_index"),
    ]
    operations = [
        *(migrations.RunSQL(*append_only_sql(table)) for table in _APPEND_ONLY),
        migrations.RunSQL(_WAIT, _UNWAIT),
        migrations.RunSQL(_OVERRIDE, _UNOVERRIDE),
        migrations.RunSQL(_HANDED, _UNHANDED),
        migrations.RunSQL(_ANSWERED, _UNANSWERED),
        migrations.RunSQL(_ROWS, _UNROWS),
    ]
