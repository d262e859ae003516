# SPDX-License-Identifier: Apache-2.0
"""A tip waits to be placed anew when whoever told it has added something."""

from django.db import migrations

_WAIT = """
CREATE TRIGGER routing_added AFTER INSERT ON tips_document FOR EACH ROW
    WHEN (NEW.kind = 'addition') EXECUTE FUNCTION routing_wait_for_tip();
"""


class Migration(migrations.Migration):
    dependencies = [("routing", "0005_statements"), ("tips", "0009_telling")]
    operations = [migrations.RunSQL(_WAIT, "DROP TRIGGER routing_added ON tips_document")]
