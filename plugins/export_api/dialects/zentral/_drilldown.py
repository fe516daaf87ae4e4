"""Zentral's drill-down: ``sf`` says what is looked at, and each part's own key which value of it is wanted."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from include.core.errors import FieldError, invalid

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from include.exporters._machine_titles import Titles

DEFAULT = "mbu-t-mis-tp-pf-hm-osv"
NULL = "\u2400"
"""Stands for what a machine does not have."""

_BEYOND = 2**63
"""No id is as large."""

_ALWAYS_ON = 7
"""Filters that Zentral counts without a token: dt, src, sn, cn, pu, ma, ls."""

_GROUPS: Mapping[str, tuple[str, str, str]] = {
    "mbu": ("meta-business-units", "business_unit_id", "business_unit"),
    "mis": ("incidents-severities", "severity", "severity"),
    "tp": ("types", "type", "type"),
    "pf": ("platforms", "platform", "platform"),
    "hm": ("hardware-models", "hardware_model", "hardware_model"),
    "osv": ("os", "os_version_id", "os_version"),
    "cs": ("compliance-status", "compliance_status", "compliance_status"),
    "awsa": ("aws-account", "aws_account", "aws_account"),
    "eit": ("ec2-instance-type", "ec2_type", "ec2_type"),
}
"""Tokens, each with the exporter's group, its parameter, and its word for machines that do not have it."""

_TEXTS = frozenset({"hm", "awsa", "eit", "tp", "pf"})

_FREE: Mapping[str, tuple[str, str | None]] = {
    "sn": ("serial_number", None),
    "cn": ("name", "name"),
    "pu": ("principal", "principal"),
    "ma": ("mac", None),
}
"""Keys without tokens that take a part of a text, and the word for machines that have none."""

_APPS: Mapping[str, tuple[str, str, str]] = {
    "a.n.": ("macos_app", "name", "a"),
    "a.i.": ("macos_app", "bundle_id", "a"),
    "aa.": ("android_app", "name", "aa"),
    "dp.": ("deb_package", "name", "dp"),
    "ia.": ("ios_app", "name", "ia"),
    "p.": ("program", "name", "p"),
}
"""Beginnings of an app's token: its kind, what identifies it, and how the key of its value begins."""


@dataclass(frozen=True, slots=True)
class Drilldown:
    """A query, and the tokens of its ``sf``; where there is none, the default ones."""

    query: Mapping[str, str]
    tokens: tuple[str, ...]

    @classmethod
    def of(cls, query: Mapping[str, str]) -> Drilldown:
        """Read a query."""
        return cls(query, tuple(split(query.get("sf", DEFAULT))))

    @property
    def tags(self) -> tuple[str | None, ...]:
        """What is asked of each list of tags: the first by ``t``, further ones by ``t1``, ``t2``, …."""
        keys = ("t", *(f"t{number}" for number in range(1, self.tokens.count("t"))))
        return tuple(self.query.get(key) or None for key in keys[: self.tokens.count("t")])

    @property
    def tag_ids(self) -> set[int]:
        """The tags that are asked for."""
        return {number for value in self.tags if isinstance(number := _number(value), int) and number < _BEYOND}

    @property
    def check_ids(self) -> set[int]:
        """The compliance checks that are looked at, of which some may not exist."""
        return {check for token in self.tokens if (check := _check_of(token)) is not None}

    @property
    def bundle_ids(self) -> set[str]:
        """The apps that are known by their bundle ids; no database holds one with U+0000, which is refused later."""
        return {token.removeprefix("a.i.") for token in self.tokens if token.startswith("a.i.") and "\0" not in token}

    def params(self, titles: Titles, now: Callable[[], datetime]) -> dict[str, Any]:
        """Return the exporter's parameters, leaving out what is not asked for.

        :raises InvalidRequest: for a day or a number of days that is none; values are judged by the exporter.
        """
        without: list[str] = []
        groups = {token: each for token, each in _GROUPS.items() if token in self.tokens}
        found: dict[str, Any] = {"groups": [group for group, _, _ in groups.values()]}
        equal = {token: (param, missing) for token, (_, param, missing) in groups.items()}
        keys: dict[str, tuple[str, str | None]] = {"src": ("source_id", "source"), **equal, **_FREE}
        for key, (param, missing) in keys.items():
            value = (self.query.get(key) or "").strip() if key in _FREE else self.query.get(key)
            if value == NULL and missing is not None:
                without.append(missing)
            elif value:
                found[param] = value if key in _TEXTS or key in _FREE else _number(value)
        found |= {"tags": [_tag(value, titles) for value in self.tags], **self._further(titles, len(groups))}
        if days := self.query.get("ls"):
            found["seen_since"] = (now() - _days(days)).isoformat()
        if moment := self.query.get("dt"):
            found["known_before"] = _moment(moment).isoformat()
        return {**found, "without": without} if without else found

    def _further(self, titles: Titles, groups: int) -> dict[str, list[dict[str, Any]]]:
        """Return apps and checks; the key of an app's value has the number of its filter among all that are on."""
        number = _ALWAYS_ON + groups + len(self.tags)
        apps, checks = list[dict[str, Any]](), list[dict[str, Any]]()
        for token in self.tokens:
            if (check := _check_of(token)) is not None:
                if check not in titles.checks:
                    continue  # as an unknown token
                value = _value(self.query.get(f"ccs.{check}"))
                checks.append({"check": check, "title": titles.checks[check], "status": value})
            elif (app := _app_of(token)) is not None:
                called, (kind, by, key) = app
                found = {"kind": kind, "by": by, "called": called, "version": _value(self.query.get(f"{key}{number}"))}
                if by == "bundle_id" and called in titles.bundle_ids:
                    found["title"] = titles.bundle_ids[called]
                apps.append(found)
            else:
                continue
            number += 1
        return {"apps": apps, "checks": checks}


def split(text: str) -> Iterator[str]:
    r"""Yield the tokens of a text; ``\`` takes the character behind it as it is."""
    token, characters = "", iter(text)
    for character in characters:
        if character == "-":
            yield token
            token = ""
        else:
            token += next(characters, character) if character == "\\" else character
    yield token


def _app_of(token: str) -> tuple[str, tuple[str, str, str]] | None:
    """Return what an app is called, and the entry of the table."""
    for start, app in _APPS.items():
        if token.startswith(start) and token != start:
            return token.removeprefix(start), app
    return None


def _check_of(token: str) -> int | None:
    found = re.fullmatch(r"ccs\.([0-9]{1,19})", token)
    return int(found[1]) if found and int(found[1]) < _BEYOND else None


def _number(value: str | None) -> int | str | None:
    """Return a number where the text is one; what else it may be is refused by the exporter."""
    return int(value) if value is not None and re.fullmatch(r"-?[0-9]{1,19}", value) else value


def _value(value: str | None) -> int | str | None:
    return "any" if not value else "none" if value == NULL else _number(value)


def _tag(value: str | None, titles: Titles) -> dict[str, Any]:
    tag = _value(value)
    return {"tag": tag, "title": titles.tags[tag]} if isinstance(tag, int) and tag in titles.tags else {"tag": tag}


def _days(text: str) -> timedelta:
    found = re.fullmatch(r"([0-9]{1,5})d?", text.strip())
    if found is None:
        raise invalid([FieldError("/query/ls", "This is no number of days, such as 7d.")])
    return timedelta(days=max(1, int(found[1])))


def _moment(text: str) -> datetime:
    for form in ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d"):
        try:
            return datetime.strptime(text, form).replace(tzinfo=UTC)
        except ValueError:
            continue
    raise invalid([FieldError("/query/dt", "This is no time in UTC, such as 2026-10-01 12:00:00.")])
