# SPDX-License-Identifier: Apache-2.0
"""A tip waits to be scored anew when whoever told it has added something."""

from django.db import migrations

_WAIT = """
CREATE TRIGGER triage_added AFTER INSERT ON tips_document FOR EACH ROW
    WHEN (NEW.kind = 'addition') EXECUTE FUNCTION triage_wait_for_tip();
"""


class Migration(migrations.Migration):
    dependencies = [("triage", "0004_failed_and_counted"), ("tips", "0009_telling")]
    operations = [migrations.RunSQL(_WAIT, "DROP TRIGGER triage_added ON tips_document")]
