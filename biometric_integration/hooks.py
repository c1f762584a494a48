from frappe.model import base_document

app_name = "biometric_integration"
app_title = "Biometric Integration"
app_publisher = "Biometric Integration contributors"
app_description = (
	"Brings the punches of biometric attendance devices into ERPNext and Frappe HR, each exactly once"
)
app_email = "biometric-integration@users.noreply.github.com"
app_license = "MIT"

required_apps = ["frappe/erpnext", "frappe/hrms"]

add_to_apps_screen = [
	{
		"name": "biometric_integration",
		"logo": "/assets/biometric_integration/images/biometric-integration.svg",
		"title": "Biometric Integration",
		"route": "/app/biometric-integration",
		"description": "Punches of biometric devices as employee check-ins",
		"has_permission": "biometric_integration.permissions.has_app_permission",
	}
]

before_install = "biometric_integration.install.before_install"
after_install = "biometric_integration.install.complete"
after_migrate = ["biometric_integration.install.complete"]
after_uninstall = "biometric_integration.install.after_uninstall"

extend_bootinfo = "biometric_integration.permissions.extend_bootinfo"

# What the scripts in doctype and report folders share. Those of our own doctypes need no hook.
app_include_js = "biometric_integration.bundle.js"
doctype_js = {
	"Employee Checkin": "public/js/employee_checkin.js",
	"Shift Type": "public/js/shift_type.js",
}

override_whitelisted_methods = {
	"frappe.desk.reportview.export_query": "biometric_integration.sync.desk.exports.export_query"
}

page_renderer = ["biometric_integration.push.PushPage"]

scheduler_events = {
	"cron": {"* * * * *": ["biometric_integration.tasks.sync_due"]},
	"hourly_long": ["biometric_integration.tasks.tell_of_held_back"],
	"daily_long": ["biometric_integration.tasks.tidy"],
}

permission_query_conditions = {
	"Biometric Staging Event": "biometric_integration.sync.records.sight.events",
	"Biometric Mapping Rule": "biometric_integration.sync.records.sight.rules",
	"Biometric Mapping Correction": "biometric_integration.sync.records.sight.corrections",
	"Biometric Sync Log": "biometric_integration.sync.records.sight.logs",
	"Biometric Sync Period": "biometric_integration.sync.records.sight.periods",
	"Biometric Sync Cursor": "biometric_integration.sync.records.sight.cursors",
	"Biometric Workday": "biometric_integration.sync.records.sight.workdays",
	"Biometric Decision": "biometric_integration.sync.records.sight.decisions",
	"Biometric File Import": "biometric_integration.sync.records.sight.file_imports",
	"Biometric Device Command": "biometric_integration.sync.records.sight.commands",
}

has_permission = {
	"Biometric Staging Event": "biometric_integration.sync.records.sight.may_see_event",
	"Biometric Mapping Rule": "biometric_integration.sync.records.sight.may_see_rule",
	"Biometric Mapping Correction": "biometric_integration.sync.records.sight.may_see_correction",
	"Biometric Sync Log": "biometric_integration.sync.records.sight.may_see_log",
	"Biometric Sync Period": "biometric_integration.sync.records.sight.may_see_period",
	"Biometric Sync Cursor": "biometric_integration.sync.records.sight.may_see_cursor",
	"Biometric Workday": "biometric_integration.sync.records.sight.may_see_workday",
	"Biometric Decision": "biometric_integration.sync.records.sight.may_see_decision",
	"Biometric File Import": "biometric_integration.sync.records.sight.may_see_file_import",
	"Biometric Device Command": "biometric_integration.sync.records.sight.may_see_command",
}

CHANGES, STALE = "biometric_integration.sync.desk.changes", "biometric_integration.sync.workdays.stale"
GUARD, SHIFT_TYPE = (
	"biometric_integration.sync.workdays.guard",
	"biometric_integration.sync.workdays.shift_type",
)

# Frappe mixes the guard into whatever class a Shift Type has, or else takes a class in place of it.
if hasattr(base_document, "_get_extended_class"):
	extend_doctype_class = {"Shift Type": f"{SHIFT_TYPE}.ShiftTypeGuard"}
else:
	override_doctype_class = {"Shift Type": f"{SHIFT_TYPE}.GuardedShiftType"}

doc_events = {
	"Employee": {
		"validate": [f"{CHANGES}.trim_ids", f"{CHANGES}.check_longest_workday"],
		"on_update": [f"{CHANGES}.employee_changed", f"{STALE}.employee_changed"],
		"on_trash": f"{STALE}.employee_changed",
	},
	"Department": {"validate": f"{CHANGES}.check_longest_workday"},
	"Employment Type": {"validate": f"{CHANGES}.check_longest_workday"},
	"Employee Checkin": {
		"on_update": f"{STALE}.checkin_changed",
		"on_trash": [f"{CHANGES}.checkin_deleted", f"{STALE}.checkin_changed"],
	},
	"Attendance": {
		"before_validate": f"{GUARD}.before_validate",
		"validate": f"{GUARD}.validate",
		"on_update": f"{STALE}.attendance_changed",
		"on_update_after_submit": f"{STALE}.attendance_changed",
		"on_cancel": [
			"biometric_integration.sync.workdays.attendance.cancelled",
			f"{STALE}.attendance_changed",
		],
		"on_trash": f"{STALE}.attendance_changed",
	},
	"Leave Application": {
		"on_update": f"{STALE}.leave_changed",
		"on_update_after_submit": f"{STALE}.leave_changed",
		"on_cancel": f"{STALE}.leave_changed",
	},
	"Shift Assignment": {
		"on_submit": f"{STALE}.assignment_changed",
		"on_update_after_submit": f"{STALE}.assignment_changed",
		"on_cancel": f"{STALE}.assignment_changed",
	},
	"Salary Slip": {"on_submit": f"{STALE}.slip_changed", "on_cancel": f"{STALE}.slip_changed"},
	"Shift Type": {"on_update": f"{STALE}.shift_type_changed"},
	"Holiday List": {"on_update": f"{STALE}.holiday_list_changed"},
	"Holiday List Assignment": {
		"on_submit": f"{STALE}.list_assignment_changed",
		"on_cancel": f"{STALE}.list_assignment_changed",
	},
}

# HR can delete an employee, a check-in or an attendance; the punches behind it stay, and what is derived follows.
ignore_links_on_delete = [
	"Biometric Staging Event",
	"Biometric Sync Log",
	"Biometric Sync Period",
	"Biometric Workday",
	"Biometric Device Hour",
]

default_log_clearing_doctypes = {"Biometric Sync Log": 90}
