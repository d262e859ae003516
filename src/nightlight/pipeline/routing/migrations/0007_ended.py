# SPDX-License-Identifier: Apache-2.0
"""Stops of a unit that has nothing to do with a tip any more end; whether a tip was destroyed is known to pages."""

from django.db import migrations

_DEFINER = "SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp"
# Whoever accepts a tip, or recalls an offer, reaches not the unit whose clock stood: so a function of the owner ends the
# stops. It ends none of a unit that holds the tip, works on it or is asked to: calling it does no harm.
_END = f"""
CREATE FUNCTION routing_end_stops(p_tip bigint, p_by text, p_at timestamptz)
RETURNS TABLE (unit text, reason text, stood bigint) LANGUAGE sql VOLATILE {_DEFINER} AS $$
    UPDATE routing_stop s SET ended_at = greatest(p_at, s.at), ended_by = coalesce(units_actor(), p_by)
    FROM units_unit u
    WHERE u.id = s.unit_id AND s.tip_id = p_tip AND s.ended_at IS NULL
      AND NOT EXISTS (SELECT 1 FROM tips_tip t WHERE t.id = p_tip AND t.unit_id = s.unit_id)
      AND NOT EXISTS (SELECT 1 FROM tips_share h WHERE h.tip_id = p_tip AND h.unit_id = s.unit_id AND h.until IS NULL)
      AND NOT EXISTS (SELECT 1 FROM routing_offer o WHERE o.tip_id = p_tip AND o.to_unit_id = s.unit_id
                      AND o.state IN ('sent', 'delivered', 'opened'))
    RETURNING u.public_id, s.reason, greatest(0, extract(epoch FROM s.ended_at - s.at))::bigint
$$;
-- Pages have no right to the keys, and need not: only whether they are gone.
CREATE FUNCTION routing_destroyed(p_tip bigint) RETURNS boolean LANGUAGE sql STABLE {_DEFINER} AS $$
    SELECT EXISTS (SELECT 1 FROM tips_document d WHERE d.tip_id = p_tip AND d.key_part = '' AND d.kind <> 'receipt')
$$;
"""  # noqa: S608 - our own names
_BACK = "DROP FUNCTION routing_destroyed(bigint); DROP FUNCTION routing_end_stops(bigint, text, timestamptz);"


class Migration(migrations.Migration):
    dependencies = [("routing", "0006_told"), ("tips", "0009_telling")]
    operations = [migrations.RunSQL(_END, _BACK)]
