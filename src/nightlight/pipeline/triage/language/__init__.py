# SPDX-License-Identifier: Apache-2.0
"""Crisis language: words in a report that say a child is in danger now, in English, Hindi, Marathi and Malayalam.

Three codes of crisis: a person writes of not wanting to live (``self-harm``), a meeting has been arranged
(``meeting``), somebody is being hurt or is in danger at this moment (``abuse-now``). And one that is no crisis:
somebody lives with, looks after or teaches children (``access``). That one means something only in a text about the
reported person, and whoever calls must know which texts are; of whose faith or where is not told apart.

The lists are data, one file a language. **No native speaker has reviewed them yet** (``reviewed = false`` in each
file): until somebody has, a silent list says nothing, and an officer reads the text itself. Of 50 fresh crisis
sentences written after the lists they found 36 at first sight, with 7 false finds in 44 ordinary ones; of 64 about
access 42, with one false find in 56. Whoever wrote the lists wrote those too: expect them to miss much of what people
write. They hold words of danger, meeting and distress, and of households and work with children, only.

Rules of triage may hear the code and the place in the report (``for_rules``). ``Finding.language`` and
``Finding.phrase_id`` are for the officer's page and must never reach a rule: what language somebody writes says
nothing about how urgent a child's danger is.
"""

from nightlight.pipeline.triage.language.lists import ListRefused, lists_digest
from nightlight.pipeline.triage.language.reading import Finding, Lists, Unread, for_rules, lists_in_use, read, unread

__all__ = ["Finding", "ListRefused", "Lists", "Unread", "for_rules", "lists_digest", "lists_in_use", "read", "unread"]
