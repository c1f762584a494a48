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
from frappe.utils import cint

from biometric_integration.core.text import harmless_cell

LIST_EXPORT = "frappe.desk.reportview.export_query"
MODULE = "Biometric Integration"
WITH_TEXT_OF_DEVICES = ("Employee Checkin",)
"""Of others: the name of the device."""

NUMBER = re.compile(r"[+-]?\d+(?:[.,]\d+)?")
FORMULA = re.compile(rb"<c ([^>]*)><f[^>]*>(.*?)</f>(?:<v[^>]*/>|<v[^>]*>[^<]*</v>)?</c>", re.DOTALL)
KIND_OF_CELL = re.compile(rb' ?\bt="[^"]*"')


def after_request(response, request) -> None:
	"""Hook: of each request, also one that is not ours."""
	asked = frappe.form_dict
	if asked.get("cmd") != LIST_EXPORT or response.status_code != 200 or not _is_ours(asked.get("doctype")):
		return
	make = HARMLESS.get(asked.get("file_format_type"))
	if make:
		response.data = make(response.data, asked)


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
