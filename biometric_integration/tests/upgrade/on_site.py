"""What one process does on a site, with the code of whatever commit comes first on its path: `on_site.py SITE WHAT VALUES`.

Run as a file: it asks for nothing of the app but what every commit has.
"""

from __future__ import annotations

import json
import os
import sys
from unittest.mock import patch

import frappe

CHECKIN, DEVICE, SETTINGS = "Employee Checkin", "Biometric Device", "Biometric Sync Settings"
DIED = 137
"""Exit code of whoever was killed."""


def connect(values: dict) -> None:
	"""The settings as a person fills them in, and the devices."""
	main, other = values["servers"]
	settings = frappe.get_single(SETTINGS)
	settings.update({**main, "enabled": 1, "start_date": values["start"], "more_servers": [other]})
	settings.save()
	for device in values["devices"]:
		if not frappe.db.exists("Biometric Device", {"serial_number": device["serial_number"]}):
			frappe.get_doc({"doctype": "Biometric Device", "enabled": 1, **device}).insert()


def sync(values: dict) -> None:
	from biometric_integration import api

	for server in values["servers"]:
		said = api.sync_now(server=server, wait=1)
		if said["status"] == "Failed":
			raise SystemExit(f"{server}: {said}")


def leave_traces(values: dict) -> None:
	"""What people, jobs and frappe write about the documents of the app, and what waits in the queue."""
	from frappe.custom.doctype.property_setter.property_setter import make_property_setter

	from biometric_integration.core.runs import Trigger
	from biometric_integration.permissions import BRIDGE_ROLE
	from biometric_integration.sync import jobs
	from biometric_integration.sync.db import pace

	device = frappe.get_doc({"doctype": DEVICE, "device_name": "Gate", "serial_number": "GATE1"}).insert()
	device.add_comment("Comment", "It is slow")
	device.add_tag("slow")
	device.location = "HO"
	device.save()
	about = {"attached_to_doctype": DEVICE, "attached_to_name": device.name}
	frappe.get_doc(
		{"doctype": "File", "file_name": "gate.txt", "content": "31", "is_private": 1, **about}
	).insert()
	todo = {"reference_type": DEVICE, "reference_name": device.name, "allocated_to": "Administrator"}
	frappe.get_doc({"doctype": "ToDo", "description": "Look at it", **todo}).insert()
	frappe.get_doc(
		{"doctype": "Custom Field", "dt": DEVICE, "fieldname": "floor", "fieldtype": "Data", "label": "Floor"}
	).insert()
	make_property_setter(DEVICE, "location", "label", "Site", "Data")
	of_a_user = {"parent": "Administrator", "parenttype": "User", "parentfield": "roles", "role": BRIDGE_ROLE}
	frappe.get_doc({"doctype": "Has Role", **of_a_user}).db_insert()
	frappe.model.utils.user_settings.save(DEVICE, json.dumps({"last_view": "List"}))
	frappe.model.utils.user_settings.sync_user_settings()
	pace.times("traces", 3600)
	jobs.enqueue_live()
	jobs.enqueue_workdays()
	jobs.enqueue_pull("main", Trigger.SCHEDULED)
	frappe.get_doc("Scheduled Job Type", {"method": "biometric_integration.tasks.sync_due"}).enqueue(
		force=True
	)


def tell_of_the_queue(values: dict) -> None:
	for job in _queued():
		print(job.kwargs["method"], job.kwargs["kwargs"])


def work(values: dict) -> None:
	"""As a worker that finds what waits for this site."""
	site = frappe.local.site
	for job in _queued():
		job.perform()
		job.delete()
	frappe.init(site=site)
	frappe.connect()


def _queued() -> list:
	from frappe.utils.background_jobs import create_job_id, get_queues

	of_this_site = create_job_id("-")[:-1]
	return [job for queue in get_queues() for job in queue.jobs if job.id.startswith(of_this_site)]


def delete_newest(values: dict) -> None:
	"""HR deletes a check-in."""
	frappe.get_last_doc(CHECKIN, order_by="time desc").delete()


def install_until(values: dict) -> None:
	"""The installation of the app, which dies as it comes to a function for the so-and-so-many-th time."""
	from frappe.installer import install_app

	left = values.get("times", 1)
	module, _, name = values["step"].rpartition(".")
	real = getattr(frappe.get_module(module), name)

	def die(*arguments, **options):
		nonlocal left
		left -= 1
		if not left:
			os._exit(DIED)
		return real(*arguments, **options)

	with patch(values["step"], die):
		install_app("biometric_integration")
	raise SystemExit(f"nobody came to {values['step']}")


def main() -> None:
	site, what, values = sys.argv[1], globals()[sys.argv[2]], json.loads(sys.argv[3])
	frappe.init(site=site)
	frappe.connect()
	try:
		what(values)
		frappe.db.commit()  # nosemgrep -- as the end of a command
	finally:
		frappe.destroy()


if __name__ == "__main__":
	main()
