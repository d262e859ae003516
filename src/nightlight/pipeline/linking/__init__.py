# SPDX-License-Identifier: Apache-2.0
"""Who and what does a tip share with other tips? Every identifier of every part, and what follows from it.

Each sighting keeps the words sent, the place in the report, whose it is and when. People of different sides are never
joined, a child's identifier never makes anybody a suspect, and a reporter's own contact is nobody's. Persons are
proposals worked out by integers alone, so that one tip at a time and all at once give the same; what an officer
decides about a link stands ever after.
"""
