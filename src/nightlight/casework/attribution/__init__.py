# SPDX-License-Identifier: Apache-2.0
"""Which address leads to whom: labels as of the event, requests that cannot be wrong, answers that are sets.

Promises: a record is judged by what was known of its time; nothing is asked of an operator that was typed again by
hand; an answer names everybody it fits, and says "the subscriber to whom the records assign the address", never more.
"""
