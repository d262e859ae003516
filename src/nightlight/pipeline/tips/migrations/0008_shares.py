# SPDX-License-Identifier: Apache-2.0
"""A tip is seen by units it is offered to, and by those that work on it together."""

import django.db.models.deletion
from django.db import migrations, models

from nightlight.trust.rights import WORKER

# The tips other units share with those the viewer reaches; row security of tips asks it once a statement.
_SHARED = """
CREATE FUNCTION tips_shared() RETURNS SETOF bigint
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp ROWS 20 AS $$
    SELECT s.tip_id FROM tips_share s WHERE s.until IS NULL AND s.unit_id IN (SELECT units_reach())
$$;
-- Of the tips that no unit in reach holds, those that are more than offered to the viewer: worked on together, or behind
-- broken glass. A tip that is only offered is read, to say whether it is theirs, and nothing is decided about it.
CREATE FUNCTION tips_opened() RETURNS SETOF bigint
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp ROWS 20 AS $$
    SELECT s.tip_id FROM tips_share s WHERE s.until IS NULL AND s.kind = 'joint' AND s.unit_id IN (SELECT units_reach())
    UNION ALL SELECT b FROM tips_broken_into() AS b
$$;
-- A unit that holds the tip by now needs no share, and would keep it when the tip moves on; what is set apart is no
-- other unit's any more.
CREATE FUNCTION tips_end_shares() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    UPDATE tips_share SET until = greatest(now(), since)
    WHERE tip_id = NEW.id AND until IS NULL AND (NEW.set_apart OR unit_id = NEW.unit_id);
    RETURN NULL;
END
$$;
CREATE TRIGGER tips_end_shares AFTER UPDATE OF unit_id, set_apart ON tips_tip FOR EACH ROW
    WHEN (NEW.unit_id <> OLD.unit_id OR NEW.set_apart AND NOT OLD.set_apart) EXECUTE FUNCTION tips_end_shares();
-- A share is added and ended, and nothing else of it changes.
CREATE FUNCTION tips_share_ends() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR (to_jsonb(NEW) - 'until' - 'kind') <> (to_jsonb(OLD) - 'until' - 'kind')
       OR OLD.until IS NOT NULL OR (NEW.kind <> OLD.kind AND NEW.kind <> 'joint') THEN
        RAISE EXCEPTION 'a share is ended, and never changed otherwise' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER tips_share_ends BEFORE UPDATE OR DELETE ON tips_share
    FOR EACH ROW EXECUTE FUNCTION tips_share_ends();
"""
_BACK = """
DROP TRIGGER tips_share_ends ON tips_share; DROP FUNCTION tips_share_ends();
DROP TRIGGER tips_end_shares ON tips_tip; DROP FUNCTION tips_end_shares();
DROP FUNCTION tips_opened() CASCADE; DROP FUNCTION tips_shared() CASCADE;
"""
# People hand a tip on by an offer; at once it is moved by the command line alone.
_BY_COMMAND = f"""
CREATE OR REPLACE FUNCTION tips_hand_over(p_tip bigint, p_from bigint, p_to bigint) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF units_service() <> 'command' THEN
        RETURN false;
    END IF;
    UPDATE tips_tip SET unit_id = p_to WHERE id = p_tip AND unit_id = p_from AND state <> 'open' AND NOT set_apart;
    RETURN FOUND;
END
$$;
REVOKE EXECUTE ON FUNCTION tips_hand_over(bigint, bigint, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION tips_hand_over(bigint, bigint, bigint) TO {WORKER};
"""  # noqa: S608 - our own names


class Migration(migrations.Migration):
    dependencies = [("tips", "0007_counted_by_index")]
    operations = [
        migrations.CreateModel(
            name="Share",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[("offered", "Offered to the unit"), ("joint", "Worked on together")], max_length=8
                    ),
                ),
                ("since", models.DateTimeField()),
                ("until", models.DateTimeField(null=True)),
                (
                    "tip",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="shares",
                        to="tips.tip",
                    ),
                ),
                (
                    "unit",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="units.unit"
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("until__isnull", True)),
                        fields=["unit"],
                        include=["tip"],
                        name="share_of_unit",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("until__isnull", True)), fields=("tip", "unit"), name="share_once"
                    )
                ],
            },
        ),
        migrations.RunSQL(_SHARED, _BACK),
        migrations.RunSQL(_BY_COMMAND, migrations.RunSQL.noop),
    ]
