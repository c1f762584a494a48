"""Lists that leave the site as a table hold no formula: what devices report stands in their cells, and frappe writes it as it is.

Reports make their cells harmless by themselves, since they are also sent by mail.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Mapping
from zipfile import ZIP_DEFLATED, ZipFile

import frappe
from frappe.desk import reportview
from frappe.utils import cint

from biometric_integration.core.text import harmless_cell

MODULE = "Biometric Integration"
WITH_TEXT_OF_DEVICES = ("Employee Checkin",)
"""Of others: the name of the device."""

NUMBER = re.compile(r"[+-]?\d+(?:[.,]\d+)?")
FORMULA = re.compile(rb"<c ([^>]*)><f[^>]*>(.*?)</f>(?:<v[^>]*/>|<v[^>]*>[^<]*</v>)?</c>", re.DOTALL)
KIND_OF_CELL = re.compile(rb' ?\bt="[^"]*"')


@frappe.whitelist()
def export_query() -> None:
	"""In place of frappe's. Lists of ours are not exported in the background: that file would be written and mailed by frappe alone."""
	asked, is_ours = frappe.form_dict, _is_ours(frappe.form_dict.get("doctype"))
	if is_ours:
		asked.pop("export_in_background", None)
	reportview.export_query()
	make = HARMLESS.get(asked.get("file_format_type"))
	if is_ours and make:
		content = frappe.response["filecontent"]
		content = content.getvalue() if isinstance(content, io.BytesIO) else content
		frappe.response["filecontent"] = make(
			content if isinstance(content, bytes) else content.encode(), asked
		)


def _is_ours(doctype: str | None) -> bool:
	return doctype in WITH_TEXT_OF_DEVICES or bool(
		doctype and frappe.db.get_value("DocType", doctype, "module", cache=True) == MODULE
	)


def harmless_csv(content: bytes, asked: Mapping) -> bytes:
	"""Numbers stay what they are."""
	shape = {
		"delimiter": str(asked.get("csv_delimiter") or ",")[0],
		"quoting": cint(asked.get("csv_quoting", csv.QUOTE_NONNUMERIC)),
	}
	text = io.StringIO()
	writer = csv.writer(text, **shape)
	for row in csv.reader(io.StringIO(content.decode(), newline=""), delimiter=shape["delimiter"]):
		writer.writerow([cell if NUMBER.fullmatch(cell) else harmless_cell(cell) for cell in row])
	return text.getvalue().encode()


def harmless_xlsx(content: bytes, _asked: Mapping) -> bytes:
	"""A list has no formulas of its own: what was taken for one is the text that it was."""
	written = io.BytesIO()
	with ZipFile(io.BytesIO(content)) as source, ZipFile(written, "w", ZIP_DEFLATED) as target:
		for entry in source.infolist():
			part = source.read(entry)
			if entry.filename.startswith("xl/worksheets/"):
				part = FORMULA.sub(_as_text, part)
			target.writestr(entry, part)
	return written.getvalue()


def _as_text(cell: re.Match[bytes]) -> bytes:
	attributes = KIND_OF_CELL.sub(b"", cell[1])
	return b'<c %b t="inlineStr"><is><t xml:space="preserve">=%b</t></is></c>' % (attributes, cell[2])


HARMLESS: Mapping[str, Callable[[bytes, Mapping], bytes]] = {"CSV": harmless_csv, "Excel": harmless_xlsx}
"""By the name of the format in the question."""
