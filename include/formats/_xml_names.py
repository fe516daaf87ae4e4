"""Columns' names as XML names, as SQL/XML maps identifiers (ISO 9075-14, section 9.1, "fully escaped").

A character that a name cannot have there is ``_xHHHH_``, beyond U+FFFF ``_xHHHHHH_``; so is ``:``, the ``x`` of a
leading ``xml``, and the ``_`` of what would look like such an escape. So no two columns share a name. A column without
a name, which SQL has not, is ``_x_``.
"""

from __future__ import annotations

from xml.parsers import expat

_NAMELESS = "_x_"


def element_name(name: str) -> str:
    """Return a column's name as the name of its element."""
    return "".join(_escaped(name, index) for index in range(len(name))) or _NAMELESS


def _escaped(name: str, index: int) -> str:
    character = name[index]
    looks_escaped = name[index : index + 2] == "_x"
    is_reserved = index == 0 and name[:3].lower() == "xml"
    before = "n" if index else ""
    if character == ":" or looks_escaped or is_reserved or not _is_name(before + character):
        code = ord(character)
        return f"_x{code:04X}_" if code <= 0xFFFF else f"_x{code:06X}_"  # noqa: PLR2004 - the basic plane's end
    return character


def _is_name(text: str) -> bool:
    """Whether a parser takes a text for an element's name.

    Asked is expat, which keeps to the names of XML 1.0's fourth edition: later editions allow more, so every parser
    reads these.
    """
    found: list[str] = []
    parser = expat.ParserCreate()
    parser.StartElementHandler = lambda tag, _: found.append(tag)
    try:
        parser.Parse(f"<{text}/>", True)  # noqa: FBT003 - its one way to say that this was all
    except expat.ExpatError:
        return False
    return found == [text]
