# SPDX-License-Identifier: Apache-2.0
"""What a column of an operator's return can hold, and by which words such columns go."""

from __future__ import annotations

import tomllib
import unicodedata
from enum import StrEnum
from functools import cache
from pathlib import Path

DATA = Path(__file__).parent / "data"


class Field(StrEnum):
    """What a column holds. Two columns may state one time: a date and a clock."""

    ADDRESS = "address"  # the public address, or the prefix, that was assigned or translated to
    PORT = "port"  # one port, or a block of them ("3072-4095")
    PORT_LOW = "port-low"
    PORT_HIGH = "port-high"
    START = "start"
    START_DATE = "start-date"
    START_CLOCK = "start-clock"
    END = "end"
    END_DATE = "end-date"
    END_CLOCK = "end-clock"
    ZONE = "zone"
    SUBSCRIBER = "subscriber"  # the operator's own identifier of the subscriber
    LINE = "line"  # telephone number or circuit
    INSIDE_ADDRESS = "inside-address"  # before translation
    INSIDE_PORT = "inside-port"
    DESTINATION = "destination"
    DESTINATION_PORT = "destination-port"
    PROTOCOL = "protocol"
    ALLOCATION = "allocation"  # static or dynamic
    DURATION = "duration"
    NAME = "name"
    BILLING_ADDRESS = "billing-address"
    INSTALLATION_ADDRESS = "installation-address"
    SERVICE_ADDRESS = "service-address"
    POSTAL_ADDRESS = "postal-address"  # nothing says of which kind
    CONTACT = "contact"
    ALTERNATE_CONTACT = "alternate-contact"
    EMAIL = "email"
    DEVICE = "device"  # hardware address or another identifier of a device
    IMEI = "imei"
    IMSI = "imsi"
    CELL = "cell"
    ACCESS_POINT = "access-point"
    CUSTOMER_KIND = "customer-kind"  # a person, or a shop, an employer, a school
    OTHER = "other"  # kept by nobody


TIMES = {
    "start": (Field.START, Field.START_DATE, Field.START_CLOCK),
    "end": (Field.END, Field.END_DATE, Field.END_CLOCK),
}
# Whom a row names: the first of these that the layout has.
NAMES_SUBSCRIBER = (Field.SUBSCRIBER, Field.LINE, Field.IMSI, Field.INSIDE_ADDRESS)
POSTAL = {
    Field.BILLING_ADDRESS: "billing",
    Field.INSTALLATION_ADDRESS: "installation",
    Field.SERVICE_ADDRESS: "service",
    Field.POSTAL_ADDRESS: "not stated",
}
# What a row keeps beside address, ports, times and subscriber.
KEPT = tuple(
    field
    for field in Field
    if field
    not in {Field.ADDRESS, Field.PORT, Field.PORT_LOW, Field.PORT_HIGH, Field.ZONE, Field.OTHER, Field.DURATION}
    and field not in TIMES["start"] + TIMES["end"]
)


def normalised(name: str) -> str:
    """A column's name without case, quotes and signs: "Start Date (dd/mm)" is "start date dd mm"."""
    plain = unicodedata.normalize("NFKC", name).casefold().replace("\ufeff", "")
    return " ".join("".join(letter if letter.isalnum() else " " for letter in plain).split())


@cache
def words() -> dict[str, Field]:
    """Names by which columns are known, normalised, with the field each means."""
    with (DATA / "columns.toml").open("rb") as file:
        listed: dict[str, list[str]] = tomllib.load(file)["names"]
    return {normalised(name): Field(field) for field, names in listed.items() for name in names}


@cache
def _organisations() -> tuple[tuple[str, ...], ...]:
    with (DATA / "columns.toml").open("rb") as file:
        return tuple(tuple(normalised(one).split()) for one in tomllib.load(file)["customer-kinds"]["organisation"])


@cache
def is_organisation(kind: str) -> bool:
    """Whether a kind of customer, as an operator writes it, is no person. Whatever is not known says nothing.

    "Corporate postpaid" is one, "non-corporate" is not.
    """
    said = tuple(normalised(kind).split())
    return any(
        said[place : place + len(words)] == words and said[place - 1 : place] not in {("non",), ("not",), ("no",)}
        for words in _organisations()
        for place in range(len(said))
    )


def field_named(name: str) -> Field | None:
    """What a column of this name usually holds; None where nothing is known."""
    return words().get(normalised(name))
