"""Settings of the local run: given variables, generated secrets, environment of the processes."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from app.local.errors import LocalRunError
from app.local.settings import Settings, environment_for, simulator_environment, write_environment_file


def environment(data_dir: Path, **given: str) -> dict[str, str]:
    given = {"DATA_DIR": str(data_dir), **given}
    result = environment_for(given, Settings.read(given), 5555)
    return {"DATABASE_URL": "postgresql://", "REDIS_URL": "redis://", **result}


class TestKept:
    def test_secrets_are_generated_once(self, tmp_path: Path) -> None:
        first = environment(tmp_path)
        write_environment_file(first)
        second = environment(tmp_path)
        for name in ("SECRET_KEY", "SALES_IMPORT_API_KEY", "ADMIN_EMAIL", "ADMIN_PASSWORD", "FLOWER_PASSWORD"):
            assert first[name]
            assert second[name] == first[name]

    def test_two_installations_share_nothing(self, tmp_path: Path) -> None:
        assert environment(tmp_path)["SECRET_KEY"] != environment(tmp_path)["SECRET_KEY"]

    def test_a_given_value_is_used_and_kept(self, tmp_path: Path) -> None:
        write_environment_file(environment(tmp_path))
        write_environment_file(environment(tmp_path, ADMIN_PASSWORD='it\'s # "mine" $HOME'))
        assert environment(tmp_path)["ADMIN_PASSWORD"] == 'it\'s # "mine" $HOME'

    def test_an_empty_variable_counts_as_not_given(self, tmp_path: Path) -> None:
        assert environment(tmp_path, SECRET_KEY="")["SECRET_KEY"]

    def test_only_the_owner_reads_the_file(self, tmp_path: Path) -> None:
        path = write_environment_file(environment(tmp_path))
        path.chmod(0o644)
        write_environment_file(environment(tmp_path))
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert [entry.name for entry in tmp_path.iterdir()] == [path.name]

    def test_shells_get_the_place_of_the_files(self, tmp_path: Path) -> None:
        places = {"STORAGE_URL": "s3://hub/files", "STORAGE_ACCESS_KEY": "key", "STORAGE_SECRET_KEY": "secret of it"}
        text = write_environment_file(environment(tmp_path, **places)).read_text()
        assert "export STORAGE_URL=s3://hub/files\n" in text
        assert "export STORAGE_SECRET_KEY='secret of it'\n" in text
        assert "export STORAGE_READ_ALSO=''\n" in text

    def test_a_damaged_file_is_named(self, tmp_path: Path) -> None:
        (tmp_path / "hub.env").write_text("export SECRET_KEY='half")
        with pytest.raises(LocalRunError, match=r"hub\.env cannot be read"):
            environment(tmp_path)


class TestEnvironment:
    def test_is_local(self, tmp_path: Path) -> None:
        assert environment(tmp_path)["ENVIRONMENT"] == "local"

    def test_given_variables_are_used(self, tmp_path: Path) -> None:
        result = environment(tmp_path, WEB_CONCURRENCY="5", DEMO="0", PORT="8123", HOST="0.0.0.0", STORAGE_DIR="/s")
        assert (result["WEB_CONCURRENCY"], result["DEMO"], result["PORT"]) == ("5", "0", "8123")
        assert (result["HOST"], result["STORAGE_DIR"]) == ("0.0.0.0", "/s")

    def test_listens_on_loopback_by_default(self, tmp_path: Path) -> None:
        result = environment(tmp_path)
        assert (result["HOST"], result["PORT"], result["WEB_CONCURRENCY"], result["DEMO"]) == (
            "127.0.0.1",
            "8000",
            "2",
            "1",
        )
        assert result["STORAGE_DIR"] == str(tmp_path / "storage")

    def test_flower_requires_a_password_and_is_read_only(self, tmp_path: Path) -> None:
        result = environment(tmp_path, FLOWER_PASSWORD="mine")
        assert result["FLOWER_ADDRESS"] == "127.0.0.1"
        assert result["FLOWER_BASIC_AUTH"] == "admin:mine"
        assert result["FLOWER_READ_ONLY"] == "true"
        assert environment(tmp_path)["FLOWER_PASSWORD"] != environment(tmp_path)["ADMIN_PASSWORD"]

    def test_a_password_with_a_comma_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(LocalRunError, match="comma"):
            environment(tmp_path, FLOWER_PASSWORD="a,b")

    @pytest.mark.parametrize("port", ["0", "65536", "http", "-1", "8000.0", "٨٠"])
    @pytest.mark.parametrize("name", ["PORT", "FLOWER_PORT", "PROVIDER_SIMULATOR_PORT"])
    def test_an_invalid_port_is_refused_by_name(self, name: str, port: str) -> None:
        with pytest.raises(LocalRunError, match=f"^{name} is '{port}'"):
            Settings.read({name: port})

    @pytest.mark.parametrize("count", ["0", "two", "1001", "-1"])
    def test_an_invalid_number_of_web_processes_is_refused(self, count: str) -> None:
        with pytest.raises(LocalRunError, match=f"^WEB_CONCURRENCY is '{count}'; it must be a number from 1 to 1000"):
            Settings.read({"WEB_CONCURRENCY": count})


def test_the_simulator_is_the_provider_unless_another_one_is_given() -> None:
    address = "http://127.0.0.1:8090/demo/einvoices"
    assert simulator_environment({}, 8090) == {
        "PROVIDER_SIMULATOR_PORT": "8090",
        "EINVOICE_PROVIDER_URL": address,
        "EINVOICE_PROVIDER_LOOKUP_URL": address,
    }
    given = {"EINVOICE_PROVIDER_URL": "https://provider.example/"}
    assert simulator_environment(given, 8090) == {"PROVIDER_SIMULATOR_PORT": "8090"}


def test_urls_of_embedded_servers_of_an_earlier_run_are_ignored(tmp_path: Path) -> None:
    old = {"DATABASE_URL": "postgresql:///gone", "REDIS_URL": "redis://127.0.0.1:1/0", "OWN_SERVERS": "DATABASE_URL"}
    given = {"DATA_DIR": str(tmp_path), **old}
    result = environment_for(given, Settings.read(given), 5555)
    assert "DATABASE_URL" not in result
    assert result["REDIS_URL"] == "redis://127.0.0.1:1/0", "an external server stays"


def test_production_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LocalRunError, match="ENVIRONMENT is 'production'"):
        environment(tmp_path, ENVIRONMENT="production")
