"""Versions in the order in which people count."""

from __future__ import annotations


def counted(column: str) -> str:
    """Return an expression that sorts texts by the numbers in them: 26.9 comes before 26.10.

    Every number is filled up to twelve digits with zeros; none in a version is longer.
    """
    filled = rf"regexp_replace({column}, '[0-9]+', '000000000000\&', 'g')"
    numbers = rf"regexp_replace({filled}, '[0-9]*([0-9]{{12}})', '\1', 'g')"
    return f'{numbers} collate "C"'
