# SPDX-License-Identifier: Apache-2.0
"""Reports that nobody sent, for tests: invented names, documentation addresses, talk of cricket."""

from __future__ import annotations

REPORT_XML = b"""<?xml version="1.0" encoding="UTF-8"?>
<report xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:noNamespaceSchemaLocation="https://example.org/xsd">
  <incidentSummary>
    <incidentType>Online Enticement of Children for Sexual Acts</incidentType>
    <platform>Example Chat</platform>
    <escalateToHighPriority>They have agreed to meet today.</escalateToHighPriority>
    <reportAnnotations><sextortion/><minorToMinorInteraction>true</minorToMinorInteraction></reportAnnotations>
    <incidentDateTime>2026-01-05T10:15:30+05:30</incidentDateTime>
    <incidentDateTimeDescription>When the conversation was flagged</incidentDateTimeDescription>
  </incidentSummary>
  <internetDetails>
    <webPageIncident thirdPartyHostedContent="false"><url>https://example.org/u/blue-kite</url></webPageIncident>
  </internetDetails>
  <internetDetails>
    <chatImIncident>
      <chatClient>Example Chat 7</chatClient><chatRoomName>cricket-talk</chatRoomName>
      <content>see you at the cricket ground</content>
    </chatImIncident>
  </internetDetails>
  <lawEnforcement>
    <agencyName>Example District Police</agencyName><caseNumber>17/2026</caseNumber>
    <officerContact><firstName>Ravi</firstName><lastName>Example</lastName>
      <email>ravi@police.example.org</email></officerContact>
    <reportedToLe>true</reportedToLe>
    <servedLegalProcessInternational fleaCountry="IN">true</servedLegalProcessInternational>
  </lawEnforcement>
  <reporter>
    <reportingPerson><firstName>Trust</firstName><lastName>Desk</lastName>
      <email type="Business">desk@chat.example.org</email></reportingPerson>
    <companyTemplate>Example Chat keeps log-in records for 90 days.</companyTemplate>
    <termsOfService>Be kind.</termsOfService>
    <legalURL>https://example.org/legal</legalURL>
  </reporter>
  <personOrUserReported>
    <personOrUserReportedPerson>
      <firstName>Kiran</firstName><lastName>Sample</lastName>
      <phone type="Mobile" verified="true" verificationDate="2025-11-01T00:00:00Z"
             countryCallingCode="+91">5550100</phone>
      <email verified="true">kiran@example.org</email>
      <address type="Home"><address>1 Example Road</address><city>Pune</city><zipCode>411001</zipCode>
        <nonUsaState>Maharashtra</nonUsaState><country>IN</country></address>
      <age>34</age><dateOfBirth>1991-06-30</dateOfBirth>
    </personOrUserReportedPerson>
    <vehicleDescription>A red bicycle</vehicleDescription>
    <espIdentifier>u-1001</espIdentifier><espService>Example Chat</espService>
    <compromisedAccount>false</compromisedAccount>
    <screenName>blue-kite</screenName><displayName>Blue Kite</displayName><displayName>BK</displayName>
    <profileUrl>https://example.org/u/blue-kite</profileUrl><profileBio>I fly kites</profileBio>
    <ipCaptureEvent><ipAddress>192.0.2.44</ipAddress><eventName>Login</eventName>
      <dateTime>2026-01-05T04:40:00Z</dateTime><possibleProxy>false</possibleProxy><port>51820</port></ipCaptureEvent>
    <ipCaptureEvent><ipAddress>2001:DB8:0::7</ipAddress><eventName>Upload</eventName>
      <dateTime>2026-01-05T10:10:00</dateTime></ipCaptureEvent>
    <ipCaptureEvent><ipAddress>::ffff:198.51.100.9</ipAddress><port>443</port></ipCaptureEvent>
    <deviceId><idType>IMEI</idType><idValue>490154203237518</idValue><eventName>Login</eventName>
      <dateTime>2026-01-05T04:40:00Z</dateTime></deviceId>
    <thirdPartyUserReported>false</thirdPartyUserReported>
    <priorCTReports>7860001</priorCTReports><groupIdentifier>g-77</groupIdentifier>
    <accountTemporarilyDisabled disabledDate="2026-01-05T05:00:00Z" userNotified="false">true
    </accountTemporarilyDisabled>
    <estimatedLocation verified="true" timestamp="2026-01-04T00:00:00Z"><city>Pune</city>
      <region>Maharashtra</region><countryCode>IN</countryCode></estimatedLocation>
    <associatedAccount type="Linked"><platform thirdPartyUser="true">Example Games</platform>
      <approximateAge>34</approximateAge><espIdentifier>g-2002</espIdentifier><screenName>kite-two</screenName>
      <ipCaptureEvent><ipAddress>203.0.113.80</ipAddress><port>1024</port></ipCaptureEvent></associatedAccount>
    <additionalInfo>Asked for the name of a school.</additionalInfo>
  </personOrUserReported>
  <intendedRecipient><espIdentifier>u-1002</espIdentifier><screenName>green-drum</screenName></intendedRecipient>
  <victim>
    <victimPerson><firstName>Meera</firstName><lastName>Invented</lastName><age>12</age></victimPerson>
    <screenName>yellow-boat</screenName><schoolName>Example School</schoolName>
    <associatedAccount type="Parent/Guardian"><firstName>Asha</firstName></associatedAccount>
  </victim>
  <additionalInfo>Flagged by a keyword rule.</additionalInfo>
</report>
"""

FILE_DETAILS_XML = b"""<?xml version="1.0" encoding="UTF-8"?>
<fileDetails>
  <reportId>7860042</reportId><fileId>b0c1</fileId><fileName>pattern-07.png</fileName>
  <originalFileName>gradient.png</originalFileName>
  <uploadedToEspTimestamp>2026-01-05T04:39:58.123Z</uploadedToEspTimestamp>
  <locationOfFile>https://example.org/f/b0c1</locationOfFile>
  <fileViewedByEsp>true</fileViewedByEsp><exifViewedByEsp>false</exifViewedByEsp>
  <publiclyAvailable>false</publiclyAvailable><fileRelevance>Reported</fileRelevance>
  <fileAnnotations><viral/><generativeAi>1</generativeAi></fileAnnotations>
  <industryClassification>B2</industryClassification>
  <originalFileHash hashType="MD5">9e107d9d372bb6826bd81d3542a419d6</originalFileHash>
  <ipCaptureEvent><ipAddress>192.0.2.44</ipAddress><port>51821</port></ipCaptureEvent>
  <deviceId><idType>ICCID</idType><idValue>8991000000000000001</idValue></deviceId>
  <details type="EXIF"><nameValuePair><name>Model</name><value>Sample 3</value></nameValuePair>
    <nameValuePair><name>Software</name><value></value></nameValuePair></details>
  <additionalInfo>A pattern of squares.</additionalInfo>
</fileDetails>
"""

CYBERTIP_JSON = b"""{
  "reportId": 7860042,
  "dateReceived": "2026-01-05T05:01:02Z",
  "reportedInformation": {
    "reportingEsp": {"espName": "Example Chat", "firstName": "Trust", "lastName": "Desk"},
    "incidentSummary": {
      "incidentType": "Child Sex Tourism",
      "incidentDateTime": "2026-01-05T04:45:30Z",
      "incidentDateTimeDescription": "When the conversation was flagged"
    },
    "reportedPeople": {"reportedPersons": [{
      "firstName": "Kiran", "middleName": null, "lastName": "Sample", "gender": "Not stated",
      "dateOfBirth": "1991-06-30", "approximateAge": "34", "vehicleDescription": "A red bicycle",
      "occupation": "Kite maker", "languages": ["Marathi", "Hindi"], "awareOfReport": false,
      "espService": "Example Chat", "espUserId": "u-1001", "ipAddress": "192.0.2.44",
      "screenName": {"value": "blue-kite"},
      "emails": {"emails": [{"value": "kiran@example.org", "verified": true}]},
      "phones": {"phones": [{"value": "+915550100", "verified": null}]},
      "addresses": {"addresses": [{"street1": "1 Example Road", "street2": "Flat 2", "city": "Pune",
        "state": "Maharashtra", "postalCode": "411001", "country": "IN"}]},
      "sourceInformation": {"sourceCaptures": [
        {"captureType": "IP Address", "value": "192.0.2.44", "dateTime": "2026-01-05T04:40:00Z",
         "eventName": "Login", "port": 51820},
        {"captureType": "IP Address", "value": "2001:db8::7", "dateTime": "2026-01-05T10:10:00",
         "eventName": "Upload", "port": null},
        {"captureType": "Profile URL", "value": "https://example.org/u/blue-kite"},
        {"captureType": "URL", "value": "https://example.org/kites"},
        {"captureType": "IMEI", "value": "490154203237518", "dateTime": "2026-01-05T04:40:00Z"}
      ]},
      "additionalInformations": [{"value": "Asked for the name of a school."}]
    }]},
    "intendedRecipients": {"intendedRecipients": [
      {"espUserId": "u-1002", "screenName": {"value": "green-drum"}}]},
    "uploadedFiles": {"uploadedFiles": [{
      "filename": "pattern-07.png", "originalFilename": "gradient.png", "submittalId": "b0c1",
      "verificationHash": "9e107d9d372bb6826bd81d3542a419d6", "viewedByEsp": true,
      "industryClassification": "B2",
      "ncmecTags": {"groups": [{"tags": [{"value": "Pattern"}, {"value": "Squares"}]}]},
      "espMetadata": {"metadatas": [{"name": "Model", "value": "Sample 3"}]},
      "sourceInformation": {"sourceCaptures": [{"captureType": "IP Address", "value": "192.0.2.44"}]},
      "additionalInformations": [{"value": "A pattern of squares."}]
    }]},
    "incidentDetails": {
      "webpageIncident": [{
        "sourceInformation": {"sourceCaptures": [{"captureType": "URL", "value": "https://example.org/u/blue-kite"}]},
        "additionalInformations": [{"value": "Found on the profile."}]}],
      "emailIncident": [{"contents": [{"value": "see you at the cricket ground"}]}]
    },
    "additionalInformations": [{"value": "Flagged by a keyword rule."}]
  }
}
"""

# Everything in the example report that names the child in it, and how the page calls her.
CHILD_WORDS = ("Meera", "Invented", "yellow-boat", "Example School")
