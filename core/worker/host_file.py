"""The host's own file, `puntual.yaml` beside companies/: read here, described in policy/host_schema.py."""

from pathlib import Path

from ..errors import PolicyProblem
from ..policy.host_schema import HostSettings
from ..policy.read import read_settings
from .places import look_up_secret, shown_path

FILE = "puntual.yaml"


def read_host(directory: Path) -> HostSettings:
    """The host's file, or every default where there is none. Raises PolicyFileProblems with everything that is wrong with it."""
    path = directory / FILE
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return HostSettings()
    except OSError as error:
        raise PolicyProblem(f"{shown_path(path)} cannot be read: {error.strerror}") from None
    return read_settings(HostSettings, text, shown_path(path), look_up_secret)
