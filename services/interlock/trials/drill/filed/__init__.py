"""The drill's report as a document that can be filed: a page that stands alone, without scripts and without anything to fetch.

    Path("ag-163.html").write_text(page(filing), "utf-8")

`filing` says what a report holds, `page` writes it; whatever was read from topics or replies is escaped. Pure.
"""

from interlock.trials.drill.filed.filing import Chapter, Filing, Line, Move, Rested
from interlock.trials.drill.filed.page import page

__all__ = ["Chapter", "Filing", "Line", "Move", "Rested", "page"]
