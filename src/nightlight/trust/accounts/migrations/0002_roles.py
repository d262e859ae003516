# SPDX-License-Identifier: Apache-2.0
"""A person's role comes from a post in a unit: those of earlier installations were moved there first."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial"), ("units", "0002_posts_of_earlier_roles")]
    operations = [migrations.RemoveField("user", "role")]
