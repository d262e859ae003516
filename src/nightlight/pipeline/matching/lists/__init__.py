# SPDX-License-Identifier: Apache-2.0
"""Reads hash-list files of any dialect as a stream of columns, and says of every row why it is in or not.

Pure: bytes in, rows out; no database, no clock. :func:`nightlight.pipeline.matching.lists.detect.read` is the door.
A reading that ends without :class:`~nightlight.pipeline.matching.lists.rows.ListDamaged` has seen the whole list.
"""
