# SPDX-License-Identifier: Apache-2.0
"""Every setting of an installation, read once from the environment, typed, and refused when wrong."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

PROFILES = ("advise", "sandbox", "strict")
PRESETS = ("modern", "legacy-200")
SECOND_FACTOR = ("required", "offered")


class WrongSetting(Exception):
    """A setting has a value Nightlight cannot work with; the message names both."""


@dataclass(frozen=True)
class Environment:
    """The settings of one installation. ``docs/operations.md`` explains each; a test compares the two."""

    home: Path  # NIGHTLIGHT_HOME: database, vault, keys
    database_url: str  # DATABASE_URL: a server of your own; empty = embedded
    database_owner_url: str  # NIGHTLIGHT_DATABASE_OWNER_URL: used to migrate only
    vault: str  # NIGHTLIGHT_VAULT: folder or s3://bucket/prefix; empty = folder in home
    vault_options: tuple[tuple[str, str], ...]  # NIGHTLIGHT_VAULT_OPTIONS: name=value, comma-separated, for S3
    vault_master_key: str  # NIGHTLIGHT_VAULT_MASTER_KEY: base64; empty = files in home/keys/vault
    custody_origin: str  # NIGHTLIGHT_CUSTODY_ORIGIN: the name under which this installation signs its log
    custody_retired_keys: tuple[str, ...]  # NIGHTLIGHT_CUSTODY_RETIRED_KEYS: public keys of earlier signing keys
    proxies: tuple[str, ...]  # NIGHTLIGHT_PROXIES: addresses of proxies whose X-Forwarded-* headers are believed
    hosts: tuple[str, ...]  # NIGHTLIGHT_HOSTS: names this installation answers to
    demo: bool  # NIGHTLIGHT_DEMO: shows the exercise's sign-ins on the sign-in page
    insecure_http: bool  # NIGHTLIGHT_INSECURE_HTTP: cookies over plain HTTP (loopback, behind no TLS)
    second_factor: str  # NIGHTLIGHT_SECOND_FACTOR: required or offered; a demo offers it
    idle_lock: int  # NIGHTLIGHT_IDLE_LOCK: minutes without a request until a session is locked
    oidc_url: str  # NIGHTLIGHT_OIDC_URL: the issuer people may sign in through; empty = none
    oidc_client_id: str  # NIGHTLIGHT_OIDC_CLIENT_ID: how this installation is known there
    oidc_client_secret: str  # NIGHTLIGHT_OIDC_CLIENT_SECRET_FILE: what the file holds, mode 0600
    oidc_name: str  # NIGHTLIGHT_OIDC_NAME: what the button on the sign-in page says
    oidc_trusts_second_factor: bool  # NIGHTLIGHT_OIDC_TRUSTS_SECOND_FACTOR: its second factor is enough
    intake_profile: str  # NIGHTLIGHT_INTAKE_PROFILE: advise, sandbox or strict
    intake_preset: str  # NIGHTLIGHT_INTAKE_STATUS: modern or legacy-200
    intake_newer: bool  # NIGHTLIGHT_INTAKE_NEWER_ELEMENTS: accept elements newer than November 2025
    alert_urls: tuple[str, ...] = field(repr=False)  # NIGHTLIGHT_ALERT_URLS_FILE: lines of the file, mode 0600
    alert_minutes: int  # NIGHTLIGHT_ALERT_MINUTES: until the next in line are called
    alert_old_days: int  # NIGHTLIGHT_ALERT_OLD_DAYS: from when on an imported report calls nobody
    deconfliction_keys: Path  # NIGHTLIGHT_DECONFLICTION_KEYS_DIR: one file for each ring of partners and epoch
    deconfliction_daily: int  # NIGHTLIGHT_DECONFLICTION_DAILY: digests that a partner may ask for in 24 hours
    deconfliction_name: str  # NIGHTLIGHT_DECONFLICTION_NAME: how partners are told of this installation
    exchange_name: str  # NIGHTLIGHT_EXCHANGE_NAME: what other installations call this one
    exchange_url: str  # NIGHTLIGHT_EXCHANGE_URL: where they reach it; empty = by stick alone
    exchange_largest: int  # NIGHTLIGHT_EXCHANGE_LARGEST: GB that one package from elsewhere may have
    exchange_open: int  # NIGHTLIGHT_EXCHANGE_OPEN: packages of one installation that may be on their way here
    exchange_disk: int  # NIGHTLIGHT_EXCHANGE_DISK: GB of disk that packages from elsewhere leave free
    exchange_held: int  # NIGHTLIGHT_EXCHANGE_HELD: packages of unknown senders that are held
    hotline: bool  # NIGHTLIGHT_HOTLINE: whether anybody may tell something on the page /tell/
    hotline_exit: str  # NIGHTLIGHT_HOTLINE_EXIT: the page that leaving at once leads to
    hotline_per_address: int  # NIGHTLIGHT_HOTLINE_PER_ADDRESS: how often one address may tell something within an hour
    hotline_per_hour: int  # NIGHTLIGHT_HOTLINE_PER_HOUR: how often all together may
    feedback_actioned_after: int | None  # NIGHTLIGHT_FEEDBACK_ACTIONED_AFTER: days until reporters hear; None = never
    log_engine: str  # NIGHTLIGHT_LOG_ENGINE: what joins events with a network's log: local or spark
    spark_master: str  # NIGHTLIGHT_SPARK_MASTER: which Spark; read where the engine is spark
    law: str  # NIGHTLIGHT_LAW: the country whose law pack is used
    zone: str  # NIGHTLIGHT_ZONE: the officers' time zone
    log_level: str  # NIGHTLIGHT_LOG_LEVEL
    web_processes: int  # NIGHTLIGHT_WEB_PROCESSES
    web_threads: int  # NIGHTLIGHT_WEB_THREADS: per process

    @property
    def keys(self) -> Path:
        """The folder of the installation's secrets (mode 0700)."""
        return self.home / "keys"

    @property
    def embedded(self) -> bool:
        """Whether Nightlight runs the database itself."""
        return not self.database_url


def _flag(env: Mapping[str, str], name: str, *, default: bool) -> bool:
    text = env.get(name, "").strip().lower()
    if not text:
        return default
    if text in {"1", "true", "yes", "on"}:
        return True
    if text in {"0", "false", "no", "off"}:
        return False
    raise WrongSetting(f"{name} is {text!r}; write yes or no")


def _one_of(env: Mapping[str, str], name: str, allowed: tuple[str, ...]) -> str:
    text = env.get(name, "").strip() or allowed[0]
    if text not in allowed:
        raise WrongSetting(f"{name} is {text!r}; write one of {', '.join(allowed)}")
    return text


def _count(env: Mapping[str, str], name: str, default: int, most: int = 1024) -> int:
    text = env.get(name, "").strip() or str(default)
    if not text.isdecimal() or not 1 <= int(text) <= most:
        raise WrongSetting(f"{name} is {text!r}; write a number from 1 to {most}")
    return int(text)


def _days_or_never(env: Mapping[str, str], name: str, default: int) -> int | None:
    if env.get(name, "").strip().lower() == "never":
        return None
    return _count(env, name, default, 3650)


def _ring_keys(env: Mapping[str, str], home: Path) -> Path:
    """Return the folder of the keys of rings; refuse one in which others may read a key."""
    name = "NIGHTLIGHT_DECONFLICTION_KEYS_DIR"
    folder = Path(env.get(name, "").strip() or home / "keys" / "deconfliction").expanduser().resolve()
    if folder.is_dir():
        for path in sorted(folder.glob("*.key")):
            if path.stat().st_mode & 0o077:
                raise WrongSetting(
                    f"{path} may be read by others; run chmod 600 {path}, and make a new key with your partners: "
                    "consider this one known"
                )
    return folder


def _issuer(env: Mapping[str, str]) -> str:
    """Return the OpenID Connect issuer; what it says decides who may enter, so it is asked over TLS only."""
    url = env.get("NIGHTLIGHT_OIDC_URL", "").strip().rstrip("/")
    parts = urlsplit(url)
    here = parts.hostname in {"localhost", "127.0.0.1", "::1"}
    if url and not (parts.hostname and (parts.scheme == "https" or (parts.scheme == "http" and here))):
        raise WrongSetting("NIGHTLIGHT_OIDC_URL must begin with https://")
    return url


def _reached_at(env: Mapping[str, str]) -> str:
    """Return the address where other installations reach this one; packages travel over TLS only."""
    url = env.get("NIGHTLIGHT_EXCHANGE_URL", "").strip().rstrip("/")
    parts = urlsplit(url)
    if url and not (parts.scheme == "https" and parts.hostname and url.isascii() and url.isprintable()):
        raise WrongSetting("NIGHTLIGHT_EXCHANGE_URL must be an address that begins with https://")
    return url


def _page(env: Mapping[str, str], name: str, default: str) -> str:
    """Return the address of a page elsewhere; it is written into a page of ours, so it is https and nothing else."""
    url = env.get(name, "").strip() or default
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname or not url.isascii() or not url.isprintable():
        raise WrongSetting(f"{name} must be the address of a page that begins with https://")
    return url


def _private(env: Mapping[str, str], name: str) -> str:
    """Return what the file holds that a setting names; refuse a file that others may read."""
    path = env.get(name, "").strip()
    if not path:
        return ""
    try:
        mode, text = Path(path).stat().st_mode, Path(path).read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise WrongSetting(f"{name} names a file that cannot be read: {error}") from None
    if mode & 0o077:
        raise WrongSetting(f"{name} names a file that others may read; run chmod 600 {path}")
    return text


def _addresses(env: Mapping[str, str], name: str) -> tuple[str, ...]:
    """Return the addresses in a file, one a line; they hold passwords, so none is ever repeated in a message."""
    lines = [line.strip() for line in _private(env, name).splitlines()]
    for number, line in enumerate(lines, 1):
        if line and not line.startswith("#") and not line.partition("://")[2]:
            raise WrongSetting(f"{name}: line {number} of the file is no address such as mailtos://... or json://...")
    return tuple(line for line in lines if line and not line.startswith("#"))


def _list(env: Mapping[str, str], name: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in env.get(name, "").split(",") if part.strip())


def _pairs(env: Mapping[str, str], name: str) -> tuple[tuple[str, str], ...]:
    parts = [part.partition("=") for part in _list(env, name)]
    if any(not equals for _, equals, _ in parts):
        raise WrongSetting(f"{name} is a list of name=value, separated by commas")
    return tuple((key.strip(), value.strip()) for key, _, value in parts)


def read(env: Mapping[str, str] | None = None) -> Environment:
    """Read the settings. Raises WrongSetting for a value that makes no sense."""
    env = os.environ if env is None else env
    home = Path(env.get("NIGHTLIGHT_HOME", "").strip() or "~/.nightlight").expanduser().resolve()
    database_url = env.get("DATABASE_URL", "").strip()
    if database_url and not database_url.startswith(("postgres://", "postgresql://")):
        raise WrongSetting("DATABASE_URL must begin with postgresql://; PostgreSQL is the only database")
    demo = _flag(env, "NIGHTLIGHT_DEMO", default=False)
    second_factor = _one_of(env, "NIGHTLIGHT_SECOND_FACTOR", SECOND_FACTOR)
    oidc_url, client_id = _issuer(env), env.get("NIGHTLIGHT_OIDC_CLIENT_ID", "").strip()
    client_secret = _private(env, "NIGHTLIGHT_OIDC_CLIENT_SECRET_FILE")
    if oidc_url and not (client_id and client_secret):
        raise WrongSetting(
            "NIGHTLIGHT_OIDC_URL also needs NIGHTLIGHT_OIDC_CLIENT_ID and NIGHTLIGHT_OIDC_CLIENT_SECRET_FILE"
        )
    return Environment(
        home=home,
        database_url=database_url,
        database_owner_url=env.get("NIGHTLIGHT_DATABASE_OWNER_URL", "").strip(),
        vault=env.get("NIGHTLIGHT_VAULT", "").strip() or str(home / "vault"),
        vault_options=_pairs(env, "NIGHTLIGHT_VAULT_OPTIONS"),
        vault_master_key=env.get("NIGHTLIGHT_VAULT_MASTER_KEY", "").strip(),
        custody_origin=env.get("NIGHTLIGHT_CUSTODY_ORIGIN", "").strip() or "nightlight.example.org/custody",
        custody_retired_keys=_list(env, "NIGHTLIGHT_CUSTODY_RETIRED_KEYS"),
        proxies=_list(env, "NIGHTLIGHT_PROXIES"),
        hosts=_list(env, "NIGHTLIGHT_HOSTS"),
        demo=demo,
        insecure_http=_flag(env, "NIGHTLIGHT_INSECURE_HTTP", default=False),
        second_factor="offered" if demo else second_factor,
        idle_lock=_count(env, "NIGHTLIGHT_IDLE_LOCK", 15),
        oidc_url=oidc_url,
        oidc_client_id=client_id,
        oidc_client_secret=client_secret,
        oidc_name=env.get("NIGHTLIGHT_OIDC_NAME", "").strip() or "single sign-on",
        oidc_trusts_second_factor=_flag(env, "NIGHTLIGHT_OIDC_TRUSTS_SECOND_FACTOR", default=False),
        intake_profile=_one_of(env, "NIGHTLIGHT_INTAKE_PROFILE", PROFILES),
        intake_preset=_one_of(env, "NIGHTLIGHT_INTAKE_STATUS", PRESETS),
        intake_newer=_flag(env, "NIGHTLIGHT_INTAKE_NEWER_ELEMENTS", default=False),
        alert_urls=_addresses(env, "NIGHTLIGHT_ALERT_URLS_FILE"),
        alert_minutes=_count(env, "NIGHTLIGHT_ALERT_MINUTES", 5),
        alert_old_days=_count(env, "NIGHTLIGHT_ALERT_OLD_DAYS", 30),
        deconfliction_keys=_ring_keys(env, home),
        deconfliction_daily=_count(env, "NIGHTLIGHT_DECONFLICTION_DAILY", 2000, 100_000),
        deconfliction_name=env.get("NIGHTLIGHT_DECONFLICTION_NAME", "").strip() or "Nightlight",
        exchange_name=env.get("NIGHTLIGHT_EXCHANGE_NAME", "").strip()
        or env.get("NIGHTLIGHT_DECONFLICTION_NAME", "").strip()
        or "Nightlight",
        exchange_url=_reached_at(env),
        exchange_largest=_count(env, "NIGHTLIGHT_EXCHANGE_LARGEST", 8),
        exchange_open=_count(env, "NIGHTLIGHT_EXCHANGE_OPEN", 16),
        exchange_disk=_count(env, "NIGHTLIGHT_EXCHANGE_DISK", 5, 100_000),
        exchange_held=_count(env, "NIGHTLIGHT_EXCHANGE_HELD", 20),
        hotline=_flag(env, "NIGHTLIGHT_HOTLINE", default=False),
        hotline_exit=_page(env, "NIGHTLIGHT_HOTLINE_EXIT", "https://en.wikipedia.org/"),
        hotline_per_address=_count(env, "NIGHTLIGHT_HOTLINE_PER_ADDRESS", 20, 10_000),
        hotline_per_hour=_count(env, "NIGHTLIGHT_HOTLINE_PER_HOUR", 200, 100_000),
        feedback_actioned_after=_days_or_never(env, "NIGHTLIGHT_FEEDBACK_ACTIONED_AFTER", 30),
        log_engine=_one_of(env, "NIGHTLIGHT_LOG_ENGINE", ("local", "spark")),
        spark_master=env.get("NIGHTLIGHT_SPARK_MASTER", "").strip() or "local[*]",
        law=_one_of(env, "NIGHTLIGHT_LAW", ("IN", "US")),
        zone=env.get("NIGHTLIGHT_ZONE", "").strip() or "Asia/Kolkata",
        log_level=_one_of(env, "NIGHTLIGHT_LOG_LEVEL", ("INFO", "DEBUG", "WARNING", "ERROR")),
        web_processes=_count(env, "NIGHTLIGHT_WEB_PROCESSES", os.cpu_count() or 1),
        web_threads=_count(env, "NIGHTLIGHT_WEB_THREADS", 4),
    )
