# SPDX-License-Identifier: Apache-2.0
"""An installation is trusted once somebody else than the one who added it compared fingerprints; its keys never change."""

from django.db import migrations

_GUARD = """
CREATE FUNCTION routing_guard_installation() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    compared CONSTANT text[] := ARRAY['state', 'compared_by', 'compared_at'];
    steps CONSTANT text[] := ARRAY['waiting', 'trusted', 'ended'];
BEGIN
    IF TG_OP = 'DELETE' OR (NEW.public_id, NEW.card, NEW.fingerprint, NEW.added_by, NEW.added_at)
                           IS DISTINCT FROM (OLD.public_id, OLD.card, OLD.fingerprint, OLD.added_by, OLD.added_at) THEN
        RAISE EXCEPTION 'what an installation was added with never changes' USING ERRCODE = 'restrict_violation';
    END IF;
    IF array_position(steps, NEW.state::text) < array_position(steps, OLD.state::text) THEN
        RAISE EXCEPTION 'an installation that has ended is added anew' USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.state = 'trusted' AND NEW.compared_by IN ('', NEW.added_by)
       OR OLD.state <> 'waiting' AND NEW.compared_by <> OLD.compared_by THEN
        RAISE EXCEPTION 'somebody else than the one who added it compares the fingerprint'
        USING ERRCODE = 'restrict_violation';
    END IF;
    IF public.units_viewer() IS NOT NULL
       AND (NEW.compared_by <> OLD.compared_by AND NEW.compared_by <> public.units_actor()
            OR NOT public.units_has_role('administrator') AND (to_jsonb(NEW) - compared <> to_jsonb(OLD) - compared
                                                               OR NEW.state = 'ended' AND OLD.state <> 'ended')) THEN
        RAISE EXCEPTION 'one compares in their own name, and administrators change the rest'
        USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER routing_guard_installation BEFORE UPDATE OR DELETE ON routing_installation
    FOR EACH ROW EXECUTE FUNCTION routing_guard_installation();
"""
_BACK = "DROP TRIGGER routing_guard_installation ON routing_installation; DROP FUNCTION routing_guard_installation();"


class Migration(migrations.Migration):
    dependencies = [("routing", "0003_places")]
    operations = [migrations.RunSQL(_GUARD, _BACK)]
