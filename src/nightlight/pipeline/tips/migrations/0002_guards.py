# SPDX-License-Identifier: Apache-2.0
"""What came never changes: append-only tables, and a tip whose state can move only forward."""

from django.db import migrations

from nightlight.trust.custody.append_only import append_only_sql

_GUARD_TIP = """
CREATE FUNCTION tips_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'UPDATE' THEN
        RAISE EXCEPTION 'a tip is never removed' USING ERRCODE = 'restrict_violation';
    END IF;
    IF OLD.state <> 'open' OR NEW.state NOT IN ('received', 'retracted', 'expired') THEN
        RAISE EXCEPTION 'a tip moves only from open to received, retracted or expired'
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF (to_jsonb(NEW) - 'state' - 'state_at') <> (to_jsonb(OLD) - 'state' - 'state_at') THEN
        RAISE EXCEPTION 'what was received never changes' USING ERRCODE = 'restrict_violation';
    END IF;
    INSERT INTO tips_unread (tip_id) VALUES (NEW.id) ON CONFLICT DO NOTHING;
    RETURN NEW;
END
$$;
CREATE TRIGGER tips_guard BEFORE UPDATE OR DELETE ON tips_tip FOR EACH ROW EXECUTE FUNCTION tips_guard();
CREATE TRIGGER tips_guard_truncate BEFORE TRUNCATE ON tips_tip FOR EACH STATEMENT
    EXECUTE FUNCTION custody_refuse_change();
"""
_UNGUARD_TIP = """
DROP TRIGGER tips_guard_truncate ON tips_tip;
DROP TRIGGER tips_guard ON tips_tip;
DROP FUNCTION tips_guard();
"""


class Migration(migrations.Migration):
    dependencies = [("tips", "0001_initial"), ("custody", "0001_initial")]
    operations = [
        *(migrations.RunSQL(*append_only_sql(t)) for t in ("tips_document", "tips_tipfile", "tips_importedfile")),
        migrations.RunSQL(_GUARD_TIP, _UNGUARD_TIP),
    ]
