# SPDX-License-Identifier: Apache-2.0
"""Retention: how long a record is kept, what makes it wait, and how it ends.

What this step promises: nothing is destroyed by one person, early, or while something the law allows holds it; a person
who was cleared is set apart at once and matches nothing any more; what is destroyed cannot be read again by anybody,
that was tried, and a certificate says so.
"""
