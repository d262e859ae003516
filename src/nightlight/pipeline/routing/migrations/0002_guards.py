# SPDX-License-Identifier: Apache-2.0
"""Tips wait to be placed when a sign may have changed; offers move forward only, each side by its own people."""

from django.db import migrations

from nightlight.trust.custody.append_only import append_only_sql

_APPEND_ONLY = ("routing_officersign", "routing_receipt", "routing_seal")
_DEFINER = "SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp"
# A tip that waits already is written anew: the step that has taken it meanwhile waits for us then, and sees what we did.
_AGAIN = "ON CONFLICT (tip_id) DO UPDATE SET tip_id = excluded.tip_id"
_WAIT = f"""
CREATE FUNCTION routing_wait() RETURNS trigger LANGUAGE plpgsql {_DEFINER} AS $$
BEGIN
    INSERT INTO routing_waiting (tip_id) VALUES (NEW.id) {_AGAIN};
    RETURN NULL;
END
$$;
CREATE TRIGGER routing_received AFTER INSERT OR UPDATE OF state ON tips_tip FOR EACH ROW
    WHEN (NEW.state = 'received') EXECUTE FUNCTION routing_wait();
CREATE TRIGGER routing_set_apart AFTER UPDATE OF set_apart ON tips_tip FOR EACH ROW
    WHEN (NEW.set_apart AND NOT OLD.set_apart) EXECUTE FUNCTION routing_wait();
CREATE FUNCTION routing_wait_for_tip() RETURNS trigger LANGUAGE plpgsql {_DEFINER} AS $$
BEGIN
    INSERT INTO routing_waiting (tip_id) VALUES (NEW.tip_id) {_AGAIN};
    RETURN NULL;
END
$$;
CREATE TRIGGER routing_found_out AFTER INSERT ON routing_officersign
    FOR EACH ROW EXECUTE FUNCTION routing_wait_for_tip();
-- Those that were here before.
INSERT INTO routing_waiting (tip_id) SELECT id FROM tips_tip WHERE state = 'received' ON CONFLICT DO NOTHING;
"""  # noqa: S608 - our own names
_UNWAIT = """
DROP TRIGGER routing_found_out ON routing_officersign; DROP FUNCTION routing_wait_for_tip();
DROP TRIGGER routing_set_apart ON tips_tip; DROP TRIGGER routing_received ON tips_tip; DROP FUNCTION routing_wait();
"""
# An offer is answered by people who hold a post in the unit it is for, not by those above it: a receipt says that the
# unit itself took it.
_WORKS_IN = f"""
CREATE FUNCTION routing_works_in(p_unit bigint) RETURNS boolean LANGUAGE sql STABLE {_DEFINER} AS $$
    SELECT EXISTS (SELECT 1 FROM units_posts() p WHERE p.unit_id = p_unit
                   AND p.role IN ('intake-analyst', 'triage-officer', 'investigator', 'victim-identification', 'commander'))
$$;
-- What a unit holds is handed on, and what it offered recalled, by those people and by who answers for it from above.
CREATE FUNCTION routing_hands_on(p_unit bigint) RETURNS boolean LANGUAGE sql STABLE {_DEFINER} AS $$
    SELECT routing_works_in(p_unit) OR EXISTS (
        SELECT 1 FROM units_posts() p JOIN units_below b ON b.ancestor_id = p.unit_id AND b.unit_id = p_unit
        WHERE p.role IN ('triage-officer', 'commander'))
$$;
-- Whether a unit has to do with a tip: it holds it, sees it, or was offered it and has not answered.
CREATE FUNCTION routing_concerned(p_tip bigint, p_unit bigint) RETURNS boolean LANGUAGE sql STABLE {_DEFINER} AS $$
    SELECT EXISTS (SELECT 1 FROM tips_tip t WHERE t.id = p_tip AND t.unit_id = p_unit)
        OR EXISTS (SELECT 1 FROM tips_share s WHERE s.tip_id = p_tip AND s.unit_id = p_unit AND s.until IS NULL)
        OR EXISTS (SELECT 1 FROM routing_offer o WHERE o.tip_id = p_tip AND o.to_unit_id = p_unit
                   AND o.state IN ('sent', 'delivered', 'opened'))
$$;
"""  # noqa: S608 - our own names
# People make an offer that is sent and no more, and give back what came to the unit last, to where it came from.
_NEW = f"""
CREATE FUNCTION routing_guard_new_offer() RETURNS trigger LANGUAGE plpgsql {_DEFINER} AS $$
DECLARE
    came routing_offer%ROWTYPE;
BEGIN
    IF units_viewer() IS NULL THEN
        RETURN NEW;
    END IF;
    IF NEW.state <> 'sent' OR NEW.automatic OR NEW.delivered_at IS NOT NULL OR NEW.opened_at IS NOT NULL
       OR NEW.answered_at IS NOT NULL OR NEW.reminded_at IS NOT NULL
       OR concat(NEW.answered_by, NEW.bounce_code, NEW.answer) <> '' OR NOT routing_hands_on(NEW.from_unit_id) THEN
        RAISE EXCEPTION 'an offer is made by the unit that holds the tip, and answered later'
        USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.given_back THEN
        SELECT * INTO came FROM routing_offer o WHERE o.tip_id = NEW.tip_id AND o.to_unit_id = NEW.from_unit_id
            AND o.kind = 'whole' AND o.state = 'accepted' AND NOT o.given_back ORDER BY o.answered_at DESC, o.id DESC LIMIT 1;
        IF NOT FOUND OR came.id IS DISTINCT FROM NEW.previous_id OR came.from_unit_id <> NEW.to_unit_id
           OR NEW.kind <> 'whole' OR NOT routing_works_in(NEW.from_unit_id) THEN
            RAISE EXCEPTION 'a tip is given back to the unit it came from' USING ERRCODE = 'restrict_violation';
        END IF;
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER routing_guard_new_offer AFTER INSERT ON routing_offer
    FOR EACH ROW EXECUTE FUNCTION routing_guard_new_offer();
-- By how much the clock of the unit that is asked stood, while an offer waited for its answer.
CREATE FUNCTION routing_stood(p_tip bigint, p_unit bigint, p_since timestamptz) RETURNS interval
LANGUAGE sql STABLE {_DEFINER} AS $$
    SELECT coalesce(sum(s.ended_at - greatest(s.at, p_since)), interval '0') FROM routing_stop s
    WHERE s.tip_id = p_tip AND s.unit_id = p_unit AND s.ended_at > p_since
$$;
"""  # noqa: S608 - our own names
_GUARD = """
CREATE FUNCTION routing_guard_offer() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    may_change CONSTANT text[] := ARRAY['state', 'delivered_at', 'opened_at', 'answered_at', 'answered_by',
                                        'bounce_code', 'answer', 'due_at', 'reminded_at'];
    steps CONSTANT text[] := ARRAY['sent', 'delivered', 'opened', 'accepted', 'bounced', 'recalled'];
    answered boolean;
BEGIN
    IF TG_OP = 'DELETE' OR (to_jsonb(NEW) - may_change) <> (to_jsonb(OLD) - may_change) THEN
        RAISE EXCEPTION 'what was offered, by whom and to whom never changes' USING ERRCODE = 'restrict_violation';
    END IF;
    IF OLD.state IN ('accepted', 'bounced', 'recalled') AND to_jsonb(NEW) <> to_jsonb(OLD)
       OR array_position(steps, NEW.state::text) < array_position(steps, OLD.state::text) THEN
        RAISE EXCEPTION 'an offer moves forward, and is answered once' USING ERRCODE = 'restrict_violation';
    END IF;
    IF public.units_viewer() IS NULL THEN
        RETURN NEW;
    END IF;
    answered := NEW.state <> OLD.state AND NEW.state IN ('accepted', 'bounced', 'recalled');
    -- Each in their own name, and each time when its step is taken.
    IF answered AND NEW.answered_by IS DISTINCT FROM public.units_actor()
       OR NOT answered AND (NEW.answered_at, NEW.answered_by, NEW.bounce_code, NEW.answer)
          IS DISTINCT FROM (OLD.answered_at, OLD.answered_by, OLD.bounce_code, OLD.answer)
       OR NEW.delivered_at IS DISTINCT FROM OLD.delivered_at
          AND (OLD.delivered_at IS NOT NULL OR NEW.state = OLD.state)
       OR NEW.opened_at IS DISTINCT FROM OLD.opened_at AND (OLD.opened_at IS NOT NULL OR NEW.state = OLD.state) THEN
        RAISE EXCEPTION 'an answer is given in one''s own name, and a time is noted once'
        USING ERRCODE = 'restrict_violation';
    END IF;
    -- A clock that stood for a stated reason gives that much more time, and nothing else does.
    IF NEW.due_at <> OLD.due_at AND (NOT public.routing_works_in(NEW.to_unit_id) OR
       NEW.due_at > OLD.due_at + public.routing_stood(NEW.tip_id, NEW.to_unit_id, NEW.sent_at)) THEN
        RAISE EXCEPTION 'an answer is due later only by as long as the clock stood' USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.state <> OLD.state THEN
        IF NEW.state = 'recalled' AND NOT public.routing_hands_on(NEW.from_unit_id)
           OR NEW.state IN ('delivered', 'opened', 'bounced') AND NOT public.routing_works_in(NEW.to_unit_id)
           OR NEW.state = 'accepted' AND NOT public.routing_works_in(
                  CASE WHEN NEW.given_back THEN NEW.from_unit_id ELSE NEW.to_unit_id END) THEN
            RAISE EXCEPTION 'an offer is answered by the unit it is for, and recalled by the unit that made it'
            USING ERRCODE = 'restrict_violation';
        END IF;
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER routing_guard_offer BEFORE UPDATE OR DELETE ON routing_offer
    FOR EACH ROW EXECUTE FUNCTION routing_guard_offer();
-- A receipt stands for an entry of the log that says the same; it opens that entry to both units (custody/rights.py).
CREATE FUNCTION routing_guard_receipt() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    about routing_offer%ROWTYPE;
BEGIN
    SELECT * INTO about FROM routing_offer WHERE id = NEW.offer_id;
    IF NOT EXISTS (
        SELECT 1 FROM tips_tip t JOIN custody_event e ON e.id = NEW.event AND e.kind = 'routing.' || NEW.kind
             AND e.actor = NEW."by" AND e.at = NEW.at AND e.subject = 'tip:' || t.public_id
             AND e.body::jsonb -> 'data' = NEW.data::jsonb AND NEW.data::jsonb ->> 'offer' = about.public_id
        WHERE t.id = about.tip_id) THEN
        RAISE EXCEPTION 'a receipt is for an entry of the log that says the same' USING ERRCODE = 'restrict_violation';
    END IF;
    -- People have receipts for the steps they took themselves, each side its own; what became of a tip the step notes.
    IF units_viewer() IS NOT NULL AND (CASE NEW.kind
        WHEN 'sent' THEN about.state = 'sent' AND about."by" = NEW."by" AND about.sent_at = NEW.at
        WHEN 'delivered' THEN about.delivered_at = NEW.at AND routing_works_in(about.to_unit_id)
        WHEN 'opened' THEN about.opened_at = NEW.at AND routing_works_in(about.to_unit_id)
        WHEN 'outcome' THEN false
        ELSE about.state = CASE NEW.kind WHEN 'given-back' THEN 'accepted' ELSE NEW.kind END
             AND about.given_back = (NEW.kind = 'given-back')
             AND about.answered_by = NEW."by" AND about.answered_at = NEW.at END) IS NOT TRUE THEN
        RAISE EXCEPTION 'a receipt is for a step that was taken' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER routing_guard_receipt AFTER INSERT ON routing_receipt
    FOR EACH ROW EXECUTE FUNCTION routing_guard_receipt();
-- A unit sees a tip of another once it is offered, and works on it once it accepts to: not because somebody says so.
CREATE FUNCTION routing_guard_share() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF units_viewer() IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM routing_offer o
        JOIN tips_tip t ON t.id = o.tip_id AND t.unit_id = o.from_unit_id AND NOT t.set_apart
        WHERE o.tip_id = NEW.tip_id AND o.to_unit_id = NEW.unit_id AND o.state IN ('sent', 'delivered', 'opened')
        AND CASE TG_OP WHEN 'INSERT' THEN NEW.kind = 'offered' AND NEW.until IS NULL
            ELSE o.kind IN ('part', 'joint') AND routing_works_in(NEW.unit_id) END) THEN
        RAISE EXCEPTION 'a unit sees a tip it is offered, and works on it once it accepts to'
        USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER routing_guard_share BEFORE UPDATE OF kind ON tips_share FOR EACH ROW
    WHEN (NEW.kind <> OLD.kind) EXECUTE FUNCTION routing_guard_share();
CREATE TRIGGER routing_guard_new_share AFTER INSERT ON tips_share
    FOR EACH ROW EXECUTE FUNCTION routing_guard_share();
CREATE FUNCTION routing_guard_stop() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR OLD.ended_at IS NOT NULL
       OR (to_jsonb(NEW) - 'ended_at' - 'ended_by') <> (to_jsonb(OLD) - 'ended_at' - 'ended_by')
       OR public.units_viewer() IS NOT NULL AND NEW.ended_by IS DISTINCT FROM public.units_actor() THEN
        RAISE EXCEPTION 'a clock that was stopped is let run again, and nothing else' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER routing_guard_stop BEFORE UPDATE OR DELETE ON routing_stop
    FOR EACH ROW EXECUTE FUNCTION routing_guard_stop();
"""
# The tip moves with the answer. Whoever accepts does not hold it yet, and whoever gives it back may not see it
# afterwards: so a function of the owner moves it, for an open offer of the whole tip, and for those people only.
_TAKE = f"""
CREATE FUNCTION routing_take(p_offer bigint) RETURNS boolean LANGUAGE plpgsql {_DEFINER} AS $$
DECLARE
    offered routing_offer%ROWTYPE;
BEGIN
    SELECT * INTO offered FROM routing_offer WHERE id = p_offer FOR UPDATE;
    IF NOT FOUND OR offered.kind <> 'whole' OR offered.state NOT IN ('sent', 'delivered', 'opened') THEN
        RETURN false;
    END IF;
    IF units_service() NOT IN ('command', 'routing', 'exchange') AND NOT routing_works_in(
           CASE WHEN offered.given_back THEN offered.from_unit_id ELSE offered.to_unit_id END) THEN
        RETURN false;
    END IF;
    UPDATE tips_tip SET unit_id = offered.to_unit_id
    WHERE id = offered.tip_id AND unit_id = offered.from_unit_id AND state <> 'open' AND NOT set_apart;
    RETURN FOUND;
END
$$;
"""  # noqa: S608 - our own names
# What a unit that handed tips over may still learn of them: where they are and how far they came, and no word of what
# is in them; of a sealed one nothing. A row for each tip the viewer does not see any more. A hand-over that was undone by
# giving the tip back is none: whoever gave it back in turn has no more to do with it.
_TRAIL = f"""
CREATE FUNCTION routing_followed(p_tips bigint[]) RETURNS SETOF bigint LANGUAGE sql STABLE {_DEFINER} ROWS 50 AS $$
    WITH reach AS MATERIALIZED (SELECT units_reach() AS id)
    SELECT DISTINCT o.tip_id FROM routing_offer o
    WHERE o.tip_id = ANY (p_tips) AND o.state = 'accepted' AND o.kind = 'whole' AND NOT o.given_back
      AND o.from_unit_id IN (SELECT id FROM reach)
      AND NOT EXISTS (SELECT 1 FROM routing_offer b WHERE b.tip_id = o.tip_id AND b.previous_id = o.id
                      AND b.given_back AND b.state = 'accepted')
      AND NOT EXISTS (SELECT 1 FROM routing_seal s WHERE s.tip_id = o.tip_id)
$$;
-- The key of such a tip, from what it is called: whoever handed it over does not see its row.
CREATE FUNCTION routing_key(p_tip text) RETURNS bigint LANGUAGE sql STABLE {_DEFINER} AS $$
    SELECT t.id FROM tips_tip t WHERE t.public_id = p_tip
    AND EXISTS (SELECT 1 FROM routing_followed(ARRAY[t.id]))
$$;
CREATE FUNCTION routing_trail(p_tips bigint[]) RETURNS TABLE (tip_id bigint, tip text, step int, kind text,
    from_unit text, to_unit text, to_kind text, state text, sent_at timestamptz, delivered_at timestamptz,
    opened_at timestamptz, answered_at timestamptz, due_at timestamptz, automatic boolean, given_back boolean)
LANGUAGE sql STABLE {_DEFINER} AS $$
    SELECT o.tip_id, t.public_id, (row_number() OVER (PARTITION BY o.tip_id ORDER BY o.sent_at, o.id))::int, o.kind,
           a.name, b.name, b.kind, o.state, o.sent_at, o.delivered_at, o.opened_at, o.answered_at, o.due_at,
           o.automatic, o.given_back
    FROM routing_offer o JOIN tips_tip t ON t.id = o.tip_id AND NOT t.set_apart
    JOIN units_unit a ON a.id = o.from_unit_id JOIN units_unit b ON b.id = o.to_unit_id
    WHERE o.tip_id = ANY (p_tips) AND o.tip_id IN (SELECT routing_followed(p_tips))
$$;
-- Where it is now, and how the work on it stands: open, put off or closed, and with which disposition.
CREATE FUNCTION routing_standing(p_tips bigint[]) RETURNS TABLE (tip_id bigint, unit text, unit_kind text, lane text,
    taken boolean, disposition text, closed_at timestamptz)
LANGUAGE sql STABLE {_DEFINER} AS $$
    SELECT t.id, u.name, u.kind, coalesce(s.lane, ''), s.holder_id IS NOT NULL,
           CASE WHEN s.lane = 'closed' THEN coalesce(c.disposition, '') ELSE '' END,
           CASE WHEN s.lane = 'closed' THEN c.at END
    FROM tips_tip t JOIN units_unit u ON u.id = t.unit_id
    LEFT JOIN triage_standing s ON s.tip_id = t.id
    LEFT JOIN LATERAL (SELECT k.disposition, k.at FROM triage_closure k WHERE k.tip_id = t.id
                       ORDER BY k.id DESC LIMIT 1) AS c ON true
    WHERE t.id = ANY (p_tips) AND NOT t.set_apart AND t.id IN (SELECT routing_followed(p_tips))
$$;
"""  # noqa: S608 - our own names
_BACK = """
DROP FUNCTION routing_standing(bigint[]); DROP FUNCTION routing_trail(bigint[]); DROP FUNCTION routing_key(text); DROP FUNCTION routing_followed(bigint[]);
DROP FUNCTION routing_take(bigint);
DROP TRIGGER routing_guard_stop ON routing_stop; DROP FUNCTION routing_guard_stop();
DROP TRIGGER routing_guard_new_share ON tips_share; DROP TRIGGER routing_guard_share ON tips_share; DROP FUNCTION routing_guard_share();
DROP TRIGGER routing_guard_receipt ON routing_receipt; DROP FUNCTION routing_guard_receipt();
DROP TRIGGER routing_guard_offer ON routing_offer; DROP FUNCTION routing_guard_offer();
DROP TRIGGER routing_guard_new_offer ON routing_offer; DROP FUNCTION routing_guard_new_offer();
DROP FUNCTION routing_stood(bigint, bigint, timestamptz); DROP FUNCTION routing_concerned(bigint, bigint);
DROP FUNCTION routing_hands_on(bigint); DROP FUNCTION routing_works_in(bigint);
"""


class Migration(migrations.Migration):
    dependencies = [("routing", "0001_tables"), ("triage", "0004_failed_and_counted"), ("tips", "0008_shares")]
    operations = [
        *(migrations.RunSQL(*append_only_sql(table)) for table in _APPEND_ONLY),
        migrations.RunSQL(_WAIT, _UNWAIT),
        migrations.RunSQL(_WORKS_IN + _NEW + _GUARD + _TAKE + _TRAIL, _BACK),
    ]
