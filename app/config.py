"""Settings: read from the environment and validated once, at start."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal, cast, get_args

from environs import EnvValidationError, FileAwareEnv, validate

from app import config_values, redis_servers, storage_settings
from app.languages import LANGUAGES, SOURCE
from app.process_numbers import STREAMS
from app.storage_settings import STORED_IN_FOLDER, StorageSettings

Environment = Literal["production", "local", "test"]

KIB = 1024
MIB = 1024 * KIB

MINIMUM_SECRET_LENGTH = 32
#: Different characters: ``changeme`` four times over is long and still easy to guess. Hexadecimal has 16.
MINIMUM_SECRET_VARIETY = 10
MINIMUM_KEY_LENGTH = 16


class ConfigurationError(Exception):
    """Settings are missing or invalid; the message has one line for each fault."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings of this installation; units are in the names or in the types."""

    environment: Environment
    secret_key: str
    database_url: str
    redis_url: str
    storage_dir: Path
    storage: StorageSettings = STORED_IN_FOLDER
    sales_import_api_keys: tuple[str, ...] = ()
    #: A standby of the database that lists are read from; empty: there is none.
    database_replica_url: str = ""
    #: Number of proxies in front whose ``X-Forwarded-*`` headers are trusted; 0 trusts none.
    trusted_proxies: int = 0
    #: Address of the hub for links that leave it, without a slash at its end; empty: the host of the present request.
    public_url: str = ""
    #: Whether pages work over plain http in production, for a trusted network without certificates.
    allow_http: bool = False
    database_pool_size: int = 10
    log_level: str = "INFO"
    access_token_lifetime: timedelta = timedelta(hours=1)
    refresh_token_lifetime: timedelta = timedelta(days=7)
    #: A browser session ends after so long without a request.
    web_session_lifetime: timedelta = timedelta(hours=12)
    #: Empty: the limit of ``app/accounts/login/login_limits.py``.
    login_limit: str = ""
    #: Time limit of Redis when a rate limit is counted; after it the process counts alone.
    limit_timeout_seconds: float = 0.025
    stream_keep_alive_seconds: float = 15.0
    stream_lifetime_seconds: float = 600.0
    streams_per_credential: int = 50
    #: Of all credentials of a user, in all processes.
    streams_per_user: int = 200
    streams_per_process: int = 1500
    tokens_per_user: int = 50
    webhook_endpoints_per_user: int = 50
    provider_accounts_per_user: int = 50
    stream_buffer_events: int = 256
    max_body_bytes: int = MIB
    #: For the operations that take a whole packing list or more.
    max_bulk_bytes: int = 32 * MIB
    #: Seconds in which the body of a request must arrive; a long one gets more, see ``body_reader.py``.
    body_timeout_seconds: float = 30.0
    idempotency_lifetime: timedelta = timedelta(hours=24)
    api_call_retention: timedelta = timedelta(days=90)
    #: Its days are the days of receipts and of the counts of the overview.
    time_zone: str = "UTC"
    #: Language of the papers of goods receipts, which belong to no user: ``en`` or ``tr``.
    document_language: str = SOURCE
    #: How long events stay readable; None keeps them for ever.
    event_retention: timedelta | None = timedelta(days=400)
    #: Bearer token that reads ``/metrics`` from another machine; empty: only this machine may.
    metrics_token: str = ""
    #: Address of the e-invoice provider ``http``, the address of its look-up, and its bearer token.
    einvoice_provider_url: str = ""
    einvoice_provider_lookup_url: str = ""
    einvoice_provider_token: str = ""
    #: Address of the authority that stamps the daily roots (RFC 3161); empty: they get no time stamps.
    timestamp_url: str = ""
    timestamp_user: str = ""
    timestamp_password: str = ""
    #: PEM file of the root certificates of this authority.
    timestamp_ca_file: Path | None = None
    #: Whether each e-invoice shows the newest daily root of its owner in the footer.
    print_roots: bool = False
    #: Who gets each new root by mail, by which server, and from whom.
    roots_mail_to: tuple[str, ...] = ()
    smtp_url: str = ""
    mail_from: str = ""
    #: Folder with newer sets of official rules; the packages have sets too.
    official_rules_dir: Path | None = None
    #: Delays between the attempts of a webhook; empty: those of ``app/webhooks/sender/retry_schedule.py``.
    webhook_retries: tuple[timedelta, ...] = ()
    webhook_retention: timedelta = timedelta(days=90)
    #: PEM file of further certificate authorities that outgoing requests trust, such as a company's own.
    trusted_ca_file: Path | None = None
    #: Whether spans go to an OpenTelemetry collector; the ``OTEL_*`` variables have the details.
    tracing: bool = False

    @classmethod
    def from_environment(cls) -> Settings:
        """Read and validate the environment.

        Raises:
            ConfigurationError: one line for each fault, with the variable and what to do.
        """
        return _read()

    @property
    def is_production(self) -> bool:
        return self.environment == "production"

    @property
    def has_secure_cookies(self) -> bool:
        return self.is_production and not self.allow_http

    def flask(self) -> dict[str, Any]:
        """The settings as Flask configuration: in capitals, and under the names that extensions read."""
        return {
            **{field.name.upper(): getattr(self, field.name) for field in fields(self)},
            "MAX_CONTENT_LENGTH": self.max_body_bytes,
            "SQLALCHEMY_DATABASE_URI": self.database_url,
            "SQLALCHEMY_ENGINE_OPTIONS": config_values.engine_options(self.database_url, self.database_pool_size),
            "SQLALCHEMY_BINDS": {
                name: {"url": url, **config_values.engine_options(url, self.database_pool_size)}
                for name, url in {"replica": self.database_replica_url}.items()
                if url
            },
            # Browsers accept ``__Host-`` cookies only when they are secure and belong to this host.
            "SESSION_COOKIE_NAME": "__Host-hub" if self.has_secure_cookies else "hub",
            "SESSION_COOKIE_SECURE": self.has_secure_cookies,
            "SESSION_COOKIE_HTTPONLY": True,
            "SESSION_COOKIE_SAMESITE": "Lax",
            "SESSION_REFRESH_EACH_REQUEST": False,
            "WTF_CSRF_CHECK_DEFAULT": False,  # the pages check it; the JSON API takes no cookies
            "WTF_CSRF_TIME_LIMIT": None,  # as long as the session
            "JWT_SECRET_KEY": self.secret_key,
            "JWT_ACCESS_TOKEN_EXPIRES": self.access_token_lifetime,
            "JWT_REFRESH_TOKEN_EXPIRES": self.refresh_token_lifetime,
            "JWT_ERROR_MESSAGE_KEY": "message",
            "RATELIMIT_STORAGE_OPTIONS": {"timeout": self.limit_timeout_seconds},
            "PROPAGATE_EXCEPTIONS": False,
            "TRAP_HTTP_EXCEPTIONS": False,
        }


def _read() -> Settings:
    # FileAwareEnv also reads NAME_FILE, for secrets of containers.
    env = FileAwareEnv(eager=False, strip_whitespace=True)
    try:
        settings = _settings(env)
        env.seal()
    except EnvValidationError as error:
        messages = cast("Mapping[str, list[str]]", error.error_messages)
        raise ConfigurationError("\n".join(f"{name}: {' '.join(texts)}" for name, texts in messages.items())) from error
    except ValueError as error:  # a NAME_FILE cannot be read
        raise ConfigurationError(str(error).removeprefix("The value of ")) from error
    if faults := _weaknesses(settings):
        raise ConfigurationError("\n".join(faults))
    return settings


def _settings(env: FileAwareEnv) -> Settings:
    return Settings(
        environment=cast(
            "Environment", env.str("ENVIRONMENT", "production", validate=validate.OneOf(get_args(Environment)))
        ),
        secret_key=_needed(env, "SECRET_KEY"),
        **_database_settings(env),
        redis_url=_needed(env, "REDIS_URL"),
        storage_dir=Path(_needed(env, "STORAGE_DIR")),
        sales_import_api_keys=config_values.keys(env.list("SALES_IMPORT_API_KEY", []) or ()),
        trusted_proxies=env.int("TRUSTED_PROXIES", 0, validate=validate.Range(0, 10)),
        public_url=(env.str("PUBLIC_URL", "", validate=config_values.is_public_url) or "").rstrip("/"),
        allow_http=env.bool("ALLOW_HTTP", False) or False,
        log_level=env.str("LOG_LEVEL", "INFO", validate=validate.OneOf(["DEBUG", "INFO", "WARNING", "ERROR"])),
        login_limit=env.str("LOGIN_LIMIT", "", validate=config_values.is_limit),
        stream_keep_alive_seconds=env.float("STREAM_KEEP_ALIVE_SECONDS", 15.0, validate=validate.Range(0.1, 60)),
        stream_lifetime_seconds=env.float("STREAM_LIFETIME_SECONDS", 600.0, validate=validate.Range(1, 86400)),
        streams_per_credential=env.int("STREAMS_PER_CREDENTIAL", 50, validate=validate.Range(1, 100_000)),
        streams_per_user=env.int("STREAMS_PER_USER", 200, validate=validate.Range(1, 100_000)),
        streams_per_process=env.int("STREAMS_PER_PROCESS", 1500, validate=validate.Range(STREAMS[0], STREAMS[-1])),
        tokens_per_user=env.int("TOKENS_PER_USER", 50, validate=validate.Range(1, 10_000)),
        webhook_endpoints_per_user=env.int("WEBHOOK_ENDPOINTS_PER_USER", 50, validate=validate.Range(1, 10_000)),
        provider_accounts_per_user=env.int("PROVIDER_ACCOUNTS_PER_USER", 50, validate=validate.Range(1, 10_000)),
        body_timeout_seconds=env.float("BODY_TIMEOUT_SECONDS", 30.0, validate=validate.Range(1, 3600)),
        time_zone=env.str("TIME_ZONE", "UTC", validate=config_values.is_time_zone),
        document_language=env.str("DOCUMENT_LANGUAGE", SOURCE, validate=validate.OneOf(list(LANGUAGES))),
        api_call_retention=timedelta(days=env.int("API_CALL_RETENTION_DAYS", 90, validate=validate.Range(1, 36500))),
        event_retention=config_values.days(env.int("EVENT_RETENTION_DAYS", 400, validate=validate.Range(0, 36500))),
        metrics_token=env.str("METRICS_TOKEN", ""),
        einvoice_provider_url=env.str("EINVOICE_PROVIDER_URL", ""),
        einvoice_provider_lookup_url=env.str("EINVOICE_PROVIDER_LOOKUP_URL", ""),
        einvoice_provider_token=env.str("EINVOICE_PROVIDER_TOKEN", ""),
        webhook_retries=config_values.waits(env.list("WEBHOOK_RETRIES", [], subcast=int) or ()),
        webhook_retention=timedelta(days=env.int("WEBHOOK_RETENTION_DAYS", 90, validate=validate.Range(1, 3650)) or 0),
        official_rules_dir=config_values.path(env.str("OFFICIAL_RULES_DIR", "")),
        trusted_ca_file=config_values.path(env.str("TRUSTED_CA_FILE", "")),
        tracing=_is_traced(env),
        **(_evidence_settings(env) | storage_settings.read(env)),
    )


def _database_settings(env: FileAwareEnv) -> dict[str, Any]:
    return {
        "database_url": config_values.with_driver(_needed(env, "DATABASE_URL")),
        "database_replica_url": config_values.with_driver(env.str("DATABASE_REPLICA_URL", "") or "", "prefer-standby"),
        "database_pool_size": env.int("DATABASE_POOL_SIZE", 10, validate=validate.Range(1, 200)),
    }


def _evidence_settings(env: FileAwareEnv) -> dict[str, Any]:
    return {
        "timestamp_url": env.str("TIMESTAMP_URL", ""),
        "timestamp_user": env.str("TIMESTAMP_USER", ""),
        "timestamp_password": env.str("TIMESTAMP_PASSWORD", ""),
        "timestamp_ca_file": config_values.path(env.str("TIMESTAMP_CA_FILE", "")),
        "print_roots": env.bool("PRINT_ROOTS", False) or False,
        "roots_mail_to": config_values.keys(env.list("ROOTS_MAIL_TO", []) or ()),
        "smtp_url": env.str("SMTP_URL", "", validate=config_values.is_mail_server),
        "mail_from": env.str("MAIL_FROM", ""),
    }


def _needed(env: FileAwareEnv, name: str) -> str:
    """A required variable; a blank value counts as missing."""
    return env.str(name, validate=validate.Regexp(r"\s*\S", error="Environment variable is blank.")) or ""


def _is_traced(env: FileAwareEnv) -> bool:
    """Whether OpenTelemetry's variables turn tracing on; the hub supports OTLP over HTTP only."""
    if env.str("OTEL_SDK_DISABLED", "").lower() == "true" or env.str("OTEL_TRACES_EXPORTER", "") == "none":
        return False
    env.str("OTEL_EXPORTER_OTLP_PROTOCOL", "", validate=validate.OneOf(["", "http/protobuf"]))
    endpoints = (env.str("OTEL_EXPORTER_OTLP_ENDPOINT", ""), env.str("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", ""))
    return any((endpoint or "").strip() for endpoint in endpoints)


def _time_stamp_faults(settings: Settings) -> Iterator[str]:
    if settings.timestamp_url and settings.timestamp_ca_file is None:
        yield "TIMESTAMP_URL needs TIMESTAMP_CA_FILE: no stamp can be checked without root certificates."
    if settings.timestamp_user and not settings.timestamp_url.startswith("https://"):
        yield "TIMESTAMP_USER needs a TIMESTAMP_URL that begins with https://, so that nobody reads the password."
    yield from config_values.ca_file_faults("TIMESTAMP_CA_FILE", settings.timestamp_ca_file)


def _mail_faults(settings: Settings) -> Iterator[str]:
    if settings.roots_mail_to and not (settings.smtp_url and settings.mail_from):
        yield "ROOTS_MAIL_TO needs SMTP_URL and MAIL_FROM."
    for name, addresses in (("ROOTS_MAIL_TO", settings.roots_mail_to), ("MAIL_FROM", (settings.mail_from,))):
        if not all(config_values.is_mail_address(address) for address in addresses if address):
            yield f"{name} must be an e-mail address, such as: auditor@example.com"


def _address_faults(settings: Settings) -> Iterator[str]:
    for name in ("einvoice_provider_url", "einvoice_provider_lookup_url", "timestamp_url"):
        if (url := getattr(settings, name)) and not url.startswith(("https://", "http://")):
            yield f"{name.upper()} must be an https:// or http:// address."


def _weaknesses(settings: Settings) -> list[str]:
    faults = [*config_values.ca_file_faults("TRUSTED_CA_FILE", settings.trusted_ca_file), *_address_faults(settings)]
    faults += [*_time_stamp_faults(settings), *_mail_faults(settings), *settings.storage.faults()]
    for name in ("database_url", "database_replica_url"):
        if (url := getattr(settings, name)) and (fault := config_values.database_fault(url)):
            faults.append(f"{name.upper()} {fault}")
    faults += redis_servers.address_faults("REDIS_URL", settings.redis_url)
    if settings.event_retention and settings.event_retention < settings.webhook_retention:
        faults.append("EVENT_RETENTION_DAYS must not be less than WEBHOOK_RETENTION_DAYS: deliveries send events.")
    if settings.metrics_token and len(settings.metrics_token) < MINIMUM_KEY_LENGTH:
        faults.append(f"METRICS_TOKEN is weak: it needs at least {MINIMUM_KEY_LENGTH} characters.")
    if len(settings.webhook_retries) > 10 or any(wait < timedelta(seconds=1) for wait in settings.webhook_retries):  # noqa: PLR2004
        faults.append("WEBHOOK_RETRIES must be 1 to 10 numbers of seconds, such as: 60,300,900,3600,21600")
    if settings.is_production and settings.secret_key:
        secret = settings.secret_key
        if len(secret) < MINIMUM_SECRET_LENGTH or len(set(secret.lower())) < MINIMUM_SECRET_VARIETY:
            faults.append(
                f"SECRET_KEY is weak: use at least {MINIMUM_SECRET_LENGTH} random characters, "
                "for instance the output of: python3 -c 'import secrets; print(secrets.token_urlsafe(48))'"
            )
        if any(len(key) < MINIMUM_KEY_LENGTH for key in settings.sales_import_api_keys):
            faults.append(f"SALES_IMPORT_API_KEY is weak: each key needs at least {MINIMUM_KEY_LENGTH} characters.")
    return faults
