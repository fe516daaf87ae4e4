"""What pretix's clients are offered and told: exporters, their fields, and a sentence for each wrong value."""

from __future__ import annotations

from typing import Any

UUID_TEXT = "8f14e45f-ceea-467f-a5a5-2f1b5bd7e0c1"

FORMATS_OF_ONE = ["xlsx", "default", "csv-excel", "semicolon"]
FORMATS_OF_ORDERS = ["xlsx"] + [
    f"{s}:{f}" for s in ("orders", "positions", "fees") for f in ("default", "excel", "semicolon")
]
BY_EVENT = {
    "checkinlist": "Check-in list",
    "checkinlog": "Check-in log",
    "demanding": "Demanding",
    "eventdata": "Event data",
    "every_type": "Every type",
    "invoicedata": "Invoice data",
    "orderlist": "Order data",
    "paymentlist": "Payments and refunds",
    "productsales": "Sales by product",
    "quotalist": "Quota availabilities",
    "waitinglist": "Waiting list",
}
BY_ORGANIZER = {
    "customerlist": "Customer accounts",
    "giftcardlist": "Gift cards",
    "giftcardtransactionlist": "Gift card transactions",
}


def optional(name: str, *choices: str) -> dict[str, Any]:
    return {"name": name, "required": False, **({"choices": list(choices)} if choices else {})}


def formats(*choices: str) -> dict[str, Any]:
    return {"name": "_format", "required": True, "choices": list(choices)}


ORDERLIST = [
    formats(*FORMATS_OF_ORDERS),
    optional("paid_only"),
    optional("include_payment_amounts"),
    optional("group_multiple_choice"),
    optional("date_range"),
    optional("event_date_range"),
]
EVENTS = [optional("all_events"), optional("events")]

REQUIRED = ["This field is required."]
CSV = {"header": "label", "formulas": "escape"}
DEFAULT = {**CSV, "quote": "non_numeric"}
SEMICOLON = {**CSV, "delimiter": ";"}

GOOD: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"a_text": "  hello "}, {"a_text": "hello"}),
    ({"a_text": 5}, {"a_text": "5"}),
    ({"a_text": ""}, {}),
    ({"a_text": None}, {}),
    ({"a_whole": 7}, {"a_whole": 7}),
    ({"a_whole": "7"}, {"a_whole": 7}),
    ({"a_whole": None}, {}),
    ({"a_decimal": "1.50"}, {"a_decimal": "1.50"}),
    ({"a_decimal": 2}, {"a_decimal": "2"}),
    ({"a_float": "0.5"}, {"a_float": 0.5}),
    ({"a_flag": True}, {"a_flag": True}),
    ({"a_flag": "true"}, {"a_flag": True}),
    ({"a_flag": 1}, {"a_flag": True}),
    ({"a_flag": "no"}, {"a_flag": False}),
    ({"a_flag": None}, {"a_flag": False}),
    ({"a_day": "2026-03-29"}, {"a_day": "2026-03-29"}),
    ({"a_moment": "2026-03-29T01:30:00Z"}, {"a_moment": "2026-03-29T01:30:00Z"}),
    ({"a_moment": "2026-03-30T01:30"}, {"a_moment": "2026-03-30T01:30:00+02:00"}),
    ({"a_time": "12:30"}, {"a_time": "12:30:00"}),
    ({"a_uuid": UUID_TEXT}, {"a_uuid": UUID_TEXT}),
    ({"a_mail": "anna@example.com"}, {"a_mail": "anna@example.com"}),
    ({"a_url": "https://example.com/a?b=c"}, {"a_url": "https://example.com/a?b=c"}),
    ({"a_choice": "y z"}, {"a_choice": "y z"}),
    ({"a_choice": None}, {}),
    ({"some_choices": ["c", "a", "c"]}, {"some_choices": ["c", "a"]}),
    ({"some_choices": []}, {}),
    ({"a_range": "2026-01-01/2026-02-01"}, {"a_range": "2026-01-01/2026-02-01"}),
    ({"a_range": "2026-01-01/"}, {"a_range": "2026-01-01/"}),
    ({"a_range": "/2026-02-01"}, {"a_range": "/2026-02-01"}),
    ({"a_range": "/"}, {}),
    ({"a_range": None}, {}),
    ({"a_list": 11}, {"a_list": 11}),
    ({"a_list": "11"}, {"a_list": 11}),
    ({"a_slug": "gala"}, {"a_slug": "gala"}),
    ({"some_products": [11, "12", 11]}, {"some_products": [11, 12]}),
    ({"some_products": []}, {}),
    ({"a_from": "2026-01-01", "a_to": "2026-01-31"}, {"a_range": "2026-01-01/2026-01-31"}),
    ({"a_from": "2026-01-01"}, {"a_range": "2026-01-01/"}),
    ({"a_to": "2026-01-31"}, {"a_range": "/2026-01-31"}),
    ({"a_from": None, "a_to": "2026-01-31"}, {"a_range": "/2026-01-31"}),
    ({"a_from": "", "a_to": None}, {}),
]

DATE = "Date has wrong format. Use one of these formats instead: YYYY-MM-DD."
DATETIME = (
    "Datetime has wrong format. Use one of these formats instead: YYYY-MM-DDThh:mm[:ss[.uuuuuu]][+HH:MM|-HH:MM|Z]."
)
TIME = "Time has wrong format. Use one of these formats instead: hh:mm[:ss[.uuuuuu]]."


def listed(kind: str) -> str:
    return f'Expected a list of items but got type "{kind}".'


def missing(key: object) -> str:
    return f'Invalid pk "{key}" - object does not exist.'


BAD_VALUES: list[tuple[str, Any, str]] = [
    ("_format", None, "This field may not be null."),
    ("_format", "csv", '"csv" is not a valid choice.'),
    ("_format", "orders:default", '"orders:default" is not a valid choice.'),
    ("_format", "", '"" is not a valid choice.'),
    ("_format", ["xlsx"], "\"['xlsx']\" is not a valid choice."),
    ("a_text", True, "Not a valid string."),
    ("a_text", ["a"], "Not a valid string."),
    ("a_text", "x" * 10_001, "Not a valid string."),
    ("a_whole", "seven", "A valid integer is required."),
    ("a_whole", 1.5, "A valid integer is required."),
    ("a_whole", True, "A valid integer is required."),
    ("a_whole", 2**63, "A valid integer is required."),
    ("a_decimal", "a", "A valid number is required."),
    ("a_decimal", "NaN", "A valid number is required."),
    ("a_float", "a", "A valid number is required."),
    ("a_float", "Infinity", "A valid number is required."),
    ("a_flag", "perhaps", "Must be a valid boolean."),
    ("a_flag", 2, "Must be a valid boolean."),
    ("a_day", "29.03.2026", DATE),
    ("a_day", 20260329, DATE),
    ("a_moment", "yesterday", DATETIME),
    ("a_moment", 1, DATETIME),
    ("a_time", "25:00", TIME),
    ("a_uuid", "1234", "Must be a valid UUID."),
    ("a_mail", "anna", "Enter a valid email address."),
    ("a_url", "example.com", "Enter a valid URL."),
    ("a_url", "javascript:alert(1)", "Enter a valid URL."),
    ("a_choice", "z", '"z" is not a valid choice.'),
    ("a_choice", "", '"" is not a valid choice.'),
    ("a_choice", {"x": 1}, "\"{'x': 1}\" is not a valid choice."),
    ("some_choices", "a", listed("str")),
    ("some_choices", {"a": 1}, listed("dict")),
    ("some_choices", ["a", "z"], '"z" is not a valid choice.'),
    ("a_range", "soon", "Invalid date frame"),
    ("a_range", "2026-01-01", "Invalid date frame"),
    ("a_range", "2026-02-30/", "Invalid date frame"),
    ("a_range", "2026-02-01/2026-01-01", "Invalid date frame"),
    ("a_range", 7, "Invalid date frame"),
    ("a_from", "1.1.2026", DATE),
    ("a_to", 5, DATE),
    ("a_list", 7, missing(7)),
    ("a_list", "8", missing(8)),
    ("a_list", 10**30, missing(10**30)),
    ("a_list", "seven", "Incorrect type. Expected pk value, received str."),
    ("a_list", [11], "Incorrect type. Expected pk value, received list."),
    ("a_list", True, "Incorrect type. Expected pk value, received bool."),
    ("a_slug", "nothing", missing("nothing")),
    ("a_slug", 1.5, "Incorrect type. Expected pk value, received float."),
    ("some_products", 11, listed("int")),
    ("some_products", [11, 7, 8], missing(7)),
    ("some_products", ["x"], "Incorrect type. Expected pk value, received str."),
]
