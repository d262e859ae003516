# SPDX-License-Identifier: Apache-2.0
"""Django's settings, all derived from the typed environment."""

from __future__ import annotations

import base64
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from csp.constants import NONE, SELF
from psycopg.conninfo import conninfo_to_dict

from nightlight.config import environment, postgres, secrets

ENVIRONMENT = environment.read()
_HERE = Path(__file__).resolve().parent.parent

DEBUG = False
SECRET_KEY = base64.b64encode(secrets.keep(ENVIRONMENT.keys, "django.key")).decode()
ALLOWED_HOSTS = [*ENVIRONMENT.hosts, "localhost", "127.0.0.1", "[::1]"]
ROOT_URLCONF = "nightlight.config.urls"
WSGI_APPLICATION = "nightlight.config.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"
USE_I18N = True

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "nightlight.outlook.desk",  # before allauth: our sign-in pages take the place of its own
    "nightlight.outlook.audit",
    "nightlight.outlook.hotline",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "axes",
    "csp",
    "django_htmx",
    "procrastinate.contrib.django",
    "nightlight.trust.custody",
    "nightlight.trust.accounts",
    "nightlight.trust.units",
    "nightlight.trust.sealed",
    "nightlight.trust.evidence",
    "nightlight.trust.viewing",
    "nightlight.trust.retention",
    "nightlight.pipeline.tips",
    "nightlight.pipeline.matching",
    "nightlight.pipeline.linking",
    "nightlight.pipeline.triage",
    "nightlight.pipeline.routing",
    "nightlight.casework.attribution",
    "nightlight.outlook.insight",
    "nightlight.config.apps.StoryConfig",
]

MIDDLEWARE = [
    # The reporting API is not here: it is answered beside Django's handler (see wsgi.py).
    "nightlight.config.middleware.browser_guards",
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",  # before static files, so that they bear it too
    "nightlight.config.middleware.storable_text",  # before whatever asks the database with a text that was sent
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "nightlight.outlook.desk.gate.gate",
    "django_htmx.middleware.HtmxMiddleware",
    "nightlight.config.middleware.refusals",
    "axes.middleware.AxesMiddleware",  # last: it turns the answer to a locked-out name into a page
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "nightlight.outlook.desk.context.installation",
            ],
        },
    }
]

# --- database -------------------------------------------------------------------------------------------------


def _database(role: str) -> dict[str, object]:
    url = ENVIRONMENT.database_url or postgres.url(ENVIRONMENT.home, role=role)
    if postgres.acting_as_owner():
        url = ENVIRONMENT.database_owner_url or (
            ENVIRONMENT.database_url or postgres.url(ENVIRONMENT.home, role=postgres.OWNER_ROLE)
        )
    parts = conninfo_to_dict(url)
    if ENVIRONMENT.database_url and not postgres.acting_as_owner():
        # One login for all three on a server of your own: it owns nothing and may become each of them.
        parts["options"] = f"{parts.get('options') or ''} -c role={role}".strip()
    known = {"dbname": "NAME", "user": "USER", "password": "PASSWORD", "host": "HOST", "port": "PORT"}
    options: dict[str, object] = {k: v for k, v in parts.items() if k not in known}
    # Django switches psycopg's prepared statements off; trust/statements.py asks for them, nothing else uses them.
    options["prepare_threshold"] = 5
    if postgres.pooling():
        # Each web thread holds one connection while it answers; two to spare for work outside a request.
        options["pool"] = {"min_size": 1, "max_size": ENVIRONMENT.web_threads + 2, "timeout": 10}
    return {
        "ENGINE": "nightlight.config.database",
        **{key: parts.get(name) or "" for name, key in known.items()},
        "OPTIONS": options,
        "TEST": {"NAME": postgres.test_database()},
    }


DATABASES = {"default": _database(postgres.role())}
if postgres.role() == postgres.APP_ROLE and not postgres.acting_as_owner():
    DATABASES["intake"] = _database(postgres.INTAKE_ROLE)

# --- sign-in --------------------------------------------------------------------------------------------------


def _identity_providers() -> list[dict[str, object]]:
    """Return the identity provider people may sign in through, if there is one, as allauth is told of it."""
    if not ENVIRONMENT.oidc_url:
        return []
    return [
        {
            "provider_id": "oidc",
            "name": ENVIRONMENT.oidc_name,
            "client_id": ENVIRONMENT.oidc_client_id,
            "secret": ENVIRONMENT.oidc_client_secret,
            "settings": {
                "server_url": ENVIRONMENT.oidc_url,
                "oauth_pkce_enabled": True,
                "scope": ["openid"],  # who, and nothing about them
                "fetch_userinfo": False,
            },
        }
    ]


def _identity_origins() -> list[str]:
    parts = urlsplit(ENVIRONMENT.oidc_url)
    return [f"{parts.scheme}://{parts.netloc}"] if parts.netloc else []


AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",  # first: a locked-out name is not even compared
    "allauth.account.auth_backends.AuthenticationBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "nightlight.trust.accounts.passwords.WordsOfThePlace"},
]
ACCOUNT_ADAPTER = "nightlight.outlook.desk.sign_in.Adapter"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_LOGOUT_REDIRECT_URL = "/accounts/login/"
ACCOUNT_SESSION_REMEMBER = False
# Failures per name are counted by axes, below; this holds back an address that tries many names.
ACCOUNT_RATE_LIMITS = {"login_failed": "20/m/ip"}
ACCOUNT_REAUTHENTICATION_TIMEOUT = 300
ALLAUTH_TRUSTED_PROXY_COUNT = 0
LOGIN_URL = "/accounts/login/"
LOGIN_REDIRECT_URL = "/"
SESSION_ENGINE = "django.contrib.sessions.backends.db"
SESSION_COOKIE_AGE = 60 * 60 * 12  # one shift
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = not ENVIRONMENT.insecure_http
# A browser takes a cookie of these names only from this very host, over TLS (RFC 6265bis, 4.1.3).
SESSION_COOKIE_NAME = "sessionid" if ENVIRONMENT.insecure_http else "__Host-sessionid"
CSRF_COOKIE_NAME = "csrftoken" if ENVIRONMENT.insecure_http else "__Host-csrftoken"
NIGHTLIGHT_PATH_COOKIE_PREFIX = "" if ENVIRONMENT.insecure_http else "__Secure-"  # for those of one page alone
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_HTTPONLY = True
NIGHTLIGHT_SESSION_HOURS = 12
NIGHTLIGHT_MFA_KEY = secrets.keep(ENVIRONMENT.keys, "mfa.key")
# Shared by all processes: what was tried too often in one is refused in every other, and a one-time code works once.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "accounts_cache",
        "OPTIONS": {"MAX_ENTRIES": 20_000},
    }
}

MFA_ADAPTER = "nightlight.outlook.desk.second_factor.Adapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = False  # the library lets http://localhost through by itself
MFA_TOTP_TOLERANCE = 1  # a code typed as it changes still counts; each counts once (see second_factor.py)
MFA_RECOVERY_CODE_DIGITS = 10
MFA_RECOVERY_CODES_SHOW_ONCE = True
MFA_FORMS = {
    "authenticate": "nightlight.outlook.desk.second_factor.AuthenticateForm",
    "reauthenticate": "nightlight.outlook.desk.second_factor.ReauthenticateForm",
}
USERSESSIONS_ADAPTER = "nightlight.outlook.desk.sign_in.SessionsAdapter"

AXES_HANDLER = "nightlight.outlook.desk.lockout.Handler"
AXES_USERNAME_CALLABLE = "nightlight.outlook.desk.lockout.typed_name"
AXES_LOCKOUT_CALLABLE = "nightlight.outlook.desk.lockout.locked_out_page"
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"], "username"]
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_RESET_ON_SUCCESS = True
AXES_DISABLE_ACCESS_LOG = True  # the custody log says who signed in
AXES_VERBOSE = False
AXES_SENSITIVE_PARAMETERS = ["login", "username", "password", "code", "credential", "csrfmiddlewaretoken", "next"]

# Nobody signs up through it: an administrator links an identity to a person beforehand.
SOCIALACCOUNT_ADAPTER = "nightlight.outlook.desk.single_sign_on.Adapter"
SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"APPS": _identity_providers()}}
SOCIALACCOUNT_EMAIL_AUTHENTICATION = False
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"

# --- page security --------------------------------------------------------------------------------------------

CSRF_TRUSTED_ORIGINS = [f"https://{host}" for host in ENVIRONMENT.hosts]
X_FRAME_OPTIONS = "DENY"
# Not "no-referrer": under it browsers send forms with "Origin: null", which the form check rightly refuses.
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SECURE_HSTS_SECONDS = 0 if ENVIRONMENT.insecure_http else 31_536_000
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "object-src": [NONE],  # as default-src says; some checks ask to see it
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        # Browsers apply this to the redirect that follows a form, too: signing in elsewhere begins with a form here.
        "form-action": [SELF, *_identity_origins()],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
    }
}

# --- static files ---------------------------------------------------------------------------------------------

STATIC_URL = "/static/"
STATIC_ROOT = str(ENVIRONMENT.home / "static")
WHITENOISE_USE_FINDERS = False
WHITENOISE_AUTOREFRESH = False
WHITENOISE_ALLOW_ALL_ORIGINS = False  # nobody else's pages have any use for ours
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}

# --- intake, custody, vault -----------------------------------------------------------------------------------

# The wire parsers bound what they read by themselves; these bound the ordinary forms.
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_500_000
FILE_UPLOAD_MAX_MEMORY_SIZE = 1_000_000
FILE_UPLOAD_TEMP_DIR = None
NIGHTLIGHT_REPORTER_PEPPER = secrets.keep(ENVIRONMENT.keys, "reporter-pepper.key")
NIGHTLIGHT_CUSTODY_KEY_FILE = ENVIRONMENT.keys / "custody-ed25519.key"
NIGHTLIGHT_CUSTODY_ORIGIN = ENVIRONMENT.custody_origin
NIGHTLIGHT_CUSTODY_RETIRED_KEYS = ENVIRONMENT.custody_retired_keys
NIGHTLIGHT_VAULT = ENVIRONMENT.vault
NIGHTLIGHT_VAULT_KEYS_DIR = ENVIRONMENT.keys / "vault"
NIGHTLIGHT_VAULT_OPTIONS = dict(ENVIRONMENT.vault_options)
NIGHTLIGHT_VAULT_MASTER_KEY = ENVIRONMENT.vault_master_key

LOGGING_CONFIG = None
NIGHTLIGHT_SEALING_KEYS_DIR = ENVIRONMENT.keys / "sealing"
NIGHTLIGHT_SEALED_SEARCH_KEY = secrets.keep(ENVIRONMENT.keys, "sealed-search.key")
NIGHTLIGHT_SEARCH_DIGEST_KEY = secrets.keep(ENVIRONMENT.keys, "search-digest.key")

# --- hotline --------------------------------------------------------------------------------------------------

NIGHTLIGHT_HOTLINE = ENVIRONMENT.hotline
NIGHTLIGHT_HOTLINE_EXIT = ENVIRONMENT.hotline_exit
NIGHTLIGHT_HOTLINE_PER_ADDRESS = ENVIRONMENT.hotline_per_address
NIGHTLIGHT_HOTLINE_PER_HOUR = ENVIRONMENT.hotline_per_hour
NIGHTLIGHT_TELLING_KEY = secrets.keep(ENVIRONMENT.keys, "telling.key")

# --- alerts ---------------------------------------------------------------------------------------------------

NIGHTLIGHT_ALERT_URLS = ENVIRONMENT.alert_urls
NIGHTLIGHT_ALERT_MINUTES = ENVIRONMENT.alert_minutes
NIGHTLIGHT_ALERT_OLD_DAYS = ENVIRONMENT.alert_old_days

# --- deconfliction --------------------------------------------------------------------------------------------

NIGHTLIGHT_DECONFLICTION_KEYS_DIR = ENVIRONMENT.deconfliction_keys
NIGHTLIGHT_DECONFLICTION_DAILY = ENVIRONMENT.deconfliction_daily
NIGHTLIGHT_DECONFLICTION_NAME = ENVIRONMENT.deconfliction_name

# --- exchange with other installations ------------------------------------------------------------------------

NIGHTLIGHT_EXCHANGE_FOLDER = ENVIRONMENT.home / "exchange"
NIGHTLIGHT_EXCHANGE_KEYS_DIR = ENVIRONMENT.keys / "exchange"
NIGHTLIGHT_EXCHANGE_NAME = ENVIRONMENT.exchange_name
NIGHTLIGHT_EXCHANGE_URL = ENVIRONMENT.exchange_url
NIGHTLIGHT_EXCHANGE_LARGEST = ENVIRONMENT.exchange_largest * 10**9
NIGHTLIGHT_EXCHANGE_OPEN = ENVIRONMENT.exchange_open
NIGHTLIGHT_EXCHANGE_DISK = ENVIRONMENT.exchange_disk * 10**9
NIGHTLIGHT_EXCHANGE_HELD = ENVIRONMENT.exchange_held
