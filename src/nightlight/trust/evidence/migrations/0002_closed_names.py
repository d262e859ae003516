# SPDX-License-Identifier: Apache-2.0
"""Names of files are closed, those of earlier versions too: a file name can hold anything, a child's name included."""

from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from nightlight.trust.sealed.keys import current_sealer


def _close(_apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("ALTER TABLE evidence_item DISABLE TRIGGER append_only")
        cursor.execute("SELECT id, public_id, name_as_sent FROM evidence_item WHERE name_as_sent <> ''")
        for key, public_id, name in cursor.fetchall():
            # The place is that of evidence/names.py, written out: a migration does not change.
            closed = current_sealer().seal(name.encode(), f"name\n{public_id}".encode())
            cursor.execute(
                "UPDATE evidence_item SET name_closed = %s, name_key_part = %s WHERE id = %s",
                [closed.body, closed.key_part, key],
            )
        cursor.execute("ALTER TABLE evidence_item ENABLE TRIGGER append_only")


class Migration(migrations.Migration):
    dependencies = [("evidence", "0001_initial"), ("sealed", "0001_initial")]
    operations = [
        migrations.AddField("item", "name_closed", models.BinaryField(db_default=b"")),
        migrations.AddField("item", "name_key_part", models.BinaryField(db_default=b"")),
        migrations.RunPython(_close, migrations.RunPython.noop),
        migrations.RemoveField("item", "name_as_sent"),
    ]
