"""Settings: the file, the variables that win over it, and where state goes."""

import os
import re
from pathlib import Path

import pytest

from evergreen.base.errors import ConfigError
from evergreen.config.settings import Settings, find_project


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch):
    for name in list(os.environ):
        if name.upper().startswith("EVERGREEN_"):
            monkeypatch.delenv(name)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "params.yaml").touch()
    (tmp_path / "configs" / "env").mkdir(parents=True)
    (tmp_path / "configs" / "env" / "local.yaml").write_text("home: .evergreen\n")
    return tmp_path.resolve()


@pytest.fixture
def write(folder):
    def write(text: str, name: str = "local") -> Path:
        path = folder / "configs" / "env" / f"{name}.yaml"
        path.write_text(text)
        return path

    return write


def refusal(folder: Path, name: str = "local") -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        Settings.load(name, start=folder)
    return caught.value


def test_committed_file_is_accepted(project):
    settings = Settings.load(start=project)
    assert settings.home == project / ".evergreen"
    assert settings.serve_host == "127.0.0.1"


def test_state_lies_in_the_project_whatever_the_working_directory(folder, monkeypatch):
    (folder / "deep" / "deeper").mkdir(parents=True)
    monkeypatch.chdir(folder / "deep" / "deeper")
    settings = Settings.load()
    assert (settings.project, settings.home) == (folder, folder / ".evergreen")


def test_file_with_comments_only_leaves_the_defaults(folder, write):
    write("# home: elsewhere\n")
    assert Settings.load(start=folder).home == folder / ".evergreen"


def test_file_sets_a_value_and_a_variable_wins_over_it(folder, write, monkeypatch):
    write("serve_port: 4000\nserve_host: 0.0.0.0\n")
    assert Settings.load(start=folder).serve_port == 4000
    monkeypatch.setenv("EVERGREEN_SERVE_PORT", "5000")
    settings = Settings.load(start=folder)
    assert (settings.serve_port, settings.serve_host) == (5000, "0.0.0.0")


@pytest.mark.parametrize("absolute", [True, False])
def test_home_may_be_named_by_variable(folder, tmp_path_factory, monkeypatch, absolute):
    elsewhere = tmp_path_factory.mktemp("state")
    monkeypatch.setenv("EVERGREEN_HOME", str(elsewhere) if absolute else "state")
    assert Settings.load(start=folder).home == (elsewhere if absolute else folder / "state")


@pytest.mark.parametrize("home", ["", ".", "..", "x/../..", "/"])
def test_home_that_holds_the_project_is_refused(folder, monkeypatch, home):
    monkeypatch.setenv("EVERGREEN_HOME", home)
    error = refusal(folder)
    assert (error.code, error.where) == ("CFG011", "environment")


def test_home_that_holds_the_project_is_refused_in_the_file_too(folder, write):
    path = write("home: .\n")
    assert refusal(folder).where == str(path)


def test_project_may_be_named_by_variable(folder, tmp_path_factory, monkeypatch):
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    monkeypatch.setenv("EVERGREEN_PROJECT", str(folder / "configs"))
    settings = Settings.load()
    assert (settings.project, settings.home) == (folder, folder / ".evergreen")


def test_project_in_the_file_is_refused(folder, write):
    path = write("serve_port: 1\nproject: /elsewhere\n")
    assert (refusal(folder).code, refusal(folder).where) == ("CFG004", f"{path}:2")


@pytest.mark.parametrize(
    ("variable", "hint"),
    [
        ("EVERGREEN_SERVE_PROT", "Did you mean EVERGREEN_SERVE_PORT?"),
        ("EVERGREEN_HOEM", "Did you mean EVERGREEN_HOME?"),
        ("EVERGREEN_XYZ", "Unset it."),
    ],
)
def test_misspelt_variable_is_refused_with_a_suggestion(folder, monkeypatch, variable, hint):
    monkeypatch.setenv(variable, "1")
    error = refusal(folder)
    assert (error.code, error.what, error.where) == ("CFG008", f"unknown variable {variable}", "environment")
    assert error.next_step == hint


def test_other_variables_are_nobodys_business(folder, monkeypatch):
    monkeypatch.setenv("MYEVERGREEN_HOME", "x")
    monkeypatch.setenv("EVERGREENHOME", "x")
    assert Settings.load(start=folder).home == folder / ".evergreen"


@pytest.mark.parametrize(
    ("text", "code", "line", "hint"),
    [
        ("serve_host: x\nserve_prot: 1\n", "CFG004", 2, "Did you mean 'serve_port'?"),
        ("serve_port: many\n", "CFG005", 1, "Correct the value."),
        ("serve_port: 65536\n", "CFG005", 1, "Correct the value."),
        ("max_body_bytes: 0\n", "CFG005", 1, "Correct the value."),
        ("home: a\nhome: b\n", "CFG003", 2, "Keep one of them."),
        ("serve_port: [\n", "CFG002", 2, "Correct the file."),
        ("3000: serve_port\n", "CFG002", 1, "Put it in quotes, or write a name."),
    ],
)
def test_fault_in_the_file_is_named_with_its_line(folder, write, monkeypatch, text, code, line, hint):
    path = write(text)
    monkeypatch.setenv("EVERGREEN_SERVE_PORT", "1")  # a good variable does not hide a bad file
    error = refusal(folder)
    assert (error.code, error.where) == (code, f"{path}:{line}")
    assert error.next_step.startswith(hint)


def test_fault_in_a_variable_is_named_by_the_variable(folder, write, monkeypatch):
    write("serve_port: 4000\n")
    monkeypatch.setenv("EVERGREEN_SERVE_PORT", "many")
    error = refusal(folder)
    assert (error.code, error.where) == ("CFG005", "environment")
    assert error.what.startswith("EVERGREEN_SERVE_PORT: ")
    assert error.what.endswith("got 'many'")


def test_unknown_environment_lists_the_known_ones(folder, write):
    write("", "staging")
    error = refusal(folder, "prod")
    assert (error.code, error.what, error.next_step) == ("CFG007", "no environment 'prod'", "Known: local, staging.")


def test_folder_outside_any_project_is_refused():
    with pytest.raises(ConfigError) as caught:
        find_project(Path("/"))
    assert (caught.value.code, caught.value.where) == ("CFG009", "/")


def test_state_of_every_library_lies_under_home_and_its_telemetry_is_off(folder):
    settings = Settings.load(start=folder)
    given = settings.environment()
    off = {
        "DO_NOT_TRACK": "1",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
        "BENTOML_DO_NOT_TRACK": "true",
        "GX_ANALYTICS_ENABLED": "false",
        "ORT_DISABLE_TELEMETRY": "1",
        "WANDB_MODE": "offline",
        "WANDB_ERROR_REPORTING": "false",
    }
    assert {name: given[name] for name in off} == off
    for name, value in given.items():
        if "/" in value:
            assert re.sub(r"^(sqlite(\+aiosqlite)?:///|file://)", "", value).startswith(str(settings.home)), name
    assert {"PREFECT_HOME", "BENTOML_HOME", "MLFLOW_TRACKING_URI", "EVERGREEN_HOME"} <= given.keys()


def test_servers_are_embedded_under_home_unless_an_address_is_given(folder, write):
    settings = Settings.load(start=folder)
    home = folder / ".evergreen"
    assert settings.ledger() == f"sqlite:///{home}/ledger.db"
    assert settings.studies() == f"sqlite:///{home}/studies.db"
    assert settings.tracking_uri() == f"sqlite:///{home}/mlflow/mlflow.db"
    assert "PREFECT_API_URL" not in settings.environment()
    write(
        "ledger_url: postgresql://h/l\nstudy_url: postgresql://h/s\n"
        "mlflow_tracking_uri: http://h:5000\nprefect_api_url: http://h:4200/api\n"
    )
    settings = Settings.load(start=folder)
    assert settings.ledger() == "postgresql://h/l"
    assert settings.studies() == "postgresql://h/s"
    assert settings.environment()["MLFLOW_TRACKING_URI"] == "http://h:5000"
    assert settings.environment()["PREFECT_API_URL"] == "http://h:4200/api"


def test_children_get_the_same_home(folder, monkeypatch):
    monkeypatch.setenv("EVERGREEN_HOME", "state")
    settings = Settings.load(start=folder)
    monkeypatch.setenv("EVERGREEN_HOME", settings.environment()["EVERGREEN_HOME"])
    assert Settings.load(start=folder) == settings


def test_settings_are_frozen(folder):
    with pytest.raises(ValueError, match="frozen"):
        Settings.load(start=folder).serve_port = 1


def test_connections_come_from_the_variable_and_show_no_password(folder, monkeypatch):
    monkeypatch.setenv("EVERGREEN_CONNECTIONS", '{"warehouse": "postgresql://ann:open-sesame@host/db"}')
    settings = Settings.load(start=folder)
    assert settings.connections["warehouse"].get_secret_value() == "postgresql://ann:open-sesame@host/db"
    assert "sesame" not in repr(settings) + settings.model_dump_json()


def test_connections_of_file_and_variable_are_taken_together(folder, write, monkeypatch):
    write("connections:\n  local: sqlite:///a.db\n  other: sqlite:///b.db\n")
    monkeypatch.setenv("EVERGREEN_CONNECTIONS", '{"other": "sqlite:///c.db"}')
    found = {name: url.get_secret_value() for name, url in Settings.load(start=folder).connections.items()}
    assert found == {"local": "sqlite:///a.db", "other": "sqlite:///c.db"}


@pytest.mark.parametrize("value", ["postgresql://ann:open-sesame@host/db", '{"a": ["open-sesame"]}', '["open-sesame"]'])
def test_misspelt_connections_are_refused_without_showing_them(folder, monkeypatch, value):
    monkeypatch.setenv("EVERGREEN_CONNECTIONS", value)
    error = refusal(folder)
    assert (error.code, error.where) == ("CFG005", "environment")
    assert "sesame" not in error.block()


def test_storage_names_endpoints_and_never_credentials(folder, write, monkeypatch):
    path = write("storage:\n  s3:\n    endpoint_url: http://127.0.0.1:8333\n")
    assert Settings.load(start=folder).storage == {"s3": {"endpoint_url": "http://127.0.0.1:8333"}}
    monkeypatch.setenv("EVERGREEN_STORAGE", '{"s3": {"secret": "open-sesame"}}')
    error = refusal(folder)
    assert error.what.startswith("EVERGREEN_STORAGE: s3.secret is a credential; set it in the environment")
    monkeypatch.delenv("EVERGREEN_STORAGE")
    write("storage:\n  s3:\n    key: open-sesame\n")
    error = refusal(folder)
    assert (error.code, error.where) == ("CFG005", f"{path}:1")
    assert "sesame" not in error.block()


def test_trackers_are_a_list_in_the_file_and_have_commas_in_the_variable(folder, write, monkeypatch):
    assert Settings.load(start=folder).trackers == ("mlflow",)
    write("trackers: [mlflow, tensorboard]\n")
    assert Settings.load(start=folder).trackers == ("mlflow", "tensorboard")
    monkeypatch.setenv("EVERGREEN_TRACKERS", "wandb, mlflow")
    assert Settings.load(start=folder).trackers == ("wandb", "mlflow")


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("tensorboard", "name each tracker once, and mlflow among them"),
        ("mlflow,mlflow", "name each tracker once"),
        ("mlflow,aim", "Input should be 'mlflow', 'wandb' or 'tensorboard'"),
        ("", "Input should be"),
    ],
)
def test_trackers_without_mlflow_or_unknown_are_refused(folder, monkeypatch, value, said):
    monkeypatch.setenv("EVERGREEN_TRACKERS", value)
    error = refusal(folder)
    assert (error.code, error.where) == ("CFG005", "environment")
    assert error.what.startswith("EVERGREEN_TRACKERS: ")
    assert said in error.what


def test_keys_lie_below_the_project_or_home_or_where_they_are_named(folder, write, monkeypatch):
    monkeypatch.setenv("HOME", "/home/ann")
    write("signing_key: ~/keys/team.pem\ntrusted_keys: keys\n")
    settings = Settings.load(start=folder)
    assert (settings.signing_key, settings.trusted_keys) == (Path("/home/ann/keys/team.pem"), folder / "keys")
    monkeypatch.setenv("EVERGREEN_TRUSTED_KEYS", "/etc/keys")
    assert Settings.load(start=folder).trusted_keys == Path("/etc/keys")


def test_digest_of_a_package_is_one(folder, monkeypatch):
    monkeypatch.setenv("EVERGREEN_PACKAGE_DIGEST", "main")
    assert "EVERGREEN_PACKAGE_DIGEST" in refusal(folder).what
    monkeypatch.setenv("EVERGREEN_PACKAGE_DIGEST", "a" * 64)
    assert Settings.load(start=folder).package_digest == "a" * 64


def test_time_zone_of_the_schedules_is_one(folder, monkeypatch):
    monkeypatch.setenv("EVERGREEN_TIMEZONE", "Europe/Pariss")
    assert "EVERGREEN_TIMEZONE: no time zone 'Europe/Pariss'; did you mean 'Europe/Paris'" in refusal(folder).what
    monkeypatch.setenv("EVERGREEN_TIMEZONE", "Europe/Paris")
    assert Settings.load(start=folder).timezone == "Europe/Paris"
