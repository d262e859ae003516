# SPDX-License-Identifier: Apache-2.0
"""What goes out: offers to units that another installation stands for are put into packages, several into one.

What is to be sent follows from the tables and from nothing else: an offer that is open and in no package. So a stop at
any moment loses none, and an offer made before its installation was trusted goes out when it is.
"""

from __future__ import annotations

import random
from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import connection, transaction
from django.db.models import Q, QuerySet, Sum

from nightlight.foundation import public_ids
from nightlight.foundation.refusals import Conflict
from nightlight.pipeline.routing.exchange import keys
from nightlight.pipeline.routing.models import Installation, Offer, Package, PackageTip
from nightlight.pipeline.tips.models import Tip, TipFile
from nightlight.trust.accounts.models import Role
from nightlight.trust.custody import actions as custody
from nightlight.trust.units import notices
from nightlight.trust.units.models import Unit

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

MOST_TIPS = 500  # in one package
MOST_BYTES = 4 * 10**9  # of files in one package; a tip with more goes alone
GATHERED = timedelta(seconds=2)  # offers that are made one after the other go together
LATE = timedelta(days=1)
_LONGEST_WAIT = 3600.0
_STATES = Package.State
_TOLD_OF_ADDITIONS = (Role.TRIAGE_OFFICER, Role.INVESTIGATOR, Role.COMMANDER)
UNDER_WAY = (_STATES.READY, _STATES.SENDING, _STATES.SENT)
# The nearest installation at or above the unit that is offered to. What two units hand to each other inside one that
# works elsewhere is not ours to send.
_TO_SEND = """
SELECT DISTINCT ON (o.id) o.id, o.tip_id, o.sent_at, n.id FROM routing_installation n
JOIN units_below b ON b.ancestor_id = n.unit_id
JOIN routing_offer o ON o.to_unit_id = b.unit_id AND o.state IN ('sent', 'delivered', 'opened')
WHERE n.state = 'trusted'
  AND (o.to_unit_id = n.unit_id
       OR NOT EXISTS (SELECT 1 FROM units_below f WHERE f.ancestor_id = n.unit_id AND f.unit_id = o.from_unit_id))
  AND NOT EXISTS (SELECT 1 FROM routing_packagetip p WHERE p.offer_id = o.id)
ORDER BY o.id, (SELECT count(*) FROM units_below u WHERE u.unit_id = n.unit_id) DESC
"""
# Tips that another installation has, to which somebody here added since they were last put into a package for it; with
# the unit of our own that handed them on. It gets them as a tip that comes once more, without an offer (arriving.py).
_ADDED_TO = """
SELECT DISTINCT ON (o.tip_id, n.id) o.tip_id, n.id, o.from_unit_id, o.state FROM routing_installation n
JOIN units_below b ON b.ancestor_id = n.unit_id
JOIN routing_offer o ON o.to_unit_id = b.unit_id AND o.state IN ('delivered', 'opened', 'accepted') AND NOT o.given_back
JOIN tips_tip t ON t.id = o.tip_id AND NOT t.set_apart
WHERE n.state = 'trusted'
  AND (o.state <> 'accepted'
       OR EXISTS (SELECT 1 FROM units_below h WHERE h.ancestor_id = n.unit_id AND h.unit_id = t.unit_id)
       OR EXISTS (SELECT 1 FROM tips_share s WHERE s.tip_id = t.id AND s.unit_id = o.to_unit_id AND s.until IS NULL))
  AND EXISTS (SELECT 1 FROM tips_document d WHERE d.tip_id = t.id AND d.kind = 'addition' AND d.received_at > (
      SELECT max(k.made_at) FROM routing_packagetip p JOIN routing_package k ON k.id = p.package_id
      WHERE p.tip_id = t.id AND k.installation_id = n.id))
ORDER BY o.tip_id, n.id, o.id DESC
"""


def gather(*, by: str, at: datetime, patience: timedelta = GATHERED) -> float:
    """Put what is to be sent into packages; return after how many seconds there is more to put (0: nothing waits).

    Offers younger than ``patience`` wait, so that what is handed on together travels together.
    """
    _gather_added(by=by, at=at)
    with connection.cursor() as cursor:
        cursor.execute(_TO_SEND)
        rows = cursor.fetchall()
    if not rows:
        return 0.0
    ripe: dict[int, list[tuple[int, int]]] = {}
    youngest = max(row[2] for row in rows)
    # As long as more keeps coming they wait together, at most a few times as long.
    oldest = min(row[2] for row in rows)
    if youngest > at - patience and oldest > at - 5 * patience:
        return max(0.1, float((youngest + patience - at).total_seconds()))
    for offer, tip, _sent, installation in rows:
        ripe.setdefault(installation, []).append((offer, tip))
    for installation, offers in ripe.items():
        with transaction.atomic():
            _alone(installation)
            _put(Installation.objects.get(pk=installation), offers, by=by, at=at)
    return 0.0


def _gather_added(*, by: str, at: datetime) -> None:
    """Put tips that were added to since into packages, at once; of those that went for good, tell who handed them on.

    Nobody works here for a unit that another installation stands for, and until the package has arrived, nobody there
    knows.
    """
    with connection.cursor() as cursor:
        cursor.execute(_ADDED_TO)
        found = cursor.fetchall()
    for installation in sorted({row[1] for row in found}):
        with transaction.atomic():
            _alone(installation)
            with connection.cursor() as cursor:  # again: another may have got here first
                cursor.execute(_ADDED_TO)
                rows = [row for row in cursor.fetchall() if row[1] == installation][:MOST_TIPS]
            if not rows:
                continue
            to = Installation.objects.get(pk=installation)
            package = _opened(to, Package.Kind.REFERRAL, by=by, at=at)
            package.tips = len(rows)
            package.save(update_fields=["tips"])
            PackageTip.objects.bulk_create([PackageTip(package=package, tip_id=row[0], offer=None) for row in rows])
            numbers = dict(Tip.objects.filter(pk__in=[row[0] for row in rows]).values_list("pk", "public_id"))
            for tip, _installation, unit, state in rows:
                for role in _TOLD_OF_ADDITIONS if state == "accepted" else ():
                    notices.tell_role(
                        unit_id=unit, role=role, kind="tip.added-to", subject=f"tip:{numbers[tip]}", at=at
                    )


def _put(to: Installation, offers: Sequence[tuple[int, int]], *, by: str, at: datetime) -> None:
    tips = [tip for _offer, tip in offers]
    sums = TipFile.objects.filter(tip__in=tips).values_list("tip").annotate(n=Sum("item__blob__size")).order_by()
    sizes: dict[int, int] = dict(sums)
    known = set(PackageTip.objects.filter(offer__in=[offer for offer, _tip in offers]).values_list("offer", flat=True))
    package, inside, filled = None, set[int](), 0
    rows = []
    for offer, tip in offers:
        if offer in known:  # another got here first
            continue
        size = sizes.get(tip, 0)
        full = len(inside) >= MOST_TIPS or (inside and filled + size > MOST_BYTES) or tip in inside
        if package is None or full:
            package, inside, filled = _opened(to, Package.Kind.REFERRAL, by=by, at=at), set[int](), 0
        inside.add(tip)
        filled += size
        package.tips += 1
        rows.append(PackageTip(package=package, tip_id=tip, offer_id=offer))
    PackageTip.objects.bulk_create(rows)
    for one in {row.package.pk: row.package for row in rows}.values():
        one.save(update_fields=["tips"])


def open_receipts(to: Installation, *, by: str, at: datetime, number: int) -> Package:
    """Begin a package of receipts for an installation. In the caller's transaction."""
    package = _opened(to, Package.Kind.RECEIPTS, by=by, at=at)
    package.tips = number
    package.save(update_fields=["tips"])
    return package


def _opened(to: Installation, kind: Package.Kind, *, by: str, at: datetime) -> Package:
    public_id = public_ids.new("PK")
    return Package.objects.create(
        public_id=public_id,
        outgoing=True,
        kind=kind,
        installation=to,
        sender=keys.ours().fingerprint,
        package_id=public_id,
        state=_STATES.BUILDING,
        by=by,
        made_at=at,
        state_at=at,
    )


def due(*states: str, at: datetime) -> QuerySet[Package]:
    """Packages that go out and may be worked on now, oldest first."""
    mine = Package.objects.filter(outgoing=True, state__in=states, installation__state=Installation.State.TRUSTED)
    return mine.filter(Q(not_before=None) | Q(not_before__lte=at)).select_related("installation").order_by("pk")


def moved_on(package: Package, state: str, *, at: datetime, by: str, **data: str | int) -> None:
    """Note how far a package has come; what others answer for has an entry in the log."""
    kinds = {
        _STATES.SENT: "exchange.package-sent",
        _STATES.DELIVERED: "exchange.package-delivered",
        _STATES.REFUSED: "exchange.package-refused-there",
    }
    with transaction.atomic():
        was = Package.objects.select_for_update().values_list("state", flat=True).get(pk=package.pk)
        package.state, package.state_at, package.not_before = state, at, None
        if state in {_STATES.SENT, _STATES.DELIVERED}:
            package.tries = 0
        if state != _STATES.REFUSED:
            package.why = ""
        fields = ["state", "state_at", "tries", "not_before", "why", "code", "moved"]
        package.save(update_fields=fields)
        kind = kinds.get(_STATES(state))
        if was != state and kind:
            custody.append(
                by=by,
                at=at,
                kind=kind,
                subject=f"package:{package.public_id}",
                data={
                    "installation": package.installation.public_id if package.installation else "",
                    "kind": package.kind,
                    "tips": package.tips,
                    "size": package.size,
                    "sha256": package.sha256,
                    **data,
                },
            )


def refused(package: Package, *, code: str, why: str, at: datetime, by: str) -> None:
    """Note that the other side will not take this package, whatever we do; people are told why."""
    package.code, package.why = code[:40], " ".join(why.split())[:300]
    moved_on(package, _STATES.REFUSED, at=at, by=by, code=package.code)
    _tell(package, "exchange.refused", at=at)


def failed(package: Package, *, why: str, at: datetime, wait: int = 0) -> None:
    """Note that it did not work this time, and when it is tried again: ever later, and not when all others are."""
    package.tries += 1
    later = wait or min(_LONGEST_WAIT, 2.0 ** min(package.tries, 12))
    package.why = " ".join(why.split())[:300]
    package.not_before = at + timedelta(seconds=later * random.uniform(0.7, 1.3))  # noqa: S311 - spreads, hides nothing
    package.save(update_fields=["tries", "why", "not_before"])


def retry(package: Package, *, by: str, at: datetime) -> None:
    """Ask for another try now; of a package that was refused, for one in its place under a new name (story.py).

    Raises Conflict for one that came, and for one that has arrived.
    """
    with transaction.atomic():
        if not package.outgoing or package.state == _STATES.DELIVERED:
            raise Conflict("Only a package that goes out and has not arrived can be tried again.")
        again = {"code": "again"} if package.state == _STATES.REFUSED else {}
        Package.objects.filter(pk=package.pk).update(not_before=None, **again)
        custody.append(
            by=by, at=at, kind="exchange.package-retried", subject=f"package:{package.public_id}",
            data={"state": package.state},
        )  # fmt: skip


def renew(package: Package, *, by: str, at: datetime) -> Package | None:
    """Begin a package in the place of one that was refused, with what in it is still open."""
    with transaction.atomic():
        held = Package.objects.select_for_update(of=("self",)).select_related("installation").get(pk=package.pk)
        if held.state != _STATES.REFUSED or not held.installation or held.code == "renewed":
            return None
        _alone(held.installation.pk)
        if held.kind == Package.Kind.RECEIPTS:
            return None  # receipts are gathered anew by themselves
        offers = list(
            PackageTip.objects.filter(package=held)
            .filter(Q(offer__state__in=("sent", "delivered", "opened")) | Q(offer=None))
            .order_by("pk")
            .values_list("offer", "tip")
        )
        held.code = "renewed"
        held.save(update_fields=["code"])
        if not offers:
            return None
        made = _opened(held.installation, Package.Kind.REFERRAL, by=by, at=at)
        PackageTip.objects.bulk_create([PackageTip(package=made, offer_id=o, tip_id=t) for o, t in offers])
        made.tips = len(offers)
        made.save(update_fields=["tips"])
        return made


def tell_late(*, at: datetime) -> int:
    """Tell of each package that has not arrived for a day, once; return how many there are."""
    late = Package.objects.filter(outgoing=True, made_at__lt=at - LATE, state__in=(_STATES.BUILDING, *UNDER_WAY))
    told = 0
    for package in late.exclude(code="late").select_related("installation"):
        with transaction.atomic():
            package.code = "late"
            package.save(update_fields=["code"])
            _tell(package, "exchange.late", at=at)
            told += 1
    return told


def _tell(package: Package, kind: str, *, at: datetime) -> None:
    """Tell administrators, and those who hand on for the units whose offers are in it."""
    subject = f"package:{package.public_id}"
    about = f"installation:{package.installation.public_id}" if package.installation else ""
    root = Unit.objects.filter(receives=True).values_list("pk", flat=True).first()
    units = set(offers_in(package).values_list("from_unit", flat=True))
    told = {(unit, role) for unit in units for role in (Role.TRIAGE_OFFICER, Role.COMMANDER)}
    if root is not None:
        told.add((root, Role.ADMINISTRATOR))
    for unit, role in sorted(told):
        notices.tell_role(unit_id=unit, role=role, kind=kind, subject=subject, about=about, at=at)


def _alone(installation: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 7))", [f"outbox {installation}"])


def offers_in(package: Package) -> QuerySet[Offer]:
    """The offers that go with a package."""
    return Offer.objects.filter(pk__in=PackageTip.objects.filter(package=package).values("offer")).order_by("pk")
