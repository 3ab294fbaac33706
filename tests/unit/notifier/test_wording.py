from interlock.notifier.wording import plain


def test_plain_text_is_cut_with_a_mark():
    assert plain("a" * 20, 10) == "a" * 9 + "…"
    assert plain("a" * 10, 10) == "a" * 10


def test_what_was_not_looked_at_is_marked_as_cut_too():
    assert plain("\u200b" * 41 + "end", 10) == "…"
