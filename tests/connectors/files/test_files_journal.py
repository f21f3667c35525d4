"""The notes file: every note once, whatever was torn."""

import multiprocessing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from puntual.connectors.files.journal import Journal, whole_length
from puntual.core.errors import BooksUnreadable

COLUMNS = ("marker", "text")
NOTES = [{"marker": f"M{n}", "text": f'línea {n}\nsegunda «ñ», "comillas"; 1,5 €'} for n in range(3)]


def test_a_note_is_there_once_and_as_it_was_given(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "new" / "notes.csv", COLUMNS)
    assert journal.rows() == []
    journal.add(NOTES[:2])
    journal.add(NOTES)
    assert journal.rows() == NOTES
    assert journal.path.read_bytes().startswith(b"\xef\xbb\xbf")


@given(cut=st.integers(min_value=0, max_value=260))
def test_a_torn_end_is_repaired_and_nothing_whole_is_lost(cut: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("torn") / "notes.csv"
    Journal(path, COLUMNS).add(NOTES)
    content = path.read_bytes()
    path.write_bytes(content[:cut])
    kept = Journal(path, COLUMNS).rows()
    assert kept == NOTES[: len(kept)]
    Journal(path, COLUMNS).add(NOTES)
    assert sorted(row["marker"] for row in Journal(path, COLUMNS).rows()) == ["M0", "M1", "M2"]
    assert path.read_bytes() == content


def test_whole_rows_end_outside_of_quotes() -> None:
    assert [whole_length(text) for text in (b"", b"a", b'"a"\n', b'"a"\n"b\n', b'"a""\nb"\n"c')] == [0, 0, 4, 4, 8]


def test_a_file_that_is_not_ours_is_not_written_to(tmp_path: Path) -> None:
    path = tmp_path / "notes.csv"
    path.write_text("number,total\n1,5\n", encoding="utf-8")
    with pytest.raises(BooksUnreadable, match="no longer as Puntual wrote it"):
        Journal(path, COLUMNS).add(NOTES)
    assert path.read_text(encoding="utf-8") == "number,total\n1,5\n"


def test_a_place_that_cannot_be_written_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "notes.csv").mkdir()
    with pytest.raises(BooksUnreadable, match=r"notes\.csv cannot be written"):
        Journal(tmp_path / "notes.csv", COLUMNS).add(NOTES)


def _add_many(path: Path) -> None:
    for note in range(40):
        Journal(path, COLUMNS).add([{"marker": f"M{note}", "text": "x"}])


def test_two_writers_at_once_leave_each_note_once(tmp_path: Path) -> None:
    path = tmp_path / "notes.csv"
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_add_many, args=(path,)) for _ in range(2)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert sorted(row["marker"] for row in Journal(path, COLUMNS).rows()) == sorted(f"M{note}" for note in range(40))
