# SPDX-License-Identifier: Apache-2.0
"""When operators stop keeping the records that a tip's addresses would be answered from: a clock of the tip."""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models

_DEFINER = "LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp"
# As in 0002: written anew, so that a step that has taken it meanwhile waits, and sees what we did.
_WAIT = f"""
CREATE FUNCTION triage_wait_for_ended() RETURNS trigger {_DEFINER} AS $$
BEGIN
    INSERT INTO triage_waiting (tip_id) VALUES (OLD.tip_id)
    ON CONFLICT (tip_id) DO UPDATE SET tip_id = excluded.tip_id;
    RETURN NULL;
END
$$;
CREATE TRIGGER triage_records_end AFTER INSERT ON triage_recordsend
    FOR EACH ROW EXECUTE FUNCTION triage_wait_for_tip();
CREATE TRIGGER triage_records_end_other AFTER UPDATE ON triage_recordsend FOR EACH ROW
    WHEN (NEW.ends IS DISTINCT FROM OLD.ends) EXECUTE FUNCTION triage_wait_for_tip();
CREATE TRIGGER triage_records_end_gone AFTER DELETE ON triage_recordsend
    FOR EACH ROW EXECUTE FUNCTION triage_wait_for_ended();
"""  # noqa: S608 - our own names
_UNWAIT = """
DROP TRIGGER triage_records_end_gone ON triage_recordsend;
DROP TRIGGER triage_records_end_other ON triage_recordsend;
DROP TRIGGER triage_records_end ON triage_recordsend;
DROP FUNCTION triage_wait_for_ended();
"""


class Migration(migrations.Migration):
    dependencies = [("triage", "0005_told")]

    operations = [
        migrations.CreateModel(
            name="RecordsEnd",
            fields=[
                (
                    "tip",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="tips.tip",
                    ),
                ),
                ("ends", django.contrib.postgres.fields.ArrayField(base_field=models.DateTimeField(), size=None)),
                ("told_at", models.DateTimeField()),
            ],
            options={"db_table": "triage_recordsend"},
        ),
        migrations.RunSQL(_WAIT, _UNWAIT),
    ]
