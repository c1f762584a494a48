"""Documents for site tests, with names that no other test has."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import date
from itertools import count

import frappe
from frappe.utils.user import get_users_with_role

from biometric_integration.sync.records.servers import SETTINGS

JOINED = date(2020, 1, 1)
MODEL = "Biometric Test Model"
"""The name of the employee whom all others are copies of."""
ABOUT_PEOPLE = (
	"Employee Checkin",
	"Attendance",
	"Timesheet",
	"Shift Assignment",
	"Leave Application",
	"Leave Ledger Entry",
)
_numbers = count(1)


def unique(prefix: str) -> str:
	return f"{prefix}-{frappe.generate_hash(length=6)}-{next(_numbers)}"


def company() -> str:
	"""The company of the test site, made with its holiday list at first use."""
	name = "Biometric Test Company"
	if not frappe.db.exists("Company", name):
		if not frappe.db.exists(
			"Warehouse Type", "Transit"
		):  # the setup wizard makes it; a test site may not have seen that
			_insert("Warehouse Type", name="Transit")
		values = {"company_name": name, "abbr": "BTC", "default_currency": "INR", "country": "India"}
		_insert("Company", default_holiday_list=holiday_list(), **values)
	assign_holidays(name)
	return name


def assign_holidays(company: str) -> None:
	"""As newer versions of HRMS want it, which look at nothing else."""
	doctype = "Holiday List Assignment"
	about = {"assigned_to": company, "docstatus": 1}
	if not frappe.db.exists("DocType", doctype) or frappe.db.exists(doctype, about):
		return
	_insert(
		doctype,
		applicable_for="Company",
		assigned_to=company,
		holiday_list=holiday_list(),
		from_date="2020-01-01",
	).submit()


def holiday_list() -> str:
	"""One far-away holiday, so that no test falls on one by accident."""
	name = "Biometric Test Holidays"
	if not frappe.db.exists("Holiday List", name):
		holidays = [{"holiday_date": "2020-01-26", "description": "Republic Day"}]
		_insert(
			"Holiday List",
			holiday_list_name=name,
			from_date="2020-01-01",
			to_date="2035-12-31",
			holidays=holidays,
		)
	return name


def shift_type(start: str = "09:00:00", end: str = "18:00:00", **values) -> str:
	name = unique("Shift")
	return _insert("Shift Type", name=name, start_time=start, end_time=end, **values).name


def shift_assignment(employee: str, shift: str, start: date, end: date | None = None, **values) -> str:
	document = _insert(
		"Shift Assignment",
		employee=employee,
		company=company(),
		shift_type=shift,
		start_date=start,
		end_date=end,
		**{"status": "Active", **values},
	)
	document.submit()
	return document.name


def leave(employee: str, first: date, last: date, **values) -> str:
	"""Unpaid, applied for and approved at once."""
	if not frappe.db.exists("Leave Type", "Biometric Unpaid"):
		_insert("Leave Type", leave_type_name="Biometric Unpaid", is_lwp=1, include_holiday=1)
	document = _insert(
		"Leave Application",
		employee=employee,
		company=company(),
		from_date=first,
		to_date=last,
		**{"leave_type": "Biometric Unpaid", "status": "Approved", "follow_via_email": 0, **values},
	)
	document.submit()
	return document.name


def holidays(*days: date) -> str:
	"""A list of its own with these days."""
	rows = [{"holiday_date": day, "description": "Holiday"} for day in days]
	first, last = (date(day.year, month, end) for day, month, end in ((min(days), 1, 1), (max(days), 12, 31)))
	return _insert(
		"Holiday List", holiday_list_name=unique("Holidays"), from_date=first, to_date=last, holidays=rows
	).name


def employee(device_id: str | None = None, joined: date = JOINED, **values) -> str:
	"""A new employee of the test company, with this device id."""
	return _hired([{"attendance_device_id": device_id, "date_of_joining": joined, **values}])[0]


def employees(device_ids: Sequence[str], **values) -> dict[str, str]:
	"""New employees of the test company: device id → employee."""
	names = _hired([{"attendance_device_id": device_id, **values} for device_id in device_ids])
	return dict(zip(device_ids, names, strict=True))


def everybody() -> list[str]:
	"""The employees that tests made, also those who went to another company."""
	made = {"company": company(), "name": ("like", "HR-EMP-______-%")}
	others = {"employee_name": ("!=", MODEL)}
	return frappe.get_all("Employee", others, or_filters=made, pluck="name", limit=0)


def of_people(**filters) -> dict:
	"""Filters for what is about an employee: only about those that tests made."""
	return {"employee": ("in", everybody()), **filters}


def forget_people() -> None:
	"""The employees that tests made are gone, with all that was written about them; nobody else is touched."""
	people, about = everybody(), of_people()
	timesheets = frappe.get_all("Timesheet", about, pluck="name", limit=0)
	frappe.db.delete("Timesheet Detail", {"parent": ("in", timesheets)})
	for doctype in ABOUT_PEOPLE:
		frappe.db.delete(doctype, about)
	frappe.db.delete("Employee", {"name": ("in", people)})


def _hired(rows: Sequence[dict]) -> list[str]:
	"""Copies of one employee that was made as a person makes them: HRMS takes too long over each."""
	model, copies = _model(), []
	for values in rows:
		name = unique("HR-EMP")
		own = {"name": name, "employee": name, "first_name": name, "employee_name": name}
		copies.append({**model, **own, **values})
	frappe.db.bulk_insert("Employee", tuple(model), [tuple(copy.values()) for copy in copies])
	return [copy["name"] for copy in copies]


def _model() -> dict:
	found = {"company": company(), "employee_name": MODEL}
	if not frappe.db.exists("Employee", found):
		_insert(
			"Employee",
			first_name=MODEL,
			company=company(),
			gender=_gender(),
			date_of_birth="1990-05-08",
			date_of_joining=JOINED,
			holiday_list=holiday_list(),
		)
	return frappe.db.get_value("Employee", found, "*", as_dict=True)


def device(serial: str | None, name: str | None = None, **values) -> str:
	values = {"enabled": 1, "server": "", **values}
	return _insert(
		"Biometric Device", device_name=name or unique("Device"), serial_number=serial, **values
	).name


def workday(employee: str, day: date, state: str = "To Settle", **values) -> str:
	"""A row as the workdays lane would have made it, about this person and company."""
	about = frappe.db.get_value(
		"Employee", employee, ["employee_name", "company", "department"], as_dict=True
	)
	name = f"{day:%Y%m%d}-{frappe.generate_hash(length=20)}"
	return _insert(
		"Biometric Workday",
		**{
			"name": name,
			"employee": employee,
			"date": day,
			"state": state,
			"closes": f"{day} 19:00:00",
			**about,
			**values,
		},
	).name


def settings(**values):
	"""The settings form, filled in and enabled; whatever is not given goes back to its default. A server has a password in any case."""
	document = frappe.get_single(SETTINGS)
	values.setdefault("api_password", document.api_password or "secret")
	values["more_servers"] = [
		{"api_password": "secret", **row} if isinstance(row, dict) else row
		for row in values.get("more_servers", [])
	]
	defaults = {field.fieldname: field.default for field in document.meta.fields if field.default is not None}
	document.update(
		{
			**defaults,
			"location": "",
			"import_floor": None,
			"payloads_empty_until": None,
			"time_zone": "Asia/Kolkata",
			"enabled": 1,
			**values,
		}
	)
	document.save()
	frappe.db.commit()  # nosemgrep -- background jobs and other connections see it
	return document


def user(role: str | None) -> str:
	"""Its email. On a site without one a System Manager is made first, as each site in use has one: older frappe gives that role to the first user, and deletes no last one."""
	if role != "System Manager" and not get_users_with_role("System Manager"):
		user("System Manager")
	email = f"{unique('user')}@example.com".lower()
	roles = [{"role": role}] if role else []
	_insert("User", email=email, first_name=email.split("@")[0], send_welcome_email=0, roles=roles)
	return email


def forget_user(name: str) -> None:
	"""Others count the users of a site. The last request of theirs may still hold the row."""
	for _try in range(50):
		frappe.db.rollback()
		frappe.db.delete("User Permission", {"user": name})
		with suppress(frappe.QueryTimeoutError):
			frappe.delete_doc("User", name, force=True, ignore_permissions=True)
			frappe.db.commit()  # nosemgrep -- other tests see it
			return
		time.sleep(0.1)
	raise AssertionError(f"somebody holds {name}")


def _gender() -> str:
	if not frappe.db.exists("Gender", "Female"):
		_insert("Gender", gender="Female")
	return "Female"


def _insert(doctype: str, **values):
	return frappe.get_doc({"doctype": doctype, **values}).insert(ignore_permissions=True)
