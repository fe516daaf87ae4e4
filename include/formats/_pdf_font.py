"""The font that PDF files embed, DejaVu Sans Condensed 2.37: its widths, and what it cannot say."""

from __future__ import annotations

import functools
import re
import unicodedata
from pathlib import Path

FONT = "DejaVuSansCondensed"

_FILE = Path(__file__).with_name("fonts") / f"{FONT}.ttf"
_RIGHT_TO_LEFT = frozenset({"R", "AL", "AN", "RLE", "RLO", "RLI"})
"""Bidirectional classes (Unicode annex 9): such text would be drawn in the wrong order and without its joins."""

_LINE_END = re.compile(r"\r\n|\r|\n")
_TOKEN = re.compile(r"\S+\s*|\s+")
_TAB = " " * 4


@functools.cache
def typeface() -> Typeface:
    """Return the font, read and registered once a process."""
    return Typeface()


class Typeface:
    """What can be drawn, how wide it is and where it breaks; a width is that of size 1, in points."""

    def __init__(self) -> None:
        from reportlab.pdfbase import pdfmetrics
        from reportlab.pdfbase.ttfonts import TTFont

        font = TTFont(FONT, str(_FILE))
        pdfmetrics.registerFont(font)
        self._widths: dict[str, float] = {chr(code): width / 1000 for code, width in font.face.charWidths.items()}
        self._known = frozenset(character for character in map(chr, font.face.charToGlyph) if _is_clear(character))
        self._widths["\t"] = self._widths[" "] * len(_TAB)

    def refusal(self, text: str) -> str | None:
        """Return why a text cannot be drawn as it is, or None."""
        refused = set(text) - self._known - {"\t", "\n", "\r"}
        if not refused:
            return None
        character = min(refused)
        if unicodedata.bidirectional(character) in _RIGHT_TO_LEFT:
            return "right-to-left text, which a PDF here cannot lay out"
        if unicodedata.category(character) == "Cc":
            return "a control character, which a PDF cannot show"
        return "a character that the PDF's font does not have"

    def width(self, line: str) -> float:
        """Return the width of one line."""
        return sum(map(self._widths.__getitem__, line))

    def widest(self, text: str) -> float:
        """Return the width of a text that breaks only at its own line ends."""
        return max(map(self.width, _LINE_END.split(text)))

    def lines(self, text: str, room: float) -> list[str]:
        """Break a text at its line ends, then between words, then anywhere; nothing is left out but line ends."""
        made: list[str] = []
        for line in _LINE_END.split(text):
            made += [line] if self.width(line) <= room else self._broken(line, room)
        return [line.replace("\t", _TAB) for line in made]

    def _broken(self, text: str, room: float) -> list[str]:
        made, line, used = list[str](), "", 0.0
        for word in _TOKEN.findall(text):
            pieces = [word] if self.width(word.rstrip()) <= room else list(word)
            for piece in pieces:
                if line and used + self.width(piece.rstrip()) > room:
                    made.append(line)
                    line, used = "", 0.0
                line += piece
                used += self.width(piece)
        return [*made, line]


def _is_clear(character: str) -> bool:
    """Whether a glyph says what the character means: not text from right to left, nor private use."""
    return unicodedata.bidirectional(character) not in _RIGHT_TO_LEFT and unicodedata.category(character) != "Co"
