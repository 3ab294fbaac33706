from pathlib import Path

from interlock.testing.hostile.written import BEGIN, END, written

PAGE = Path(__file__).parents[3] / "docs/explanation/hostile-input.md"


def test_the_page_says_what_the_table_says():
    table = PAGE.read_text("utf-8").partition(BEGIN)[2].partition(END)[0]
    assert table.strip() == written(), "write it again: python -m interlock.testing.hostile.written"
