# SPDX-License-Identifier: Apache-2.0
"""A tip can be set apart; a document's key can be erased, and nothing else of it changed."""

from django.db import migrations, models

_GUARD = """
CREATE OR REPLACE FUNCTION tips_guard() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    may_change CONSTANT text[] := ARRAY['state', 'state_at', 'unit_id', 'set_apart'];
BEGIN
    IF TG_OP <> 'UPDATE' THEN
        RAISE EXCEPTION 'a tip is never removed' USING ERRCODE = 'restrict_violation';
    END IF;
    IF (to_jsonb(NEW) - may_change) <> (to_jsonb(OLD) - may_change) OR (OLD.set_apart AND NOT NEW.set_apart) THEN
        RAISE EXCEPTION 'what was received never changes' USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.state = OLD.state AND NEW.state_at = OLD.state_at
       AND (NEW.unit_id <> OLD.unit_id OR NEW.set_apart <> OLD.set_apart) THEN
        RETURN NEW;  -- handed to another unit, or set apart
    END IF;
    IF OLD.state <> 'open' OR NEW.state NOT IN ('received', 'retracted', 'expired') OR NEW.unit_id <> OLD.unit_id THEN
        RAISE EXCEPTION 'a tip moves only from open to received, retracted or expired'
            USING ERRCODE = 'restrict_violation';
    END IF;
    INSERT INTO tips_unread (tip_id) VALUES (NEW.id) ON CONFLICT DO NOTHING;
    RETURN NEW;
END
$$;
"""
# What is set apart is handed on by those alone who may still see it.
_HAND_OVER = """
CREATE OR REPLACE FUNCTION tips_hand_over(p_tip bigint, p_from bigint, p_to bigint) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    IF units_service() <> 'command' AND NOT (
        EXISTS (SELECT 1 FROM units_posts() p WHERE p.role IN ('intake-analyst', 'triage-officer', 'commander')
                AND (p.unit_id = p_from OR p.below AND EXISTS (
                    SELECT 1 FROM units_below b WHERE b.ancestor_id = p.unit_id AND b.unit_id = p_from)))) THEN
        RETURN false;
    END IF;
    UPDATE tips_tip SET unit_id = p_to WHERE id = p_tip AND unit_id = p_from AND state <> 'open'
       AND (NOT set_apart OR units_has_role('commander'));
    RETURN FOUND;
END
$$;
"""
# What was received never changes, but the key to it can be erased: see trust/retention.
_ERASURE = """
CREATE FUNCTION custody_only_erasure() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (to_jsonb(NEW) - TG_ARGV[0]) <> (to_jsonb(OLD) - TG_ARGV[0])
       OR to_jsonb(NEW) ->> TG_ARGV[0] NOT IN (TG_ARGV[1], to_jsonb(OLD) ->> TG_ARGV[0]) THEN
        RAISE EXCEPTION 'append-only: only the key of % can be erased', TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$$;
DROP TRIGGER append_only ON tips_document;
CREATE TRIGGER append_only BEFORE DELETE OR TRUNCATE ON tips_document
    FOR EACH STATEMENT EXECUTE FUNCTION custody_refuse_change();
CREATE TRIGGER only_erasure BEFORE UPDATE ON tips_document
    FOR EACH ROW EXECUTE FUNCTION custody_only_erasure('key_part', '\\x');
DROP TRIGGER append_only ON evidence_item;
CREATE TRIGGER append_only BEFORE DELETE OR TRUNCATE ON evidence_item
    FOR EACH STATEMENT EXECUTE FUNCTION custody_refuse_change();
CREATE TRIGGER only_erasure BEFORE UPDATE ON evidence_item
    FOR EACH ROW EXECUTE FUNCTION custody_only_erasure('name_key_part', '\\x64657374726f796564');
"""
_BACK = """
DROP TRIGGER only_erasure ON evidence_item; DROP TRIGGER only_erasure ON tips_document;
DROP FUNCTION custody_only_erasure();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("tips", "0005_closed_documents"),
        ("evidence", "0002_closed_names"),
        ("retention", "0001_initial"),
    ]
    operations = [
        migrations.AddField("tip", "set_apart", models.BooleanField(db_default=False)),
        migrations.RunSQL(_GUARD, migrations.RunSQL.noop),
        migrations.RunSQL(_HAND_OVER, migrations.RunSQL.noop),
        migrations.RunSQL(_ERASURE, _BACK),
    ]
