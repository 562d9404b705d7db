"""Settings of stored files: addresses, credentials from files, faults that name what to do and repeat no secret."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.storage_settings import BadLocation, Bucket, Folder, parse_location
from tests.test_config import Read, faults, read

__all__ = ["read"]

URL = "s3://invoices/hub/files?endpoint_url=https://s3.example.com:9000&region=eu-central-1&addressing=path"


def test_an_address_names_bucket_prefix_and_options() -> None:
    assert parse_location(URL) == Bucket("invoices", "hub/files", "https://s3.example.com:9000", "eu-central-1", "path")
    assert parse_location("s3://invoices") == Bucket("invoices")
    assert parse_location("s3://invoices/?profile=old") == Bucket("invoices", profile="old")
    assert parse_location("/srv/hub") == parse_location("file:///srv/hub") == Folder(Path("/srv/hub"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("s3://key:hunter2@invoices/hub", "must not contain a credential"),
        ("https://hunter2.example/bucket", "Expected a folder, or an address"),
        ("s3:/invoices/hunter2", "Expected the whole path of a folder"),
        ("s3//invoices/hunter2", "Expected the whole path of a folder"),
        ("hunter2", "Expected the whole path of a folder"),
        ("s3:///hunter2", "name of the bucket is missing"),
        ("s3://i/", "name of the bucket is missing"),
        ("s3://invoices/../hunter2", "prefix has characters"),
        ("s3://invoices/.hunter2", "prefix has characters"),
        ("s3://invoices/a//hunter2", "prefix has characters"),
        ("s3://invoices/?secret_key=hunter2", "1 unknown option(s); the known ones are addressing, endpoint_url"),
        ("s3://invoices/?endpoint_url=ftp://hunter2", "endpoint_url must be like"),
        ("s3://invoices/?endpoint_url=https://key:hunter2@s3.example", "endpoint_url must be like"),
        ("s3://invoices/?endpoint_url=https://s3.example/hunter2", "endpoint_url must be like"),
        ("s3://invoices/?addressing=hunter2", "addressing must be one of"),
        ("s3://[hunter2", "Expected an address"),
    ],
)
def test_a_wrong_address_does_not_start_and_is_not_repeated(read: Read, text: str, said: str) -> None:
    with pytest.raises(BadLocation):
        parse_location(text)
    for name in ("STORAGE_URL", "STORAGE_READ_ALSO"):
        [line] = faults(read, **{name: text})
        assert line.startswith(f"{name}: ")
        assert said in line
        assert "hunter2" not in line


def test_the_default_is_the_folder(read: Read) -> None:
    settings = read()
    assert (settings.storage.url, settings.storage.read_also, settings.storage_dir) == ("", "", Path("/srv/hub"))


def test_credentials_may_be_in_files_and_are_in_no_text(read: Read, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("hunter2\n")
    settings = read(
        STORAGE_URL=URL, STORAGE_ACCESS_KEY="an-access-key", STORAGE_SECRET_KEY_FILE=str(tmp_path / "secret")
    )
    assert (settings.storage.access_key, settings.storage.secret_key) == ("an-access-key", "hunter2")
    assert "hunter2" not in repr(settings)
    assert "an-access-key" not in repr(settings)


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"STORAGE_ACCESS_KEY": "k"}, "STORAGE_ACCESS_KEY and STORAGE_SECRET_KEY belong together"),
        ({"STORAGE_SECRET_KEY": "k"}, "STORAGE_ACCESS_KEY and STORAGE_SECRET_KEY belong together"),
        ({"STORAGE_KMS_KEY": "k"}, "STORAGE_KMS_KEY needs STORAGE_ENCRYPTION=aws:kms"),
        ({"STORAGE_LOCK_MODE": "governance"}, "STORAGE_LOCK_MODE and STORAGE_LOCK_DAYS belong together"),
        ({"STORAGE_LOCK_DAYS": "3650"}, "STORAGE_LOCK_MODE and STORAGE_LOCK_DAYS belong together"),
        ({"STORAGE_LOCK_MODE": "for ever", "STORAGE_LOCK_DAYS": "1"}, "STORAGE_LOCK_MODE: Must be one of"),
        ({"STORAGE_ENCRYPTION": "rot13"}, "STORAGE_ENCRYPTION: Must be one of"),
        ({"STORAGE_URL": "", "STORAGE_ENCRYPTION": "AES256"}, "need a STORAGE_URL that begins with s3://"),
    ],
)
def test_settings_that_do_not_fit_together_do_not_start(read: Read, facts: dict[str, str], said: str) -> None:
    [line] = faults(read, **{"STORAGE_URL": URL, **facts})
    assert said in line
