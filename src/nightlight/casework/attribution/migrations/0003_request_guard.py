# SPDX-License-Identifier: Apache-2.0
"""A request goes its steps in order, its words never change, and a second person compares it; its steps only grow."""

from django.db import migrations

from nightlight.trust.custody.append_only import never_removed_sql

# Of a tip whose destruction two people agreed on, what it says may be emptied, and nothing else: see destroying.py.
_ERASURE = """
CREATE FUNCTION attribution_is_destroyed(p_tip bigint) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT 1 FROM public.tips_tip t JOIN public.retention_destruction d ON d.subject = 'tip:' || t.public_id
                   WHERE t.id = p_tip AND d.state = 'approved')
$$;
CREATE FUNCTION attribution_only_erasure() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    tip bigint := coalesce((to_jsonb(OLD) ->> 'tip_id')::bigint, (SELECT r.tip_id FROM public.attribution_request r
                            WHERE r.id = (to_jsonb(OLD) ->> 'request_id')::bigint));
BEGIN
    IF to_jsonb(NEW) = to_jsonb(OLD) THEN
        RETURN NEW;
    END IF;
    IF (to_jsonb(NEW) - TG_ARGV) <> (to_jsonb(OLD) - TG_ARGV)
       OR EXISTS (SELECT 1 FROM unnest(TG_ARGV) one WHERE to_jsonb(NEW) ->> one <> '')
       OR NOT public.attribution_is_destroyed(tip) THEN
        RAISE EXCEPTION 'append-only: % can only be emptied when its tip is destroyed', TG_TABLE_NAME
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER only_erasure BEFORE UPDATE ON attribution_step
    FOR EACH ROW EXECUTE FUNCTION attribution_only_erasure('data');
"""
_NO_ERASURE = """
DROP TRIGGER only_erasure ON attribution_step;
DROP FUNCTION attribution_only_erasure(); DROP FUNCTION attribution_is_destroyed(bigint);
"""
# Who asks about a tip: they work for the unit that holds it now, or answer for that unit from above. As
# request_steps.posts_for; a role in another unit does not count, nor that the tip is seen.
_ASKS = """
CREATE FUNCTION attribution_asks_for(p_tip bigint) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT EXISTS (SELECT 1 FROM tips_tip t JOIN units_below b ON b.unit_id = t.unit_id
                   JOIN units_posts() p ON p.unit_id = b.ancestor_id
                   WHERE t.id = p_tip AND p.role IN ('triage-officer', 'investigator', 'commander')
                     AND (p.below OR p.unit_id = t.unit_id))
$$;
"""
_NO_ASKS = "DROP FUNCTION attribution_asks_for(bigint)"
_GUARD = """
CREATE FUNCTION attribution_guard_request() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    may_change CONSTANT text[] := ARRAY['state', 'checked_by_id', 'signed_by_id', 'sent_at', 'due_at', 'reminded_at',
                                        'ended_at'];
    ways CONSTANT text[] := ARRAY['draft checked', 'checked signed', 'signed sent', 'sent answered', 'sent refused',
                                  'refused answered', 'draft withdrawn', 'checked withdrawn', 'signed withdrawn',
                                  'sent withdrawn'];
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.state <> 'draft' OR NEW.checked_by_id IS NOT NULL OR NEW.signed_by_id IS NOT NULL
           OR NEW.sent_at IS NOT NULL OR NEW.due_at IS NOT NULL OR NEW.reminded_at IS NOT NULL
           OR NEW.ended_at IS NOT NULL THEN
            RAISE EXCEPTION 'a request begins as a draft' USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN NEW;
    END IF;
    IF TG_OP = 'UPDATE' AND NEW.body = '' AND (to_jsonb(NEW) - 'body') = (to_jsonb(OLD) - 'body')
       AND public.attribution_is_destroyed(OLD.tip_id) THEN
        RETURN NEW;
    END IF;
    IF TG_OP = 'DELETE' OR (to_jsonb(NEW) - may_change) <> (to_jsonb(OLD) - may_change) THEN
        RAISE EXCEPTION 'what a request says, and who drafted it, never changes' USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.state <> OLD.state AND NOT concat(OLD.state, ' ', NEW.state) = ANY (ways) THEN
        RAISE EXCEPTION 'a request cannot go from % to %', OLD.state, NEW.state USING ERRCODE = 'restrict_violation';
    END IF;
    -- Each name and time is written with its own step, and stays.
    IF NEW.checked_by_id IS DISTINCT FROM OLD.checked_by_id
       AND (concat(OLD.state, ' ', NEW.state) <> 'draft checked' OR NEW.checked_by_id = NEW.drafted_by_id)
       OR NEW.signed_by_id IS DISTINCT FROM OLD.signed_by_id AND concat(OLD.state, ' ', NEW.state) <> 'checked signed'
       OR (NEW.sent_at, NEW.due_at) IS DISTINCT FROM (OLD.sent_at, OLD.due_at)
       AND concat(OLD.state, ' ', NEW.state) <> 'signed sent'
       OR NEW.state = 'signed' AND NEW.signed_by_id IS NULL
       OR NEW.state = 'sent' AND (NEW.sent_at IS NULL OR NEW.due_at IS NULL)
       OR NEW.reminded_at IS DISTINCT FROM OLD.reminded_at AND NEW.state <> 'sent'
       OR NEW.ended_at IS DISTINCT FROM OLD.ended_at AND NEW.state NOT IN ('answered', 'refused', 'withdrawn') THEN
        RAISE EXCEPTION 'a name or a time is written with its own step' USING ERRCODE = 'restrict_violation';
    END IF;
    IF public.units_viewer() IS NOT NULL AND (
       NEW.checked_by_id IS DISTINCT FROM OLD.checked_by_id AND NEW.checked_by_id <> public.units_viewer()
       OR NEW.signed_by_id IS DISTINCT FROM OLD.signed_by_id AND NEW.signed_by_id <> public.units_viewer()) THEN
        RAISE EXCEPTION 'everybody compares and signs in their own name' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER attribution_guard_request BEFORE INSERT OR UPDATE OR DELETE ON attribution_request
    FOR EACH ROW EXECUTE FUNCTION attribution_guard_request();
CREATE TRIGGER attribution_keep_requests BEFORE TRUNCATE ON attribution_request
    FOR EACH STATEMENT EXECUTE FUNCTION custody_refuse_change();
"""
_UNGUARD = """
DROP TRIGGER attribution_keep_requests ON attribution_request;
DROP TRIGGER attribution_guard_request ON attribution_request; DROP FUNCTION attribution_guard_request();
"""


class Migration(migrations.Migration):
    dependencies = [("attribution", "0002_waiting"), ("custody", "0001_initial")]

    operations = [
        migrations.RunSQL(_ERASURE, _NO_ERASURE),
        migrations.RunSQL(_ASKS, _NO_ASKS),
        migrations.RunSQL(_GUARD, _UNGUARD),
        migrations.RunSQL(*never_removed_sql("attribution_step")),
    ]
