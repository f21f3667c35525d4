"""What docs/deploy says is there: commands, extras, paths, files, and nothing secret."""

import re
import shlex
import shutil
import subprocess
import tomllib
from configparser import ConfigParser
from pathlib import Path

import pytest
import yaml
from puntual.core.cli.main import puntual
from puntual.core.hosting.host import PATIENCE
from puntual.core.policy.host_schema import HostSettings
from puntual.core.policy.read import read_settings

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "docs" / "deploy"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
OURS = {name: service for name, service in COMPOSE["services"].items() if service["image"] == "puntual"}
DOCKERFILE = (DEPLOY / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
ASKED: list[str] = []


def a_secret(reference: str) -> str:
    """Whatever is asked for is there."""
    ASKED.append(reference)
    return "sqlite:///x.db"


EXAMPLE = read_settings(HostSettings, (DEPLOY / "puntual.yaml.example").read_bytes(), "puntual.yaml.example", a_secret)


def instructions(word: str) -> list[str]:
    return re.findall(rf"(?m)^{word} +(.*)$", DOCKERFILE)


def seconds(text: str) -> int:
    return int(re.fullmatch(r"(\d+)s", text)[1])  # type: ignore[index]


def given(words: list[str]) -> None:
    """A command of puntual with options that it has."""
    name, *options = words
    assert name in puntual.commands
    known = {flag for parameter in puntual.commands[name].params for flag in parameter.opts}
    assert {word for word in options if word.startswith("--")} <= known


def test_the_image_is_made_of_files_that_are_there_and_that_may_enter() -> None:
    copied = [source for line in instructions("COPY") if "--from" not in line for source in shlex.split(line)[:-1]]
    assert {name for name in copied if not (ROOT / name).exists()} == set()
    allowed = (DEPLOY / "Dockerfile.dockerignore").read_text(encoding="utf-8").split()
    assert "*" in allowed
    assert {f"!{name}" for name in copied} == {line for line in allowed if line.startswith("!")}
    packages = {folder.split(".")[1] for folder in _packages() if "." in folder}
    assert packages | {"templates"} <= set(copied)


def _packages() -> list[str]:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
    return list(settings["packages"])


@pytest.mark.parametrize("text", [DOCKERFILE, (DEPLOY / "README.md").read_text(encoding="utf-8")], ids=["Dockerfile", "README"])
def test_extras_that_are_installed_exist(text: str) -> None:
    named = {extra for found in re.findall(r"\[([a-z,]+)\]['\"]", text) for extra in found.split(",")}
    assert named
    assert named <= PROJECT["optional-dependencies"].keys()


def test_the_image_runs_as_nobody_in_particular_and_holds_no_secret() -> None:
    assert instructions("USER") == ["10001:10001"]
    assert instructions("STOPSIGNAL") == ["SIGTERM"]
    assert instructions("ENTRYPOINT") == ['["puntual"]']
    assert "puntual" in PROJECT["scripts"]
    given([str(word) for word in yaml.safe_load(instructions("CMD")[-1])])
    assert not re.search(r"(?i)(password|secret|token|_keys?)\b", " ".join(instructions("ENV") + instructions("ARG")))
    version = re.findall(r"(?m)^FROM python:(\d\.\d+)-slim", DOCKERFILE)
    assert set(version) == {version[0]}
    assert f"Programming Language :: Python :: {version[0]}" in PROJECT["classifiers"]
    assert f"{EXAMPLE.monitoring.listen}/health/live" in DOCKERFILE if EXAMPLE.monitoring else False


def test_the_services_of_compose_run_commands_that_there_are() -> None:
    assert OURS.keys() == {"worker", "web"}
    assert OURS["worker"]["deploy"]["replicas"] == 2
    for service in OURS.values():
        given(service["command"])
        assert (DEPLOY / service["build"]["context"]).resolve() == ROOT
        assert (ROOT / service["build"]["dockerfile"]).is_file()
        assert seconds(service["stop_grace_period"]) > PATIENCE.total_seconds()
        assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"])
        assert service["depends_on"] == {"database": {"condition": "service_healthy"}}
    assert COMPOSE["services"]["database"]["image"].startswith("postgres:16")


def test_nothing_listens_to_the_world_by_itself() -> None:
    published = [port for service in COMPOSE["services"].values() for port in service.get("ports", [])]
    assert published
    assert all(port.startswith("127.0.0.1:") for port in published)


def test_secrets_are_files_and_each_is_known_where_it_is_used() -> None:
    secrets = COMPOSE["secrets"]
    used = {name for service in COMPOSE["services"].values() for name in service["secrets"]}
    assert used == secrets.keys()
    assert all(set(how) == {"file"} and how["file"].startswith("./secrets/") for how in secrets.values())
    readme = (DEPLOY / "README.md").read_text(encoding="utf-8")
    assert all(name in readme for name in secrets)
    environments = [str(service.get("environment", "")) for service in COMPOSE["services"].values()]
    assert not [text for text in environments if re.search(r"PASSWORD': |KEYS|SECRET", text)]


def test_the_example_of_the_hosts_file_is_good_and_finds_the_secrets_of_compose() -> None:
    assert {f"file:/run/secrets/{name}" for name in OURS["worker"]["secrets"]} == set(ASKED)
    assert EXAMPLE.queue == "postgresql"
    assert EXAMPLE.web is not None
    assert EXAMPLE.web.listen in OURS["web"]["command"]
    mounted = {volume.split(":")[1] for volume in OURS["worker"]["volumes"]}
    folder = re.search(r"PUNTUAL_DIR=(\S+)", DOCKERFILE)
    assert folder is not None
    assert mounted == {f"{folder[1]}/{name}" for name in ("companies", "puntual.yaml", "state")}


def unit() -> ConfigParser:
    parser = ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(DEPLOY / "puntual.service", encoding="utf-8")
    return parser


def test_the_unit_starts_a_worker_waits_for_it_and_keeps_it_in() -> None:
    service = unit()["Service"]
    program, *words = shlex.split(service["ExecStart"])
    assert Path(program).name in PROJECT["scripts"]
    given(words)
    assert int(service["TimeoutStopSec"]) > PATIENCE.total_seconds()
    assert (service["KillSignal"], service["Restart"]) == ("SIGTERM", "on-failure")
    assert words[-1] == f"/var/lib/{service['StateDirectory']}"
    for key in ("NoNewPrivileges", "PrivateDevices", "PrivateTmp", "ProtectHome", "ProtectKernelTunables", "RestrictSUIDSGID"):
        assert service[key] == "yes"
    assert (service["ProtectSystem"], service["CapabilityBoundingSet"]) == ("strict", "")


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not on this machine")
def test_systemd_understands_the_unit(tmp_path: Path) -> None:
    text = (DEPLOY / "puntual.service").read_text(encoding="utf-8").replace("/opt/puntual/bin/puntual", "/bin/true")
    (tmp_path / "puntual.service").write_text(text, encoding="utf-8")
    done = subprocess.run(["systemd-analyze", "verify", str(tmp_path / "puntual.service")], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("page", ["deploy/README.md", "operating.md", "privacy.md"])
def test_the_commands_of_the_guides_exist(page: str) -> None:
    """In small letters it is the command, and what follows is one of its own."""
    said = re.findall(r"\bpuntual ([a-z][a-z-]*)", (ROOT / "docs" / page).read_text(encoding="utf-8"))
    assert said
    assert set(said) <= puntual.commands.keys()
