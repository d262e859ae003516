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
        migrations.RunSQL(_MEMBER, "DROP FUNCTION matching_member()"),
    ]
