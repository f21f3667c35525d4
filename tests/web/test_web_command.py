"""`puntual web`, as a process of its own: it listens, tells what it does as JSON, and ends by SIGTERM."""

import json
import os
import signal
import socket
import subprocess
import sys

import pytest
import requests
from click.testing import CliRunner
from puntual.core.cli.main import puntual
from web.web_host import ENVIRONMENT

COMMAND = [sys.executable, "-c", "from puntual.core.cli import main; main()"]


@pytest.fixture
def ports():
    with socket.socket() as one, socket.socket() as two:
        for free in (one, two):
            free.bind(("127.0.0.1", 0))
        return one.getsockname()[1], two.getsockname()[1]


def test_it_answers_until_it_is_told_to_end(host, ports):
    listen, monitoring = ports
    there = {**os.environ, **ENVIRONMENT, "PUNTUAL_DATABASE": str(host.engine.url)}
    words = ["web", "--dir", str(host.folder), "--listen", f"127.0.0.1:{listen}", "--monitoring", f"127.0.0.1:{monitoring}"]
    at_work = subprocess.Popen([*COMMAND, *words], env=there, stderr=subprocess.PIPE, text=True)
    assert at_work.stderr is not None
    said = [json.loads(at_work.stderr.readline())["event"] for _ in range(2)]
    health = requests.get(f"http://127.0.0.1:{listen}/health", headers={"Host": "puntual.example.com"}, timeout=30)
    ready = requests.get(f"http://127.0.0.1:{monitoring}/health/ready", timeout=30)
    at_work.send_signal(signal.SIGTERM)
    rest = at_work.communicate(timeout=60)[1]
    assert (said, health.text, ready.text, at_work.returncode) == (["listening"] * 2, "ok", "ok", 0)
    assert "Traceback" not in rest


@pytest.mark.parametrize("place", ["nowhere", "127.0.0.1", "127.0.0.1:99999", ":80", "a b:80"])
@pytest.mark.parametrize("option", ["--listen", "--monitoring"])
def test_a_place_that_is_none_is_said(host, option, place):
    done = CliRunner().invoke(puntual, ["web", option, place, "--dir", str(host.folder)])
    assert (done.exit_code, "is no address and port such as" in done.output) == (2, True), done.output


def test_a_host_without_the_web_or_with_a_broken_file_says_so(tmp_path, monkeypatch):
    monkeypatch.setenv("PUNTUAL_DATABASE", f"sqlite:///{tmp_path}/x.db")
    done = CliRunner().invoke(puntual, ["web", "--dir", str(tmp_path)])
    assert (done.exit_code, "says nothing of the web" in done.output) == (1, True)
    (tmp_path / "puntual.yaml").write_text("web: {address: 'http://puntual.example.com'}\n", encoding="utf-8")
    done = CliRunner().invoke(puntual, ["web", "--dir", str(tmp_path)])
    assert (done.exit_code, "must be an https address" in done.output) == (2, True)
