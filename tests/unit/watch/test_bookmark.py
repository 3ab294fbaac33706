"""Where the notices are read from after a restart."""

from interlock.runtime.bus import Position
from interlock.watch.bookmark import Bookmark

WORDS = Position("notices", 0)
ONE, TWO = Position("log", 0), Position("log", 1)


def test_nothing_is_done_with_before_the_log_would_be_read_from_beyond_what_was_seen():
    bookmark = Bookmark()
    bookmark.move({WORDS: 5}, {ONE: 10, TWO: 10}, {ONE: 0, TWO: 0})
    assert bookmark.done == {}


def test_every_shard_must_have_gone_beyond():
    bookmark = Bookmark()
    bookmark.move({WORDS: 5}, {ONE: 10, TWO: 10}, {ONE: 0, TWO: 0})
    bookmark.move({WORDS: 6}, {ONE: 20, TWO: 20}, {ONE: 12, TWO: 9})
    assert bookmark.done == {}
    bookmark.move({WORDS: 7}, {ONE: 20, TWO: 20}, {ONE: 12, TWO: 10})
    assert bookmark.done == {WORDS: 5}


def test_it_goes_on_from_there():
    bookmark = Bookmark()
    bookmark.move({WORDS: 5}, {ONE: 10}, {ONE: 0})
    bookmark.move({WORDS: 6}, {ONE: 12}, {ONE: 10})
    bookmark.move({WORDS: 8}, {ONE: 14}, {ONE: 12})
    assert bookmark.done == {WORDS: 6}


def test_a_shard_without_a_claim_holds_it_back_only_if_something_stands_in_its_log():
    bookmark = Bookmark()
    bookmark.move({WORDS: 5}, {ONE: 10, TWO: 0}, {ONE: 0})
    bookmark.move({WORDS: 6}, {ONE: 12, TWO: 0}, {ONE: 10})
    assert bookmark.done == {WORDS: 5}
    bookmark.move({WORDS: 7}, {ONE: 14, TWO: 1}, {ONE: 12})
    bookmark.move({WORDS: 8}, {ONE: 16, TWO: 1}, {ONE: 14})
    assert bookmark.done == {WORDS: 6}
