# SPDX-License-Identifier: Apache-2.0
"""The rules beyond the schema (reporting-api.md 1.8), value by value, in one walk over a valid document.

Three weights: rules enforced in every profile, documented rules that only `strict` enforces, and notes on
what will make a tip hard to act on. `advise` collects what `strict` refuses.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from nightlight.pipeline.tips.formats.cybertipline import times
from nightlight.pipeline.tips.formats.cybertipline.answers import Situation
from nightlight.pipeline.tips.formats.cybertipline.document import line_of
from nightlight.pipeline.tips.formats.cybertipline.limits import Weight

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from lxml import etree

    from nightlight.pipeline.tips.formats.cybertipline.document import Document
    from nightlight.pipeline.tips.formats.cybertipline.schema import Complex, Value


class Profile(StrEnum):
    """How much of the documentation is enforced (reporting-api.md 1.10)."""

    SANDBOX = "sandbox"
    STRICT = "strict"
    ADVISE = "advise"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something about an accepted document that its sender or an officer should know.

    `code` is stable and machine-readable, `path` an XPath into the document (an attribute after `/@`), `line`
    from 1.
    """

    code: str
    path: str
    text: str
    line: int


class Inspection:
    """One document under the rules of one profile; raises Refused at the first enforced rule it breaks."""

    def __init__(self, document: Document, *, profile: Profile, now: datetime) -> None:
        self.document = document
        self.profile = profile
        self.now = now
        self.findings: list[Finding] = []
        self.notes = profile is Profile.ADVISE
        self._least = Weight.ALWAYS if profile is Profile.SANDBOX else Weight.DOCUMENTED
        if self.notes:
            self._least = Weight.NOTE
        for element, text in document.tolerated:
            self.report(Weight.DOCUMENTED, element, "tolerated", text)

    def report(self, weight: Weight, element: etree._Element, code: str, text: str, attribute: str = "") -> None:
        """Refuse, record or ignore a broken rule, as the profile says."""
        if weight is Weight.ALWAYS or (weight is Weight.DOCUMENTED and self.profile is Profile.STRICT):
            situation = Situation.FUTURE_DATE if code == "future-date" else Situation.INVALID
            raise self.document.refused(element, text, situation)
        if self.notes:
            path = element.getroottree().getpath(element) + (f"/@{attribute}" if attribute else "")
            self.findings.append(Finding(code, path, text, line_of(element)))

    def walk(self) -> None:
        """Apply the rules of every value and every kind of element, in document order."""
        root = self.document.root
        self._walk(root, self.document.schema.types[str(root.tag)])

    def _walk(self, element: etree._Element, kind: Complex) -> None:
        types = self.document.schema.types
        particles = kind.particles
        for child in element:
            particle = particles[str(child.tag)]
            value = particle.value
            if value is not None:
                if value.limits:
                    self._value(child, value, child.text)
                continue
            inner = types[particle.type_name]
            if inner.text is not None and inner.text.limits:
                self._value(child, inner.text, child.text)
            if inner.attributes:
                for name, text in child.items():
                    limited = inner.attributes[str(name)].value
                    if limited.limits:
                        self._value(child, limited, str(text), str(name))
            if self._least < Weight.ALWAYS and (rule := _RULES.get(inner.name)) is not None:
                rule(self, child)
            if inner.particles:
                self._walk(child, inner)

    def _value(self, element: etree._Element, value: Value, text: str | None, attribute: str = "") -> None:
        for limit in value.limits:
            if limit.weight >= self._least and (wrong := limit.broken(text or "", self.now)):
                of = f"attribute '{attribute}' of element" if attribute else "element"
                self.report(limit.weight, element, limit.code, f"{of} '{element.tag}' {wrong}", attribute)

    # Rules over several values of one element. All documented or notes; none is enforced by the real sandbox.

    def _verification(self, contact: etree._Element) -> None:
        """phone and email: a verification date needs verified = true."""
        if contact.get("verificationDate") is not None and not is_true(contact.get("verified")):
            text = f"element '{contact.tag}' has a verificationDate but is not marked verified"
            self.report(Weight.DOCUMENTED, contact, "not-verified", text, "verificationDate")

    def _phone(self, phone: etree._Element) -> None:
        self._verification(phone)
        code = phone.get("countryCallingCode")
        if code is not None and (phone.text or "").strip().startswith(code):
            text = f"element '{phone.tag}' must not repeat its countryCallingCode"
            self.report(Weight.DOCUMENTED, phone, "calling-code-repeated", text)

    def _disabled(self, account: etree._Element) -> None:
        """Account disabled: the user is not told before it happens, nor is it enabled again before."""
        disabled = account.get("disabledDate")
        for name, word in (("userNotifiedDate", "before"), ("reenabledDate", "at or before")):
            later = account.get(name)
            if disabled is None or later is None:
                continue
            first, second = times.quick_read(disabled), times.quick_read(later)
            if first.zone_stated is not second.zone_stated:
                continue  # without a zone the order is not known
            too_early = second.earliest < first.earliest
            if too_early or (name == "reenabledDate" and second.earliest == first.earliest):
                text = f"attribute '{name}' of element '{account.tag}' lies {word} its disabledDate"
                self.report(Weight.DOCUMENTED, account, "dates-out-of-order", text, name)

    def _location(self, location: etree._Element) -> None:
        """estimatedLocation: a country always; in the US a city needs a region, given as postal code."""
        country, region, city = (location.findtext(name) for name in ("countryCode", "region", "city"))
        if not country:
            self.report(Weight.DOCUMENTED, location, "country-missing", "estimatedLocation needs a countryCode")
        if country != "US":
            return
        states = self.document.schema.enumerations["state"].values
        if region and region not in states:
            text = "in the US the region of estimatedLocation must be a postal code such as CA"
            self.report(Weight.DOCUMENTED, location, "region-unknown", text)
        if city and not region:
            text = "in the US estimatedLocation needs a region when it has a city"
            self.report(Weight.DOCUMENTED, location, "region-missing", text)

    def _account(self, account: etree._Element) -> None:
        if account.find("approximateAge") is not None and account.find("dateOfBirth") is not None:
            text = "associatedAccount takes approximateAge or dateOfBirth, not both"
            self.report(Weight.DOCUMENTED, account, "age-and-birth", text)

    def _capture(self, capture: etree._Element) -> None:
        """ipCaptureEvent: one address may serve thousands at once; port and time tell them apart."""
        if capture.find("dateTime") is None:
            text = "ipCaptureEvent has no dateTime: an address without a time identifies nobody"
            self.report(Weight.NOTE, capture, "capture-without-time", text)
        if capture.find("port") is None:
            text = "ipCaptureEvent has no port: a shared address cannot be resolved to one subscriber"
            self.report(Weight.NOTE, capture, "capture-without-port", text)


_RULES: dict[str, Callable[[Inspection, etree._Element], None]] = {
    "phone": Inspection._phone,
    "email": Inspection._verification,
    "accountTemporarilyDisabled": Inspection._disabled,
    "accountPermanentlyDisabled": Inspection._disabled,
    "estimatedLocation": Inspection._location,
    "associatedAccount": Inspection._account,
    "ipCaptureEvent": Inspection._capture,
}


def is_true(text: str | None) -> bool:
    """Whether a valid xs:boolean says true."""
    return text is not None and text.strip() in {"true", "1"}
