# SPDX-License-Identifier: Apache-2.0
"""Who sees an item and a blob, as functions that row security asks."""

from django.db import migrations

# Each asks tables that have row security of their own, which holds in here as well. As functions, because what lies
# below (files, tips, units, imports) would otherwise be planned anew with each statement, and doubly with each step.
# Names with their schema: a table somebody makes for the session never stands in for ours.
_SEEN = """
CREATE FUNCTION evidence_item_seen(p_item bigint) RETURNS boolean LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
BEGIN
    RETURN EXISTS (SELECT 1 FROM public.tips_tipfile f WHERE f.item_id = p_item)
        OR EXISTS (SELECT 1 FROM public.tips_importupload u WHERE u.item_id = p_item);
END
$$;
CREATE FUNCTION evidence_blob_seen(p_blob bigint) RETURNS boolean LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
BEGIN
    RETURN EXISTS (SELECT 1 FROM public.evidence_item i WHERE i.blob_id = p_blob);
END
$$;
"""
_UNSEEN = "DROP FUNCTION evidence_blob_seen(bigint) CASCADE; DROP FUNCTION evidence_item_seen(bigint) CASCADE;"


class Migration(migrations.Migration):
    dependencies = [("evidence", "0002_closed_names")]
    operations = [migrations.RunSQL(_SEEN, _UNSEEN)]
