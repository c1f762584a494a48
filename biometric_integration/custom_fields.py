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
	description = f"The workday this {what} was made of here."
	return _mark("biometric_day", "Biometric Day", description, insert_after, hidden=1)


def _setting(
	fieldname: str, fieldtype: str, label: str, description: str, insert_after: str, **values
) -> dict:
	"""A field that people fill in."""
	return {
		"fieldname": fieldname,
		"fieldtype": fieldtype,
		"label": label,
		"description": description,
		"insert_after": insert_after,
		"module": "Biometric Integration",
		**values,
	}


def _longest(insert_after: str) -> dict:
	description = "From the first to the last check-in of a workday; empty: as in Biometric Sync Settings. For guards who stay for 24 hours: 26."
	return _setting(
		"longest_workday", "Float", "Longest Workday (Hours)", description, insert_after, precision="1"
	)


def _by_devices(insert_after: str) -> dict:
	description = "No: nobody is missed for lack of a punch. Of several that say something, the employee's own goes first, then grade, department, branch."
	return _setting(
		"attendance_by_devices",
		"Select",
		"Attendance by Devices",
		description,
		insert_after,
		options="\nYes\nNo",
	)


CUSTOM_FIELDS = {
	"Employee Checkin": [
		_mark("biometric_event", "Biometric Event", "The punch this check-in was made from.", "device_id")
	],
	"Attendance": [_day("attendance", "out_time")],
	"Timesheet": [_day("timesheet", "note")],
	"Employee": [_by_devices("default_shift"), _longest("attendance_by_devices")],
	"Department": [_by_devices("leave_block_list"), _longest("attendance_by_devices")],
	"Branch": [_by_devices("branch")],
	"Employee Grade": [_by_devices("default_salary_structure")],
	"Employment Type": [_longest("employee_type_name")],
}
