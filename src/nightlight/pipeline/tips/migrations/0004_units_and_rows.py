# SPDX-License-Identifier: Apache-2.0
"""A tip is held by a unit, and can be handed to another."""

import django.db.models.deletion
from django.db import migrations, models

_RECEIVING = models.Func(function="units_receiving", output_field=models.BigIntegerField())

_GUARD = """
CREATE OR REPLACE FUNCTION tips_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'UPDATE' THEN
        RAISE EXCEPTION 'a tip is never removed' USING ERRCODE = 'restrict_violation';
    END IF;
    IF (to_jsonb(NEW) - 'state' - 'state_at' - 'unit_id') <> (to_jsonb(OLD) - 'state' - 'state_at' - 'unit_id') THEN
        RAISE EXCEPTION 'what was received never changes' USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.unit_id <> OLD.unit_id AND NEW.state = OLD.state AND NEW.state_at = OLD.state_at THEN
        RETURN NEW;  -- handed to another unit
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
# Whoever hands a tip on may no longer see it afterwards, which row security would refuse: so a function of the owner
# does it, for those who see the tip now, and for the command line.
_HAND_OVER = """
CREATE FUNCTION tips_hand_over(p_tip bigint, p_from bigint, p_to bigint) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    IF units_service() <> 'command' AND NOT (
        EXISTS (SELECT 1 FROM units_posts() p WHERE p.role IN ('intake-analyst', 'triage-officer', 'commander')
                AND (p.unit_id = p_from OR p.below AND EXISTS (
                    SELECT 1 FROM units_below b WHERE b.ancestor_id = p.unit_id AND b.unit_id = p_from)))) THEN
        RETURN false;
    END IF;
    UPDATE tips_tip SET unit_id = p_to WHERE id = p_tip AND unit_id = p_from AND state <> 'open';
    RETURN FOUND;
END
$$;
CREATE FUNCTION tips_holder(p_public_id text) RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT unit_id FROM tips_tip WHERE public_id = p_public_id
    AND units_has_role('intake-analyst', 'triage-officer', 'investigator', 'victim-identification', 'commander')
$$;
"""
_DROP = "DROP FUNCTION tips_holder(text); DROP FUNCTION tips_hand_over(bigint, bigint, bigint);"


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_roles"),
        ("tips", "0003_intake"),
        ("units", "0002_posts_of_earlier_roles"),
    ]
    operations = [
        migrations.AddField(
            model_name="import",
            name="unit",
            field=models.ForeignKey(
                db_default=_RECEIVING, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="units.unit"
            ),
        ),
        migrations.AddField(
            model_name="tip",
            name="unit",
            field=models.ForeignKey(
                db_default=_RECEIVING,
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="tips",
                to="units.unit",
            ),
        ),
        migrations.AddIndex(
            model_name="tip",
            index=models.Index(
                condition=models.Q(("state", "open"), _negated=True),
                fields=["unit", "environment", "state", "-state_at", "-id"],
                name="tip_inbox_unit",
            ),
        ),
        migrations.RunSQL(_GUARD, migrations.RunSQL.noop),
        migrations.RunSQL(_HAND_OVER, _DROP),
    ]
