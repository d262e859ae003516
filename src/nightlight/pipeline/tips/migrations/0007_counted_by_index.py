# SPDX-License-Identifier: Apache-2.0
"""The indexes hold what row security asks of a tip, so that counting does not fetch each one."""

from django.db import migrations, models

# By key, which the indexes hold, rather than by public id, which they do not.
_BROKEN = """
CREATE FUNCTION tips_broken_into() RETURNS SETOF bigint
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp ROWS 2 AS $$
    SELECT t.id FROM units_broken_into() AS broken (subject) JOIN tips_tip t ON t.public_id = substr(broken.subject, 5)
    WHERE split_part(broken.subject, ':', 1) = 'tip'
$$;
"""
# Policies that name it go with it; the rights are applied anew after each migration.
_MENDED = "DROP FUNCTION tips_broken_into() CASCADE;"
_CLOSED = models.Q(("state", "open"), _negated=True)


def _index(name: str, *fields: str, include: list[str], condition: models.Q = _CLOSED) -> migrations.AddIndex:
    return migrations.AddIndex(
        "tip", models.Index(fields=list(fields), include=include, condition=condition, name=name)
    )


class Migration(migrations.Migration):
    dependencies = [("tips", "0006_set_apart_and_erased")]
    operations = [
        *(
            migrations.RemoveIndex("tip", name)
            for name in ("tip_inbox_unit", "tip_inbox", "tip_inbox_type", "tip_inbox_reporter", "tip_open")
        ),
        _index("tip_inbox_unit", "unit", "environment", "state", "-state_at", "-id", include=["set_apart"]),
        _index("tip_inbox", "environment", "state", "-state_at", "-id", include=["unit", "set_apart"]),
        _index(
            "tip_inbox_type",
            *("environment", "state", "incident_type", "-state_at", "-id"),
            include=["unit", "set_apart"],
        ),
        _index(
            "tip_inbox_reporter",
            *("environment", "state", "reporter", "-state_at", "-id"),
            include=["unit", "set_apart"],
        ),
        _index(
            "tip_open",
            *("environment", "opened_at"),
            include=["id", "unit", "set_apart"],
            condition=models.Q(("state", "open")),
        ),
        migrations.RunSQL(_BROKEN, _MENDED),
    ]
