# SPDX-License-Identifier: Apache-2.0
"""One world for all access tests: units of every kind, every role in each, and what each unit holds.

Everything comes in by the actions that real things come in by. All of it lies in one transaction that is rolled back
in the end, so that building it once is enough and nothing of it stays.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from allauth.usersessions.models import UserSession
from django.db import connection, transaction
from django.test import Client

from nightlight.config import rights
from nightlight.foundation import clock, public_ids
from nightlight.outlook.desk import gate
from nightlight.outlook.desk.tests.cast import Desk
from nightlight.pipeline.tips import actions, importing, summarising
from nightlight.pipeline.tips.handing import hand_over
from nightlight.pipeline.tips.models import Import, Tip
from nightlight.pipeline.tips.tests.example_reports import CYBERTIP_JSON, REPORT_XML
from nightlight.trust import identity
from nightlight.trust.accounts import actions as accounts
from nightlight.trust.accounts import queries as accounts_queries
from nightlight.trust.accounts.models import Role, User
from nightlight.trust.custody import actions as custody
from nightlight.trust.custody.models import Leaf
from nightlight.trust.evidence.vault import current_vault
from nightlight.trust.law import facts
from nightlight.trust.law.queries import pack
from nightlight.trust.retention import models as retention
from nightlight.trust.sealed import actions as sealed
from nightlight.trust.sealed.models import Identity
from nightlight.trust.units import actions as units
from nightlight.trust.units import glass, notices, rules
from nightlight.trust.units.models import Glass, Post, Unit
from nightlight.trust.units.viewer import Viewer, viewer_of
from nightlight.trust.viewing import models as viewing
from nightlight.trust.viewing.actions import session_digest
from tests.access import (
    attribution_lists,
    attribution_pages_requests,
    attribution_pages_returns,
    attribution_pages_trace,
    deconfliction,
    insight,
    known,
    offers,
    placing,
    referring,
    triage,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from nightlight.trust.accounts.queries import ReporterLogin

CLI = "command:cli"
PASSWORD = "a-long-invented-password"

# code: (kind, code of the unit above, a word that only this unit's records hold)
UNITS = {
    "IN": ("national", "", "heron"),
    "ST-A": ("state", "IN", "otter"),
    "ST-B": ("state", "IN", "egret"),
    "DI-A1": ("district", "ST-A", "swift"),
    "DI-A2": ("district", "ST-A", "robin"),
    "DI-B1": ("district", "ST-B", "finch"),
    "PS-A1A": ("station", "DI-A1", "crane"),
    "PS-A1B": ("station", "DI-A1", "stork"),
    "PO-A1A": ("station", "PS-A1A", "plover"),
    "SP-N": ("special", "IN", "curlew"),
    "SP-A": ("special", "ST-A", "grouse"),
    "PO-SPA": ("station", "SP-A", "linnet"),
}
# One unit of each kind in which every role has somebody.
STAFFED = {"national": "IN", "state": "ST-A", "district": "DI-A1", "station": "PS-A1A", "special": "SP-A"}
RELATIONS = ("own", "child", "parent", "sibling", "unrelated")


@dataclass
class Person:
    """Somebody who looks: a role in a unit, or one of the special cases, which have no role."""

    name: str
    user: User | None
    role: str = ""
    unit: str = ""
    broken: set[str] = field(default_factory=set)  # public ids of tips they broke the glass for
    client: Client = field(default_factory=Client)

    @property
    def user_id(self) -> int | None:
        """The key of the user; nobody has none."""
        return self.user.pk if self.user else None

    @property
    def kind(self) -> str:
        """What kind of unit they are in."""
        return UNITS[self.unit][0] if self.unit else ""

    def __str__(self) -> str:
        return self.name


def above(code: str) -> list[str]:
    """The units above one, the nearest first."""
    found = []
    while code := UNITS[code][1]:
        found.append(code)
    return found


def relation(viewer_unit: str, unit: str) -> str:
    """How a unit stands to the viewer's: own, child (below it), parent (above it), sibling, unrelated."""
    if unit == viewer_unit:
        return "own"
    if viewer_unit in above(unit):
        return "child"
    if unit in above(viewer_unit):
        return "parent"
    return "sibling" if UNITS[unit][1] == UNITS[viewer_unit][1] else "unrelated"


@dataclass
class World:
    """What is there."""

    at: datetime
    units: dict[str, Unit] = field(default_factory=dict)
    people: list[Person] = field(default_factory=list)
    specials: dict[str, Person] = field(default_factory=dict)
    staff: dict[str, Person] = field(default_factory=dict)  # one investigator in each of the other units
    tips: dict[str, list[Tip]] = field(default_factory=dict)
    full: dict[str, Tip] = field(default_factory=dict)
    imports: dict[str, Import] = field(default_factory=dict)
    reporters: dict[str, tuple[str, str]] = field(default_factory=dict)
    logins: dict[str, ReporterLogin] = field(default_factory=dict)
    opened: dict[str, tuple[int, str]] = field(default_factory=dict)
    viewings: dict[str, str] = field(default_factory=dict)  # public ids by unit, as the following
    exports: dict[str, str] = field(default_factory=dict)
    destructions: dict[str, str] = field(default_factory=dict)
    certificates: dict[str, str] = field(default_factory=dict)
    holds: dict[str, str] = field(default_factory=dict)
    glass: dict[str, str] = field(default_factory=dict)
    openings: dict[str, str] = field(default_factory=dict)
    identities: dict[str, str] = field(default_factory=dict)
    entries: dict[str, str] = field(default_factory=dict)
    session: int = 0  # somebody's
    file_id: str = ""  # a file of the open report of Example Chat
    words: dict[str, str] = field(default_factory=dict)  # the word in each tip, by public id
    apart: set[str] = field(default_factory=set)  # tips about people who were cleared
    hash_list: str = ""  # the public id of a list of known files
    unread: str = ""  # the tip that nobody has read yet
    alerts: dict[str, str] = field(default_factory=dict)  # of the report with a file
    handovers: dict[str, str] = field(default_factory=dict)  # of a shift of the unit to the next
    held: dict[str, str] = field(default_factory=dict)  # a tip that the unit's investigator works on

    @cached_property
    def codes(self) -> dict[int, str]:
        """Codes of units by database key."""
        return {unit.pk: code for code, unit in self.units.items()}

    @property
    def everybody(self) -> list[Person]:
        """Every role in every kind of unit, and the special cases."""
        return [*self.people, *self.specials.values()]

    def person(self, role: str, unit: str) -> Person:
        """Whoever has that role in that unit."""
        return next(p for p in self.people if (p.role, p.unit) == (role, unit))

    def viewer(self, person: Person) -> Viewer:
        """A person with the posts they hold."""
        assert person.user is not None
        return viewer_of(person.user, self.at)

    def near(self, person: Person) -> dict[str, str]:
        """For each relation that there is, one unit that stands so to the person's. Nobody's unit is unrelated."""
        if not person.unit:
            return {"unrelated": "PS-A1A"}
        found: dict[str, str] = {}
        for code in UNITS:
            found.setdefault(relation(person.unit, code), code)
        return found

    def reached_units(self, person: Person) -> list[str]:
        """The units whose records the person reaches, by the words of the rule and not by its code."""
        if person.role in {"", "administrator"}:
            return []
        near = {"own", "child"} if person.role in {"triage-officer", "commander", "auditor"} else {"own"}
        return [code for code in UNITS if relation(person.unit, code) in near]

    def reached(self, person: Person) -> set[str]:
        """The public ids of the tips that the person reaches."""
        mine = {tip.public_id for code in self.reached_units(person) for tip in self.tips[code]} | person.broken
        return mine if person.role in {"legal-reviewer", "commander", "auditor"} else mine - self.apart


# --- the transaction, the roles ---------------------------------------------------------------------------------


@contextlib.contextmanager
def kept_for_a_while() -> Iterator[None]:
    """Run everything inside one transaction and leave nothing behind."""
    outer = transaction.atomic()
    outer.__enter__()
    try:
        yield
    finally:
        transaction.set_rollback(True)
        outer.__exit__(None, None, None)


def _forget_who_acts() -> None:
    """A savepoint that is undone takes back whom the database was told: it is told anew before the next statement."""
    setattr(connection.connection, "nightlight_identity", (identity.NOBODY, object()))  # noqa: B010


@contextlib.contextmanager
def undone() -> Iterator[None]:
    """Run the block and take back all it did in the database, whether it failed or not."""
    with connection.cursor() as cursor:
        cursor.execute("SAVEPOINT undone")
    try:
        yield
    finally:
        raw: Any = connection.connection
        raw.execute("ROLLBACK TO SAVEPOINT undone; RELEASE SAVEPOINT undone")
        connection.needs_rollback = False
        _forget_who_acts()


@contextlib.contextmanager
def database_role(role: str) -> Iterator[None]:
    """Run the block with no more rights than one of the three roles has."""
    raw: Any = connection.connection
    before, _role = raw.execute("SELECT current_user::text, set_config('role', %s, true)", [role]).fetchone()
    try:
        yield
    finally:
        with contextlib.suppress(Exception):  # in a failed transaction whoever undoes it takes the role back too
            raw.execute(f"SET LOCAL ROLE {before}")


@contextlib.contextmanager
def _receiving() -> Iterator[None]:
    """In these tests one connection stands for all three: the intake is the same one in the intake's role."""
    with database_role("nightlight_intake"):
        yield


@contextlib.contextmanager
def one_connection() -> Iterator[None]:
    """Let the one connection, inside its transaction, stand for those that the pages and the intake would open."""
    close, receiving, undo = connection.close, identity.receiving, connection._savepoint_rollback

    def rolled_back(sid: str) -> None:
        undo(sid)
        _forget_who_acts()

    wrapper: Any = connection._connections["default"] if hasattr(connection, "_connections") else connection
    wrapper.close, identity.receiving, wrapper._savepoint_rollback = lambda: None, _receiving, rolled_back
    try:
        yield
    finally:
        wrapper.close, identity.receiving, wrapper._savepoint_rollback = close, receiving, undo


# --- building -------------------------------------------------------------------------------------------------------


def build() -> World:
    """Make the world; to be called inside ``kept_for_a_while``."""
    world = World(at=clock.now())
    rights.apply(connection)  # type: ignore[arg-type]
    _units(world)
    _people(world)
    _specials(world)
    _sign_in(world)
    _reporters(world)
    for code in UNITS:
        _records(world, code)
    _repeats(world)
    _glass(world)
    _unsealings(world)
    _looks(world)
    _retention(world)
    _notices(world)
    known.build(world)
    triage.build(world)
    deconfliction.build(world)
    insight.build(world)
    offers.build(world)
    referring.build(world)
    placing.build(world)
    attribution_lists.build(world)
    attribution_pages_trace.build(world)
    attribution_pages_requests.build(world)
    attribution_pages_returns.build(world)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ANALYZE")
    custody.sequence(at=world.at)
    for code, tip in world.full.items():
        leaf = Leaf.objects.filter(event__subject=f"tip:{tip.public_id}").order_by("position").first()
        assert leaf is not None
        world.entries[code] = str(leaf.position)
    return world


def _sign_in(world: World) -> None:
    for person in world.everybody:
        if person.user is not None:
            person.client.force_login(person.user)
            asks(person)
        person.client.raise_request_exception = False
    world.session = UserSession.objects.create(
        user=world.specials["no-post"].user, ip="192.0.2.9", session_key="k" * 32, user_agent="Example"
    ).pk


def asks(person: Person) -> None:
    """Leave the session as a page does: requests that are undone would each write it anew."""
    if person.user is not None:
        session = person.client.session
        now = clock.now().timestamp()
        session[gate.BEGAN] = session[gate.SEEN] = now
        session.save()


def _session(world: World, code: str) -> bytes:
    """The session in which the unit's investigator looks at files, as the table keeps it."""
    if code in world.staff:
        return b"s" * 32
    return session_digest(world.person("investigator", code).client.session.session_key or "")


def _units(world: World) -> None:
    world.units["IN"] = Unit.objects.get(receives=True)
    for code, (kind, parent, _word) in UNITS.items():
        if parent:
            world.units[code] = units.add_unit(
                by=CLI, at=world.at, code=code, name=f"Unit {code}", kind=kind, parent=world.units[parent], areas=[code]
            )


def _user(world: World, name: str) -> User:
    return accounts.add_person(by=CLI, at=world.at, username=name, password=PASSWORD, full_name=f"{name} Example")


def _post(
    world: World,
    user: User,
    unit: str,
    role: str,
    *,
    starts_at: datetime | None = None,
    ends_at: datetime | None = None,
) -> Post:
    return units.appoint(
        by=CLI,
        at=world.at,
        person=user,
        unit=world.units[unit],
        role=role,
        starts_at=starts_at or world.at - timedelta(days=2),
        ends_at=ends_at,
    )


def _people(world: World) -> None:
    for kind, code in STAFFED.items():
        for role in Role.values:
            name = f"{role}-{kind}"
            person = Person(name, _user(world, name), role, code)
            assert person.user is not None
            _post(world, person.user, code, role)
            world.people.append(person)
            units.add_shift(
                by=CLI,
                at=world.at,
                person=person.user,
                unit=world.units[code],
                starts_at=world.at - timedelta(hours=2),
                ends_at=world.at + timedelta(hours=6),
            )


def _specials(world: World) -> None:
    """Those whose rights are over, not begun, taken away, or never given; each would see everything if it counted."""
    for name in ("no-post", "ended-post", "future-post", "suspended"):
        world.specials[name] = Person(name, _user(world, name))
    ended, future = world.specials["ended-post"].user, world.specials["future-post"].user
    suspended = world.specials["suspended"].user
    assert ended and future and suspended
    for role in ("triage-officer", "investigator", "commander"):
        _post(world, ended, "IN", role, ends_at=world.at - timedelta(minutes=1))
        _post(world, future, "IN", role, starts_at=world.at + timedelta(days=1))
        _post(world, suspended, "IN", role)
    User.objects.filter(pk=suspended.pk).update(is_active=False)
    world.specials["nobody"] = Person("nobody", None)
    # An investigator and a commander of a station who broke the glass for one record elsewhere.
    for name, role in (("breaker", "investigator"), ("breaking-commander", "commander")):
        user = _user(world, name)
        _post(world, user, "PS-A1A", role)
        world.specials[name] = Person(name, user, role, "PS-A1A")
    for code in UNITS.keys() - STAFFED.values():
        user = _user(world, f"investigator-{code}")
        _post(world, user, code, "investigator")
        world.staff[code] = Person(f"investigator-{code}", user, "investigator", code)


def _reporters(world: World) -> None:
    for name in ("Example Chat", "Example Forum"):
        issued = accounts.add_credential(by=CLI, at=world.at, name=name, environment="production")
        login = accounts_queries.reporter_login(issued.username, issued.password)
        assert login is not None
        world.reporters[name], world.logins[name] = (issued.username, issued.password), login
        world.opened[name] = Desk(login).opened(at=world.at)
    world.file_id = _file(
        Desk(world.logins["Example Chat"]), world.opened["Example Chat"][0], world.at, "pattern-open.png"
    )
    revoked = accounts.add_credential(by=CLI, at=world.at, name="Example Gone", environment="production")
    accounts.revoke_credential(by=CLI, at=world.at, username=revoked.username)
    world.reporters["Example Gone"] = (revoked.username, revoked.password)
    looking = accounts.add_credential(
        by=CLI, at=world.at, name="Example Chat", environment="production", may_submit=False
    )
    world.reporters["may not submit"] = (looking.username, looking.password)


def marked(body: bytes, code: str) -> bytes:
    """A report that holds the unit's word."""
    word = UNITS[code][2].encode()
    return body.replace(b"blue-kite", word + b"-kite").replace(b"Meera", b"Meera" + word)


def _records(world: World, code: str) -> None:
    """A finished report with a file, and an import, held by the unit."""
    desk = Desk(world.logins["Example Chat"])
    tip = _reported(desk, marked(REPORT_XML, code), world.at, f"pattern-{UNITS[code][2]}.png")
    _hand(world, tip, code)
    world.full[code] = tip
    batch = importing.start_upload(
        by=CLI,
        at=world.at,
        name=f"{UNITS[code][2]}.json",
        chunks=[marked(CYBERTIP_JSON if isinstance(CYBERTIP_JSON, bytes) else CYBERTIP_JSON.encode(), code)],
        unit_id=world.units[code].pk,
    )
    importing.run_upload(public_id=batch.public_id, at=clock.now)
    world.imports[code] = batch
    imported = Tip.objects.get(imports__batch=batch)
    world.tips[code] = [Tip.objects.get(pk=tip.pk), imported]
    world.words |= dict.fromkeys((tip.public_id, imported.public_id), UNITS[code][2])


def _file(desk: Desk, report_id: int, at: datetime, name: str) -> str:
    with current_vault().stage() as staging:
        staging.write(f"a pattern of squares {name}".encode())
        kept = staging.seal()
    return actions.add_file(by=desk.by, at=at, report_id=report_id, sealed=kept, name_as_sent=name)[0]


def _reported(desk: Desk, body: bytes, at: datetime, file_name: str) -> Tip:
    report_id, public_id = desk.opened(body, at)
    _file(desk, report_id, at, file_name)
    actions.finish(by=desk.by, at=at, report_id=report_id)
    summarising.summarise([Tip.objects.get(public_id=public_id)], by="service:worker", at=at)
    return Tip.objects.get(public_id=public_id)


def _hand(world: World, tip: Tip, code: str) -> None:
    if code != "IN":
        with identity.acting_as(service="command"):
            hand_over(by=CLI, at=world.at, tip=tip, to=world.units[code], why="area")


def _repeats(world: World) -> None:
    """Each unit's report is sent again, word for word, and held by the next unit: what repeats may lie elsewhere."""
    desk = Desk(world.logins["Example Chat"])
    codes = list(UNITS)
    for n, code in enumerate(codes):
        tip = desk.received(marked(REPORT_XML, code), world.at)
        holder = codes[(n + 1) % len(codes)]
        _hand(world, tip, holder)
        world.tips[holder].append(Tip.objects.get(pk=tip.pk))
        world.words[tip.public_id] = UNITS[code][2]
    # One report that nobody has read yet.
    unread = desk.received(at=world.at, read=False)
    world.tips["IN"].append(unread)
    world.words[unread.public_id], world.unread = "no word", unread.public_id


def _glass(world: World) -> None:
    def broke(person: Person, code: str) -> str:
        tip = world.full[code]
        person.broken.add(tip.public_id)
        return glass.break_glass(
            by=world.viewer(person),
            at=world.at,
            subject=f"tip:{tip.public_id}",
            holder=world.units[code],
            reason="A child is to be met at the station this evening",
        ).public_id

    broke(world.specials["breaker"], "ST-B")
    broke(world.specials["breaking-commander"], "ST-B")
    far = ("ST-B", "DI-B1", "SP-N")  # none of them below anybody whom these tests ask about, but for the root
    for n, code in enumerate(UNITS):
        world.glass[code] = broke(world.staff[far[n % 3] if far[n % 3] != code else far[n % 3 - 1]], code)
    # Whose post is over sees nothing more through glass that is still broken.
    ended = world.specials["ended-post"].user
    assert ended is not None
    Glass.objects.create(
        public_id="BG-AAAA-AAAA",
        user=ended,
        unit=world.units["ST-B"],
        subject=f"tip:{world.full['ST-B'].public_id}",
        reason="It was broken while the post was held",
        broken_at=world.at,
        until=world.at + rules.GLASS_STAYS_BROKEN,
    )
    # And one whose four hours are over.
    Glass.objects.create(
        public_id="BG-BBBB-BBBB",
        user=world.person("investigator", "PS-A1A").user,
        unit=world.units["ST-B"],
        subject=f"tip:{world.full['ST-B'].public_id}",
        reason="It was broken yesterday, and the time is over",
        broken_at=world.at - timedelta(days=1),
        until=world.at - timedelta(hours=20),
    )


def _unsealings(world: World) -> None:
    law = pack("IN").unsealing
    for code, tip in world.full.items():
        by = world.staff.get(code) or world.person("investigator", code)
        child = Identity.objects.shown().filter(subject=f"tip:{tip.public_id}").first()
        assert child is not None
        world.identities[code] = child.public_id
        row, _key = sealed.ask(
            by=world.viewer(by),
            at=world.at,
            identity=child.public_id,
            reason_kind=law.reasons[0].id,
            reason="Arrange for the child to be met at school today",
            case_number="FIR 17/2026",
            minutes=10,
            law=law,
        )
        world.openings[code] = row.public_id


def _works(world: World, code: str, role: str = "investigator") -> User:
    """Somebody of the unit: in that role where every role has somebody, else its investigator."""
    person = world.staff.get(code) or world.person(role, code)
    assert person.user is not None
    return person.user


def _looks(world: World) -> None:
    """Each unit's file is looked at by its investigator, found to be something, and asked for as an original."""
    key = os.urandom(32)
    for code, tip in world.full.items():
        by, item, subject = _works(world, code), tip.files.get().item, f"tip:{tip.public_id}"
        viewing.Warrant.objects.create(
            public_id=public_ids.new("WA"),
            item=item,
            number="17/2026",
            court="Example court",
            issued_on=world.at.date(),
            user=by,
            recorded_at=world.at,
        )
        look = viewing.Viewing.objects.create(
            public_id=public_ids.new("VW"),
            item=item,
            subject=subject,
            user=by,
            session=_session(world, code),
            reason_kind="urgency",
            reason="A pattern that somebody has to look at",
            law="IN",
            violent=False,
            public_key=key,
            asked_at=world.at,
            expires_at=world.at + timedelta(minutes=9),
        )
        world.viewings[code] = look.public_id
        viewing.Picture.objects.create(
            viewing=look, mode="still", number=0, width=96, height=96, key_part=key, body=key
        )
        viewing.Assessment.objects.create(
            blob=item.blob, viewing=look, user=by, at=world.at, outcome="nothing-of-concern", violent=False, rule=1
        )
        viewing.Exposure.objects.create(viewing=look, user=by, at=world.at, mode="still", number=0, weight=1)
        export = viewing.Export.objects.create(
            public_id=public_ids.new("EX"),
            subject=subject,
            items=[item.public_id],
            user=by,
            purpose="court",
            words="The court asked for it",
            recipient="Example court",
            recipient_key=key,
            asked_at=world.at,
        )
        world.exports[code] = export.public_id


def _retention(world: World) -> None:
    """Each unit has a record that waits, a person who was cleared, and a destruction that was asked for."""
    for code, tip in world.full.items():
        by, subject = _works(world, code, "legal-reviewer"), f"tip:{tip.public_id}"
        hold = retention.Hold.objects.create(
            public_id=public_ids.new("HD"),
            subject=subject,
            kind=next(iter(facts.Hold)).value,
            reason="A court has it",
            placed_by=by,
            placed_at=world.at,
        )
        world.holds[code] = hold.public_id
        retention.Apart.objects.create(
            public_id=public_ids.new("AP"),
            subject=subject,
            part="somebody",
            pseudonym="Person X",
            reason="Somebody else used the account",
            by=by,
            at=world.at,
        )
        destruction = retention.Destruction.objects.create(
            public_id=public_ids.new("DE"),
            subject=subject,
            unit=world.units[code],
            retention_class="example",
            basis="Example rules, 1",
            due_on=world.at.date(),
            state="asked",
            asked_by=by,
            asked_at=world.at,
        )
        world.destructions[code] = destruction.public_id
        imported = world.tips[code][1]
        done = retention.Destruction.objects.create(
            public_id=public_ids.new("DE"),
            subject=f"tip:{imported.public_id}",
            unit=world.units[code],
            retention_class="example",
            basis="Example rules, 1",
            due_on=world.at.date(),
            state="done",
            asked_by=by,
            asked_at=world.at,
            decided_by=world.specials["no-post"].user,
            decided_at=world.at,
            done_at=world.at,
            certificate="{}",
        )
        world.certificates[code] = done.public_id
        Tip.objects.filter(pk=imported.pk).update(set_apart=True)
        world.apart.add(imported.public_id)


def _notices(world: World) -> None:
    for person in world.everybody:
        if person.user is not None:
            notices.tell_person(
                user_id=person.user.pk, kind="access.test", subject=f"person:{person.name}", at=world.at
            )
    for code in STAFFED.values():
        notices.mark_seen(world.viewer(world.person("commander", code)), at=world.at)
