"""What Desk and the console may call. Each endpoint: a permission check, one call, a plain dict."""

from werkzeug.wrappers import Response

import frappe
from frappe.utils import get_datetime, getdate

from biometric_integration.core.judgement import State
from biometric_integration.core.stream import PRIMARY
from biometric_integration.permissions import BRIDGE_ROLE, SETUP_ROLES, SYNC_ROLES
from biometric_integration.sync.bridges import report as bridge_reports
from biometric_integration.sync.desk import (
	ask,
	bridge_states,
	claim,
	clocks,
	connection,
	console,
	correction,
	device_states,
	doubts,
	file_undo,
	files,
	mapping,
	period,
	questions,
	rebuild,
	rederive,
	review,
	settle,
	watermarks,
	workdays,
)
from biometric_integration.sync.desk import status as site_status
from biometric_integration.sync.desk import zones as time_zones
from biometric_integration.sync.receiving import hook_address, web_hook
from biometric_integration.sync.receiving import ingest as received
from biometric_integration.sync.records import servers


@frappe.whitelist(methods=["POST"])
def sync_now(server: str | None = None, device: str | None = None, wait: int = 0) -> dict:
	"""Read one server (or one device, by its name or serial number), or all that are enabled, now.

	Returns {"queued": [server], "running": [{"server", "log"}], "message"}. From the console, `wait=1` runs here, waits for
	the process lane, prints each run and what came of the punches, and returns {"status", "message", "runs": [...]}. Waits after failures are ignored.
	"""
	frappe.only_for(SYNC_ROLES)
	if wait and not frappe.request:
		return console.sync(server, device)
	return ask.sync(server, device)


@frappe.whitelist(methods=["POST"])
def test_connection(server: str | None = None) -> dict:
	"""Go to a server step by step. Returns {"ok": bool, "steps": [{"step", "ok", "message", "fix", "error_class"}]}; `ok` is None for a step not tried.

	Where the service of another product is at the address: "switch": {"server", "server_type"}.
	"""
	frappe.only_for(SETUP_ROLES)
	return connection.test(server)


@frappe.whitelist()
def locations(server: str | None = None) -> list:
	"""Location codes that the server's device list knows, sorted."""
	frappe.only_for(SETUP_ROLES)
	return connection.locations(server)


@frappe.whitelist()
def sync_state(since: str | None = None, retried: str | None = None) -> dict:
	"""Runs since a time of the site's clock. Returns {"running": bool, "runs": [{"name", "stream", "status", …}], "pulls": {server: "queued" or
	"started"}, "using": are check-ins being made, "idle": why nothing begins}. `retried`: a log whose retry counts as well."""
	frappe.only_for(SYNC_ROLES)
	return site_status.runs(since, retried)


@frappe.whitelist()
def status() -> dict:
	"""How each server stands and what waits.

	Returns {"now", "servers": [...], "waiting": {status: count}, "counted_to": no status is counted further than that, "unused": why waiting punches
	are not used, "clocks": devices that are ahead, "held_back": what attendance waits for, "by_clock": shift types whose mark Frappe HR moves by itself,
	"absentees": that payroll pays who did not come, "bridges": how each bridge in a LAN stands}.
	"""
	frappe.only_for(SYNC_ROLES)
	return site_status.overview()


@frappe.whitelist()
def failed_runs() -> dict:
	"""For the number card *Failed Runs (24 h)*. Returns {"value", "fieldtype", "route", "route_options"}."""
	frappe.only_for(SYNC_ROLES)
	return site_status.troubles()


@frappe.whitelist()
def devices_to_look_at() -> dict:
	"""For the number card *Devices to Look At*. Returns {"value", "fieldtype", "route", "route_options"}."""
	frappe.only_for(SYNC_ROLES)
	return device_states.to_look_at()


@frappe.whitelist()
def workdays_to_settle() -> dict:
	"""For the number card *To Settle*. Returns {"value", "fieldtype", "route", "route_options"}."""
	frappe.only_for(SYNC_ROLES)
	return workdays.waiting(State.TO_SETTLE)


@frappe.whitelist()
def workdays_held() -> dict:
	"""For the number card *Held*. Returns {"value", "fieldtype", "route", "route_options"}."""
	frappe.only_for(SYNC_ROLES)
	return workdays.waiting(State.HELD)


@frappe.whitelist()
def shift_type_state(shift_type: str) -> dict:
	"""What keeps the attendance of a shift type. Returns {"held_back": [{"label", "message", "people", …}], "by_clock": a warning, "mark": who moves it}."""
	frappe.only_for(SYNC_ROLES)
	return watermarks.of_shift(shift_type)


@frappe.whitelist(methods=["POST"])
def leave_the_clock(shift_type: str) -> dict:
	"""Frappe HR moves *Last Sync of Checkin* of the shift type by its clock no more. Returns {"message"}."""
	frappe.only_for(SETUP_ROLES)
	return {"message": watermarks.leave_the_clock(shift_type)}


@frappe.whitelist()
def device_state(device: str | None = None) -> dict:
	"""How a device stands, or each of them. Returns {device: {"state", "message"}}."""
	frappe.only_for(SYNC_ROLES)
	return device_states.states(device)


@frappe.whitelist(methods=["POST"])
def retry(log: str) -> dict:
	"""Read the window of a run once more. Returns {"message"}."""
	frappe.only_for(SYNC_ROLES)
	return {"message": ask.retry(log)}


@frappe.whitelist(methods=["POST"])
def sync_period(
	from_date: str, to_date: str, device: str | None = None, server: str | None = None, dry_run: int = 0
) -> dict:
	"""Read a stretch of days (of the server) once more, in the background; with `dry_run`, only count what would be new.

	Returns {"name"} of the Biometric Sync Period; one of the same days that is not finished is resumed, and no other begun.
	"""
	frappe.only_for(SETUP_ROLES)
	(target, units), *others = ask.chosen(server, device)
	if others:
		frappe.throw(frappe._("Please choose a server or a device."))
	return {"name": period.start(target, units, getdate(from_date), getdate(to_date), bool(dry_run))}


@frappe.whitelist()
def period_state(name: str) -> dict:
	"""How a Biometric Sync Period stands. Returns its fields and {"running", "headline", "waits", "days", "days_left", "streams", "streams_left", "counts",
	"troubled": how many had a problem, "troubles": the first of them: [{"stream", "status", "error"}]}."""
	frappe.only_for(SYNC_ROLES)
	frappe.has_permission("Biometric Sync Period", "read", doc=name, throw=True)
	return period.state(name)


@frappe.whitelist(methods=["POST"])
def stop_period(name: str) -> dict:
	"""Stop reading a period before its next request; what was read stays. Returns {"message"}."""
	frappe.only_for(SETUP_ROLES)
	frappe.has_permission("Biometric Sync Period", "read", doc=name, throw=True)
	return {"message": period.stop(name)}


@frappe.whitelist(methods=["POST"])
def resume_period(name: str) -> dict:
	"""Go on with a period that was stopped, and try again what had a problem in it. Returns {"message"}."""
	frappe.only_for(SETUP_ROLES)
	frappe.has_permission("Biometric Sync Period", "read", doc=name, throw=True)
	return {"message": period.resume(name)}


@frappe.whitelist(methods=["POST"])
def reprocess(events: list | str) -> dict:
	"""Look at staged punches once more, by name (a list, or one as JSON). Returns {"count"}."""
	frappe.only_for(SETUP_ROLES)
	return {"count": review.reprocess(frappe.parse_json(events))}


@frappe.whitelist(methods=["POST"])
def release(event: str, punch_time: str) -> dict:
	"""Use a quarantined punch with the right time (site clock). Returns {"message"}."""
	frappe.only_for(SETUP_ROLES)
	review.release(event, punch_time)
	return {"message": frappe._("Released. The punch is used in a moment.")}


@frappe.whitelist(methods=["POST"])
def release_ahead(device: str, ahead: int | None = None, dry_run: int = 1) -> dict:
	"""Use all punches of a device that came with a time in the future, each `ahead` seconds earlier (empty: by how far its clock was found ahead).

	By default only says what would be. Returns {"ahead", "events", "left"}, and before it is done "people", "first", "last", "sample":
	[{"user_id", "before", "after"}], "doubt" (where it is rather the time zone of the server that is wrong). `left`: punches that would have been made after they arrived, or long before.
	"""
	frappe.only_for(SETUP_ROLES)
	return clocks.release_ahead(device, ahead, bool(dry_run))


@frappe.whitelist(methods=["POST"])
def rederive_times(server: str | None = None, dry_run: int = 1) -> dict:
	"""Work out the times of a server's kept punches once more, by its time zone as it is now, and put their check-ins right, in the background.

	By default only says what would be: {"server", "time_zone", "events", "check_ins", "left", "days_left": [{"employee", "date", "why"}],
	"sample": [{"who", "source_time", "before", "after"}], "complete"}. Returns {"server"} for `rederive_state` otherwise.
	"""
	frappe.only_for(SETUP_ROLES)
	if dry_run:
		return rederive.preview(server)
	return {"server": rederive.start(server)}


@frappe.whitelist()
def rederive_state(server: str | None = None) -> dict:
	"""Returns {"running", "message"} of the times of a server being put right."""
	frappe.only_for(SETUP_ROLES)
	return rederive.shown_state(server or PRIMARY)


@frappe.whitelist(methods=["POST"])
def settings_doubts(
	zones: dict | str, types: dict | str | None = None, start_date: str | None = None
) -> list:
	"""Sentences about settings that are not saved yet, and that may not be meant: time zones ({server id: zone}) that the newest punches speak
	against, servers ({server id: server type}) that are gone or another one, a start date to come. No server is asked."""
	frappe.only_for(SETUP_ROLES)
	found = time_zones.doubts(frappe.parse_json(zones))
	return found + (doubts.of_form(frappe.parse_json(types), start_date) if types else [])


@frappe.whitelist(methods=["POST"])
def map_id(
	user_id: str,
	employee: str,
	as_rule: int = 1,
	scope: str = "Any",
	server: str | None = None,
	location: str | None = None,
	device: str | None = None,
	from_date: str | None = None,
	to_date: str | None = None,
) -> dict:
	"""Say whose id it is: by a mapping rule, or (`as_rule=0`) in the employee's record, where ids are looked up and none is entered.

	Whoever may write the employee may do the latter. The punches that wait for it are used in a moment. Returns {"rule", "punches"}: the new
	rule, or None, and how many punches waited for it.
	"""
	frappe.only_for(SETUP_ROLES if as_rule else SYNC_ROLES)
	if not as_rule:
		return mapping.enter_in_employee(user_id, employee)
	place = {"scope": scope, "server": server, "location": location, "device": device}
	return mapping.map_to_rule(user_id, employee, **place, from_date=from_date, to_date=to_date)


@frappe.whitelist()
def id_entry(employee: str | None = None) -> dict:
	"""Where `map_id` with `as_rule=0` enters an id. Returns {"label": of the field, "" = the user may write none, "entered": what the employee has there,
	"everywhere": a rule of theirs may hold at all devices}."""
	frappe.only_for(SYNC_ROLES)
	return mapping.id_entry(employee)


@frappe.whitelist()
def ids_covered(pattern: str) -> dict:
	"""The known ids that a pattern fits. Returns {"count", "message"}; the message is HTML."""
	frappe.only_for(SETUP_ROLES)
	return mapping.ids_covered(pattern)


@frappe.whitelist(methods=["POST"])
def ignore_id(
	user_id: str,
	scope: str = "Any",
	server: str | None = None,
	location: str | None = None,
	device: str | None = None,
) -> dict:
	"""Say that an id is nobody's: a mapping rule that ignores it. Returns {"rule", "punches"}."""
	frappe.only_for(SETUP_ROLES)
	place = {"scope": scope, "server": server, "location": location, "device": device}
	return mapping.ignore(user_id, **place)


@frappe.whitelist(methods=["POST"])
def correct_mapping(
	user_id: str,
	from_date: str,
	to_date: str,
	server: str | None = None,
	device: str | None = None,
	dry_run: int = 1,
) -> dict:
	"""Take back the check-ins made of an id's punches of these days (site clock) and look at the punches again; by default only say what would be.

	Attendance that they are part of is cancelled, and the days of both people are repaired. Returns {"check_ins", "events", "employees",
	"days_with_attendance": those that stay: [{"employee", "date", "attendance", "why"}], "still_theirs": [{"employee", "events"}], "days", "more", "counts": of
	the days that are repaired, as `decide` says them} and, when done, "correction", "key" for `decide_state` where the days are many, "waits" where the punches are not used
	yet, so that the days are for *Repair* later. `still_theirs`: the mapping as it is now would give the punches back.
	"""
	frappe.only_for(SETUP_ROLES)
	return correction.run(user_id, getdate(from_date), getdate(to_date), server, device, bool(dry_run))


@frappe.whitelist(methods=["POST"])
def rebuild_workdays(
	from_date: str, to_date: str, company: str | None = None, employee: str | None = None
) -> dict:
	"""Judge the workdays of these days (both included) once more, in the background. Returns what `workdays_waiting` does."""
	frappe.only_for(SYNC_ROLES)
	return rebuild.start(getdate(from_date), getdate(to_date), company, employee)


@frappe.whitelist()
def workdays_waiting() -> dict:
	"""{"people": whose days wait to be judged, "message"}."""
	frappe.only_for(SYNC_ROLES)
	return rebuild.state()


@frappe.whitelist(methods=["POST"])
def decide(
	workdays: list | str,
	what: str,
	reason: str = "",
	values: dict | str | None = None,
	dry_run: int = 1,
) -> dict:
	"""Decide about workdays, by name (a list, or one as JSON): `what` is one of `core.settling.Action`; by default only say what would be.

	values: what the dialog asks beside the reason: `time`, `log_type` of *Add a Check-in*, `until`, `replaced_by`, `replaced_on`, `from_date`.
	Returns {"days": [{"workday", "employee", "employee_name", "date", "shift", "written": [{"name", "status", "hours"}], "right": {"status", "hours"},
	"state", "sentence", "does": "written", "taken_back", "changed" or "refused", "why", "record"}], "more": days that are not listed, "counts"}, or
	{"key"} for `decide_state` and `stop_deciding` where the days are many.
	"""
	frappe.only_for(SYNC_ROLES)
	return settle.ask(frappe.parse_json(workdays), what, reason, frappe.parse_json(values), bool(dry_run))


@frappe.whitelist(methods=["POST"])
def repair(workdays: list | str, reason: str = "", dry_run: int = 1) -> dict:
	"""Cancel what a machine wrote wrongly of these workdays, and write what is right; by default only say what would be. Returns what `decide` does."""
	frappe.only_for(SYNC_ROLES)
	return settle.ask(frappe.parse_json(workdays), settle.Action.REPAIR.value, reason, None, bool(dry_run))


@frappe.whitelist()
def decide_state(key: str) -> dict:
	"""Returns {"running", "message", "counts", "days": those that were refused} of days that are being settled."""
	frappe.only_for(SYNC_ROLES)
	return settle.state(key)


@frappe.whitelist(methods=["POST"])
def stop_deciding(key: str) -> dict:
	"""Stop before the next person; what is done stays. Returns {"message"}."""
	frappe.only_for(SYNC_ROLES)
	settle.stop(key)
	return {"message": frappe._("It stops before the next person.")}


@frappe.whitelist(methods=["POST"])
def decisions_offered(workdays: list | str) -> list:
	"""What may be done about workdays, by name (a list, or one as JSON). Returns [{"what", "days": about how many of them}], what fits the most first."""
	frappe.only_for(SYNC_ROLES)
	return settle.offers(frappe.parse_json(workdays))


@frappe.whitelist(methods=["POST"])
def take_decision_back(decision: str) -> dict:
	"""Delete a decision about a workday, and judge the day without it. Returns {"message"}."""
	frappe.only_for(SYNC_ROLES)
	settle.take_back(decision)
	return {"message": frappe._("The decision is taken back.")}


@frappe.whitelist()
def device_homes() -> list:
	"""Where a device that pushes may belong. Returns [{"value", "label", "time_zone"}], the first for those that only push."""
	frappe.only_for(SETUP_ROLES)
	return claim.homes()


@frappe.whitelist(methods=["POST"])
def claim_device(
	serial: str, device_name: str = "", home: str = "", company: str = "", direction_policy: str = ""
) -> dict:
	"""Accept what the device with this serial number pushes; whoever may enter devices. Returns {"device"}."""
	frappe.has_permission("Biometric Device", "create", throw=True)
	return {"device": claim.claim(serial, device_name, home, company, direction_policy)}


@frappe.whitelist(methods=["POST"])
def ask_device(device: str, what: str, from_time: str, to_time: str) -> dict:
	"""Ask a device that pushes for its punches, or how many there are, of a stretch of its own clock. Returns {"message"}."""
	frappe.only_for(SETUP_ROLES)
	frappe.has_permission("Biometric Device", "write", doc=device, throw=True)
	return {"message": questions.ask(device, what, get_datetime(from_time), get_datetime(to_time))}


@frappe.whitelist(methods=["POST"])
def ingest() -> dict:
	"""Keep a batch of punches: the body is {"punches": [{"serial", "user_id", "time", …}]}, at most 1,000 (docs/ingest-api.md).

	Returns {"results": [{"index", "status": "new" | "known" | "refused", "reason"}], "new", "known", "refused"}, or {"error"} with another status than 200.
	"""
	frappe.only_for(BRIDGE_ROLE)
	status, found = received.answer(frappe.request.get_data())
	frappe.local.response["http_status_code"] = status
	return found


@frappe.whitelist(methods=["POST"])
def bridge_report() -> dict:
	"""Take the report of a bridge in the LAN, of its own user (docs/bridge.md).

	Returns {"now": UTC, "settings": {"time_zone", "servers": [...], "push": [...]}}, never a password, or {"error"} with another status than 200.
	"""
	frappe.only_for(BRIDGE_ROLE)
	status, found = bridge_reports.answer(frappe.request.get_data())
	frappe.local.response["http_status_code"] = status
	return found


@frappe.whitelist()
def bridge_state(bridge: str | None = None) -> dict:
	"""How a bridge stands, or each of them. Returns {bridge: {"state", "words": sentences, "runs": [{"server", "label", "status", "message", "at"}], "devices": how many push to it}}."""
	frappe.only_for(SYNC_ROLES)
	return bridge_states.states(bridge)


@frappe.whitelist()
def bridge_file(bridge: str) -> dict:
	"""What a bridge.toml begins with on the PC of this bridge. Returns {"text"}; no secret is in it."""
	frappe.only_for(SETUP_ROLES)
	return {"text": bridge_states.file(bridge)}


@frappe.whitelist(methods=["POST"], allow_guest=True)
def ebioserver_hook() -> Response:
	"""The web hook of eBioServerNew: the address holds the secret, the body the rows (docs/ebioserver-web-hook.md). Answers `Success` once they are kept."""
	status, text = web_hook.answer(frappe.request.args.get("secret", ""), frappe.request.get_data())
	return Response(text, status, mimetype="text/plain")


@frappe.whitelist(methods=["POST"])
def web_hook_address(server: str | None = None) -> str:
	"""The address to enter in eBioServerNew; a secret is made where there is none yet."""
	frappe.only_for("System Manager")
	return hook_address.of(server)


@frappe.whitelist(methods=["POST"])
def push_path() -> str:
	"""The Secret Path that devices send to, for whoever sets them up; empty where there is none."""
	frappe.only_for(SETUP_ROLES)
	return servers.push_secret() or ""


@frappe.whitelist(methods=["POST"])
def preview_file(name: str) -> dict:
	"""Look at the file of a Biometric File Import: what each line would become. Returns {"status", "message"}; the rest stands in the document."""
	frappe.only_for(SETUP_ROLES)
	return files.preview(name)


@frappe.whitelist(methods=["POST"])
def import_file(name: str) -> dict:
	"""Bring the punches of a file in, in the background. Returns {"key"} for `file_state`."""
	frappe.only_for(SETUP_ROLES)
	return files.start(name)


@frappe.whitelist(methods=["POST"])
def undo_file(name: str, dry_run: int = 1) -> dict:
	"""Take back what a file was the first to bring; by default only say what would be.

	Returns {"events", "check_ins", "left", "days": those that stay: [{"employee", "date", "why"}], "more"}, or {"key"} for `file_state`.
	"""
	frappe.only_for(SETUP_ROLES)
	return file_undo.preview(name) if dry_run else file_undo.start(name)


@frappe.whitelist()
def file_state(key: str) -> dict:
	"""Returns {"running", "message", "done", "counts"} of a file that is brought in, or taken back."""
	frappe.only_for(SETUP_ROLES)
	return files.state(key)


@frappe.whitelist()
def file_errors(name: str) -> None:
	"""Download the lines of a file that cannot be read, as CSV."""
	frappe.only_for(SETUP_ROLES)
	content = files.odd_lines(name)
	frappe.response.update(
		{"type": "download", "filename": f"{name}.csv", "filecontent": content.encode("utf-8-sig")}
	)
