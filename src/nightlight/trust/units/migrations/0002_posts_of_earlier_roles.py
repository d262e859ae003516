# SPDX-License-Identifier: Apache-2.0
"""The tree keeps who lies below whom; the functions that decide who sees what; the first unit; posts for earlier roles."""

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from nightlight.foundation import clock, public_ids

# The closure of the tree. A new unit without units below it is added to it; for anything else, which is rare, the whole
# is made anew: a tree is some thousands. pg_temp last: a table somebody makes for the session never stands in for ours.
_TREE = """
CREATE FUNCTION units_keep_below() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    units bigint;
    reached bigint;
BEGIN
    IF TG_OP = 'INSERT' AND NOT EXISTS (SELECT 1 FROM units_unit u WHERE u.parent_id = NEW.id) THEN
        INSERT INTO units_below (ancestor_id, unit_id)
        SELECT b.ancestor_id, NEW.id FROM units_below b WHERE b.unit_id = NEW.parent_id
        UNION ALL SELECT NEW.id, NEW.id
        ON CONFLICT DO NOTHING;  -- made already, when another row of the same statement came before its parent
    ELSIF TG_OP = 'INSERT' OR NEW.parent_id IS DISTINCT FROM OLD.parent_id THEN
        DELETE FROM units_below;
        INSERT INTO units_below (ancestor_id, unit_id)
        WITH RECURSIVE tree (ancestor_id, unit_id) AS (
            SELECT id, id FROM units_unit
            UNION SELECT tree.ancestor_id, u.id FROM tree JOIN units_unit u ON u.parent_id = tree.unit_id)
        SELECT ancestor_id, unit_id FROM tree;
        -- In a circle every unit would be below itself by way of others: no unit of it is reached from a root.
        SELECT count(*) INTO units FROM units_unit;
        SELECT count(DISTINCT b.unit_id) INTO reached FROM units_below b JOIN units_unit r ON r.id = b.ancestor_id
        WHERE r.parent_id IS NULL;
        IF reached <> units THEN
            RAISE EXCEPTION 'a unit cannot lie below itself' USING ERRCODE = 'check_violation';
        END IF;
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER units_keep_below AFTER INSERT OR UPDATE ON units_unit FOR EACH ROW EXECUTE FUNCTION units_keep_below();
-- Who reaches all that is below the top reaches everything: so there is one top.
CREATE UNIQUE INDEX units_one_top ON units_unit ((parent_id IS NULL)) WHERE parent_id IS NULL;
CREATE FUNCTION units_guard_post() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR to_jsonb(NEW) - 'ends_at' <> to_jsonb(OLD) - 'ends_at'
       OR NEW.ends_at IS NULL OR NEW.ends_at > OLD.ends_at THEN
        RAISE EXCEPTION 'a post is ended; it is never changed, made longer or removed' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER units_guard_post BEFORE UPDATE OR DELETE ON units_post FOR EACH ROW EXECUTE FUNCTION units_guard_post();
"""
_UNTREE = """
DROP TRIGGER units_guard_post ON units_post; DROP FUNCTION units_guard_post(); DROP INDEX units_one_top;
DROP TRIGGER units_keep_below ON units_unit; DROP FUNCTION units_keep_below();
"""

# The roles are those of units/rules.py; tests compare. now() is when the transaction began.
_SIGHT = """
CREATE FUNCTION units_viewer() RETURNS bigint LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT NULLIF(current_setting('nightlight.viewer', true), '')::bigint
$$;
CREATE FUNCTION units_service() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT coalesce(current_setting('nightlight.service', true), '')
$$;
CREATE FUNCTION units_posts() RETURNS TABLE (unit_id bigint, role text, below boolean)
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT p.unit_id, p.role, p.role IN ('triage-officer', 'commander', 'auditor')
    FROM units_post p JOIN accounts_user u ON u.id = p.user_id
    WHERE p.user_id = units_viewer() AND u.is_active AND p.starts_at <= now() AND (p.ends_at IS NULL OR p.ends_at > now())
$$;
CREATE FUNCTION units_reach() RETURNS SETOF bigint
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp ROWS 50 AS $$
    -- units_posts() written out: asked several times for each page, and so in a fifth of the time.
    SELECT DISTINCT b.unit_id
    FROM units_post p JOIN accounts_user u ON u.id = p.user_id JOIN units_below b ON b.ancestor_id = p.unit_id
    WHERE p.user_id = units_viewer() AND u.is_active AND p.starts_at <= now() AND (p.ends_at IS NULL OR p.ends_at > now())
      AND p.role <> 'administrator' AND (p.role IN ('triage-officer', 'commander', 'auditor') OR b.unit_id = p.unit_id)
$$;
CREATE FUNCTION units_reaches_all() RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT EXISTS (SELECT 1 FROM units_posts() p JOIN units_unit u ON u.id = p.unit_id WHERE p.below AND u.parent_id IS NULL)
$$;
CREATE FUNCTION units_has_role(VARIADIC roles text[]) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT EXISTS (SELECT 1 FROM units_posts() p WHERE p.role = ANY (roles))
$$;
CREATE FUNCTION units_actor() RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT 'officer:' || u.public_id FROM accounts_user u WHERE u.id = units_viewer()
$$;
CREATE FUNCTION units_people() RETURNS SETOF text
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT u.public_id FROM accounts_user u JOIN units_post p ON p.user_id = u.id WHERE p.unit_id IN (SELECT units_reach())
    UNION SELECT u.public_id FROM accounts_user u WHERE units_has_role('administrator')
$$;
CREATE FUNCTION units_broken_into() RETURNS SETOF text
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp ROWS 2 AS $$
    SELECT g.subject FROM units_glass g
    WHERE g.user_id = units_viewer() AND g.until > now()
      AND units_has_role('intake-analyst', 'triage-officer', 'investigator', 'victim-identification', 'commander')
$$;
CREATE FUNCTION units_receiving() RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT id FROM units_unit WHERE receives
$$;
"""
_UNSIGHT = """
DROP FUNCTION units_receiving(); DROP FUNCTION units_broken_into(); DROP FUNCTION units_people();
DROP FUNCTION units_actor(); DROP FUNCTION units_has_role(text[]);
DROP FUNCTION units_reaches_all(); DROP FUNCTION units_reach(); DROP FUNCTION units_posts();
DROP FUNCTION units_service(); DROP FUNCTION units_viewer();
"""
_NOW = {"officer": "investigator", "auditor": "auditor", "administrator": "administrator"}


def _begin(apps: Apps, _schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Make the unit that receives, and give everybody the post that their role has been so far.

    Neither has an entry in the log; ``verify.py`` knows them by their time, which is one for all.
    """
    at = clock.now()
    root = apps.get_model("units", "Unit").objects.create(
        public_id=public_ids.new("UN"), kind="national", code="IN", name="National centre", receives=True, created_at=at
    )
    posts = apps.get_model("units", "Post").objects
    for user in apps.get_model("accounts", "User").objects.all():
        posts.create(public_id=public_ids.new("PO"), user=user, unit=root, role=_NOW[user.role], starts_at=at)  # type: ignore[attr-defined]


class Migration(migrations.Migration):
    dependencies = [("units", "0001_initial"), ("custody", "0001_initial")]
    operations = [
        migrations.RunSQL(_TREE, _UNTREE),
        migrations.RunSQL(_SIGHT, _UNSIGHT),
        migrations.RunPython(_begin, migrations.RunPython.noop),
    ]
