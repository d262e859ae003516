# SPDX-License-Identifier: Apache-2.0
"""Received tips wait to be looked up; what a list once said stays; of a file destroyed nothing worked out remains."""

from django.db import migrations

from nightlight.trust.custody.append_only import append_only_sql

_APPEND_ONLY = ("matching_badrow", "matching_entrychange", "matching_feedback", "matching_feedbackanswer")
_WAIT = """
CREATE FUNCTION matching_wait() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO matching_waiting (tip_id) VALUES (NEW.id) ON CONFLICT DO NOTHING;
    RETURN NULL;
END
$$;
CREATE TRIGGER matching_wait AFTER INSERT OR UPDATE OF state ON tips_tip FOR EACH ROW
    WHEN (NEW.state = 'received') EXECUTE FUNCTION matching_wait();
-- Those that were here before.
INSERT INTO matching_waiting (tip_id) SELECT id FROM tips_tip WHERE state = 'received' ON CONFLICT DO NOTHING;
"""
_UNWAIT = "DROP TRIGGER matching_wait ON tips_tip; DROP FUNCTION matching_wait();"
# Whoever writes an entry cannot forget to say when: an index that missed a change would miss a match.
_STAMP = """
CREATE FUNCTION matching_stamp() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.transaction := pg_current_xact_id()::text::bigint;
    RETURN NEW;
END
$$;
CREATE TRIGGER matching_stamp BEFORE UPDATE ON matching_entry FOR EACH ROW EXECUTE FUNCTION matching_stamp();
CREATE FUNCTION matching_keep_entry() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'an entry is withdrawn, never removed' USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER matching_keep_entry BEFORE DELETE ON matching_entry FOR EACH ROW EXECUTE FUNCTION matching_keep_entry();
"""
_UNSTAMP = """
DROP TRIGGER matching_keep_entry ON matching_entry; DROP FUNCTION matching_keep_entry();
DROP TRIGGER matching_stamp ON matching_entry; DROP FUNCTION matching_stamp();
"""
# The key of destroyed bytes is erased by retention, which knows nothing of fingerprints: a fingerprint is a copy of
# what the file shows, however small, and goes with it.
_FORGET = """
CREATE FUNCTION matching_forget() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    DELETE FROM matching_pair WHERE file_id = OLD.blob_id;
    DELETE FROM matching_frame WHERE blob_id = OLD.blob_id;
    DELETE FROM matching_near WHERE blob_id = OLD.blob_id OR other_id = OLD.blob_id;
    DELETE FROM matching_match WHERE blob_id = OLD.blob_id;
    DELETE FROM matching_sighting WHERE blob_id = OLD.blob_id;
    DELETE FROM matching_fingerprint WHERE blob_id = OLD.blob_id;
    RETURN NULL;
END
$$;
CREATE TRIGGER matching_forget AFTER DELETE ON evidence_blob_key FOR EACH ROW EXECUTE FUNCTION matching_forget();
"""
_UNFORGET = "DROP TRIGGER matching_forget ON evidence_blob_key; DROP FUNCTION matching_forget();"
# Whom a court or an officer cleared is matched with nothing any more: of a tip set apart nothing is counted, and those
# that came with the same or a like file are told anew.
_APART = """
CREATE FUNCTION matching_apart() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    files bigint[];
BEGIN
    SELECT array_agg(i.blob_id) INTO files FROM tips_tipfile f JOIN evidence_item i ON i.id = f.item_id
    WHERE f.tip_id = NEW.id;
    DELETE FROM matching_waiting WHERE tip_id = NEW.id;
    DELETE FROM matching_sighting WHERE blob_id = ANY (files);
    INSERT INTO matching_waiting (tip_id)
    SELECT DISTINCT t.id FROM tips_tip t JOIN tips_tipfile f ON f.tip_id = t.id JOIN evidence_item i ON i.id = f.item_id
    WHERE t.state = 'received' AND NOT t.set_apart AND i.blob_id IN (
        SELECT unnest(files)
        UNION SELECT n.other_id FROM matching_near n WHERE n.blob_id = ANY (files)
        UNION SELECT n.blob_id FROM matching_near n WHERE n.other_id = ANY (files))
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END
$$;
CREATE TRIGGER matching_apart AFTER UPDATE OF set_apart ON tips_tip FOR EACH ROW
    WHEN (NEW.set_apart AND NOT OLD.set_apart) EXECUTE FUNCTION matching_apart();
"""
_UNAPART = "DROP TRIGGER matching_apart ON tips_tip; DROP FUNCTION matching_apart();"
# Decoding takes a while: bytes that were destroyed meanwhile leave no fingerprint behind.
_HOLD = """
CREATE FUNCTION matching_hold() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM 1 FROM evidence_blob_key WHERE blob_id = NEW.blob_id FOR KEY SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the bytes were destroyed' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER matching_hold BEFORE INSERT OR UPDATE ON matching_fingerprint FOR EACH ROW
    WHEN (NEW.why = '') EXECUTE FUNCTION matching_hold();
"""
_UNHOLD = "DROP TRIGGER matching_hold ON matching_fingerprint; DROP FUNCTION matching_hold();"
# A partner acts as the service "sharing:<key of the member>" (see trust/identity.py).
_MEMBER = r"""
CREATE FUNCTION matching_member() RETURNS bigint LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT substring(units_service() FROM '^sharing:([0-9]+)$')::bigint
$$;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("matching", "0002_tables"),
        ("tips", "0007_counted_by_index"),
        ("evidence", "0003_who_sees"),
        ("units", "0002_posts_of_earlier_roles"),
    ]
    operations = [
        *(migrations.RunSQL(*append_only_sql(table)) for table in _APPEND_ONLY),
        migrations.RunSQL(_WAIT, _UNWAIT),
        migrations.RunSQL(_STAMP, _UNSTAMP),
        migrations.RunSQL(_FORGET, _UNFORGET),
        migrations.RunSQL(_APART, _UNAPART),
        migrations.RunSQL(_HOLD, _UNHOLD),
        migrations.RunSQL(_MEMBER, "DROP FUNCTION matching_member()"),
    ]
