"""Files of punches: preview, import, the same punches by other ways, undo, and who may do it."""

from __future__ import annotations

import csv
import io
import json
from datetime import date, datetime, timedelta
from unittest.mock import patch

import frappe

from biometric_integration import api
from biometric_integration.core.clock import to_site
from biometric_integration.core.errors import SyncError
from biometric_integration.core.punch import Direction, Record
from biometric_integration.core.runs import EVENT_COUNTS, RUN_COUNTS, Channel
from biometric_integration.simulator import FakeETimeTrackLite, World
from biometric_integration.sync import jobs
from biometric_integration.sync.db import sql
from biometric_integration.sync.desk import file_undo, files
from biometric_integration.sync.desk.files import FileStatus
from biometric_integration.sync.receiving.receive import receive
from biometric_integration.sync.records import staging, sync_log
from biometric_integration.tests import factories
from biometric_integration.tests.integration.base import PASSWORD, SiteTestCase, checkins, events, logs, sync
from biometric_integration.tests.integration.test_sight import limited, other_company

DOCTYPE, FORMAT = "Biometric File Import", "Biometric File Format"
LOG = sync_log.DOCTYPE
SERIAL = "CEXJ230760123"
NAME = f"{SERIAL}_attlog.dat"
NINE, SIX = datetime(2025, 4, 7, 9, 2, 11), datetime(2025, 4, 7, 18, 4, 50)
PUNCHES = [("0031", NINE), ("0031", SIX), ("44", NINE + timedelta(minutes=3))]


def attlog(*punches: tuple[str, datetime]) -> str:
	return "".join(f"{user_id:>9}\t{time}\t1\t0\t1\t0\r\n" for user_id, time in punches)


class FileTestCase(SiteTestCase):
	def setUp(self) -> None:
		super().setUp()
		self.forget_files()
		self.addCleanup(self.forget_files)
		factories.settings(
			server_type="eTimeTrackLite", endpoint_url="http://127.0.0.1:9", start_date="2025-04-01"
		)
		self.gate = factories.device(SERIAL, "Gate")
		self.people = factories.employees(["0031", "44"])
		frappe.db.commit()  # nosemgrep -- as a person who saved it
		enqueued = patch.object(frappe, "enqueue")
		self.enqueued = enqueued.start()
		self.addCleanup(enqueued.stop)

	def forget_files(self) -> None:
		frappe.set_user("Administrator")
		for doctype in (DOCTYPE, FORMAT):
			frappe.db.delete(doctype)
		for name in frappe.get_all("File", {"attached_to_doctype": DOCTYPE}, pluck="name"):
			frappe.delete_doc("File", name, force=True)
		frappe.db.commit()  # nosemgrep -- what our code wrote was committed as well

	def upload(self, content: str | bytes, name: str = NAME, **values) -> str:
		"""A new import with this file; returns its name."""
		content = content.encode() if isinstance(content, str) else content
		file = frappe.get_doc(
			{"doctype": "File", "file_name": name, "content": content, "is_private": 1}
		).insert()
		document = frappe.get_doc({"doctype": DOCTYPE, "file": file.file_url, **values}).insert()
		file.db_set({"attached_to_doctype": DOCTYPE, "attached_to_name": document.name})
		frappe.db.commit()  # nosemgrep -- as a person who saved it
		return document.name

	def run_queued(self) -> None:
		"""What was queued for this import, as a worker would."""
		while calls := [call for call in self.enqueued.call_args_list if ".desk.file" in call.args[0]]:
			self.enqueued.reset_mock()
			for call in calls:
				arguments = {
					key: value for key, value in call.kwargs.items() if key not in ("queue", "job_id")
				}
				frappe.get_attr(call.args[0])(**arguments)

	def brought_in(self, *arguments, **more):
		name = self.upload(*arguments, **more)
		self.assertEqual(api.preview_file(name)["status"], "Previewed")
		api.import_file(name)
		self.run_queued()
		jobs.process()
		return frappe.get_doc(DOCTYPE, name)

	def undo(self, document):
		document.reload()
		api.undo_file(document.name, dry_run=0)
		self.run_queued()
		return document.reload()

	def counts(self, document) -> tuple[int, int, int]:
		return document.new_count, document.known_count, document.odd_count


class TestImport(FileTestCase):
	def test_a_file_is_shown_then_brought_in_and_each_punch_becomes_one_check_in(self):
		name = self.upload(attlog(*PUNCHES))
		self.assertEqual(frappe.db.get_value(DOCTYPE, name, "status"), "Draft")
		api.preview_file(name)
		document = frappe.get_doc(DOCTYPE, name)
		self.assertEqual((document.status, self.counts(document)), ("Previewed", (3, 0, 0)))
		self.assertEqual(document.dialect, "Device file (attlog)")
		self.assertEqual((document.first_punch, document.last_punch), (NINE, SIX))
		shown = json.loads(document.preview)
		self.assertEqual(
			[line["employee"] for line in shown["lines"]], [self.people[each] for each, _at in PUNCHES]
		)
		self.assertEqual({line["becomes"] for line in shown["lines"]}, {"new"})
		self.assertEqual(shown["devices"], [{"device": self.gate, "label": "Gate"}])
		self.assertEqual((events(), checkins()), ([], []))
		api.import_file(name)
		self.run_queued()
		jobs.process()
		document.reload()
		self.assertEqual(document.status, "Imported")
		self.assertEqual(checkins(), sorted(PUNCHES))
		self.assertEqual({event.device for event in events()}, {self.gate})
		self.assertEqual(len(document.sync_logs.split()), 1)
		(log,) = logs()
		self.assertEqual((log.fetched, log.new, log.known, log.created), (3, 3, 0, 3))
		self.assertFalse(api.file_state(name)["running"])

	def test_the_same_file_again_is_told_and_harmless(self):
		self.brought_in(attlog(*PUNCHES))
		with patch.object(frappe, "msgprint") as told:
			again = self.upload(attlog(*PUNCHES))
		self.assertIn("brought in already", told.call_args.args[0])
		api.preview_file(again)
		self.assertEqual(self.counts(frappe.get_doc(DOCTYPE, again)), (0, 3, 0))
		api.import_file(again)
		self.run_queued()
		jobs.process()
		self.assertEqual(checkins(), sorted(PUNCHES))

	def test_what_the_server_has_delivered_is_known_and_the_other_way_round(self):
		world = World(now=datetime(2025, 4, 8, 12), zone="Asia/Kolkata")
		world.add_device(SERIAL, "Gate", "HO")
		for user_id, time in PUNCHES[:2]:
			world.punch(SERIAL, user_id, time)
		frappe.db.delete("Biometric Device")
		self.start("eTimeTrackLite", world)
		self.assertEqual(sync()["status"], "Success")
		self.assertEqual(checkins(), sorted(PUNCHES[:2]))
		document = self.brought_in(attlog(*PUNCHES))
		self.assertEqual(self.counts(document), (1, 2, 0))
		self.assertEqual(checkins(), sorted(PUNCHES))
		world.punch(SERIAL, *PUNCHES[2])
		sync()
		self.assertEqual(len(events()), 3)
		self.assertEqual(checkins(), sorted(PUNCHES))

	def test_one_bad_line_stops_nothing_and_is_listed(self):
		text = attlog(PUNCHES[0]) + "  =cmd|' /C calc'!A0\tnonsense\t1\r\n" + attlog(*PUNCHES[1:])
		document = self.brought_in(text)
		self.assertEqual(self.counts(document), (3, 0, 1))
		self.assertEqual(checkins(), sorted(PUNCHES))
		(odd,) = json.loads(document.preview)["odd"]
		self.assertEqual(odd["line"], 2)
		api.file_errors(document.name)
		_head, row = csv.reader(io.StringIO(frappe.response.pop("filecontent").decode("utf-8-sig")))
		frappe.response.pop("type")
		self.assertEqual(row[0], "2")
		self.assertTrue(row[2].startswith("'"))

	def test_ids_that_nobody_has_wait_and_days_before_the_start_are_told(self):
		early = ("44", datetime(2025, 3, 31, 9))
		document = self.brought_in(attlog(*PUNCHES, ("7", NINE), early))
		self.assertEqual((document.unmapped_count, document.outside_count, document.new_count), (1, 1, 5))
		shown = json.loads(document.preview)
		self.assertEqual(shown["ids"], ["7"])
		self.assertEqual([line["becomes"] for line in shown["lines"]][-1], "outside")
		self.assertEqual(checkins(), sorted(PUNCHES))
		self.assertEqual([event.device_user_id for event in events(status="Unmapped")], ["7"])

	def test_times_are_those_of_the_device_in_the_zone_of_its_server(self):
		factories.settings(
			server_type="eTimeTrackLite",
			endpoint_url="http://127.0.0.1:9",
			start_date="2025-04-01",
			time_zone="Asia/Dubai",
		)
		document = self.brought_in(attlog(PUNCHES[0]))
		(event,) = frappe.get_all("Biometric Staging Event", fields=["source_time", "punch_time"])
		at_site = to_site(NINE, "Asia/Dubai", frappe.utils.get_system_timezone())
		self.assertEqual((event.source_time, event.punch_time), (NINE, at_site))
		self.assertEqual(document.first_punch, at_site)

	def test_more_rows_than_a_batch_with_progress(self):
		rows = [("0031", NINE + timedelta(seconds=90 * number)) for number in range(250)]
		told = []
		realtime = patch.object(frappe, "publish_realtime", lambda *args, **more: told.append(args))
		with realtime, patch.object(files, "BATCH", 100):
			document = self.brought_in(attlog(*rows))
		steps = [args[1]["done"] for args in told if args and args[0] == files.REALTIME]
		self.assertEqual(steps, sorted(steps))
		self.assertGreaterEqual(len(set(steps)), 3)
		self.assertEqual(self.counts(document), (250, 0, 0))
		self.assertEqual(len(events()), 250)

	def test_a_line_that_the_database_does_not_take_is_told_and_the_others_are_in(self):
		insert_new = sql.insert_new

		def refuses(doctype, fields, rows):
			if doctype == staging.DOCTYPE and any("44" in row for row in rows):
				raise frappe.db.DataError(1406, "no room")
			return insert_new(doctype, fields, rows)

		with patch.object(sql, "insert_new", refuses):
			document = self.brought_in(attlog(*PUNCHES))
		self.assertEqual(checkins(), sorted(PUNCHES[:2]))
		self.assertIn("1 lines could not be kept", document.message)
		self.assertEqual([log.status for log in logs()], ["Partial"])

	def test_a_stopped_worker_is_told_and_import_goes_on(self):
		name = self.upload(attlog(*PUNCHES))
		api.preview_file(name)
		api.import_file(name)
		with patch.object(files, "upload", side_effect=SyncError("gone")), self.assertRaises(SyncError):
			self.run_queued()
		self.assertEqual(frappe.db.get_value(DOCTYPE, name, "status"), "Failed")
		api.preview_file(name)
		api.import_file(name)
		self.run_queued()
		jobs.process()
		self.assertEqual(checkins(), sorted(PUNCHES))


class TestQuestions(FileTestCase):
	def message(self, name: str) -> tuple[str, str]:
		found = api.preview_file(name)
		return found["status"], found["message"]

	def test_day_or_month_is_asked_and_not_guessed(self):
		text = "0031\t05/04/2025 09:00:00\n44\t06/04/2025 09:00:00\n"
		name = self.upload(text)
		status, message = self.message(name)
		self.assertEqual(status, "Draft")
		self.assertIn("that of line 1 as 5 April 2025 or as 4 May 2025. Choose Day or Month First", message)
		with self.assertRaises(frappe.ValidationError):
			api.import_file(name)
		document = frappe.get_doc(DOCTYPE, name)
		document.update({"date_order": "Day First"}).save()
		self.assertEqual(self.message(name), ("Previewed", ""))
		self.assertEqual(document.reload().first_punch, datetime(2025, 4, 5, 9))

	def test_whose_device_is_asked_where_the_file_does_not_say_it(self):
		name = self.upload(attlog(*PUNCHES), "1_attlog.dat")
		self.assertIn("Choose the Device", self.message(name)[1])
		frappe.get_doc(DOCTYPE, name).update({"device": self.gate}).save()
		self.assertEqual(self.message(name)[0], "Previewed")

	def test_another_device_than_the_file_says_is_a_slip(self):
		other = factories.device("SN0000002", "Dock")
		name = self.upload(attlog(*PUNCHES), device=other)
		self.assertIn(SERIAL, self.message(name)[1])
		name = self.upload(attlog(*PUNCHES), device=self.gate)
		self.assertEqual(self.message(name)[0], "Previewed")

	def test_a_serial_number_that_nobody_has_is_told_and_a_device_without_one_may_be_chosen(self):
		text, file_name = attlog(*PUNCHES), "ZZZZ999999999_attlog.dat"
		self.assertIn("ZZZZ999999999", self.message(self.upload(text, file_name))[1])
		bare = factories.device(None, "Back door")
		self.assertEqual(self.message(self.upload(text, file_name, device=bare))[0], "Previewed")

	def test_rows_of_several_devices(self):
		dock = factories.device("SN0000002", "Dock")
		text = f"emp_code,punch_time,terminal_sn\n0031,{NINE},{SERIAL}\n44,{NINE},SN0000002\n44,{SIX},\n"
		document = self.brought_in(text, "transactions.csv")
		self.assertEqual(self.counts(document), (2, 0, 1))
		self.assertEqual({event.device for event in events()}, {self.gate, dock})
		self.assertEqual(len(document.sync_logs.split()), 1)

	def test_a_report_is_refused_with_the_reason(self):
		name = self.upload("Muster Roll\n31,P,A\n", "report.csv")
		status, message = self.message(name)
		self.assertEqual(status, "Failed")
		self.assertIn("raw logs", message)

	def test_words_of_a_file_are_no_markup(self):
		_status, message = self.message(self.upload("<img src=x onerror=a()>,b\n1,2\n", "x.csv"))
		self.assertIn("img", message)
		self.assertNotIn("<", message)

	def test_a_saved_mapping(self):
		mapping = frappe.get_doc(
			{
				"doctype": FORMAT,
				"format_name": factories.unique("Canteen"),
				"user_id_column": "Code",
				"time_column": "Day",
				"clock_column": "Clock",
				"direction_column": "Way",
				"in_words": "Kommen, Rein",
				"out_words": "Gehen",
			}
		).insert()
		text = "Code;Day;Clock;Way\n0031;2025-04-07;09:02:11;rein\n0031;2025-04-07;18:04:50;Gehen\n"
		document = self.brought_in(text, "canteen.csv", device=self.gate, column_mapping=mapping.name)
		self.assertEqual(checkins(), sorted(PUNCHES[:2]))
		self.assertEqual(
			{row.log_type for row in frappe.get_all("Employee Checkin", factories.of_people(), ["log_type"])},
			{"IN", "OUT"},
		)
		self.assertEqual(document.dialect, "Columns by mapping")

	def test_one_column_is_not_two_things(self):
		values = {"user_id_column": "Code", "time_column": " code"}
		with self.assertRaises(frappe.ValidationError):
			frappe.get_doc({"doctype": FORMAT, "format_name": factories.unique("Odd"), **values}).insert()

	def test_a_sheet(self):
		from openpyxl import Workbook

		book, content = Workbook(), io.BytesIO()
		for row in (["UserId", "LogDate"], ["0031", NINE], ["0031", SIX], ["=1+1", SIX]):
			book.active.append(row)
		book.save(content)
		document = self.brought_in(content.getvalue(), "logs.xlsx", device=self.gate)
		self.assertEqual(self.counts(document), (2, 0, 1))
		self.assertEqual(checkins(), sorted(PUNCHES[:2]))

	def test_choices_are_those_of_the_preview(self):
		name = self.upload(attlog(*PUNCHES))
		api.preview_file(name)
		document = frappe.get_doc(DOCTYPE, name)
		document.update({"device": self.gate}).save()
		self.assertEqual((document.status, document.new_count), ("Draft", 0))
		with self.assertRaises(frappe.ValidationError):
			api.import_file(name)
		document = self.brought_in(attlog(*PUNCHES))
		with self.assertRaises(frappe.ValidationError):
			document.update({"device": None, "date_order": "Day First"}).save()

	def test_nobody_writes_the_record_by_hand(self):
		document = self.brought_in(attlog(*PUNCHES))
		document.update({"sync_logs": "another", "status": "Draft"}).save()
		document.reload()
		self.assertNotIn("another", document.sync_logs)
		self.assertEqual(document.status, "Imported")

	def test_statuses_are_the_options_of_the_field(self):
		options = frappe.get_meta(DOCTYPE).get_field("status").options
		self.assertEqual(options, "\n".join(status.value for status in FileStatus))


class TestUndo(FileTestCase):
	def test_what_the_file_brought_first_goes_and_nothing_else(self):
		first = self.brought_in(attlog(PUNCHES[0]))
		second = self.brought_in(attlog(*PUNCHES))
		self.assertEqual(
			api.undo_file(second.name),
			{"events": 2, "check_ins": 2, "left": 0, "days": [], "others": 0, "more": False},
		)
		self.assertEqual(len(checkins()), 3)
		self.undo(second)
		self.assertEqual(second.status, "Undone")
		self.assertEqual(checkins(), [PUNCHES[0]])
		self.assertEqual(len(events()), 1)
		self.undo(first)
		self.assertEqual((checkins(), events()), ([], []))
		first.delete()

	def test_what_another_way_has_brought_since_is_its_own_and_stays(self):
		document = self.brought_in(attlog(*PUNCHES))
		row = Record(*PUNCHES[0], Direction.NONE, "", serial=SERIAL)
		found = receive(Channel.PUSH, [row], self.gate)
		self.assertEqual([result.status.value for result in found.results], ["known"])
		self.assert_counts_are_true()
		self.assertEqual([log.new for log in logs(feed="push")], [1])
		self.assertEqual(
			{key: api.undo_file(document.name)[key] for key in ("events", "others")},
			{"events": 2, "others": 1},
		)
		self.undo(document)
		self.assertEqual(checkins(), [PUNCHES[0]])
		self.assertIn("1 more stay", document.message)
		self.assertEqual([log.created for log in frappe.get_all(LOG, {"feed": "push"}, ["created"])], [1])

	def test_what_a_server_has_brought_since_stays(self):
		document = self.brought_in(attlog(*PUNCHES))
		world = World(datetime(2025, 4, 8, 12))
		world.add_device(SERIAL, "Gate")
		for punch in PUNCHES[:2]:
			world.punch(SERIAL, *punch)
		server = FakeETimeTrackLite(world, password=PASSWORD)
		server.start()
		self.addCleanup(server.stop)
		self.settings("eTimeTrackLite", server)
		frappe.db.commit()  # nosemgrep -- as a person who saved it
		sync()
		self.assert_counts_are_true()
		self.undo(document)
		self.assertEqual(checkins(), sorted(PUNCHES[:2]))
		self.assertIn("2 more stay", document.message)

	def assert_counts_are_true(self) -> None:
		for log in frappe.get_all(LOG, {"feed": ("is", "set")}, ["*"]):
			counts = {field: log[field] for field in (*RUN_COUNTS, *EVENT_COUNTS)}
			self.assertEqual(log.fetched, log.new + log.known + log.junk + log.invalid, counts)
			self.assertEqual(
				log.new, sum(log[field] for field in EVENT_COUNTS if field != "employees"), counts
			)
			self.assertEqual(log.new, frappe.db.count(staging.DOCTYPE, {"sync_log": log.name}), counts)

	def test_check_ins_that_a_person_skipped_stay_skipped(self):
		values = {"employee": self.people["44"], "time": SIX, "skip_auto_attendance": 1}
		skipped = frappe.get_doc({"doctype": "Employee Checkin", "log_type": "OUT", **values}).insert()
		self.undo(self.brought_in(attlog(PUNCHES[0])))
		self.assertEqual(skipped.reload().skip_auto_attendance, 1)

	def test_punches_that_were_not_used_yet_go_too(self):
		document = self.brought_in(attlog(*PUNCHES, ("7", NINE), ("7", SIX)))
		self.assertEqual(len(events(status="Unmapped")), 2)
		self.undo(document)
		self.assertEqual((checkins(), events()), ([], []))

	def test_days_with_an_attendance_stay_and_are_listed(self):
		document = self.brought_in(attlog(*PUNCHES))
		record = frappe.get_doc(
			{
				"doctype": "Attendance",
				"employee": self.people["0031"],
				"attendance_date": date(2025, 4, 7),
				"status": "Present",
				"company": factories.company(),
			}
		).insert()
		record.submit()
		self.assertEqual(api.undo_file(document.name)["left"], 2)
		self.undo(document)
		self.assertEqual(checkins(), sorted(PUNCHES[:2]))
		self.assertIn(record.name, document.message)
		record.cancel()
		self.undo(document)
		self.assertEqual((checkins(), events()), ([], []))

	def test_a_punch_of_another_way_that_was_a_repeat_counts_again(self):
		frappe.db.set_single_value("Biometric Sync Settings", "repeat_window", 60)
		document = self.brought_in(attlog(PUNCHES[0]))
		dock = factories.device("SN0000002", "Dock")
		later = NINE + timedelta(seconds=20)
		self.brought_in(attlog(("0031", later)), "SN0000002_attlog.dat")
		self.assertEqual([event.device for event in events(reason_code="Repeat")], [dock])
		self.undo(document)
		jobs.process()
		self.assertEqual(checkins(), [("0031", later)])

	def test_what_comes_again_after_an_undo_is_used(self):
		self.undo(self.brought_in(attlog(*PUNCHES)))
		self.brought_in(attlog(*PUNCHES))
		self.assertEqual(checkins(), sorted(PUNCHES))

	def test_an_import_that_was_not_undone_stays(self):
		document = self.brought_in(attlog(*PUNCHES))
		with self.assertRaises(frappe.ValidationError):
			document.delete()

	def test_many_go_chunk_by_chunk_and_a_worker_that_stops_is_gone_on_with(self):
		rows = [("0031", NINE + timedelta(seconds=90 * number)) for number in range(70)]
		document = self.brought_in(attlog(*rows))
		api.undo_file(document.name, dry_run=0)
		stops = patch.object(files, "tell", side_effect=ZeroDivisionError)
		with stops, patch.object(file_undo, "CHUNK", 50), self.assertRaises(ZeroDivisionError):
			self.run_queued()
		self.assertEqual(len(events()), 20)
		self.enqueued.reset_mock()
		files.progress(document.name).write(running=False)
		self.undo(document)
		self.assertEqual((checkins(), events()), ([], []))


class TestWhoMay(FileTestCase):
	def test_who_may_not_set_up_may_not_bring_files_in(self):
		name = self.upload(attlog(*PUNCHES))
		for role in ("HR User", "Employee"):
			self.as_user(role)
			for endpoint in (
				api.preview_file,
				api.import_file,
				api.undo_file,
				api.file_state,
				api.file_errors,
			):
				with self.subTest(f"{role}: {endpoint.__name__}"), self.assertRaises(frappe.PermissionError):
					endpoint(name)
			for doctype in (DOCTYPE, FORMAT):
				self.assertFalse(frappe.has_permission(doctype, "create"))
			self.assertFalse(frappe.has_permission(DOCTYPE, "read"))
			frappe.set_user("Administrator")

	def test_endpoints_that_change_something_take_no_get(self):
		for endpoint in (api.preview_file, api.import_file, api.undo_file):
			self.assertNotIn(endpoint, frappe.guest_methods)
			self.assertEqual(frappe.allowed_http_methods_for_whitelisted_func[endpoint], ["POST"])

	def test_a_file_that_the_user_may_not_read_is_not_read(self):
		url = frappe.db.get_value(DOCTYPE, self.upload(attlog(*PUNCHES)), "file")
		frappe.db.set_value(
			"File", {"file_url": url}, {"attached_to_doctype": "User", "attached_to_name": "Administrator"}
		)
		self.addCleanup(frappe.db.delete, "File", {"file_url": url})
		self.as_user("HR Manager")
		with self.assertRaises(frappe.ValidationError):
			frappe.get_doc({"doctype": DOCTYPE, "file": url}).insert()
		for url in ("/private/files/../site_config.json", "/etc/passwd", "http://127.0.0.1/x.dat"):
			with self.assertRaises(frappe.ValidationError):
				frappe.get_doc({"doctype": DOCTYPE, "file": url}).insert()

	def test_who_is_limited_to_a_company_brings_in_their_own_files_at_their_own_devices(self):
		dock = factories.device("SN0000002", "Dock", company=other_company())
		factories.device("SN0000003", "Yard", company=factories.company())
		theirs = self.upload(attlog(*PUNCHES))
		frappe.set_user(limited("HR Manager", factories.company()))
		self.addCleanup(frappe.set_user, "Administrator")
		self.assertFalse(frappe.has_permission(DOCTYPE, doc=theirs))
		self.assertEqual(frappe.get_list(DOCTYPE), [])
		for values in ({"device": dock}, {}):
			name = self.upload(attlog(*PUNCHES), "SN0000002_attlog.dat", **values)
			self.assertNotEqual(api.preview_file(name)["status"], "Previewed")
		own = self.upload(attlog(*PUNCHES), "SN0000003_attlog.dat")
		self.assertEqual(api.preview_file(own)["status"], "Previewed")

	def test_files_are_private(self):
		file = frappe.get_doc(
			{
				"doctype": "File",
				"file_name": factories.unique("log") + ".dat",
				"content": attlog(*PUNCHES) + factories.unique("x"),
				"is_private": 0,
			}
		).insert()
		document = frappe.get_doc({"doctype": DOCTYPE, "file": file.file_url}).insert()
		self.assertTrue(document.file.startswith("/private/files/"))
		frappe.delete_doc("File", file.name)
