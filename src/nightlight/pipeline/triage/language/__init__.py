# SPDX-License-Identifier: Apache-2.0
"""Crisis language: words in a report that say a child is in danger now, in English, Hindi, Marathi and Malayalam.

Three codes and no more: a person writes of not wanting to live (``self-harm``), a meeting has been arranged
(``meeting``), somebody is being hurt or is in danger at this moment (``abuse-now``). The lists are data, one file a
language. **No native speaker has reviewed them yet** (``reviewed = false`` in each file): until somebody has, a silent
list says nothing, and an officer reads the text itself. Of 24 fresh crisis sentences written after the lists they
found 13 at first sight, with one false find in 15 ordinary ones: expect them to miss much of what people write.
They hold words of danger, meeting and distress only.

Rules of triage may hear the code and the place in the report (``for_rules``). ``Finding.language`` and
``Finding.phrase_id`` are for the officer's page and must never reach a rule: what language somebody writes says
nothing about how urgent a child's danger is.
"""

from nightlight.pipeline.triage.language.lists import ListRefused
from nightlight.pipeline.triage.language.reading import Finding, Lists, Unread, for_rules, lists_in_use, read, unread

__all__ = ["Finding", "ListRefused", "Lists", "Unread", "for_rules", "lists_in_use", "read", "unread"]
