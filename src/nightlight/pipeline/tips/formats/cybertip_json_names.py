# SPDX-License-Identifier: Apache-2.0
"""The names that a CyberTip JSON uses, shared by its reader and its writer."""

from __future__ import annotations

FORMAT = "CyberTip JSON"

IP_ADDRESS = "IP Address"
URL = "URL"
PROFILE_URL = "Profile URL"

ADDRESS_LINES = ("street1", "street2")

TRAITS = (
    "preferredName",
    "gender",
    "preferredPronouns",
    "physicalDescription",
    "vehicleTagNumber",
    "occupation",
    "relationshipToReporter",
    "relationshipToChildVictim",
    "accessToChildVictim",
    "accessToChildren",
    "accessToFirearms",
    "convictedSexOffender",
    "awareOfReport",
    "gangAffiliation",
    "additionalContactInformation",
    "languages",
    "races",
    "disabilities",
    "additionalDisabilityInformation",
)
"""What is said of a person beyond names, age and contacts; each may be a text, a list, or absent."""

# webpageIncident and emailIncident have been seen; the others are the Reporting API's names.
PLACES = {
    "webpageIncident": "web page",
    "webPageIncident": "web page",
    "emailIncident": "email",
    "newsgroupIncident": "newsgroup",
    "chatImIncident": "chat",
    "onlineGamingIncident": "game",
    "cellPhoneIncident": "phone",
    "nonInternetIncident": "offline",
    "peer2peerIncident": "peer to peer",
}
