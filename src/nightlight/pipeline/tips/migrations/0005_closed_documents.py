# SPDX-License-Identifier: Apache-2.0
"""Documents are closed, those of earlier versions too; what may be shown of them has a table of its own."""

import django.db.models.deletion
from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from nightlight.trust.sealed.keys import current_sealer

_ALL = """
SELECT d.id, t.public_id, d.kind, d.file_id, d.body FROM tips_document d JOIN tips_tip t ON t.id = d.tip_id
WHERE d.id > %s ORDER BY d.id LIMIT 500
"""


def _close(_apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("ALTER TABLE tips_document DISABLE TRIGGER append_only")
        last = 0
        while True:
            cursor.execute(_ALL, [last])
            rows = cursor.fetchall()
            if not rows:
                break
            for key, tip, kind, file_id, found in rows:
                body = bytes(found)
                closed, part = body, b""
                if kind != "receipt":
                    # The place is that of tips/closing.py, written out: a migration does not change.
                    sealed = current_sealer().seal(body, f"document\n{tip}\n{kind}\n{file_id}".encode())
                    closed, part = sealed.body, sealed.key_part
                cursor.execute(
                    "UPDATE tips_document SET body = %s, key_part = %s, size = %s WHERE id = %s",
                    [closed, part, len(body), key],
                )
            last = rows[-1][0]
        cursor.execute("ALTER TABLE tips_document ENABLE TRIGGER append_only")
        # Everything that was read is read anew, so that pages have what they may show.
        cursor.execute(
            "INSERT INTO tips_unread (tip_id) SELECT id FROM tips_tip WHERE state <> 'open' ON CONFLICT DO NOTHING"
        )


class Migration(migrations.Migration):
    dependencies = [("tips", "0004_units_and_rows"), ("sealed", "0001_initial")]
    operations = [
        migrations.AddField("document", "key_part", models.BinaryField(db_default=b"")),
        migrations.AddField("document", "size", models.IntegerField(default=0), preserve_default=False),
        migrations.CreateModel(
            name="Shown",
            fields=[
                (
                    "tip",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="shown",
                        serialize=False,
                        to="tips.tip",
                    ),
                ),
                ("version", models.IntegerField()),
                ("body", models.TextField()),
            ],
        ),
        migrations.RunPython(_close, migrations.RunPython.noop),
    ]
