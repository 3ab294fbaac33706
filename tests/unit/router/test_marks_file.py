"""What must not be forgotten is on disk before it is used."""

import sqlite3

import pytest

from interlock.router.core.marks import Marks
from interlock.router.marks_file import MarksFile
from interlock.testing.builders import SUPPORT
from interlock.vocabulary.errors import ConfigurationError
from interlock.vocabulary.identifiers import Order

ORDER = Order(1, 7, 3)
MARKS = Marks().put_highest("model/birch", 4).put_order(SUPPORT, ORDER, b"\x01").put_term(0, ORDER)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "state" / "marks.db"


def kept(path):
    file = MarksFile(path)
    marks = file.load()
    file.close()
    return marks


def test_marks_come_back_after_a_restart(path):
    file = MarksFile(path)
    assert file.save(MARKS)
    file.close()
    assert kept(path).values == MARKS.values
    assert kept(path).unsaved == ()
    assert (kept(path).number("model/birch"), kept(path).order(SUPPORT)) == (4, (ORDER, "01"))


def test_only_what_is_new_is_written_and_a_number_never_goes_down(path):
    file = MarksFile(path)
    assert file.save(MARKS)
    lower = MARKS.saved().put_highest("model/birch", 2)
    assert lower.unsaved == ()
    higher = lower.put_highest("model/birch", 5)
    assert file.save(higher)
    file.close()
    assert kept(path).number("model/birch") == 5
    assert kept(path).order(SUPPORT) == (ORDER, "01")


def test_what_cannot_be_written_is_not_said_to_be_kept(path):
    file = MarksFile(path)
    file.close()
    assert not file.save(MARKS)
    assert kept(path).values == Marks().values


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("policy/support", "many"),
        ("model/birch", ""),
        ("order/support/main/*", "1.7"),
        ("term/0", "1.7.x"),
        ("term/0", "1.7.0 and more"),
    ],
)
def test_a_damaged_mark_is_told_at_the_start_and_not_in_the_middle_of_a_request(path, key, value):
    MarksFile(path).close()
    with sqlite3.connect(path) as store:
        store.execute("INSERT INTO marks VALUES (?, ?)", (key, value))
    store.close()
    with pytest.raises(ConfigurationError, match="cannot be used"):
        kept(path)


def test_a_file_that_is_no_marks_file_is_told(path):
    path.parent.mkdir()
    path.write_bytes(b"something else" * 1_000)
    with pytest.raises(ConfigurationError, match="cannot be used"):
        MarksFile(path)
