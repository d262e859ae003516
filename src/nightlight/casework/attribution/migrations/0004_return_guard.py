# SPDX-License-Identifier: Apache-2.0
"""A return stays as it came; only the worker writes what it answers. Layouts, findings and wrong doors are only added."""

from django.db import migrations

from nightlight.trust.custody.append_only import append_only_sql, never_removed_sql

_GUARD = """
CREATE FUNCTION attribution_guard_return() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    erased CONSTANT text[] := ARRAY['name', 'counts', 'answers', 'proposal', 'bad', 'password_closed',
                                    'password_key_part', 'state', 'problem'];  -- with its tip: see destroying.py
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.state <> 'received' OR NEW.answers <> '' OR NEW.counts <> '' OR NEW.disclosed IS NOT NULL
           OR NEW.read_at IS NOT NULL OR NEW.bad IS NOT NULL THEN
            RAISE EXCEPTION 'a return comes in unread' USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN NEW;
    END IF;
    IF TG_OP = 'UPDATE' AND (to_jsonb(NEW) - erased) = (to_jsonb(OLD) - erased) AND NEW.name = '' AND NEW.counts = ''
       AND NEW.answers = '' AND NEW.proposal = '' AND NEW.bad IS NULL AND NEW.password_closed = ''
       AND NEW.password_key_part = '' AND (NEW.state = OLD.state OR NEW.state = 'damaged' AND OLD.state <> 'read')
       AND public.attribution_is_destroyed((SELECT r.tip_id FROM public.attribution_request r WHERE r.id = OLD.request_id))
    THEN
        RETURN NEW;
    END IF;
    IF TG_OP = 'DELETE' OR (NEW.public_id, NEW.request_id, NEW.item, NEW.name, NEW.size, NEW.sha256, NEW.clock_error,
                            NEW.by_id, NEW.at)
                           IS DISTINCT FROM (OLD.public_id, OLD.request_id, OLD.item, OLD.name, OLD.size, OLD.sha256,
                                             OLD.clock_error, OLD.by_id, OLD.at) THEN
        RAISE EXCEPTION 'a return stays as it came' USING ERRCODE = 'restrict_violation';
    END IF;
    IF (NEW.state = 'read') <> (NEW.read_at IS NOT NULL) AND NEW.state <> 'received'
       OR NEW.state = 'read' AND NEW.counts = '' THEN
        RAISE EXCEPTION 'a return that was read says what was in it' USING ERRCODE = 'restrict_violation';
    END IF;
    IF public.units_viewer() IS NOT NULL AND (NEW.state <> 'received' OR OLD.state = 'received') THEN
        RAISE EXCEPTION 'a person asks for a return to be read; the worker reads it'
        USING ERRCODE = 'restrict_violation';
    END IF;
    IF OLD.state = 'read' AND NEW.state <> 'read'
       AND EXISTS (SELECT 1 FROM public.attribution_finding f WHERE f.request_id = OLD.request_id) THEN
        RAISE EXCEPTION 'a finding rests on this return' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER attribution_guard_return BEFORE INSERT OR UPDATE OR DELETE ON attribution_return
    FOR EACH ROW EXECUTE FUNCTION attribution_guard_return();
CREATE TRIGGER attribution_keep_returns BEFORE TRUNCATE ON attribution_return
    FOR EACH STATEMENT EXECUTE FUNCTION custody_refuse_change();
"""
_BACK = """
DROP TRIGGER attribution_keep_returns ON attribution_return;
DROP TRIGGER attribution_guard_return ON attribution_return; DROP FUNCTION attribution_guard_return();
"""
_ERASURE = """
CREATE TRIGGER only_erasure BEFORE UPDATE ON attribution_finding
    FOR EACH ROW EXECUTE FUNCTION attribution_only_erasure('subscriber', 'body');
CREATE TRIGGER only_erasure BEFORE UPDATE ON attribution_wrongdoor
    FOR EACH ROW EXECUTE FUNCTION attribution_only_erasure('note');
"""
_NO_ERASURE = """
DROP TRIGGER only_erasure ON attribution_wrongdoor; DROP TRIGGER only_erasure ON attribution_finding;
"""


class Migration(migrations.Migration):
    dependencies = [("attribution", "0003_request_guard"), ("custody", "0001_initial")]

    operations = [
        migrations.RunSQL(_GUARD, _BACK),
        migrations.RunSQL(*append_only_sql("attribution_layout")),
        migrations.RunSQL(_ERASURE, _NO_ERASURE),
        *(migrations.RunSQL(*never_removed_sql(table)) for table in ("attribution_finding", "attribution_wrongdoor")),
    ]
