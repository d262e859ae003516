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
-- Those that were here before.
INSERT INTO attribution_waiting (tip_id) SELECT id FROM tips_tip WHERE state = 'received' ON CONFLICT DO NOTHING;
"""  # noqa: S608 - our own names
_UNWAIT = """
DROP TRIGGER attribution_received ON tips_tip; DROP FUNCTION attribution_wait();
"""


class Migration(migrations.Migration):
    dependencies = [("attribution", "0001_tables")]

    operations = [migrations.RunSQL(_WAIT, _UNWAIT)]
