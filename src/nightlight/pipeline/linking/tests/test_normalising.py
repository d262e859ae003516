# SPDX-License-Identifier: Apache-2.0
"""The same thing written in two ways is one value; what many strangers share is none."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightlight.pipeline.linking.confusables import skeleton
from nightlight.pipeline.linking.kinds import Kind, Side
from nightlight.pipeline.linking.normalising import LONGEST, host_name, normalise
from nightlight.pipeline.linking.rules_data import rules

AT = datetime(2026, 11, 1, 6, 30, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (Kind.EMAIL, "nobody"),
        (Kind.EMAIL, "@example.org"),
        (Kind.EMAIL, "a@localhost"),
        (Kind.EMAIL, "a b@example.org"),
        (Kind.EMAIL, "a@b@example.org"),
        (Kind.EMAIL, f"{'a' * 65}@example.org"),
        (Kind.EMAIL, "a@-.example"),
        (Kind.EMAIL, "a@192.0.2.7"),
        (Kind.EMAIL, "a@xn--\u0966.example"),
        (Kind.PHONE, "12"),
        (Kind.PHONE, "0000000000"),
        (Kind.PHONE, "+999 12345678"),
        (Kind.PHONE, "call me"),
        (Kind.PHONE, "9" * 400),
        (Kind.ACCOUNT, "12345"),
        (Kind.HANDLE, "anoop"),
        (Kind.ANY_HANDLE, "@"),
        (Kind.ANY_HANDLE, "...\u200b"),
        (Kind.GROUP, "Evening"),
        (Kind.URL, "javascript:void"),
        (Kind.URL, "file:///tmp/a"),
        (Kind.URL, "http://"),
        (Kind.URL, "http://localhost/a"),
        (Kind.URL, "http://192.168.1.1/a"),
        (Kind.URL, "http://example.org:99999/"),
        (Kind.URL, "http://[::1"),
        (Kind.PROFILE_URL, "https://www.example.org/"),
        (Kind.DEVICE, "00000000-0000-0000-0000-000000000000"),
        (Kind.DEVICE, "ffffffffffffffff"),
        (Kind.DEVICE, "9774D56D682E549C"),
        (Kind.DEVICE, "02:00:00:00:00:00"),
        (Kind.DEVICE, "unknown"),
        (Kind.DEVICE, "1a2b3c4"),
        (Kind.DEVICE, "Mozilla/5.0 (X11; Linux x86_64)"),
        (Kind.PAYMENT, "anoop@example.org"),
        (Kind.PAYMENT, "a@okaxis"),
        (Kind.ADDRESS, "10.1.2.3"),
        (Kind.ADDRESS, "100.64.9.9"),
        (Kind.ADDRESS, "::ffff:192.168.0.1"),
        (Kind.ADDRESS, "fe80::1%eth0"),
        (Kind.ADDRESS, "192.0.2"),
        (Kind.NETWORK, "127.0.0.1"),
        (Kind.ENDPOINT, "192.0.2.7"),
        (Kind.FILE, "abc"),
        (Kind.FILE, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    ],
)
def test_what_is_no_identifier_or_everybodys_is_none(kind: Kind, text: str) -> None:
    assert normalise(kind, text) is None


def test_an_unknown_provider_keeps_dots_and_tags() -> None:
    assert normalise(Kind.EMAIL, "An.Oop+Trade@Example.ORG") == "an.oop+trade@example.org"
    assert normalise(Kind.EMAIL, "a.b@example.org") != normalise(Kind.EMAIL, "ab@example.org")


@pytest.mark.parametrize(
    ("one", "same"),
    [
        ("An.oop.K+shop@GoogleMail.com", "anoopk@gmail.com"),
        ("a.b+c@outlook.com", "a.b@outlook.com"),
        ("kite@me.com", "kite@icloud.com"),
        ("k.i-t_e+a@pm.me", "kite@pm.me"),
        ("k.ite+x@ya.ru", "k-ite@yandex.com"),
        ("mailto:Kite@Example.Org", "kite@example.org"),
        ("<kite@example.org.>", "kite@example.org"),
        ("kite@उदाहरण.example", "kite@xn--p1b6ci4b4b3a.example"),
    ],
)
def test_spellings_of_one_mailbox(one: str, same: str) -> None:
    assert normalise(Kind.EMAIL, one) == same
    assert normalise(Kind.EMAIL, same) == same


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("kite@outlook.com", "kite@hotmail.com"),
        ("kite@pm.me", "kite@proton.me"),
        ("a.b@yahoo.com", "ab@yahoo.com"),
        ("a-b@yahoo.com", "a@yahoo.com"),
        ("+tag@gmail.com", "@gmail.com"),
        ("a.b@outlook.com", "ab@outlook.com"),
    ],
)
def test_different_mailboxes_stay_different(one: str, other: str) -> None:
    assert normalise(Kind.EMAIL, one) != normalise(Kind.EMAIL, other)


def test_every_rule_of_a_provider_names_its_hosts_as_they_are_looked_up() -> None:
    assert all(host_name(host) == host for host in rules().providers)
    assert all(
        not provider.canonical or provider.canonical in rules().providers for provider in rules().providers.values()
    )


def test_telephone_numbers_come_out_as_e164() -> None:
    for text in (
        "99999 00001",
        "+91-99999-00001",
        "0091 99999 00001",
        "099999 00001",
        "९९९९९ ००००१",
        "tel:+919999900001",
    ):
        assert normalise(Kind.PHONE, text) == "+919999900001", text
    assert normalise(Kind.PHONE, "99999 00001", calling_code="+91", region="US") == "+919999900001"
    assert normalise(Kind.PHONE, "(202) 555-0101", calling_code="1") == "+12025550101"
    assert normalise(Kind.PHONE, "(202) 555-0101", region="us") == "+12025550101"


def test_an_extension_is_part_of_the_number() -> None:
    assert normalise(Kind.PHONE, "+12025550101", extension="12") == "+12025550101;ext=12"


@pytest.mark.parametrize("code", ["abc", "", "+", "999", "00000", "+800"])
def test_an_odd_calling_code_never_raises(code: str) -> None:
    found = normalise(Kind.PHONE, "9999900001", calling_code=code)
    assert found is None or found.startswith("+")


def test_handles_that_look_alike_are_one() -> None:
    for text in (
        "@Anoop",
        "\uff21\uff2e\uff2f\uff2f\uff30",
        "\u0410noop",
        "an\u200doop",
        "\u0430n\u043e\u043ep",
        " anoop ",
    ):
        assert normalise(Kind.ANY_HANDLE, text) == "anoop", text
    assert normalise(Kind.ANY_HANDLE, "kite\u0966\u0967") == "kite01"
    assert normalise(Kind.HANDLE, "@Anoop", service=" Pepper  CHAT") == "pepper chat|anoop"


@pytest.mark.parametrize(("one", "other"), [("barney", "bamey"), ("player10", "playerlo"), ("അനൂപ്", "നിഷ")])
def test_names_that_readers_tell_apart_stay_apart(one: str, other: str) -> None:
    assert normalise(Kind.ANY_HANDLE, one) != normalise(Kind.ANY_HANDLE, other)


def test_a_handle_of_another_script_stays_readable() -> None:
    assert normalise(Kind.ANY_HANDLE, "മനോജ്") is not None


def test_an_account_keeps_the_services_own_identifier() -> None:
    assert normalise(Kind.ACCOUNT, "KF-01a", service="Kitefield") == "kitefield|KF-01a"
    assert normalise(Kind.ACCOUNT, "KF-01A", service="KITEFIELD") != normalise(
        Kind.ACCOUNT, "KF-01a", service="kitefield"
    )
    assert normalise(Kind.ACCOUNT, "a1b2c3d4e5f60718") == "|a1b2c3d4e5f60718"
    assert normalise(Kind.GROUP, " Van  Timings", service="a|b") == "a b|van timings"


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("https://www.Example.org:443/U/Abc/?utm_source=x&id=3&fbclid=9#top", "example.org/U/Abc?id=3"),
        ("hxxps://example[.]org/u/abc", "example.org/u/abc"),
        ("example.org/u/abc", "example.org/u/abc"),
        ("http://someone:secret@example.org/a", "example.org/a"),
        ("http://example.org:8080/", "example.org:8080"),
        ("https://उदाहरण.example/a", "xn--p1b6ci4b4b3a.example/a"),
        ("http://[2001:DB8::1]/a", "[2001:db8::1]/a"),
        ("http://192.0.2.1/a", "192.0.2.1/a"),
    ],
)
def test_web_addresses(text: str, same: str) -> None:
    assert normalise(Kind.URL, text) == same
    assert normalise(Kind.URL, same) == same


def test_devices_lose_case_and_separators_only_where_they_mean_nothing() -> None:
    assert normalise(Kind.DEVICE, "{AB12CD34-EF56-7890-AB12-CD34EF567890}") == "ab12cd34ef567890ab12cd34ef567890"
    assert normalise(Kind.DEVICE, "02:1A:2b:3c:4d:5e") == "021a2b3c4d5e"
    assert normalise(Kind.DEVICE, "dGhpcyBpcyBh-XYZ") == "dGhpcyBpcyBh-XYZ"


def test_payment_handles() -> None:
    assert normalise(Kind.PAYMENT, "Anoop.K@OkAxis") == "anoop.k@okaxis"
    assert normalise(Kind.PAYMENT, "upi://pay?pa=anoop@ybl&pn=A") == "anoop@ybl"
    assert normalise(Kind.EMAIL, "anoop.k@okaxis") is None


def test_network_addresses() -> None:
    assert normalise(Kind.ADDRESS, "2001:0DB8:0:0::00A1") == "2001:db8::a1"
    assert normalise(Kind.ADDRESS, "::ffff:192.0.2.7") == "192.0.2.7"
    assert normalise(Kind.NETWORK, "192.0.2.77") == "192.0.2.0/24"
    assert normalise(Kind.NETWORK, "2001:db8:1:2:3::4") == "2001:db8:1:2::/64"
    local = AT.astimezone(timezone(timedelta(hours=5, minutes=30)))
    assert normalise(Kind.ENDPOINT, "192.0.2.7", port=443, at=local) == "192.0.2.7|443|2026-11-01T06:30:05Z"
    assert normalise(Kind.ENDPOINT, "192.0.2.7", port=443) is None
    assert normalise(Kind.ENDPOINT, "192.0.2.7", at=AT) is None


def test_a_very_long_value_keeps_its_equality() -> None:
    long = f"example.org/{'a' * LONGEST}"
    found = normalise(Kind.URL, long)
    assert found is not None
    assert found.startswith("sha256:")
    assert found == normalise(Kind.URL, f"https://{long}")
    assert found != normalise(Kind.URL, f"{long}b")


def test_kinds_and_sides_have_words() -> None:
    assert Kind.DEVICE.label == "device identifier"
    assert len({kind.label for kind in Kind}) == len(Kind)
    assert len({side.label for side in Side}) == len(Side)


@given(st.sampled_from(list(Kind)), st.text(max_size=80), st.sampled_from([None, "Pepperchat"]))
def test_nothing_raises_and_values_fit_their_column(kind: Kind, text: str, service: str | None) -> None:
    found = normalise(kind, text, service=service, port=1, at=AT)
    assert found is None or 0 < len(found) <= LONGEST


@given(st.text(max_size=40))
def test_a_skeleton_is_its_own(text: str) -> None:
    assert skeleton(skeleton(text)) == skeleton(text)


@given(st.from_regex(r"[a-z0-9._+-]{1,20}", fullmatch=True), st.sampled_from(sorted(rules().providers)))
def test_a_mailbox_is_its_own(local: str, host: str) -> None:
    found = normalise(Kind.EMAIL, f"{local}@{host}")
    assert found is None or normalise(Kind.EMAIL, found) == found
