# SPDX-License-Identifier: Apache-2.0
"""The people, accounts, contacts and network events in a report of the CyberTipline Reporting API."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nightlight.pipeline.tips.people import (
    Account,
    AccountState,
    Address,
    Device,
    Email,
    EstimatedLocation,
    Link,
    Party,
    Person,
    Phone,
    Role,
)
from nightlight.pipeline.tips.values import (
    NamedValue,
    NetworkEvent,
    Stated,
    read_age,
    read_birth_date,
    read_network_event,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nightlight.pipeline.tips.formats.parts import Part

_PARTIES = (
    ("personOrUserReported", "personOrUserReportedPerson", Role.REPORTED),
    ("intendedRecipient", "intendedRecipientPerson", Role.RECIPIENT),
    ("victim", "victimPerson", Role.VICTIM),
)
_OF_A_PERSON = (
    "firstName",
    "middleName",
    "lastName",
    "age",
    "approximateAge",
    "ageAssertionDiscrepancy",
    "dateOfBirth",
    "phone",
    "email",
    "address",
)


def parties(report: Part) -> Iterator[Party]:
    """Everybody reported, addressed or harmed, each followed by the accounts associated with them."""
    for element, person_element, role in _PARTIES:
        for part in report.every(element):
            described = part.first(person_element)
            yield _party(part, role, None if described is None else person(described))
            for account in part.every("associatedAccount"):
                owner = person(account) if account.holds(_OF_A_PERSON) else None
                yield _party(account, Role.ASSOCIATED, owner, belongs_to=part.path)


def _party(part: Part, role: Role, described: Person | None, belongs_to: str | None = None) -> Party:
    # One reader for all four: what the schema gives to one of them is understood in each.
    platform = part.first("platform")
    third_party = part if platform is None else platform
    return Party(
        role=role,
        source=part.path,
        belongs_to=belongs_to,
        relation=part.text_of("@type") or part.text_of("@accountType"),
        persons=() if described is None else (described,),
        platform=None if platform is None else platform.text(),
        accounts=_accounts(part),
        screen_names=part.texts_of("screenName"),
        display_names=part.texts_of("displayName"),
        profile_urls=tuple(Link(text.value, text.source) for text in part.texts_of("profileUrl")),
        bio=part.text_of("profileBio"),
        network_events=network_events(part),
        devices=devices(part),
        prior_reports=part.texts_of("priorCTReports") + part.texts_of("priorCTReport"),
        group=part.text_of("groupIdentifier"),
        vehicle=part.text_of("vehicleDescription"),
        school=part.text_of("schoolName"),
        compromised=part.stated_of("compromisedAccount"),
        third_party_user=_third_party(part, third_party),
        all_emails_reported=part.stated_of("allEmailsReported"),
        account_states=_account_states(part),
        estimated_location=_estimated_location(part),
        statements=part.texts_of("additionalInfo"),
    )


def _third_party(part: Part, platform: Part) -> Stated:
    on_platform = platform.stated_of("@thirdPartyUser")
    return part.stated_of("thirdPartyUserReported") if on_platform is Stated.NOT_STATED else on_platform


def _accounts(part: Part) -> tuple[Account, ...]:
    service, identifier = part.text_of("espService"), part.text_of("espIdentifier")
    return (Account(part.path, service, identifier),) if service or identifier else ()


def _account_states(part: Part) -> tuple[AccountState, ...]:
    return tuple(
        AccountState(
            kind=kind,
            disabled=state.stated(),
            source=state.path,
            disabled_at=state.moment_of("@disabledDate"),
            user_notified=state.stated_of("@userNotified"),
            user_notified_at=state.moment_of("@userNotifiedDate"),
            reenabled_at=state.moment_of("@reenabledDate"),
        )
        for kind in ("temporarily", "permanently")
        if (state := part.first(f"account{kind.capitalize()}Disabled")) is not None
    )


def _estimated_location(part: Part) -> EstimatedLocation | None:
    location = part.first("estimatedLocation")
    if location is None:
        return None
    return EstimatedLocation(
        source=location.path,
        city=location.text_of("city"),
        region=location.text_of("region"),
        country_code=location.text_of("countryCode"),
        verified=location.stated_of("@verified"),
        at=location.moment_of("@timestamp"),
    )


def person(part: Part) -> Person:
    """A person or contact person."""
    born = part.first("dateOfBirth")
    birth = None if born is None else born.text()
    return Person(
        source=part.path,
        first_name=part.text_of("firstName"),
        middle_name=part.text_of("middleName"),
        last_name=part.text_of("lastName"),
        ages=tuple(
            read_age(text.value, text.source, approximate=name == "approximateAge")
            for name in ("age", "approximateAge")
            for text in part.texts_of(name)
        ),
        birth_date=None if born is None or birth is None else read_birth_date(birth, born.path),
        emails=emails(part, "email"),
        phones=phones(part, "phone"),
        addresses=addresses(part, "address"),
        traits=tuple(
            NamedValue(trait.name, trait.text() or "", trait.path) for trait in part.every("ageAssertionDiscrepancy")
        ),
    )


def emails(part: Part, name: str) -> tuple[Email, ...]:
    """The e-mail addresses in the elements of this name."""
    return tuple(
        Email(
            value=value,
            source=email.path,
            kind=email.text_of("@type"),
            verified=email.stated_of("@verified"),
            verified_at=email.moment_of("@verificationDate"),
        )
        for email in part.every(name)
        if (value := email.text())
    )


def phones(part: Part, name: str) -> tuple[Phone, ...]:
    """The telephone numbers in the elements of this name."""
    return tuple(
        Phone(
            value=value,
            source=phone.path,
            kind=phone.text_of("@type"),
            verified=phone.stated_of("@verified"),
            verified_at=phone.moment_of("@verificationDate"),
            country_calling_code=phone.text_of("@countryCallingCode"),
            extension=phone.text_of("@extension"),
        )
        for phone in part.every(name)
        if (value := phone.text())
    )


def addresses(part: Part, name: str) -> tuple[Address, ...]:
    """The postal addresses in the elements of this name."""
    return tuple(
        Address(
            source=address.path,
            street=tuple(text.value for text in address.texts_of("address")),
            city=address.text_of("city"),
            postal_code=address.text_of("zipCode"),
            state=address.text_of("state"),
            state_outside_usa=address.text_of("nonUsaState"),
            country=address.text_of("country"),
            kind=address.text_of("@type"),
        )
        for address in part.every(name)
    )


def network_events(part: Part) -> tuple[NetworkEvent, ...]:
    """The ipCaptureEvents inside this part that state an address; of any other, all stays unknown."""
    return tuple(
        read_network_event(
            address,
            event.path,
            port=event.text_of("port"),
            moment=event.moment_of("dateTime"),
            event_name=event.text_of("eventName"),
            possible_proxy=event.stated_of("possibleProxy"),
        )
        for event in part.every("ipCaptureEvent")
        if (address := event.text_of("ipAddress"))
    )


def devices(part: Part) -> tuple[Device, ...]:
    """The deviceIds inside this part that state a value; of any other, all stays unknown."""
    return tuple(
        Device(
            kind=device.text_of("idType"),
            value=value,
            source=device.path,
            event_name=device.text_of("eventName"),
            moment=device.moment_of("dateTime"),
        )
        for device in part.every("deviceId")
        if (value := device.text_of("idValue"))
    )
