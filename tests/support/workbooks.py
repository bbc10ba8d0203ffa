"""Workbooks, written by hand: the parts of an .xlsx file that readers need, with any cells and any lies."""

import io
import zipfile
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from xml.sax.saxutils import escape

EPOCH = datetime(1899, 12, 30)
BOOK = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
PARTS = "http://schemas.openxmlformats.org/package/2006/"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
STYLES = f"""<styleSheet xmlns="{BOOK}"><fonts count="1"><font/></fonts><fills count="1"><fill/></fills>
<borders count="1"><border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs>
<cellXfs count="2"><xf numFmtId="0"/><xf numFmtId="22" applyNumberFormat="1"/></cellXfs></styleSheet>"""


def workbook(rows: Sequence[Sequence[Any]], *, others: Sequence[str] = (), cells: str = "") -> bytes:
    """Return a workbook whose first sheet has rows; `others` are the names of empty sheets behind it.

    `cells`: XML that is put behind the rows.
    """
    body = "".join(
        f'<row r="{n}">' + "".join(_cell(value, f"{_letters(at)}{n}") for at, value in enumerate(row)) + "</row>"
        for n, row in enumerate(rows, 1)
    )
    names = ["Sheet1", *others]
    sheets = [f'<worksheet xmlns="{BOOK}"><sheetData>{part}</sheetData></worksheet>' for part in [body + cells]]
    sheets += [f'<worksheet xmlns="{BOOK}"><sheetData/></worksheet>'] * len(others)
    numbered = list(enumerate(names, 1))
    listed = "".join(f'<sheet name="{escape(name)}" sheetId="{n}" r:id="rId{n}"/>' for n, name in numbered)
    related = "".join(f'<Relationship Id="rId{n}" Type="{OFFICE}/worksheet" Target="worksheets/sheet{n}.xml"/>'
                      for n, _ in numbered)  # fmt: skip
    styles = f'<Relationship Id="rId99" Type="{OFFICE}/styles" Target="styles.xml"/>'
    files = {
        "[Content_Types].xml": f'<Types xmlns="{PARTS}content-types"><Default Extension="xml" ContentType="a/xml"/>'
        '<Default Extension="rels" ContentType="a/rels"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{PARTS}relationships"><Relationship Id="rId1" '
        f'Type="{OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{BOOK}" xmlns:r="{OFFICE}"><sheets>{listed}</sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{PARTS}relationships">{related}{styles}</Relationships>',
        "xl/styles.xml": STYLES,
        **{f"xl/worksheets/sheet{n}.xml": sheet for n, sheet in enumerate(sheets, 1)},
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def _cell(value: Any, place: str) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return f'<c r="{place}" t="b"><v>{int(value)}</v></c>'
    if isinstance(value, datetime):
        return f'<c r="{place}" s="1"><v>{(value - EPOCH).total_seconds() / 86_400!r}</v></c>'
    if isinstance(value, (int, float)):
        return f'<c r="{place}"><v>{value!r}</v></c>'
    if str(value).startswith("#"):
        return f'<c r="{place}" t="e"><v>{value}</v></c>'
    return f'<c r="{place}" t="inlineStr"><is><t xml:space="preserve">{escape(str(value))}</t></is></c>'


def _letters(at: int) -> str:
    return (_letters(at // 26 - 1) if at >= 26 else "") + chr(ord("A") + at % 26)
