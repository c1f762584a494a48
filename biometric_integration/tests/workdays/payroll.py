"""What Frappe HR would pay for the month, and what it ought to."""

from __future__ import annotations

from datetime import date

import frappe

from biometric_integration.tests import factories
from biometric_integration.tests.workdays import month as months
from biometric_integration.tests.workdays.month import Month, Person, Truth

HALF = 0.5


def paid_days(employee: str) -> float:
	"""By HRMS's own salary slip, with *Payroll Based On* Attendance; whoever has no record is paid, as is its default."""
	slip = frappe.new_doc("Salary Slip")
	slip.update(
		{
			"employee": employee,
			"company": factories.company(),
			"start_date": months.FIRST,
			"end_date": months.LAST,
		}
	)
	slip.get_working_days_details()
	return slip.payment_days


def earned_days(month: Month, person: Person) -> float:
	"""Leave is unpaid here. Nothing is taken off for a holiday."""
	days = [day for day in _days() if person.employed(day) and not months.is_holiday(day)]
	return sum(1 - _missing(month.truth.get((person, day), Truth())) for day in days)


def _missing(truth: Truth) -> float:
	if truth.status in ("Absent", "On Leave"):
		return 1
	if truth.status != "Half Day":
		return 0
	return 1 if truth.other_half == "Absent" else HALF


def _days() -> list[date]:
	return [months.FIRST + number * months.DAY for number in range((months.LAST - months.FIRST).days + 1)]
