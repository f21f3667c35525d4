"""Mail as files."""

import os
from pathlib import Path

import pytest
from mail_cases import Words, letter
from puntual.core.channels.email import as_wire
from puntual.core.channels.folder import FolderTransport
from puntual.core.channels.port import DeliveryStatus
from puntual.core.errors import CompanyMustAct


def test_a_message_is_a_file_that_says_when_and_to_whom(tmp_path: Path) -> None:
    outbox = FolderTransport(tmp_path / "a" / "outbox")
    delivery = outbox.deliver(letter(recipient="Ana.Ñ@nunez.example"))
    (path,) = (tmp_path / "a" / "outbox").iterdir()
    assert path.name.startswith("2025-05-13-ana-n-nunez-example-")
    assert path.suffix == ".eml"
    assert (delivery.status, delivery.vendor_id) == (DeliveryStatus.SENT, path.name)
    assert path.read_bytes() == as_wire(letter(recipient="Ana.Ñ@nunez.example"))
    outbox.close()


def test_the_same_message_is_written_once_whoever_writes_and_whenever(tmp_path: Path) -> None:
    first = FolderTransport(tmp_path)
    name = first.deliver(letter()).vendor_id
    again = letter(Words(subject="another try"), date=letter()["Date"].datetime.replace(day=14))
    assert first.deliver(again) == FolderTransport(tmp_path).deliver(again)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert b"another try" not in (tmp_path / name).read_bytes()


def test_another_process_that_was_first_is_not_overwritten(tmp_path: Path) -> None:
    early, late = FolderTransport(tmp_path), FolderTransport(tmp_path)
    late.deliver(letter(message_id="<other@ibarra.example>"))  # both know the folder before the message is there
    name = early.deliver(letter()).vendor_id
    assert late.deliver(letter(Words(subject="late"))).vendor_id == name
    assert b"late" not in (tmp_path / name).read_bytes()
    assert len(list(tmp_path.iterdir())) == 2


def test_a_disk_without_links_gets_its_files_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_links(self: Path, target: Path) -> None:
        raise PermissionError(1, "no links here")

    monkeypatch.setattr(Path, "hardlink_to", no_links)
    assert FolderTransport(tmp_path).deliver(letter()).status is DeliveryStatus.SENT
    assert [path.suffix for path in tmp_path.iterdir()] == [".eml"]


def test_a_failed_write_leaves_nothing_behind_and_says_what_to_check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CompanyMustAct, match=r"No space left on device.*mail\.folder"):
        FolderTransport(tmp_path).deliver(letter())
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_a_file_is_for_a_person(tmp_path: Path) -> None:
    (tmp_path / "outbox").write_text("")
    with pytest.raises(CompanyMustAct, match=r"mail\.folder"):
        FolderTransport(tmp_path / "outbox").deliver(letter())
