"""Fields of other apps' doctypes that this app needs."""


def _mark(fieldname: str, label: str, description: str, insert_after: str, **values) -> dict:
	"""A field that only this app writes, and of which no two documents have the same."""
	return {
		"fieldname": fieldname,
		"fieldtype": "Data",
		"label": label,
		"description": description,
		"insert_after": insert_after,
		"unique": 1,
		"read_only": 1,
		"no_copy": 1,
		"print_hide": 1,
		"module": "Biometric Integration",
		**values,
	}


def _day(what: str, insert_after: str) -> dict:
	description = f"Employee and shift-day whose punches this {what} was made from."
	return _mark("biometric_day", "Biometric Day", description, insert_after, hidden=1)


CUSTOM_FIELDS = {
	"Employee Checkin": [
		_mark("biometric_event", "Biometric Event", "The punch this check-in was made from.", "device_id")
	],
	"Attendance": [_day("attendance", "out_time")],
	"Timesheet": [_day("timesheet", "note")],
}
