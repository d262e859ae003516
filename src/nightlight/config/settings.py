# SPDX-License-Identifier: Apache-2.0
"""Django's settings, all derived from the typed environment."""

from __future__ import annotations

import base64
from pathlib import Path

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
    "allauth",
    "allauth.account",
    "csp",
    "django_htmx",
    "procrastinate.contrib.django",
    "nightlight.trust.custody",
    "nightlight.trust.accounts",
    "nightlight.trust.evidence",
    "nightlight.pipeline.tips",
    "nightlight.config.apps.StoryConfig",
]

MIDDLEWARE = [
    # The reporting API is not here: it is answered beside Django's handler (see wsgi.py).
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "nightlight.config.middleware.refusals",
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


def _database() -> dict[str, object]:
    url = ENVIRONMENT.database_url or postgres.url(ENVIRONMENT.home, role=postgres.APP_ROLE)
    if postgres.acting_as_owner():
        url = ENVIRONMENT.database_owner_url or (
            ENVIRONMENT.database_url or postgres.url(ENVIRONMENT.home, role=postgres.OWNER_ROLE)
        )
    parts = conninfo_to_dict(url)
    known = {"dbname": "NAME", "user": "USER", "password": "PASSWORD", "host": "HOST", "port": "PORT"}
    options: dict[str, object] = {k: v for k, v in parts.items() if k not in known}
    # Django switches psycopg's prepared statements off; trust/statements.py asks for them, nothing else uses them.
    options["prepare_threshold"] = 5
    if postgres.pooling():
        # Each web thread holds one connection while it answers; two to spare for work outside a request.
        options["pool"] = {"min_size": 1, "max_size": ENVIRONMENT.web_threads + 2, "timeout": 10}
    return {
        "ENGINE": "django.db.backends.postgresql",
        **{key: parts.get(name) or "" for name, key in known.items()},
        "OPTIONS": options,
        "TEST": {"NAME": postgres.test_database()},
    }


DATABASES = {"default": _database()}

# --- sign-in --------------------------------------------------------------------------------------------------

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
]
ACCOUNT_ADAPTER = "nightlight.outlook.desk.sign_in.Adapter"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_LOGOUT_REDIRECT_URL = "/accounts/login/"
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_RATE_LIMITS = {"login_failed": "10/m/ip,5/5m/key"}
ALLAUTH_TRUSTED_PROXY_COUNT = 0
LOGIN_URL = "/accounts/login/"
LOGIN_REDIRECT_URL = "/"
SESSION_ENGINE = "django.contrib.sessions.backends.db"
SESSION_COOKIE_AGE = 60 * 60 * 12  # one shift
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = not ENVIRONMENT.insecure_http
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_HTTPONLY = True
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"

# --- page security --------------------------------------------------------------------------------------------

CSRF_TRUSTED_ORIGINS = [f"https://{host}" for host in ENVIRONMENT.hosts]
X_FRAME_OPTIONS = "DENY"
# Not "no-referrer": under it browsers send forms with "Origin: null", which the form check rightly refuses.
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SECURE_HSTS_SECONDS = 0 if ENVIRONMENT.insecure_http else 31_536_000
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
    }
}

# --- static files ---------------------------------------------------------------------------------------------

STATIC_URL = "/static/"
STATIC_ROOT = str(ENVIRONMENT.home / "static")
WHITENOISE_USE_FINDERS = False
WHITENOISE_AUTOREFRESH = False
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
