"""The little Markdown that the pages need."""

from collections.abc import Iterable, Sequence


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table; a cell's line breaks become spaces."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(_cell(cell) for cell in line)} |" for line in lines)


def codes(words: Iterable[object]) -> str:
    """Words as code, separated by commas."""
    return ", ".join(f"`{word}`" for word in words)


def anchor(heading: str) -> str:
    """The fragment with which a heading is linked to."""
    return "".join(letter for letter in heading.lower().replace(" ", "-") if letter.isalnum() or letter in "-_")


def one_line(text: str) -> str:
    """A text without its line breaks."""
    return " ".join(text.split())


def _cell(content: object) -> str:
    return one_line(str(content)).replace("|", "\\|")
