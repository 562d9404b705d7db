"""Tables that cost their reader much: each maker gets a number, which it repeats something by."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_KIND = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_HEAD = (
    '<row r="1"><c r="A1" t="inlineStr"><is><t>supplierRollNo</t></is></c>'
    '<c r="B1" t="inlineStr"><is><t>supplierLength</t></is></c></row>'
)
_ROLL = '<row r="2"><c r="A2" t="inlineStr"><is><t>R1</t></is></c><c r="B2"><v>1.5</v></c></row>'
#: Bytes of one piece of a large part.
_PIECE = 1024 * 1024
Parts = dict[str, Iterable[bytes]]


def workbook(sheet: Iterable[bytes], **parts: Iterable[bytes]) -> bytes:
    """A workbook of one sheet; ``parts`` are ``sharedStrings``, ``styles`` and others below ``xl``."""
    kinds = {"sharedStrings": "sharedStrings", "styles": "styles"}
    overrides = "".join(
        f'<Override PartName="/xl/{name}.xml" ContentType="{_KIND}.{kinds[name]}+xml"/>'
        for name in parts
        if name in kinds
    )
    relations = "".join(
        f'<Relationship Id="r{name}" Type="{_OFFICE}/{kinds.get(name, "externalLink")}" Target="{name}.xml"/>'
        for name in parts
    )
    files: Parts = {
        "[Content_Types].xml": [
            f'<Types xmlns="{_PACKAGE}/content-types"><Default Extension="xml" ContentType="application/xml"/>'
            '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            f'<Override PartName="/xl/workbook.xml" ContentType="{_KIND}.sheet.main+xml"/>'
            f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{_KIND}.worksheet+xml"/>'
            f"{overrides}</Types>".encode()
        ],
        "_rels/.rels": [
            f'<Relationships xmlns="{_PACKAGE}/relationships">'
            f'<Relationship Id="r" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>'.encode()
        ],
        "xl/workbook.xml": [
            f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>'
            '<sheet name="Rolls" sheetId="1" r:id="rs"/></sheets></workbook>'.encode()
        ],
        "xl/_rels/workbook.xml.rels": [
            f'<Relationships xmlns="{_PACKAGE}/relationships">'
            f'<Relationship Id="rs" Type="{_OFFICE}/worksheet" Target="worksheets/sheet1.xml"/>'
            f"{relations}</Relationships>".encode()
        ],
        "xl/worksheets/sheet1.xml": sheet,
        **{f"xl/{name}.xml": content for name, content in parts.items()},
    }
    return archive(files)


def archive(files: Parts) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as target:
        for name, pieces in files.items():
            with target.open(name, "w", force_zip64=True) as part:
                for piece in pieces:
                    part.write(piece)
    return out.getvalue()


def repeated(text: str, count: int) -> Iterable[bytes]:
    """``text`` many times, in pieces."""
    several = max(1, min(count, _PIECE // len(text)))
    for _ in range(count // several):
        yield text.encode() * several
    yield text.encode() * (count % several)


def sheet(rows: Iterable[bytes] = (), *, before: Iterable[bytes] = (), after: Iterable[bytes] = ()) -> Iterable[bytes]:
    yield f'<?xml version="1.0" encoding="UTF-8"?><worksheet xmlns="{_MAIN}">'.encode()
    yield from before
    yield f"<sheetData>{_HEAD}{_ROLL}".encode()
    yield from rows
    yield b"</sheetData>"
    yield from after
    yield b"</worksheet>"


def part(name: str, content: Iterable[bytes]) -> Iterable[bytes]:
    yield f'<{name} xmlns="{_MAIN}">'.encode()
    yield from content
    yield f"</{name}>".encode()


def inline(text: str) -> str:
    return f'<row><c t="inlineStr"><is><t>{text}</t></is></c></row>'


def shared_strings(count: int) -> bytes:
    return workbook(sheet(), sharedStrings=part("sst", repeated("<si><t>a</t></si>", count)))


def blank_rows(count: int) -> bytes:
    return workbook(sheet(repeated("<row/>", count)))


def columns(count: int) -> bytes:
    return workbook(sheet([b"<row>", *repeated("<c><v>1</v></c>", count), b"</row>"]))


def last_column(count: int) -> bytes:
    """Rows whose only cell stands in the last column of a spreadsheet."""
    return workbook(sheet(repeated('<row><c r="XFD3"><v>1</v></c></row>', count)))


def dimension() -> bytes:
    return workbook(sheet(before=[b'<dimension ref="A1:XFD1048576"/>']))


def nested_in_strings(count: int) -> bytes:
    deep = [b"<si><t>", *repeated("<r>", count), *repeated("</r>", count), b"</t></si>"]
    return workbook(sheet(), sharedStrings=part("sst", deep))


def entities() -> bytes:
    levels = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10))
    head = f'<?xml version="1.0"?><!DOCTYPE worksheet [<!ENTITY e0 "a">{levels}]>'.encode()
    return workbook([head, *part("worksheet", [f"<sheetData>{inline('&e9;')}</sheetData>".encode()])])


def entries(count: int) -> bytes:
    """An archive with many empty members beside the workbook."""
    out = io.BytesIO(workbook(sheet()))
    with zipfile.ZipFile(out, "a") as target:
        for number in range(count):
            target.writestr(zipfile.ZipInfo(str(number)), b"")
    return out.getvalue()


def bomb(mib: int) -> bytes:
    return workbook(sheet([b"<row><c><v>", *repeated(" ", mib * _PIECE), b"</v></c></row>"]))


def rich_text(count: int) -> bytes:
    runs = [b"<si>", *repeated("<r><rPr><b/></rPr><t>a</t></r>", count), b"</si>"]
    return workbook(sheet([b'<row><c t="s"><v>0</v></c></row>']), sharedStrings=part("sst", runs))


def merged_cells(count: int) -> bytes:
    return workbook(sheet(after=[b"<mergeCells>", *repeated('<mergeCell ref="A9:B9"/>', count), b"</mergeCells>"]))


def wide_merged_cells(count: int) -> bytes:
    areas = repeated('<mergeCell ref="A1:GR1048576"/>', count)
    return workbook(sheet(repeated(inline("a"), 10_000), after=[b"<mergeCells>", *areas, b"</mergeCells>"]))


def staggered_merged_cells(count: int) -> bytes:
    """Each area begins one row lower, and all reach to the last row."""
    areas = (f'<mergeCell ref="A{n}:GR1048576"/>'.encode() for n in range(3, count + 3))
    return workbook(sheet(repeated(inline("a"), 10_000), after=[b"<mergeCells>", *areas, b"</mergeCells>"]))


def styles(count: int) -> bytes:
    content = [b"<cellXfs>", *repeated('<xf numFmtId="0" fontId="0"/>', count), b"</cellXfs>"]
    return workbook(sheet(repeated('<row><c s="1"><v>1</v></c></row>', 10)), styles=part("styleSheet", content))


def number_formats(count: int) -> bytes:
    formats = (f'<numFmt numFmtId="{200 + n}" formatCode="0.0{n}"/>'.encode() for n in range(count))
    cells = (f'<xf numFmtId="{200 + n}"/>'.encode() for n in range(count))
    content = [b"<numFmts>", *formats, b"</numFmts><cellXfs>", *cells, b"</cellXfs>"]
    rows = (f'<row><c s="{n}"><v>1</v></c></row>'.encode() for n in range(min(count, 10_000)))
    return workbook(sheet(rows), styles=part("styleSheet", content))


def cdata(count: int, *, size: int = _PIECE, text: str = "a") -> bytes:
    """A cell with a CDATA section of ``count`` × ``size`` bytes."""
    pieces = repeated(text, count * size // len(text))
    return workbook(sheet([b'<row><c t="inlineStr"><is><t><![CDATA[', *pieces, b"]]></t></is></c></row>"]))


def external_links(count: int) -> bytes:
    links = part("externalLink", repeated('<externalBook r:id="r1" xmlns:r="x"/>', count))
    return workbook(sheet(), **{"externalLinks/externalLink1": links})


def sheets(count: int) -> bytes:
    """Further sheets in the list of sheets, all of them the same part."""
    made = zipfile.ZipFile(io.BytesIO(workbook(sheet())))
    files: Parts = {name: [made.read(name)] for name in made.namelist()}
    listed = "".join(f'<sheet name="S{n}" sheetId="{n + 2}" r:id="rs"/>' for n in range(count))
    book = made.read("xl/workbook.xml").replace(b"</sheets>", listed.encode() + b"</sheets>")
    return archive({**files, "xl/workbook.xml": [book]})


def attributes(count: int) -> bytes:
    many = "".join(f' a{n}="1"' for n in range(count)).encode()
    return workbook(sheet([b"<row", many, b"/>"]))


def long_text(mib: int) -> bytes:
    return workbook(sheet([b"<row><c><v>", *repeated("1", mib * _PIECE), b"</v></c></row>"]))


def picture(mib: int) -> bytes:
    """A picture of a single colour: bytes without the end of any tag."""
    return workbook(sheet(), **{"media/image1": [b"BM", bytes(mib * _PIECE)]})


def long_attribute(mib: int) -> bytes:
    return workbook(sheet([b'<row x="', *repeated("a", mib * _PIECE), b'"/>']))


def long_row_number(count: int) -> bytes:
    return workbook(sheet([b'<row r="', *repeated("9", count), b'"><c><v>1</v></c></row>']))


def comment(count: int, *, size: int = _PIECE, text: str = "a", encoding: str = "utf-8") -> bytes:
    """A comment of ``count`` × ``size`` bytes between the rows."""
    whole = b"".join(sheet([b"<!--", *repeated(text, count * size // len(text)), b"-->"])).decode()
    return workbook([whole.replace("UTF-8", encoding).encode(encoding)])


def csv_quotes(count: int) -> bytes:
    return b"supplierRollNo;supplierLength\n" + b'"' * count


def csv_open_quotes(count: int) -> bytes:
    return b"supplierRollNo;supplierLength\n" + b'"R;1\n' * count


def csv_line(mib: int) -> bytes:
    return b"supplierRollNo;supplierLength\nR1;" + b"1" * (mib * _PIECE)


def csv_cells(count: int) -> bytes:
    return b"supplierRollNo;supplierLength\n" + b";" * count


def csv_blank_lines(count: int) -> bytes:
    return b"supplierRollNo;supplierLength\n" + b"\n" * count


def csv_rolls(count: int) -> bytes:
    return b"supplierRollNo;supplierLength\n" + b"R1;1,5\n" * count
