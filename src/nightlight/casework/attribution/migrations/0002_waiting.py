# SPDX-License-Identifier: Apache-2.0
"""Triggers that put a tip into the list of those whose addresses are to be labelled."""

from django.db import migrations

_DEFINER = "SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp"
# As in routing: written anew, so that a step that has taken it meanwhile waits, and sees what we did.
_AGAIN = "ON CONFLICT (tip_id) DO UPDATE SET tip_id = excluded.tip_id"
_WAIT = f"""
CREATE FUNCTION attribution_wait() RETURNS trigger LANGUAGE plpgsql {_DEFINER} AS $$
BEGIN
    INSERT INTO attribution_waiting (tip_id) VALUES (NEW.id) {_AGAIN};
    RETURN NULL;
END
$$;
CREATE TRIGGER attribution_received AFTER INSERT OR UPDATE OF state ON tips_tip FOR EACH ROW
    WHEN (NEW.state = 'received') EXECUTE FUNCTION attribution_wait();
CREATE TRIGGER attribution_set_apart AFTER UPDATE OF set_apart ON tips_tip FOR EACH ROW
    WHEN (NEW.set_apart <> OLD.set_apart) EXECUTE FUNCTION attribution_wait();
CREATE TRIGGER attribution_taken_back AFTER UPDATE OF state ON tips_tip FOR EACH ROW
    WHEN (OLD.state = 'received' AND NEW.state <> 'received') EXECUTE FUNCTION attribution_wait();
CREATE FUNCTION attribution_wait_for_tip() RETURNS trigger LANGUAGE plpgsql {_DEFINER} AS $$
BEGIN
    INSERT INTO attribution_waiting (tip_id) VALUES (NEW.tip_id) {_AGAIN};
    RETURN NULL;
END
$$;
CREATE TRIGGER attribution_destroyed AFTER UPDATE OF key_part ON tips_document FOR EACH ROW
    WHEN (NEW.key_part = '' AND OLD.key_part <> '') EXECUTE FUNCTION attribution_wait_for_tip();
CREATE TRIGGER attribution_added_to AFTER INSERT ON tips_document FOR EACH ROW
    WHEN (NEW.kind = 'addition') EXECUTE FUNCTION attribution_wait_for_tip();
CREATE FUNCTION attribution_wait_for_part() RETURNS trigger LANGUAGE plpgsql {_DEFINER} AS $$
BEGIN
    INSERT INTO attribution_waiting (tip_id)
    SELECT id FROM tips_tip WHERE public_id = substr(NEW.subject, 5) AND starts_with(NEW.subject, 'tip:') {_AGAIN};
    RETURN NULL;
END
$$;
CREATE TRIGGER attribution_cleared AFTER INSERT ON retention_apart
    FOR EACH ROW EXECUTE FUNCTION attribution_wait_for_part();
-- What is put there once more is tried at once, however often it failed.
CREATE TRIGGER attribution_waits_anew BEFORE UPDATE OF tip_id ON attribution_waiting
    FOR EACH ROW EXECUTE FUNCTION linking_waits_anew();
-- For those who run the installation, who see no tip: how many defeat the step, with which error, and since when.
CREATE FUNCTION attribution_defeated(OUT why text, OUT tips bigint, OUT since timestamptz)
RETURNS SETOF record LANGUAGE sql STABLE {_DEFINER} AS $$
    SELECT w.why::text, count(*), min(w.failed_since) FROM attribution_waiting w
    WHERE w.failed_times > 0 AND units_has_role('administrator', 'auditor')
    GROUP BY 1 ORDER BY 3, 1
$$;
-- Those that were here before.
INSERT INTO attribution_waiting (tip_id) SELECT id FROM tips_tip WHERE state = 'received' ON CONFLICT DO NOTHING;
"""  # noqa: S608 - our own names
_UNWAIT = """
DROP FUNCTION attribution_defeated(); DROP TRIGGER attribution_waits_anew ON attribution_waiting;
DROP TRIGGER attribution_cleared ON retention_apart; DROP FUNCTION attribution_wait_for_part();
DROP TRIGGER attribution_added_to ON tips_document; DROP TRIGGER attribution_destroyed ON tips_document;
DROP FUNCTION attribution_wait_for_tip(); DROP TRIGGER attribution_taken_back ON tips_tip;
DROP TRIGGER attribution_set_apart ON tips_tip; DROP TRIGGER attribution_received ON tips_tip;
DROP FUNCTION attribution_wait();
"""


class Migration(migrations.Migration):
    dependencies = [("attribution", "0001_tables"), ("retention", "0001_initial"), ("linking", "0004_failed_and_heard")]

    operations = [migrations.RunSQL(_WAIT, _UNWAIT)]
