# SPDX-License-Identifier: Apache-2.0
"""Tips wait to be counted and told of when something about them changed; reporters ask through functions alone."""

from django.db import migrations

from nightlight.trust.custody.append_only import append_only_sql
from nightlight.trust.rights import INTAKE, WORKER

_DEFINER = "SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp"
_TODAY = "(now() AT TIME ZONE 'UTC')::date"
_AT = "ON CONFLICT (tip_id) DO UPDATE SET day = least(insight_waiting.day, excluded.day)"
# What is read is counted at once. What changes afterwards is told from the next day (UTC) on, so that nobody who asks
# learns at what hour it changed.
_WAIT = f"""
CREATE FUNCTION insight_wait_read() RETURNS trigger LANGUAGE plpgsql {_DEFINER} AS $$
BEGIN
    INSERT INTO insight_waiting (tip_id, day) SELECT tip_id, {_TODAY} FROM made ORDER BY tip_id {_AT};
    RETURN NULL;
END
$$;
CREATE TRIGGER insight_read AFTER INSERT ON tips_summary REFERENCING NEW TABLE AS made
    FOR EACH STATEMENT EXECUTE FUNCTION insight_wait_read();
CREATE FUNCTION insight_wait() RETURNS trigger LANGUAGE plpgsql {_DEFINER} AS $$
BEGIN
    INSERT INTO insight_waiting (tip_id, day) VALUES (NEW.tip_id, {_TODAY} + 1) {_AT};
    RETURN NULL;
END
$$;
CREATE TRIGGER insight_lane AFTER UPDATE OF lane ON triage_standing FOR EACH ROW
    WHEN (NEW.lane <> OLD.lane AND 'closed' IN (NEW.lane, OLD.lane)) EXECUTE FUNCTION insight_wait();
CREATE TRIGGER insight_handed AFTER INSERT OR UPDATE OF state ON routing_offer FOR EACH ROW
    WHEN (NEW.state = 'accepted') EXECUTE FUNCTION insight_wait();
CREATE TRIGGER insight_held AFTER INSERT ON insight_holdback FOR EACH ROW EXECUTE FUNCTION insight_wait();
CREATE FUNCTION insight_wait_elsewhere() RETURNS trigger LANGUAGE plpgsql {_DEFINER} AS $$
BEGIN
    INSERT INTO insight_waiting (tip_id, day)
    SELECT o.tip_id, {_TODAY} + 1 FROM routing_offer o WHERE o.id = NEW.offer_id {_AT};
    RETURN NULL;
END
$$;
CREATE TRIGGER insight_elsewhere AFTER INSERT ON routing_receipt FOR EACH ROW
    WHEN (NEW.kind = 'outcome' AND NEW.installation_id IS NOT NULL) EXECUTE FUNCTION insight_wait_elsewhere();
-- Those that were here before.
INSERT INTO insight_waiting (tip_id, day) SELECT tip_id, {_TODAY} FROM tips_summary ON CONFLICT DO NOTHING;
"""  # noqa: S608 - our own names
_UNWAIT = """
DROP TRIGGER insight_elsewhere ON routing_receipt; DROP FUNCTION insight_wait_elsewhere();
DROP TRIGGER insight_held ON insight_holdback; DROP TRIGGER insight_handed ON routing_offer;
DROP TRIGGER insight_lane ON triage_standing; DROP FUNCTION insight_wait();
DROP TRIGGER insight_read ON tips_summary; DROP FUNCTION insight_wait_read();
"""
# What became of tips, for the step alone that works out what is told: so that no other table need be opened to it.
_FACTS = f"""
CREATE FUNCTION insight_facts(p_tips bigint[])
RETURNS TABLE (tip_id bigint, state text, lane text, disposition text, decided_on date, handed_on boolean,
               elsewhere text, repeats boolean, held boolean)
LANGUAGE sql STABLE {_DEFINER} AS $$
    SELECT t.id, t.state::text, coalesce(s.lane, '')::text, coalesce(c.disposition, '')::text,
           (CASE WHEN s.lane = 'closed' THEN c.at ELSE r.at END AT TIME ZONE 'UTC')::date,
           coalesce(o.taken, false), coalesce(r.told, ''),
           EXISTS (SELECT 1 FROM tips_likelyduplicate d WHERE d.tip_id = t.id),
           t.set_apart OR EXISTS (SELECT 1 FROM routing_seal l WHERE l.tip_id = t.id) OR coalesce(h.held, false)
    FROM tips_tip t
    LEFT JOIN triage_standing s ON s.tip_id = t.id
    LEFT JOIN LATERAL (SELECT c.disposition, c.at FROM triage_closure c WHERE c.tip_id = t.id
                       ORDER BY c.id DESC LIMIT 1) c ON true
    LEFT JOIN LATERAL (SELECT NOT o.given_back AS taken FROM routing_offer o
                       WHERE o.tip_id = t.id AND o.kind = 'whole' AND o.state = 'accepted'
                       ORDER BY o.answered_at DESC LIMIT 1) o ON true
    LEFT JOIN LATERAL (SELECT r.data::jsonb ->> 'outcome' AS told, r.at FROM routing_receipt r
                       JOIN routing_offer o ON o.id = r.offer_id
                       WHERE o.tip_id = t.id AND r.kind = 'outcome' AND r.installation_id IS NOT NULL
                       ORDER BY r.id DESC LIMIT 1) r ON true
    LEFT JOIN LATERAL (SELECT h.held FROM insight_holdback h WHERE h.tip_id = t.id ORDER BY h.id DESC LIMIT 1) h ON true
    WHERE t.id = ANY (p_tips) AND units_service() IN ('reading', 'command')
$$;
REVOKE EXECUTE ON FUNCTION insight_facts(bigint[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION insight_facts(bigint[]) TO {WORKER};
"""  # noqa: S608 - our own names
_UNFACTS = "DROP FUNCTION insight_facts(bigint[]);"
# For whom the intake asks: reports of one reporter in one environment, a code and days of each. A report that was
# finished a moment ago is there already; one that was not finished is not.
_ASKED = f"""
CREATE FUNCTION insight_feedback(p_reporter bigint, p_environment text, p_report bigint)
RETURNS TABLE (report_id bigint, received_on date, told text, told_on date, lacks text)
LANGUAGE sql STABLE {_DEFINER} AS $$
    SELECT t.report_id, coalesce(f.received_on, (t.state_at AT TIME ZONE 'UTC')::date), coalesce(f.told, t.state)::text,
           coalesce(f.told_on, (t.state_at AT TIME ZONE 'UTC')::date), coalesce(f.lacks, '')::text
    FROM tips_tip t LEFT JOIN insight_told f ON f.tip_id = t.id
    WHERE t.report_id = p_report AND t.reporter_id = p_reporter AND t.environment = p_environment AND t.state <> 'open'
$$;
CREATE FUNCTION insight_feedback_list(p_reporter bigint, p_environment text, p_day date, p_report bigint, p_most integer)
RETURNS TABLE (report_id bigint, received_on date, told text, told_on date, lacks text)
LANGUAGE sql STABLE {_DEFINER} ROWS 1000 AS $$
    SELECT f.report_id, f.received_on, f.told::text, f.told_on, f.lacks::text
    FROM insight_told f
    WHERE f.reporter_id = p_reporter AND f.environment = p_environment AND (f.told_on, f.report_id) > (p_day, p_report)
    ORDER BY f.told_on, f.report_id LIMIT p_most
$$;
-- Changes whenever anything in the list does.
CREATE FUNCTION insight_feedback_mark(p_reporter bigint, p_environment text, p_since date)
RETURNS TABLE (reports bigint, mark text)
LANGUAGE sql STABLE {_DEFINER} AS $$
    SELECT count(*), coalesce(sum(hashtextextended(f.told || f.told_on || f.lacks, f.report_id)::numeric), 0)::text
    FROM insight_told f
    WHERE f.reporter_id = p_reporter AND f.environment = p_environment AND f.told_on >= p_since
$$;
REVOKE EXECUTE ON FUNCTION insight_feedback(bigint, text, bigint),
    insight_feedback_list(bigint, text, date, bigint, integer), insight_feedback_mark(bigint, text, date) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION insight_feedback(bigint, text, bigint),
    insight_feedback_list(bigint, text, date, bigint, integer), insight_feedback_mark(bigint, text, date) TO {INTAKE};
"""  # noqa: S608 - our own names
_UNASKED = """
DROP FUNCTION insight_feedback_mark(bigint, text, date);
DROP FUNCTION insight_feedback_list(bigint, text, date, bigint, integer);
DROP FUNCTION insight_feedback(bigint, text, bigint);
"""


class Migration(migrations.Migration):
    dependencies = [
        ("custody", "0001_initial"),
        ("insight", "0001_tables"),
        ("routing", "0002_guards"),
        ("tips", "0008_shares"),
        ("triage", "0004_failed_and_counted"),
        ("units", "0002_posts_of_earlier_roles"),
    ]
    operations = [
        migrations.RunSQL(*append_only_sql("insight_holdback")),
        migrations.RunSQL(_WAIT, _UNWAIT),
        migrations.RunSQL(_FACTS, _UNFACTS),
        migrations.RunSQL(_ASKED, _UNASKED),
    ]
