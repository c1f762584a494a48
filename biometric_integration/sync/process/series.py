"""Names of check-ins, reserved in their series for a whole batch."""

from __future__ import annotations

import frappe
from frappe.model.naming import parse_naming_series

from biometric_integration.sync.db import transaction

DOCTYPE = "Employee Checkin"


def reserved_names(count: int) -> list[str]:
	"""The next names of the series, reserved by one commit of its own; numbers of a batch that fails stay unused."""
	series, digits = "", 0

	def note(prefix: str, width: int) -> str:
		nonlocal series, digits
		series, digits = prefix, width
		return "\0"

	pattern = parse_naming_series(frappe.get_meta(DOCTYPE).autoname, number_generator=note)
	last = _moved(series, count)
	numbers = range(last - count + 1, last + 1)
	return [pattern.replace("\0", str(number).zfill(digits)) for number in numbers]


def _moved(series: str, count: int) -> int:
	"""Move the counter; returns its new value."""
	frappe.db.sql(
		"""INSERT INTO `tabSeries` (`name`, `current`) VALUES (%s, %s)
		ON DUPLICATE KEY UPDATE `current`=`current`+%s""",
		(series, count, count),
	)  # the query builder has no ON DUPLICATE KEY UPDATE on all versions
	last = frappe.db.sql("SELECT `current` FROM `tabSeries` WHERE `name`=%s", (series,))[0][0]
	transaction.commit()
	return last
