# SPDX-License-Identifier: Apache-2.0
"""Tips wait to be linked when they come, when their files were looked up, and when somebody in them was cleared."""

from django.db import migrations

from nightlight.trust.custody.append_only import append_only_sql

# A tip that waits already is written anew: the step that has taken it meanwhile waits for us then, and sees what we did.
_AGAIN = "ON CONFLICT (tip_id) DO UPDATE SET tip_id = excluded.tip_id"
_WAIT = f"""
CREATE FUNCTION linking_wait() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    INSERT INTO linking_waiting (tip_id) VALUES (NEW.id) {_AGAIN};
    RETURN NULL;
END
$$;
CREATE TRIGGER linking_received AFTER INSERT OR UPDATE OF state ON tips_tip FOR EACH ROW
    WHEN (NEW.state = 'received') EXECUTE FUNCTION linking_wait();
-- Of a report taken back, or of somebody cleared, nothing links any more.
CREATE TRIGGER linking_taken_back AFTER UPDATE OF state, set_apart ON tips_tip FOR EACH ROW
    WHEN (OLD.state = 'received' AND NEW.state <> 'received' OR NEW.set_apart AND NOT OLD.set_apart)
    EXECUTE FUNCTION linking_wait();
CREATE FUNCTION linking_wait_for_part() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    INSERT INTO linking_waiting (tip_id)
    SELECT id FROM tips_tip WHERE public_id = substr(NEW.subject, 5) AND starts_with(NEW.subject, 'tip:')
    {_AGAIN};
    RETURN NULL;
END
$$;
CREATE TRIGGER linking_cleared AFTER INSERT ON retention_apart FOR EACH ROW EXECUTE FUNCTION linking_wait_for_part();
CREATE FUNCTION linking_wait_for_files() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    INSERT INTO linking_waiting (tip_id) VALUES (NEW.tip_id) {_AGAIN};
    RETURN NULL;
END
$$;
CREATE TRIGGER linking_looked_up AFTER UPDATE OF finished_at ON matching_progress FOR EACH ROW
    WHEN (NEW.finished_at IS NOT NULL AND NEW.files > 0) EXECUTE FUNCTION linking_wait_for_files();
-- Of a report that was destroyed nothing is kept here either.
CREATE TRIGGER linking_destroyed AFTER UPDATE OF key_part ON tips_document FOR EACH ROW
    WHEN (NEW.key_part = '' AND OLD.key_part <> '') EXECUTE FUNCTION linking_wait_for_files();
-- What an officer decides is carried out when the tips of the pair are linked next; for a value, any tip that has it.
CREATE FUNCTION linking_wait_for_decision() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    INSERT INTO linking_waiting (tip_id)
    SELECT tip_id FROM linking_subject WHERE id IN (NEW.first_id, NEW.second_id)
    UNION (SELECT tip_id FROM linking_sighting WHERE identifier_id = NEW.identifier_id LIMIT 1)
    ORDER BY tip_id
    {_AGAIN};
    RETURN NULL;
END
$$;
CREATE TRIGGER linking_decided AFTER INSERT ON linking_decision
    FOR EACH ROW EXECUTE FUNCTION linking_wait_for_decision();
-- How large a person is, whoever asks: two numbers, and nothing of the tips they do not see.
CREATE FUNCTION linking_person_size(wanted bigint, OUT subjects bigint, OUT tips bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT count(*), count(DISTINCT tip_id) FROM linking_subject WHERE person = wanted AND NOT gone
$$;
-- Those that were here before.
INSERT INTO linking_waiting (tip_id) SELECT id FROM tips_tip WHERE state = 'received' ON CONFLICT DO NOTHING;
"""  # noqa: S608 - our own words
_UNWAIT = """
DROP FUNCTION linking_person_size(bigint);
DROP TRIGGER linking_decided ON linking_decision; DROP FUNCTION linking_wait_for_decision();
DROP TRIGGER linking_destroyed ON tips_document;
DROP TRIGGER linking_looked_up ON matching_progress; DROP FUNCTION linking_wait_for_files();
DROP TRIGGER linking_cleared ON retention_apart; DROP FUNCTION linking_wait_for_part();
DROP TRIGGER linking_taken_back ON tips_tip; DROP TRIGGER linking_received ON tips_tip; DROP FUNCTION linking_wait();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("linking", "0001_tables"),
        ("matching", "0003_guards"),
        ("retention", "0001_initial"),
    ]
    operations = [
        migrations.RunSQL(*append_only_sql("linking_decision")),
        migrations.RunSQL(_WAIT, _UNWAIT),
    ]
