# SPDX-License-Identifier: Apache-2.0
"""Functions that hold an open report while something is added to it, or close it, within one statement."""

from django.db import migrations

# The rule of rules.closed and rules.expires_at: the caller passes the moments a day and an hour ago.
_HOLD = """
CREATE FUNCTION tips_hold(p_report_id bigint, p_reporter bigint, p_environment text,
                          p_day_ago timestamptz, p_hour_ago timestamptz, p_closing boolean)
RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    tip tips_tip;
BEGIN
    IF p_closing THEN
        SELECT * INTO tip FROM tips_tip WHERE report_id = p_report_id FOR UPDATE;
    ELSE
        SELECT * INTO tip FROM tips_tip WHERE report_id = p_report_id FOR SHARE;
    END IF;
    -- Another reporter's report, or one from the other environment, is answered like none at all.
    IF tip.id IS NULL OR tip.reporter_id <> p_reporter OR tip.environment <> p_environment THEN
        RAISE EXCEPTION 'unknown' USING ERRCODE = 'NL001';
    END IF;
    IF tip.state <> 'open' THEN
        RAISE EXCEPTION '%', tip.state USING ERRCODE = 'NL001';
    END IF;
    IF tip.opened_at <= p_day_ago
       AND NOT EXISTS (SELECT 1 FROM tips_document d WHERE d.tip_id = tip.id AND d.received_at > p_hour_ago)
       AND NOT EXISTS (SELECT 1 FROM tips_tipfile f JOIN evidence_item i ON i.id = f.item_id
                       WHERE f.tip_id = tip.id AND i.received_at > p_hour_ago) THEN
        RAISE EXCEPTION 'expired' USING ERRCODE = 'NL001';
    END IF;
    RETURN tip.id;
END
$$;
"""
# The files are read after the lock was won: each statement of the function sees what was committed before it.
_CLOSE = """
CREATE FUNCTION tips_close(p_report_id bigint, p_reporter bigint, p_environment text, p_day_ago timestamptz,
                           p_hour_ago timestamptz, p_state text, p_at timestamptz, p_files text[])
RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    held bigint;
    found text[];
BEGIN
    held := tips_hold(p_report_id, p_reporter, p_environment, p_day_ago, p_hour_ago, true);
    IF p_files IS NOT NULL THEN
        SELECT coalesce(array_agg(file_id ORDER BY id), '{}') INTO found FROM tips_tipfile WHERE tip_id = held;
        IF found <> p_files THEN
            RAISE EXCEPTION 'more files came' USING ERRCODE = 'NL002';
        END IF;
    END IF;
    UPDATE tips_tip SET state = p_state, state_at = p_at WHERE id = held;
    RETURN held;
END
$$;
"""
_DROP = """
DROP FUNCTION tips_close(bigint, bigint, text, timestamptz, timestamptz, text, timestamptz, text[]);
DROP FUNCTION tips_hold(bigint, bigint, text, timestamptz, timestamptz, boolean);
"""


class Migration(migrations.Migration):
    dependencies = [("tips", "0002_guards"), ("evidence", "0001_initial")]
    operations = [migrations.RunSQL(_HOLD + _CLOSE, _DROP)]
