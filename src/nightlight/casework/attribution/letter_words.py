# SPDX-License-Identifier: Apache-2.0
"""The words of letters by kind: what is asked and what the answer has to hold. No fact of a case stands here."""

from __future__ import annotations

from nightlight.casework.attribution.asking import Hindrance, Kind

TITLES = {
    Kind.PRESERVATION: "Request to preserve records",
    Kind.SOURCE_PORT: "Request for the source port of connections",
    Kind.PARTICULARS: "Request for particulars of events that you reported",
    Kind.LOGS: "Request for the log of an address",
    Kind.SUBSCRIBER: "Request for the subscriber of an address",
    Kind.VPN_SUBSCRIBER: "Request for the customer behind an address of your service",
}
OPENINGS = {
    Kind.PRESERVATION: (
        "Please keep what you hold on the events below exactly as it is, also beyond the time after which you would "
        "delete it. A request for the records themselves follows; nothing needs to be handed over now."
    ),
    Kind.SOURCE_PORT: (
        "You recorded the events below. An access provider may share an IPv4 address among many subscribers at the "
        "same moment; where it does, address and time alone would name all of them, and the source port of the "
        "connection tells them apart (RFC 6302). Please state it for each event, for the time of that event."
    ),
    Kind.PARTICULARS: (
        "You recorded the events below, and what you stated of them leaves open when they were. Before anybody else is "
        "asked about an address, please state what is missing, from your own records. What you sent is quoted below "
        "as it came."
    ),
    Kind.LOGS: (
        "Please hand over what your logs hold on the addresses below in the times below, and on nothing else. It is "
        "asked as narrowly as possible, so that as few people as possible are named."
    ),
    Kind.SUBSCRIBER: (
        "Please state, for each line below, the subscriber to whom your records assign the address, and for an address "
        "that was shared the source port too, at that time."
    ),
    Kind.VPN_SUBSCRIBER: (
        "The addresses below belonged to your service at the times below. Please state, for each line, the customer "
        "account to which your records assign the use of the address at that time."
    ),
}
_CLOCK = (
    "How far your clock may have been off at that time, in seconds, and what it is set by; if that is not known, that "
    "it is not."
)
_KEPT = (
    "Until when these records are kept, from which day on they are complete, and whether the log has gaps in the times "
    "asked for. If nothing is held, that nothing is, and whether it never was or has been deleted, and when."
)
_AS_KEPT = (
    "The rows of the log this was taken from, unchanged, as CSV or another table, with the names of the columns, the "
    "zone of the times and the order of day and month stated."
)
ANSWERS: dict[Kind, tuple[str, ...]] = {
    Kind.PRESERVATION: (
        "Logs of sessions, of address assignment and of address translation (with ports or port blocks, and the table "
        "of a deterministic mapping valid that day) for the addresses and times below, and who the subscriber or the "
        "account was then.",
        "A confirmation with your reference, from which day until which day the records are kept, and whether any of "
        "them were already gone.",
        _CLOCK,
    ),
    Kind.SOURCE_PORT: (
        "The source port from which your server saw the connection of this event, and the transport protocol (TCP or "
        "UDP; QUIC is UDP).",
        "The destination address and port: the address of your server to which the connection was made.",
        "The time at which this port was in use, to the second or finer, and what it is the time of: the beginning of "
        "the connection, the request, or the end. A port that was recorded at another time, such as the last one seen, "
        "is no answer; if it is all there is, please give it with its own time.",
        "The zone of that time, or that it is UTC. Where our line rests on a time to which you stated no zone: which "
        "zone it was.",
        "Whether the address is that of the client's connection as your server saw it, or was taken from a header that "
        "a proxy or the client itself sent; if from a header, the address and port of the connection too.",
        "Whether the same account was in use over IPv6 within a day of the event: that address, with its time. It "
        "needs no port.",
        "If you hold no port for the event: of the same account, the nearest event before and the nearest after for "
        "which you do, with the same particulars.",
        _CLOCK,
        _KEPT,
    ),
    Kind.PARTICULARS: (
        "The time of each event with its date and clock, to the second or finer, and what it is the time of: the "
        "beginning of the connection, the request, or the end.",
        "The zone of that time, best in UTC: which zone the time that is quoted below was in.",
        "The address of the client's connection as your server saw it at that time, with its source port and the "
        "transport protocol.",
        _CLOCK,
        _KEPT,
    ),
    Kind.LOGS: (
        "Each row for the address and, where one is stated, the port, that touches the time: beginning and end of the "
        "session or of the port block, the port or block (first and last), protocol, inside address, and the "
        "identifier of the subscriber.",
        "How the address was assigned then: to one subscriber, or shared; if shared, by port block, by session or by "
        "a fixed rule, and among how many.",
        _AS_KEPT,
        _CLOCK,
        _KEPT,
    ),
    Kind.SUBSCRIBER: (
        "Name as registered, the number or circuit, the user name by which it signs in, since when.",
        "Each address with what it is: billing address, installation address, or the address where the service is "
        "used. Please do not give one without saying which.",
        "Beginning and end of the session or of the lease in which the time lies, the port block (first and last "
        "port), the inside address, and the identifier of the device that your records hold.",
        "How the address was assigned: fixed or changing, to one subscriber or shared; if shared, among how many.",
        "If your records fit two subscribers or a few, as where the time lies within a minute of a change, each of "
        "them with the rows; please do not choose one.",
        _AS_KEPT,
        _CLOCK,
        _KEPT,
    ),
    Kind.VPN_SUBSCRIBER: (
        "The account, since when, the particulars given at registration and the address, port and time from which it "
        "was registered.",
        "The address and source port from which the customer was connected to your service at that time, with the "
        "beginning and end of the connection.",
        "Means of payment, as far as the power above reaches.",
        "Whether the address is used by many customers at once; if so, by what they can be told apart, among how many, "
        "and please name nobody. If your records fit two accounts or a few, each of them; please do not choose one.",
        _AS_KEPT,
        _CLOCK,
        _KEPT,
    ),
}
PLATFORM_KEEPS = (
    "Logs of the connections of these events and of the account they belong to: addresses, source ports, protocol, the "
    "addresses of your servers, times; and what the account was registered with, from where and when."
)
NARROW = {
    Kind.PRESERVATION: "Only what concerns these lines is to be kept for us.",
    Kind.SOURCE_PORT: ("Please send nothing about other accounts or people, and nothing of what was communicated."),
    Kind.PARTICULARS: ("Please send nothing about other accounts or people, and nothing of what was communicated."),
    Kind.VPN_SUBSCRIBER: (
        "Please send nothing about other addresses, times or customers, and nothing of what was communicated."
    ),
}
REPLY_COLUMNS = {
    Kind.PARTICULARS: (
        "Our event, Source address, Source port, Protocol, Time (UTC, ISO 8601, to the second or finer), What the time "
        "is of, Clock error (seconds)"
    ),
    Kind.SOURCE_PORT: (
        "Check value, Source address, Source port, Protocol, Destination address, Destination port, Time (UTC, ISO "
        "8601, to the second or finer), What the time is of, Clock error (seconds)"
    ),
    Kind.LOGS: (
        "Check value, Address, First port, Last port, Protocol, Beginning (UTC), End (UTC), Inside address, Subscriber "
        "identifier, Clock error (seconds)"
    ),
    Kind.SUBSCRIBER: (
        "Check value, Address, First port, Last port, Beginning (UTC), End (UTC), Subscriber identifier, Name, Address "
        "type (billing, installation, service), Postal address, Clock error (seconds)"
    ),
    Kind.VPN_SUBSCRIBER: (
        "Check value, Address, Account, Connected from address, Connected from port, Beginning (UTC), End (UTC), Clock "
        "error (seconds)"
    ),
}
READ_BACK = (
    "The check value names the line and what is asked; that it is right does not show that the line was copied right. "
    "If you copy a line or call, please read back its address, its port and its first and second time in UTC, each by "
    "itself, and quote the check value with them."
)
HINDERED = {
    Hindrance.NO_CONTACT: "Where this addressee takes requests is not known: add a contact to the operator directory.",
    Hindrance.NO_POWER: "No power of the law pack has been chosen for it.",
    Hindrance.EXERCISE_ONLY: "The addressee is invented; it stands in a directory for exercises.",
}
