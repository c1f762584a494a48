"""Fields of other apps' doctypes that this app needs."""

CUSTOM_FIELDS = {
	"Employee Checkin": [
		{
			"fieldname": "biometric_event",
			"fieldtype": "Data",
			"label": "Biometric Event",
			"description": "The punch this check-in was made from.",
			"insert_after": "device_id",
			"unique": 1,
			"read_only": 1,
			"no_copy": 1,
			"print_hide": 1,
			"module": "Biometric Integration",
		}
	],
	"Attendance": [
		{
			"fieldname": "biometric_day",
			"fieldtype": "Data",
			"label": "Biometric Day",
			"description": "Employee and shift-day whose punches this attendance was made from.",
			"insert_after": "out_time",
			"unique": 1,
			"read_only": 1,
			"hidden": 1,
			"no_copy": 1,
			"print_hide": 1,
			"module": "Biometric Integration",
		}
	],
	"Timesheet": [
		{
			"fieldname": "biometric_day",
			"fieldtype": "Data",
			"label": "Biometric Day",
			"description": "Employee and shift-day whose punches this timesheet was made from.",
			"insert_after": "note",
			"unique": 1,
			"read_only": 1,
			"hidden": 1,
			"no_copy": 1,
			"print_hide": 1,
			"module": "Biometric Integration",
		}
	],
}
