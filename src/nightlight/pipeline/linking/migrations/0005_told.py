# SPDX-License-Identifier: Apache-2.0
"""A tip waits to be linked anew when whoever told it has added something."""

from django.db import migrations

# The function takes the tip from the row, whatever table it is of.
_WAIT = """
CREATE TRIGGER linking_added AFTER INSERT ON tips_document FOR EACH ROW
    WHEN (NEW.kind = 'addition') EXECUTE FUNCTION linking_wait_for_files();
"""


class Migration(migrations.Migration):
    dependencies = [("linking", "0004_failed_and_heard"), ("tips", "0009_telling")]
    operations = [migrations.RunSQL(_WAIT, "DROP TRIGGER linking_added ON tips_document")]
