# SPDX-License-Identifier: Apache-2.0
"""Who may do what with the tables of the custody log."""

from __future__ import annotations

from nightlight.trust.rights import COMMAND, Rights

_PROOF = "hashes and numbers; they say that an entry is there, and nothing of what it says"
_PROVING = Rights(web="SELECT", steps={COMMAND: "SELECT, INSERT"}, open_because=_PROOF)

# Whoever may see a thing may see what happened to it; everybody their own acts; an auditor what lies in reach. Both
# units of an offer see the entries of its receipts, also after the tip went out of sight. What is not named here is
# seen by an auditor of the whole alone: an administrator sees no case, under whatever name it stands.
_SEES = """
actor = (SELECT units_actor())
OR (SELECT units_has_role('auditor') AND units_reaches_all())
OR CASE split_part(subject, ':', 1)
   WHEN 'tip' THEN EXISTS (SELECT 1 FROM tips_tip t WHERE t.public_id = substr(subject, 5))
                   OR kind LIKE 'routing.%' AND
                      EXISTS (SELECT 1 FROM routing_receipt r WHERE r.event = custody_event.id)
   WHEN 'item' THEN EXISTS (SELECT 1 FROM evidence_item i WHERE i.public_id = substr(subject, 6))
   WHEN 'import' THEN EXISTS (SELECT 1 FROM tips_import i WHERE i.public_id = substr(subject, 8))
   WHEN 'officer' THEN (SELECT units_has_role('auditor', 'administrator'))
                       AND substr(subject, 9) IN (SELECT units_people())
   WHEN 'hashlist' THEN (SELECT units_has_role('intake-analyst', 'triage-officer', 'investigator',
                                               'victim-identification', 'commander', 'legal-reviewer', 'auditor'))
   WHEN 'unsealing' THEN EXISTS (SELECT 1 FROM sealed_unsealing u WHERE u.public_id = substr(custody_event.subject, 11))
   ELSE split_part(subject, ':', 1) IN ('unit', 'reporter', 'token', 'vault', 'partner', 'installation', 'package')
        AND (SELECT units_has_role('auditor', 'administrator')) END
"""

TABLES = {
    "custody_event": Rights(
        web="SELECT, INSERT",
        intake="INSERT",
        steps={
            step: "SELECT, INSERT"
            if step in {"custody", "verifying", "unsealing", "rendering", "exchange"}
            else "INSERT"
            for step in (
                "custody",
                "verifying",
                "reading",
                "importing",
                "expiry",
                "sweeping",
                "unsealing",
                "rendering",
                "retention",
                "notices",
                "matching",
                "linking",
                "triage",
                "routing",
                "exchange",
                "attribution",
                "lists",
            )
        },
        command="SELECT, INSERT",
        sees=_SEES,
        # An entry names who is acting, or it is not written: pages cannot put words into somebody else's mouth.
        adds="""actor = coalesce((SELECT units_actor()), actor) AND actor NOT LIKE 'reporter:%' AND CASE
            WHEN (SELECT matching_member()) IS NULL THEN actor NOT LIKE 'partner:%'
            ELSE actor = (SELECT 'partner:' || m.public_id FROM matching_member m WHERE m.id = matching_member())
            END""",
    ),
    "custody_pending": Rights(
        web="SELECT, INSERT",
        intake="INSERT",
        steps={COMMAND: "SELECT, INSERT, DELETE"},
        open_because=_PROOF,
    ),
    "custody_leaf": _PROVING,
    "custody_subtree": _PROVING,
    "custody_tree_head": _PROVING,
}
