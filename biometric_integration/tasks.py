"""What the scheduler calls."""

from frappe.utils import now_datetime

from biometric_integration.core.runs import Trigger
from biometric_integration.sync import jobs, retention
from biometric_integration.sync.bridges import notices
from biometric_integration.sync.desk import first_reads, period
from biometric_integration.sync.records import bridges, devices, servers


def sync_due() -> None:
	"""Every minute: ask for a pull of each server that is due, for what is left of a period, and for what waits to be used."""
	jobs.close_abandoned()
	if servers.all_servers() or devices.are_any():
		jobs.enqueue_process()
		jobs.enqueue_workdays()
	for server, units in servers.due(now_datetime()):
		jobs.enqueue_pull(server.id, Trigger.SCHEDULED, units)
	first_reads.follow()
	period.go_on()
	if bridges.is_any():
		notices.tell(now_datetime())


def tidy() -> None:
	"""Every night: keep the tables small (see the Retention tab of the settings)."""
	retention.tidy()


def tell_of_held_back() -> None:
	"""Every hour: who ought to know that attendance waits for a device."""
	if servers.all_servers() or devices.are_any():
		jobs.tell_of_held_back()
