# SPDX-License-Identifier: Apache-2.0
"""Who else holds this? Units of this installation, and partners elsewhere, learn whom to call, and nothing of a case.

Promise: an answer says the kind of identifier, who holds it and whom to call; never a tip, a value, a number of tips
or a day. Whoever asks is written down before they are answered, and whoever is asked about is told. What names a
protected person, what an officer silenced and what many share is never answered. What this cannot do:
docs/decisions/0026-deconfliction.md.
"""
