"""The company on the site of the browser test: run by `bench execute`, not a test."""

from datetime import date, timedelta

import frappe
from frappe.utils import getdate, nowdate

from biometric_integration.simulator.sample import CODES
from biometric_integration.tests.browser.servers import EMPLOYEES, WAREHOUSE_CODES

COMPANY = "Acme Industries"
PASSWORD = "Browser-Test-1"
USERS = {
	# The first: older versions of frappe make the first user a System Manager, whatever its roles.
	"System Manager": ("anita.rao", "Anita", "Rao"),
	"HR Manager": ("priya.sharma", "Priya", "Sharma"),
	"HR User": ("rahul.verma", "Rahul", "Verma"),
}
UNMAPPED = "1050"
"""The id that nobody has yet: the test enters it."""
LEFT_LONG_AGO, LEFT_LATELY = 3, 1
EVERY_NTH_AT_NIGHT = 5
FIRST_NAMES = (
	"Aarav Aditi Akash Amit Ananya Anil Anjali Arjun Asha Bhavna Chetan Deepa Dev Divya Farah Gaurav Geeta Hari Imran Isha "
	"Jaya Karan Kavita Kiran Lata Leela Manish Maya Meera Mohan Naina Naveen Neha Nikhil Nisha Omkar Pooja Prakash Rajesh "
	"Rekha Ritu Rohan Sanjay Sara Shilpa Sneha Sunil Tara Uma Varun Vijay Vikram Yamini Yusuf Zara Zoya"
).split()
LAST_NAMES = "Iyer Khan Patel Reddy Singh Das Nair Joshi Mehta Kulkarni Fernandes".split()


def prepare() -> None:
	"""Everything that is there before anybody thinks of biometric devices."""
	if not frappe.db.exists("Company", COMPANY):
		_run_wizard()
	_hide_tours()
	shifts = _shift("Day Shift", "09:00:00", "18:00:00"), _shift("Night Shift", "22:00:00", "06:00:00")
	if not frappe.db.exists("List View Settings", "Employee Checkin"):
		_insert("List View Settings", name="Employee Checkin", total_fields="6")
	for role, (login, first_name, last_name) in USERS.items():
		_user(f"{login}@acme.example", role, first_name=first_name, last_name=last_name)
	for user in ("Administrator", *(f"{login}@acme.example" for login, *_names in USERS.values())):
		_dashboard_settings(user)
	for number, code in enumerate([*_codes(), *WAREHOUSE_CODES]):
		_employee(number, code if code != UNMAPPED else None, shifts)
	for number in range(LEFT_LONG_AGO):
		_employee(-1 - number, None, shifts, status="Left", relieving_date="2025-03-31")
	frappe.db.commit()  # nosemgrep -- the browser is another connection


def _codes() -> list[str]:
	return [CODES[number] if number < len(CODES) else str(1001 + number) for number in range(EMPLOYEES)]


def _run_wizard() -> None:
	from frappe.desk.page.setup_wizard.setup_wizard import setup_complete

	today = getdate(nowdate())
	first = date(today.year if today.month > 3 else today.year - 1, 4, 1)
	setup_complete(
		{
			"language": "English",
			"country": "India",
			"timezone": "Asia/Kolkata",
			"currency": "INR",
			"company_name": COMPANY,
			"company_abbr": "AI",
			"company_tagline": "Industries",
			"domains": ["Manufacturing"],
			"chart_of_accounts": "Standard",
			"fy_start_date": first.isoformat(),
			"fy_end_date": date(first.year + 1, 3, 31).isoformat(),
			"full_name": "Administrator",
			"email": "",
			"password": "",
			"setup_demo": 0,
		}
	)


def _hide_tours() -> None:
	"""Tours and hints of the Desk would stand before what the test looks at."""
	frappe.db.set_single_value("System Settings", "enable_onboarding", 0)
	frappe.db.set_value("Module Onboarding", {"is_complete": 0}, "is_complete", 1)


def _shift(name: str, start: str, end: str) -> str:
	if not frappe.db.exists("Shift Type", name):
		_insert("Shift Type", name=name, start_time=start, end_time=end)
	return name


def _user(email: str, role: str, **values) -> None:
	if frappe.db.exists("User", email):
		return
	roles = [{"role": role}, {"role": "Employee"}]
	_insert(
		"User",
		email=email,
		roles=roles,
		send_welcome_email=0,
		new_password=PASSWORD,
		time_zone="Asia/Kolkata",
		**values,
	)


def _dashboard_settings(user: str) -> None:
	"""Frappe makes these at the first look at a chart, and where two charts do so at once, one of them shows an error."""
	if not frappe.db.exists("Dashboard Settings", user):
		_insert("Dashboard Settings", name=user, user=user)


def _employee(number: int, code: str | None, shifts: tuple[str, str], **values) -> None:
	first_name = FIRST_NAMES[number % len(FIRST_NAMES)]
	last_name = LAST_NAMES[number % len(LAST_NAMES)]
	if frappe.db.exists("Employee", {"first_name": first_name, "last_name": last_name}):
		return
	if number == EVERY_NTH_AT_NIGHT * LEFT_LATELY:
		values = {"status": "Left", "relieving_date": getdate(nowdate()) - timedelta(days=3)}
	_insert(
		"Employee",
		first_name=first_name,
		last_name=last_name,
		company=COMPANY,
		gender="Female" if first_name[-1] in "ai" else "Male",
		date_of_birth="1990-05-08",
		date_of_joining="2021-07-01",
		attendance_device_id=code,
		default_shift=shifts[number % EVERY_NTH_AT_NIGHT == EVERY_NTH_AT_NIGHT - 1],
		**values,
	)


def _insert(doctype: str, **values) -> None:
	frappe.get_doc({"doctype": doctype, **values}).insert(ignore_permissions=True)
