"""Template workbooks: what is theirs stays, the data comes behind it, and what is unfit is refused at once."""

from __future__ import annotations

import gc
import io
import json
import re
import zipfile
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from openpyxl import Workbook, load_workbook
from openpyxl.comments import Comment
from openpyxl.styles import Font
from openpyxl.workbook.defined_name import DefinedName
from pydantic import ValidationError

from include.compressions import COMPRESSIONS
from include.core.errors import InvalidRequest
from include.core.format import Encoding, Sheet
from include.core.request import parse_request
from include.core.resolve import resolve
from include.core.schema import Column, ColumnType, Schema
from include.core.settings import Settings
from include.exporters import catalog_of
from include.formats import FORMATS, _sheet, _templates
from include.formats._package import parts_of
from tests.unit.stand_ins import batches_of, encoded, some_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SCHEMA = Schema.of(
    Column.of("id", ColumnType.INTEGER),
    Column.of("name", ColumnType.STRING),
    Column.of("day", ColumnType.DATE),
)
ROWS = [(number, f"name {number}", None) for number in range(1, 6)]
COVER = Path(_templates.FOLDER) / "cover.xlsx"


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """A folder of templates of our own."""
    monkeypatch.setattr(_templates, "FOLDER", tmp_path)
    yield tmp_path
    gc.collect()


def a_workbook(*sheets: str) -> Workbook:
    book = Workbook()
    book.remove(book.worksheets[0])
    for name in sheets:
        book.create_sheet(name)["A1"] = name
    return book


def exported(template: str, rows: list[tuple[Any, ...]] = ROWS, title: str = "Orders", **options: Any) -> bytes:
    return encoded("xlsx", SCHEMA, rows, title=title, template=template, **options)


def opened(data: bytes) -> Workbook:
    return load_workbook(io.BytesIO(data))


def refusal(name: str) -> str:
    with pytest.raises(ValidationError) as caught:
        FORMATS.load("xlsx").options_type.model_validate({"template": name})
    [error] = caught.value.errors()
    assert error["loc"] == ("template",)
    return str(error["msg"])


def edited(data: bytes, change: Callable[[str, bytes], bytes | None]) -> bytes:
    """A zip with every part changed, or left out where the change is None."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, content in parts_of(data).items():
            if (other := change(name, content)) is not None:
                archive.writestr(name, other)
    return made.getvalue()


def saved(book: Workbook) -> bytes:
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def test_the_data_lies_behind_the_templates_sheets(folder: Path) -> None:
    a_workbook("Cover", "Terms").save(folder / "terms.xlsx")
    book = opened(exported("terms"))
    assert book.sheetnames == ["Cover", "Terms", "Orders"]
    assert [cell.value for (cell,) in book["Orders"]["A1:A6"]] == ["Id", 1, 2, 3, 4, 5]
    assert (book["Cover"]["A1"].value, book["Orders"].auto_filter.ref) == ("Cover", "A1:C6")


@pytest.mark.parametrize("name", ["Data", "DATA"])
def test_a_sheet_called_data_is_replaced_in_its_place_and_keeps_its_name(folder: Path, name: str) -> None:
    template = a_workbook("Cover", name, "Terms")
    template["Cover"]["B1"] = f"=COUNTA({name}!A:A)-1"
    template[name]["A9"] = "a leftover"
    template[name].auto_filter.ref = "A1:B9"
    template.save(folder / "t.xlsx")
    data = exported("t")
    book = opened(data)
    assert book.sheetnames == ["Cover", name, "Terms"]
    assert book["Cover"]["B1"].value == f"=COUNTA({name}!A:A)-1"
    assert [cell.value for (cell,) in book[name]["A1:A9"]] == ["Id", 1, 2, 3, 4, 5, None, None, None]
    xml = zipfile.ZipFile(io.BytesIO(data)).read("xl/workbook.xml").decode()
    assert re.findall(r'_FilterDatabase" localSheetId="(\d)"', xml) == ["1"]
    assert 'fullCalcOnLoad="1"' in xml


def test_continuations_of_data_lie_behind_everything(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_sheet, "MAX_ROWS", 3)
    a_workbook("Data", "orders").save(folder / "t.xlsx")
    book = opened(exported("t"))
    assert book.sheetnames == ["Data", "orders", "Orders (2)", "Orders (3)"]
    assert [sheet.max_row for sheet in book] == [3, 1, 3, 2]


def test_only_the_first_of_several_sheets_takes_the_place(folder: Path) -> None:
    a_workbook("Data").save(folder / "t.xlsx")
    made = FORMATS.load("xlsx")()
    sheets = [Sheet(name, SCHEMA, SCHEMA.arrow(), iter(batches_of(SCHEMA, ROWS))) for name in ("a", "data")]
    data = b"".join(made.encode(sheets, made.options_type.model_validate({"template": "t"}), Encoding()))
    assert opened(data).sheetnames == ["Data", "data (2)"]


def test_every_part_of_a_template_stays_as_it_was() -> None:
    before, after = (parts_of(data) for data in (COVER.read_bytes(), exported("cover")))
    changed = {name for name, content in before.items() if after.get(name) != content}
    assert changed == {
        "[Content_Types].xml",
        "docProps/app.xml",
        "docProps/core.xml",
        "xl/_rels/workbook.xml.rels",
        "xl/sharedStrings.xml",
        "xl/styles.xml",
        "xl/workbook.xml",
        "xl/worksheets/sheet2.xml",  # Data
    }
    assert {name for name in before if name.startswith(("xl/media/", "xl/drawings/", "xl/theme/"))} <= set(after)


def test_placeholders_say_the_title_and_the_rows() -> None:
    sheet = opened(exported("cover", some_of(1_234), title='R&D\x0b1/2: <"all">'))["Cover"]
    assert sheet["B5"].value == 'R&D 1/2: <"all">'
    assert sheet["B6"].value == "1,234 rows, complete: see the sheets behind this one."
    assert sheet["B5"].font.sz == 24


def some_of(count: int) -> list[tuple[Any, ...]]:
    return [(number, name, None) for number, name, _ in some_rows(count)]


def test_styles_and_names_of_the_template_keep_their_meaning(folder: Path) -> None:
    template = a_workbook("Cover")
    template["Cover"]["A1"].font = Font(name="Arial", sz=20, b=True)
    template["Cover"]["A2"] = 0.5
    template["Cover"]["A2"].number_format = '0.000" kg"'
    template.defined_names["Weight"] = DefinedName("Weight", attr_text="Cover!$A$2")
    template.save(folder / "t.xlsx")
    book = opened(exported("t", [(1, "https://example.com", date(2026, 3, 1))], hyperlinks=["name"]))
    cover, data = book.worksheets
    assert (cover["A1"].font.name, cover["A1"].font.sz, cover["A2"].number_format) == ("Arial", 20, '0.000" kg"')
    assert book.defined_names["Weight"].attr_text == "Cover!$A$2"
    assert (data["C2"].number_format, data["A2"].number_format) == ("yyyy-mm-dd", "General")
    assert (data["B2"].hyperlink.target, data["B2"].font.u) == ("https://example.com", "single")


def test_rows_are_counted_in_the_data_sheets_alone(folder: Path) -> None:
    template = a_workbook("Cover")
    for row in range(1, 50):
        template["Cover"].cell(row, 1).value = row
    template.save(folder / "t.xlsx")
    made = FORMATS.load("xlsx")()
    counter = made.counter(made.options_type.model_validate({"template": "t"}))
    counter.feed(exported("t"))
    assert counter.rows() == 5


def test_a_template_that_is_changed_is_read_again(folder: Path) -> None:
    a_workbook("One").save(folder / "t.xlsx")
    assert opened(exported("t")).sheetnames == ["One", "Orders"]
    a_workbook("First", "Second").save(folder / "t.xlsx")
    assert opened(exported("t.xlsx")).sheetnames == ["First", "Second", "Orders"]


@pytest.mark.parametrize(
    "name",
    ["nothing", "", ".", "..", "../templates/cover", "/etc/passwd", "cover.xlsm", "COVER", "a/../cover", "cover\x00"],
)
def test_an_unknown_template_is_refused_and_the_known_ones_are_named(name: str) -> None:
    assert "There is no template of this name: known are cover." in refusal(name)


def test_an_unknown_template_is_a_mistake_in_the_request() -> None:
    request = parse_request({"exporter": "orders", "format": "xlsx", "options": {"template": "nothing"}})
    with pytest.raises(InvalidRequest) as caught:
        resolve(request, catalog_of(Settings()), FORMATS, COMPRESSIONS)
    assert [error.pointer for error in caught.value.errors] == ["/options/template"]


def test_where_there_are_no_templates_the_refusal_says_so(folder: Path) -> None:
    assert list(folder.iterdir()) == []
    assert "known are none" in refusal("cover")


@pytest.mark.parametrize("length", [0, 1, 100, 4_000, -1])
def test_what_is_no_whole_workbook_is_refused(folder: Path, length: int) -> None:
    (folder / "t.xlsx").write_bytes(COVER.read_bytes()[:length])
    assert "'t' cannot be used: it cannot be opened as a workbook" in refusal("t")


def test_damage_inside_is_noticed(folder: Path) -> None:
    data = bytearray(COVER.read_bytes())
    with zipfile.ZipFile(COVER) as archive:
        place = archive.getinfo("xl/theme/theme1.xml").header_offset + 200
    data[place] ^= 0xFF
    (folder / "t.xlsx").write_bytes(data)
    assert "cannot be opened as a workbook" in refusal("t")


def without(*parts: str) -> Callable[[str, bytes], bytes | None]:
    return lambda name, content: None if name in parts else content


def with_text(part: str, before: bytes, after: bytes) -> Callable[[str, bytes], bytes | None]:
    def change(name: str, content: bytes) -> bytes:
        assert name != part or before in content
        return content.replace(before, after) if name == part else content

    return change


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (without("[Content_Types].xml"), "a part that every workbook has is missing"),
        (without("_rels/.rels"), "a part that every workbook has is missing"),
        (without("xl/workbook.xml"), "a part that every workbook has is missing"),
        (without("xl/styles.xml"), "a part that every workbook has is missing"),
        (with_text("xl/styles.xml", b"cellXfs", b"others"), "no cell styles"),
        (with_text("xl/workbook.xml", b"<sheets>", b"<sheets"), "cannot be opened"),
        (with_text("xl/workbook.xml", b"sheets>", b"others>"), "no sheet"),
        (with_text("xl/workbook.xml", b"<workbookPr ", b'<workbookPr date1904="1" '), "from 1904"),
        (with_text("[Content_Types].xml", b"sheet.main+xml", b"template.main+xml"), "no plain workbook"),
        (
            with_text(
                "xl/workbook.xml", b"http://schemas.openxmlformats.org/spreadsheetml/2006", b"http://purl.oclc.org"
            ),
            "Strict Open XML",
        ),
        (with_text("xl/workbook.xml", b'r:id="rId2"', b'r:id="rId99"'), "cannot be opened"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_data_cannot_be_put_into_is_refused_with_the_reason(
    folder: Path, change: Callable[[str, bytes], bytes | None], words: str
) -> None:
    (folder / "t.xlsx").write_bytes(edited(COVER.read_bytes(), change))
    assert words in refusal("t")


@pytest.mark.parametrize(
    ("part", "words"),
    [("xl/vbaProject.bin", "it has macros"), ("_xmlsignatures/sig1.xml", "it is signed"), ("xl/big.bin", "20,000,000")],
)
def test_what_would_be_broken_or_is_too_large_is_refused(folder: Path, part: str, words: str) -> None:
    file = io.BytesIO(COVER.read_bytes())
    with zipfile.ZipFile(file, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(part, b"<x/>" if part.endswith("xml") else bytes(20_000_001 if "big" in part else 10))
    (folder / "t.xlsx").write_bytes(file.getvalue())
    assert words in refusal("t")


def test_a_sheet_called_data_that_is_not_plain_is_refused(folder: Path) -> None:
    template = a_workbook("Data")
    template["Data"]["A1"].comment = Comment("keep me", "Anna")
    template.save(folder / "t.xlsx")
    assert "its sheet 'Data' is replaced by the data, and it is not plain" in refusal("t")


def test_an_export_with_a_template_is_no_template_before_it_was_saved_elsewhere(folder: Path) -> None:
    a_workbook("Cover").save(folder / "t.xlsx")
    data = exported("t")
    (folder / "t.xlsx").write_bytes(data)
    assert "it is an export itself" in refusal("t")
    (folder / "t.xlsx").write_bytes(saved(opened(data)))
    assert opened(exported("t")).sheetnames == ["Cover", "Orders", "Orders (2)"]


def test_a_workbook_of_another_program_is_filled_too(folder: Path) -> None:
    """Prefixes on every element, no document properties, no views, as Microsoft's Open XML SDK writes them."""

    def change(name: str, content: bytes) -> bytes | None:
        if name in {"docProps/app.xml", "docProps/core.xml"}:
            return None
        if name == "_rels/.rels":
            return re.sub(rb"<Relationship [^>]*docProps[^>]*/>", b"", content)
        if name == "[Content_Types].xml":
            return re.sub(rb"<Override [^>]*docProps[^>]*/>", b"", content)
        if name == "xl/workbook.xml":
            text = re.sub(rb"<(bookViews|definedNames)>.*?</\1>|<calcPr[^>]*/>", b"", content, flags=re.DOTALL)
            return (
                re.sub(rb"<(/?)(?=[a-z])", rb"<\1x:", text)
                .replace(b"xmlns=", b"xmlns:x=")
                .replace(b"<?x:xml", b"<?xml")
            )
        return content

    (folder / "t.xlsx").write_bytes(edited(COVER.read_bytes(), change))
    book = opened(exported("t"))
    assert book.sheetnames == ["Cover", "Data"]
    assert (book.properties.title, book["Data"]["B2"].value) == ("Orders", "name 1")
    assert len(book.views) == 1


def test_the_request_that_the_recipe_shows_works() -> None:
    text = (Path(__file__).parents[2] / "CONTRIBUTING.md").read_text(encoding="utf-8")
    [request] = [block for block in re.findall(r"```json\n(.*?)```", text, re.DOTALL) if "template" in block]
    resolved = resolve(parse_request(json.loads(request)), catalog_of(Settings()), FORMATS, COMPRESSIONS)
    sheet = Sheet("Machines", SCHEMA, SCHEMA.arrow(), iter(batches_of(SCHEMA, ROWS)))
    book = opened(b"".join(resolved.format.encode([sheet], resolved.options, Encoding())))
    assert book.sheetnames == ["Cover", "Data"]
    assert [cell.value for (cell,) in book["Cover"]["B5:B6"]] == [
        "Machines",
        "5 rows, complete: see the sheets behind this one.",
    ]
    assert [cell.value for cell in book["Data"][1]] == ["id", "name", "day"]


def test_every_template_that_there_is_can_be_used() -> None:
    assert "cover" in _templates.names()
    for name in _templates.names():
        assert opened(exported(name)).sheetnames
