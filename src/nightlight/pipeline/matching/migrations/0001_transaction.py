# SPDX-License-Identifier: Apache-2.0
"""The number of the current transaction, by which an index learns what changed after it was built."""

from django.db import migrations

_SQL = """
CREATE FUNCTION matching_transaction() RETURNS bigint LANGUAGE sql VOLATILE AS $$
    SELECT pg_current_xact_id()::text::bigint
$$;
"""


class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = [migrations.RunSQL(_SQL, "DROP FUNCTION matching_transaction()")]
