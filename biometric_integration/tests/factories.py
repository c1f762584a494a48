"""Documents for site tests, with names that no other test has."""

from __future__ import annotations

from datetime import date
from itertools import count

import frappe

from biometric_integration.sync.records.servers import SETTINGS

JOINED = date(2020, 1, 1)
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
	return name


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


def employee(device_id: str | None = None, name: str | None = None, joined: date = JOINED, **values) -> str:
	"""An employee of the test company; the first name is unique, the device id is as given."""
	return _insert(
		"Employee",
		first_name=name or unique("Person"),
		company=company(),
		gender=_gender(),
		date_of_birth="1990-05-08",
		date_of_joining=joined,
		attendance_device_id=device_id,
		holiday_list=holiday_list(),
		**values,
	).name


def employees(device_ids: list[str], **values) -> None:
	"""Employees with these device ids: those of the test company that carry none first, then new ones."""
	free = {
		"company": company(),
		"attendance_device_id": ("is", "not set"),
		"status": "Active",
		"date_of_joining": JOINED,
		**values,
	}
	names = iter(frappe.get_all("Employee", free, pluck="name", limit=0))
	for device_id in device_ids:
		if name := next(names, None):
			frappe.db.set_value("Employee", name, "attendance_device_id", device_id)
		else:
			employee(device_id, **values)


def device(serial: str | None, name: str | None = None, **values) -> str:
	values = {"enabled": 1, "server": "", **values}
	return _insert(
		"Biometric Device", device_name=name or unique("Device"), serial_number=serial, **values
	).name


def settings(**values):
	"""The settings form, filled in and enabled; whatever is not given goes back to its default."""
	document = frappe.get_single(SETTINGS)
	defaults = {field.fieldname: field.default for field in document.meta.fields if field.default is not None}
	document.update(
		{
			**defaults,
			"more_servers": [],
			"location": "",
			"import_floor": None,
			"time_zone": "Asia/Kolkata",
			**values,
			"enabled": 1,
		}
	)
	document.save()
	frappe.db.commit()  # nosemgrep -- background jobs and other connections see it
	return document


def forget_servers() -> None:
	"""Start every server from the beginning: cursors and what was found out about it."""
	for doctype in (
		"Biometric Sync Cursor",
		"Biometric Server State",
		"Biometric Device",
		"Biometric Device Alias",
	):
		frappe.db.delete(doctype)


def user(role: str | None) -> str:
	email = f"{unique('user')}@example.com".lower()
	roles = [{"role": role}] if role else []
	_insert("User", email=email, first_name=email.split("@")[0], send_welcome_email=0, roles=roles)
	return email


def _gender() -> str:
	if not frappe.db.exists("Gender", "Female"):
		_insert("Gender", gender="Female")
	return "Female"


def _insert(doctype: str, **values):
	return frappe.get_doc({"doctype": doctype, **values}).insert(ignore_permissions=True)
