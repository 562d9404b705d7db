"""Settings from the environment: each fault is one line with the variable and the remedy."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import certifi
import pytest
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import create_engine, make_url

from app.config import ConfigurationError, Settings
from app.process_numbers import STREAMS, read_number

Read = Callable[..., Settings]
ROOT = Path(__file__).resolve().parents[1]
COMPLETE = {
    "ENVIRONMENT": "production",
    "SECRET_KEY": "0123456789abcdef0123456789abcdef",
    "DATABASE_URL": "postgresql://hub:secret@db.example/hub",
    "REDIS_URL": "redis://redis.example:6379/0",
    "STORAGE_DIR": "/srv/hub",
}


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> Read:
    """Read the settings from an environment with these variables only."""

    def make(**facts: str | None) -> Settings:
        for name in list(os.environ):
            monkeypatch.delenv(name)
        for name, value in {**COMPLETE, **facts}.items():
            if value is not None:
                monkeypatch.setenv(name, value)
        return Settings.from_environment()

    return make


def faults(read: Read, **facts: str | None) -> list[str]:
    with pytest.raises(ConfigurationError) as refused:
        read(**facts)
    return str(refused.value).splitlines()


def test_database_urls_of_hosting_panels_are_accepted(read: Read) -> None:
    for scheme in ("postgres://", "postgresql://", "postgresql+psycopg://"):
        settings = read(DATABASE_URL=f"{scheme}hub:secret@db.example/hub")
        assert settings.database_url == "postgresql+psycopg://hub:secret@db.example/hub"
    assert read(REDIS_URL="rediss://redis.example").redis_url == "rediss://redis.example"


@pytest.mark.parametrize(
    ("named", "hosts", "ports"),
    [
        ("hub:p%40ss@db1:5433,db2/hub", "db1,db2", "5433,5432"),
        ("hub:p%40ss@[::1]:5433,db2:5434/hub?sslmode=require", "::1,db2", "5433,5434"),
        ("hub:p%40ss@/hub?host=/run/a,/run/b", "/run/a,/run/b", None),
    ],
)
def test_several_database_servers_are_taken_as_libpq_takes_them(
    read: Read, named: str, hosts: str, ports: str | None
) -> None:
    url = read(DATABASE_URL=f"postgresql://{named}").database_url
    _, parameters = create_engine(url).dialect.create_connect_args(make_url(url))
    facts = [parameters[name] for name in ("user", "password", "dbname", "host", "target_session_attrs")]
    assert facts == ["hub", "p@ss", "hub", hosts, "read-write"]
    of_libpq = conninfo_to_dict(url.replace("+psycopg", ""))
    assert (of_libpq["host"], of_libpq.get("port")) == (hosts, ports)
    assert parameters.get("sslmode") == of_libpq.get("sslmode")


def test_several_standbys_are_taken_as_such(read: Read) -> None:
    settings = read(DATABASE_REPLICA_URL="postgresql://hub@db2,db3/hub")
    assert make_url(settings.database_replica_url).query["target_session_attrs"] == "prefer-standby"
    assert settings.flask()["SQLALCHEMY_BINDS"]["replica"]["url"] == settings.database_replica_url
    assert read().flask()["SQLALCHEMY_BINDS"] == {}
    assert faults(read, DATABASE_REPLICA_URL="mysql://db2/hub") == [
        "DATABASE_REPLICA_URL must be a postgresql:// address."
    ]


@pytest.mark.parametrize("name", ["DATABASE_URL", "DATABASE_REPLICA_URL"])
@pytest.mark.parametrize("place", ["db:54x2/hub", "a:1,b:2x/hub", "[::1/hub"])
def test_a_database_address_that_cannot_be_read_is_a_fault(read: Read, name: str, place: str) -> None:
    said = "cannot be read; expected an address such as: postgresql://user:password@host:5432/hub"
    assert faults(read, **{name: f"postgresql://hub:hunter2@{place}"}) == [f"{name} {said}"]


def test_what_a_database_address_says_itself_stays(read: Read) -> None:
    settings = read(DATABASE_URL="postgresql://hub@a,b/hub?target_session_attrs=any&connect_timeout=9")
    assert settings.database_url.count("target_session_attrs") == 1
    assert make_url(settings.database_url).query["target_session_attrs"] == "any"
    defaults = settings.flask()["SQLALCHEMY_ENGINE_OPTIONS"]["connect_args"]
    assert "connect_timeout" not in defaults
    assert defaults["keepalives_idle"] == 10


def test_the_default_environment_is_production(read: Read) -> None:
    settings = read(ENVIRONMENT=None)
    assert settings.is_production
    assert settings.sales_import_api_keys == ()
    assert (settings.trusted_proxies, settings.access_token_lifetime) == (0, timedelta(hours=1))


@pytest.mark.parametrize("name", ["SECRET_KEY", "DATABASE_URL", "REDIS_URL", "STORAGE_DIR"])
@pytest.mark.parametrize("value", [None, "", "   "])
def test_missing_required_settings_are_named(read: Read, name: str, value: str | None) -> None:
    [line] = faults(read, **{name: value})
    assert line.startswith(name)


@pytest.mark.parametrize("secret", ["secret", "A-b_c.d~e+f=g/h?1234567890!ijkl", "x" * 64, "changeme" * 8])
def test_a_weak_secret_does_not_start_in_production(read: Read, secret: str) -> None:
    [line] = faults(read, SECRET_KEY=secret)
    assert line.startswith("SECRET_KEY is weak")
    assert "secrets.token_urlsafe" in line
    assert secret not in line.removeprefix("SECRET_KEY").replace("import secrets; print(secrets", "")
    assert read(SECRET_KEY=secret, ENVIRONMENT="local").secret_key == secret


@pytest.mark.parametrize(
    ("given", "keys"),
    [
        ("a-key-of-the-erp-1", ("a-key-of-the-erp-1",)),
        ("a-key-of-the-erp-1,a-key-of-the-erp-2", ("a-key-of-the-erp-1", "a-key-of-the-erp-2")),
        (" a-key-of-the-erp-1 , ,a-key-of-the-erp-2,", ("a-key-of-the-erp-1", "a-key-of-the-erp-2")),
        ("", ()),
        (",", ()),
        (" ", ()),
    ],
)
@pytest.mark.parametrize("environment", ["production", "local"])
def test_several_keys_are_read_and_blank_ones_dropped(
    read: Read, environment: str, given: str, keys: tuple[str, ...]
) -> None:
    assert read(SALES_IMPORT_API_KEY=given, ENVIRONMENT=environment).sales_import_api_keys == keys


def test_a_weak_key_does_not_start_in_production(read: Read) -> None:
    lines = faults(read, SALES_IMPORT_API_KEY="short,a-key-of-the-erp-1,weak")
    assert lines == ["SALES_IMPORT_API_KEY is weak: each key needs at least 16 characters."]


def test_mails_of_roots_have_receivers(read: Read) -> None:
    complete = {"SMTP_URL": "smtps://hub:pass%40word@mail.example", "MAIL_FROM": "hub@example.com"}
    settings = read(**complete, ROOTS_MAIL_TO="a@example.com, b@example.com,")
    assert settings.roots_mail_to == ("a@example.com", "b@example.com")
    [line] = faults(read, **complete, ROOTS_MAIL_TO="a@example.com\nBcc: b@example.com")
    assert line.startswith("ROOTS_MAIL_TO must be an e-mail address")


def test_an_authority_of_time_stamps_needs_its_certificates_and_hides_its_password(read: Read) -> None:
    complete = {"TIMESTAMP_URL": "https://tsa.example/", "TIMESTAMP_CA_FILE": certifi.where()}
    assert read(**complete, TIMESTAMP_USER="hub").timestamp_ca_file == Path(certifi.where())
    for name, value, fault in (
        ("TIMESTAMP_CA_FILE", "", "TIMESTAMP_URL needs TIMESTAMP_CA_FILE"),
        ("TIMESTAMP_CA_FILE", __file__, "TIMESTAMP_CA_FILE holds no certificate"),
        ("TIMESTAMP_CA_FILE", "/nonexistent", "TIMESTAMP_CA_FILE cannot be read"),
        ("TIMESTAMP_URL", "http://tsa.example/", "TIMESTAMP_USER needs a TIMESTAMP_URL that begins with https://"),
        ("TIMESTAMP_URL", "ldap://tsa.example/", "TIMESTAMP_URL must be an https:// or http:// address."),
    ):
        given = {**complete, name: value, "TIMESTAMP_USER": "hub" if value.startswith("http:") else ""}
        assert [line[: len(fault)] for line in faults(read, **given)] == [fault]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ENVIRONMENT", "staging"),
        ("DATABASE_URL", "mysql://db.example/hub"),
        ("DATABASE_URL", "sqlite:///hub.db"),
        ("REDIS_URL", "http://redis.example"),
        ("TRUSTED_PROXIES", "many"),
        ("TRUSTED_PROXIES", "-1"),
        ("TRUSTED_PROXIES", "11"),
        ("DATABASE_POOL_SIZE", "0"),
        ("LOG_LEVEL", "LOUD"),
        ("LOGIN_LIMIT", "often"),
        ("STREAM_KEEP_ALIVE_SECONDS", "0"),
        ("STREAM_LIFETIME_SECONDS", "x"),
        ("STREAMS_PER_CREDENTIAL", "0"),
        ("STREAMS_PER_USER", "0"),
        ("STREAMS_PER_PROCESS", "0"),
        ("TOKENS_PER_USER", "0"),
        ("WEBHOOK_ENDPOINTS_PER_USER", "0"),
        ("PROVIDER_ACCOUNTS_PER_USER", "0"),
        ("SMTP_URL", "mail.example:25"),
        ("SMTP_URL", "smtp://a b@mail.example"),
        ("MAIL_FROM", "hub"),
        ("ROOTS_MAIL_TO", "auditor@example.com"),
        ("PRINT_ROOTS", "perhaps"),
    ],
)
def test_invalid_values_are_named(read: Read, name: str, value: str) -> None:
    [line] = faults(read, **{name: value})
    assert line.startswith(name)


def test_all_faults_are_reported_together(read: Read) -> None:
    lines = faults(read, SECRET_KEY=None, REDIS_URL=None, TRUSTED_PROXIES="x", LOG_LEVEL="x")
    assert sorted(line.split(":")[0].split()[0] for line in lines) == [
        "LOG_LEVEL",
        "REDIS_URL",
        "SECRET_KEY",
        "TRUSTED_PROXIES",
    ]


def test_secrets_are_read_from_files(read: Read, tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("a secret out of a file, long enough\n")
    assert read(SECRET_KEY=None, SECRET_KEY_FILE=str(file)).secret_key == "a secret out of a file, long enough"


def test_a_missing_secret_file_is_named(read: Read, tmp_path: Path) -> None:
    [line] = faults(read, SECRET_KEY=None, SECRET_KEY_FILE=str(tmp_path / "nothing"))
    assert line.startswith("SECRET_KEY")


@pytest.mark.slow
def test_a_start_with_invalid_settings_prints_only_the_faults() -> None:
    environment = COMPLETE | {"SECRET_KEY": "weak", "LOG_LEVEL": "LOUD"}
    run = subprocess.run(
        [sys.executable, "-c", "import wsgi"], env=environment, cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert run.returncode == 4
    first, *lines = run.stderr.splitlines()
    assert first == "Invoice Hub cannot start:"
    assert [line.split(":")[0] for line in lines] == ["LOG_LEVEL"]


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("STREAMS_PER_PROCESS", "many", "Expected a whole number from 1 to 100000."),
        ("STREAMS_PER_PROCESS", "0", "Expected a whole number from 1 to 100000."),
        ("WEB_CONCURRENCY", "0", "Expected a whole number from 1 to 1000."),
        ("PORT", "99999", "Expected a whole number from 1 to 65535."),
        ("PORT", "http", "Expected a whole number from 1 to 65535."),
    ],
)
def test_gunicorn_prints_only_the_fault_of_a_number(name: str, value: str, words: str) -> None:
    command = [sys.executable, "-m", "gunicorn", "-c", "app/operations/gunicorn.py", "wsgi:app"]
    run = subprocess.run(
        command, env={**COMPLETE, name: value}, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60
    )
    assert (run.returncode, run.stderr) == (4, f"Invoice Hub cannot start:\n{name}: {words}\n")


@pytest.mark.parametrize(("value", "number"), [("", 1500), (" 7 ", 7), ("100000", 100_000)])
def test_numbers_of_a_process(monkeypatch: pytest.MonkeyPatch, value: str, number: int) -> None:
    monkeypatch.setenv("STREAMS_PER_PROCESS", value)
    assert read_number("STREAMS_PER_PROCESS", 1500, STREAMS) == number


def test_a_file_of_authorities_without_certificates_stops_the_start(read: Read, tmp_path: Path) -> None:
    empty, missing = tmp_path / "empty.pem", tmp_path / "missing.pem"
    empty.write_text("nothing\n")
    assert faults(read, TRUSTED_CA_FILE=str(empty)) == [f"TRUSTED_CA_FILE holds no certificate in PEM format: {empty}"]
    said = f"TRUSTED_CA_FILE cannot be read: {missing}: No such file or directory"
    assert faults(read, TRUSTED_CA_FILE=str(missing)) == [said]
    assert read(TRUSTED_CA_FILE=certifi.where()).trusted_ca_file == Path(certifi.where())
    assert read(TRUSTED_CA_FILE="").trusted_ca_file is None


def test_the_time_zone_must_exist(read: Read) -> None:
    assert read().time_zone == "UTC"
    assert read(TIME_ZONE="Europe/Istanbul").time_zone == "Europe/Istanbul"
    for name in ("Europe/Nowhere", "../etc/passwd", "+03:00"):
        [fault] = faults(read, TIME_ZONE=name)
        assert "TIME_ZONE" in fault
        assert "Europe/Istanbul" in fault


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("", ""),
        ("https://hub.example", "https://hub.example"),
        ("https://hub.example/", "https://hub.example"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("http://[::1]:8000/", "http://[::1]:8000"),
        ("https://example.com/a/hub/", "https://example.com/a/hub"),
    ],
)
def test_the_public_address_has_no_slash_at_its_end(read: Read, given: str, used: str) -> None:
    assert read(PUBLIC_URL=given).public_url == used


@pytest.mark.parametrize(
    "given",
    [
        "hub.example", "//hub.example", "ftp://hub.example", "https://", "https://a b", "https://u:p@hub.example",
        "https://hub.example/?a=1", "https://hub.example/#a", "https://hub.example:port", "https://hub.example\nx",
    ],
)  # fmt: skip
def test_a_public_address_that_is_none_stops_the_start(read: Read, given: str) -> None:
    assert faults(read, PUBLIC_URL=given) == [
        "PUBLIC_URL: Expected the address of the hub, such as: https://hub.example."
    ]
