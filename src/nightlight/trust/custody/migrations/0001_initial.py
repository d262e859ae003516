# SPDX-License-Identifier: Apache-2.0
"""The custody tables, the note of what has no place yet, and the refusal of every change but adding."""

from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models

from nightlight.trust.custody.append_only import DROP_REFUSE_CHANGE, REFUSE_CHANGE, append_only_sql

# The tree takes the hash from here and can never give it back, so the database computes it once more.
HASH_IS_OF_BODY = """
ALTER TABLE custody_event ADD CONSTRAINT custody_event_hash_is_of_body
CHECK (leaf_hash = sha256('\\x00'::bytea || convert_to(body, 'UTF8')))
"""
NOTE_PENDING = """
CREATE FUNCTION custody_note_pending() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO custody_pending (event_id) VALUES (NEW.id);
    RETURN NULL;
END
$$;
CREATE TRIGGER note_pending AFTER INSERT ON custody_event
FOR EACH ROW EXECUTE FUNCTION custody_note_pending()
"""
FORGET_NOTE_PENDING = """
DROP TRIGGER note_pending ON custody_event;
DROP FUNCTION custody_note_pending()
"""


class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = [
        migrations.CreateModel(
            name="Event",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("at", models.DateTimeField()),
                ("kind", models.TextField()),
                ("actor", models.TextField()),
                ("subject", models.TextField()),
                ("body", models.TextField()),
                ("leaf_hash", models.BinaryField()),
            ],
            options={
                "db_table": "custody_event",
                "indexes": [
                    models.Index(fields=["subject", "id"], name="custody_event_subject"),
                    models.Index(fields=["kind", "id"], name="custody_event_kind"),
                    models.Index(fields=["actor", "id"], name="custody_event_actor"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Pending",
            fields=[
                (
                    "event",
                    models.OneToOneField(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        serialize=False,
                        to="custody.event",
                    ),
                ),
            ],
            options={"db_table": "custody_pending"},
        ),
        migrations.CreateModel(
            name="Leaf",
            fields=[
                ("position", models.BigIntegerField(primary_key=True, serialize=False)),
                (
                    "event",
                    models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, to="custody.event"),
                ),
                ("hash", models.BinaryField()),
            ],
            options={"db_table": "custody_leaf"},
        ),
        migrations.CreateModel(
            name="Subtree",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "level", "index", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("level", models.SmallIntegerField()),
                ("index", models.BigIntegerField()),
                ("hash", models.BinaryField()),
            ],
            options={"db_table": "custody_subtree"},
        ),
        migrations.CreateModel(
            name="TreeHead",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("size", models.BigIntegerField(unique=True)),
                ("root", models.BinaryField()),
                ("note", models.TextField()),
                ("at", models.DateTimeField()),
            ],
            options={"db_table": "custody_tree_head"},
        ),
        migrations.RunSQL(HASH_IS_OF_BODY, "ALTER TABLE custody_event DROP CONSTRAINT custody_event_hash_is_of_body"),
        migrations.RunSQL(NOTE_PENDING, FORGET_NOTE_PENDING),
        migrations.RunSQL(REFUSE_CHANGE, DROP_REFUSE_CHANGE),
        # Written out, so that a table added to the list later does not change what this migration did.
        migrations.RunSQL(*append_only_sql("custody_event")),
        migrations.RunSQL(*append_only_sql("custody_leaf")),
        migrations.RunSQL(*append_only_sql("custody_subtree")),
        migrations.RunSQL(*append_only_sql("custody_tree_head")),
    ]
