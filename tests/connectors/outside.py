"""Packages from outside, installed for the time of a test: their metadata in a folder, and the folder on the path."""

import sys
from pathlib import Path

import pytest
from puntual.core.worker.ledgers import GROUP
from puntual.core.worker.wiring import connector_entry


def installed(site: Path, monkeypatch: pytest.MonkeyPatch, package: str, **ledgers: str) -> None:
    """Metadata as an installer writes it: the package registers these ledgers by entry points."""
    folder = site / f"{package.replace('-', '_')}-1.0.dist-info"
    folder.mkdir(parents=True)
    (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n", encoding="utf-8")
    lines = [f"[{GROUP}]", *(f"{name} = {value}" for name, value in ledgers.items())]
    (folder / "entry_points.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    on_the_path(site, monkeypatch)


def on_the_path(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is imported from there is forgotten in the end."""
    if str(folder) not in sys.path:
        monkeypatch.syspath_prepend(str(folder))
    for module in folder.iterdir():
        if module.suffix == ".py" or (module / "__init__.py").exists():
            monkeypatch.setitem(sys.modules, module.stem, None)  # type: ignore[arg-type]
            del sys.modules[module.stem]
    connector_entry.cache_clear()
