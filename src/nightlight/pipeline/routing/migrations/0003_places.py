# SPDX-License-Identifier: Apache-2.0
"""Tables of districts and of where networks say they are; more moments at which a tip waits to be placed anew."""

import django.db.models.deletion
from django.db import migrations, models

from nightlight.trust.custody.append_only import append_only_sql

_APPEND_ONLY = ("routing_districtlist", "routing_district", "routing_feed")
_DEFINER = "SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp"
# What was cleared, taken back, destroyed or added to says something else of the place, or nothing any more.
_WAIT = f"""
CREATE FUNCTION routing_wait_for_part() RETURNS trigger LANGUAGE plpgsql {_DEFINER} AS $$
BEGIN
    INSERT INTO routing_waiting (tip_id)
    SELECT id FROM tips_tip WHERE public_id = substr(NEW.subject, 5) AND starts_with(NEW.subject, 'tip:')
    ON CONFLICT (tip_id) DO UPDATE SET tip_id = excluded.tip_id;
    RETURN NULL;
END
$$;
CREATE TRIGGER routing_cleared AFTER INSERT ON retention_apart FOR EACH ROW EXECUTE FUNCTION routing_wait_for_part();
CREATE TRIGGER routing_taken_back AFTER UPDATE OF state ON tips_tip FOR EACH ROW
    WHEN (OLD.state = 'received' AND NEW.state <> 'received') EXECUTE FUNCTION routing_wait();
CREATE TRIGGER routing_destroyed AFTER UPDATE OF key_part ON tips_document FOR EACH ROW
    WHEN (NEW.key_part = '' AND OLD.key_part <> '') EXECUTE FUNCTION routing_wait_for_tip();
CREATE TRIGGER routing_added_to AFTER INSERT ON tips_document FOR EACH ROW
    WHEN (NEW.kind = 'addition') EXECUTE FUNCTION routing_wait_for_tip();
"""  # noqa: S608 - our own names
_UNWAIT = """
DROP TRIGGER routing_added_to ON tips_document; DROP TRIGGER routing_destroyed ON tips_document;
DROP TRIGGER routing_taken_back ON tips_tip; DROP TRIGGER routing_cleared ON retention_apart;
DROP FUNCTION routing_wait_for_part();
"""
_KEY = models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")
_PASSED_OVER = models.IntegerField(db_comment="lines that could not be read")


class Migration(migrations.Migration):
    dependencies = [("routing", "0002_guards"), ("linking", "0002_guards")]

    operations = [
        migrations.CreateModel(
            name="DistrictList",
            fields=[
                ("id", _KEY.clone()),
                ("name", models.CharField(db_comment="of the file", max_length=200)),
                ("sha256", models.CharField(max_length=64)),
                ("rows", models.IntegerField()),
                ("passed_over", _PASSED_OVER.clone()),
                ("by", models.CharField(max_length=64)),
                ("at", models.DateTimeField()),
            ],
            options={"db_table": "routing_districtlist"},
        ),
        migrations.CreateModel(
            name="District",
            fields=[
                ("id", _KEY.clone()),
                ("code", models.CharField(max_length=40)),
                ("name", models.CharField(max_length=200)),
                ("state", models.CharField(max_length=8)),
                ("aliases", models.TextField(blank=True)),
                ("pins", models.TextField(blank=True)),
                (
                    "list",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="districts",
                        to="routing.districtlist",
                    ),
                ),
            ],
            options={
                "db_table": "routing_district",
                "constraints": [models.UniqueConstraint(fields=("list", "code"), name="district_once")],
            },
        ),
        migrations.CreateModel(
            name="Feed",
            fields=[
                ("id", _KEY.clone()),
                ("name", models.CharField(db_comment="of the file", max_length=200)),
                ("kind", models.CharField(max_length=12)),
                ("sha256", models.CharField(max_length=64)),
                ("size", models.BigIntegerField()),
                ("rows", models.IntegerField()),
                ("passed_over", _PASSED_OVER.clone()),
                ("as_of", models.DateField()),
                ("until", models.DateField(null=True)),
                ("by", models.CharField(max_length=64)),
                ("at", models.DateTimeField()),
            ],
            options={
                "db_table": "routing_feed",
                "constraints": [
                    models.UniqueConstraint(fields=("sha256", "kind", "as_of"), name="feed_once"),
                    models.CheckConstraint(
                        condition=models.Q(("until", None), ("until__gte", models.F("as_of")), _connector="OR"),
                        name="feed_until_after",
                    ),
                ],
            },
        ),
        *(migrations.RunSQL(*append_only_sql(table)) for table in _APPEND_ONLY),
        migrations.RunSQL(_WAIT, _UNWAIT),
    ]
