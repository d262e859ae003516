# SPDX-License-Identifier: Apache-2.0
"""What was loaded about networks stays: every import, and every version of the directory."""

from django.db import migrations

from nightlight.trust.custody.append_only import append_only_sql

_APPEND_ONLY = ("attribution_listimport", "attribution_directory")


class Migration(migrations.Migration):
    dependencies = [("attribution", "0004_return_guard"), ("custody", "0001_initial")]

    operations = [migrations.RunSQL(*append_only_sql(table)) for table in _APPEND_ONLY]
