"""What a person writes: the configuration and the employee list."""

from __future__ import annotations

import os
import re
import tempfile
import unittest
from datetime import date, timedelta
from pathlib import Path
from unittest import mock

from biometric_integration.bridge import config
from biometric_integration.bridge.employees import read_employees
from biometric_integration.bridge.passwords import PasswordSource
from biometric_integration.bridge.people import Employee
from biometric_integration.core.errors import ConfigurationError

SITE = "[site]\ntime_zone = Asia/Kolkata\nemployees = staff.csv\ndatabase = data/punches.sqlite\n"
SERVER = "[server main]\ntype = eBioServer\nurl = http://10.0.0.5:81\nuser = api\n"
ETIME = "[server plant]\ntype = eTimeTrackLite\nurl = http://10.0.0.6\nuser = api\n"
SECRET = "s3cr=t#p;w"


class FileTest(unittest.TestCase):
	def setUp(self):
		folder = tempfile.TemporaryDirectory()
		self.addCleanup(folder.cleanup)
		self.folder = Path(folder.name)

	def write(self, name: str, text: str | bytes) -> Path:
		path = self.folder / name
		path.write_bytes(text if isinstance(text, bytes) else text.encode())
		return path


class Configuration(FileTest):
	def load(self, text: str) -> config.SiteConfig:
		return config.load(self.write("biometric.ini", text))

	def refused(self, text: str) -> str:
		with self.assertRaises(ConfigurationError) as caught:
			self.load(text)
		return caught.exception.message

	def test_the_written_one_works_with_address_user_and_place_of_the_password(self):
		self.assertIn("url is missing", self.refused(config.EXAMPLE))
		text = config.EXAMPLE
		self.assertIn(
			"user is missing", self.refused(text := text.replace("url =", "url = http://10.0.0.5:81", 1))
		)
		text = text.replace("user =", "user = api").replace(
			"password_file =", "password_file = main.password"
		)
		(entry,) = self.load(text).servers
		self.assertEqual(entry, self.load(SITE + SERVER + "password_file = main.password\n").servers[0])

	def test_the_written_one_names_every_key_and_each_can_be_used(self):
		self.write("server.pem", "-----BEGIN CERTIFICATE-----")
		text = re.sub(r"(?m)^#(?! )", "", config.EXAMPLE)
		text = re.sub(r"(?m)^(url|user|password_file) =$", r"\1 = http://10.0.0.6", text)
		found = self.load(text.replace("type = eBioServer", "type = eTimeTrackLite"))
		self.assertEqual(found.servers[0].serials, ("CQUH212160002", "CQUH212160001"))
		(canteen, _other) = found.devices
		self.assertEqual((canteen.label, canteen.counts_for_attendance), ("Canteen", False))
		names = set(re.findall(r"(?m)^(\w+) =", text))
		self.assertEqual(names, config.SITE.keys() | config.SERVER.keys() | config.DEVICE.keys())

	def test_what_is_left_out_has_a_sensible_value(self):
		found = self.load(SITE + SERVER)
		(entry,) = found.servers
		self.assertEqual(
			(found.start_date, found.repeat_window, found.allowed_drift),
			(None, timedelta(0), timedelta(minutes=10)),
		)
		self.assertEqual((entry.overlap, entry.rescan), (timedelta(hours=2), timedelta(days=10)))
		self.assertEqual(entry.at_once, 2)
		self.assertEqual(
			(entry.config.time_zone, entry.config.verify_tls, entry.config.timeout),
			("Asia/Kolkata", True, 30),
		)

	def test_how_many_devices_are_read_at_once_can_be_said(self):
		for number in range(1, 5):
			(entry,) = self.load(SITE + SERVER + f"requests_at_once = {number}\n").servers
			self.assertEqual(entry.at_once, number)

	def test_paths_are_relative_to_the_file(self):
		found = self.load(SITE + SERVER)
		self.assertEqual(found.employees, self.folder / "staff.csv")
		self.assertEqual(found.database, self.folder / "data/punches.sqlite")

	def test_a_file_written_on_windows_can_be_read(self):
		self.load("\ufeff" + (SITE + SERVER).replace("\n", "\r\n"))

	def test_a_url_and_a_user_may_hold_any_character(self):
		found = self.load(SITE + "[server main]\ntype=eBioServer\nurl=http://h/p?a=b%20c\nuser=a:b;c#d%s\n")
		self.assertEqual(found.servers[0].config.endpoint_url, "http://h/p?a=b%20c")
		self.assertEqual(found.servers[0].config.user, "a:b;c#d%s")

	def test_a_mistake_is_named_with_its_place(self):
		for text, words in (
			(SERVER, "no section [site]"),
			(SITE, "no section [server main]"),
			(SITE + SERVER + "[sever x]\n", "[sever x] is not known"),
			(SITE + SERVER + "usr = x\n", "[server main]: the key usr is not known; is user meant?"),
			(SITE + SERVER.replace("eBioServer", "eBio"), "[server main], type: the server type"),
			(SITE + SERVER.replace("user = api", "user ="), "[server main]: user is missing"),
			(SITE.replace("Asia/Kolkata", "India"), "[site], time_zone"),
			(SITE.replace("Kolkata", "Nowhere"), '[site], time_zone: "Asia/Nowhere"'),
			(SITE + "start_date = 01-07-2026\n" + SERVER, "2026-01-31"),
			(SITE + "repeat_window = -5\n" + SERVER, "[site], repeat_window"),
			(SITE + SERVER + "verify_tls = maybe\n", "[server main], verify_tls"),
			(SITE + SERVER + "timeout = 0\n", "[server main], timeout"),
			(SITE + SERVER + "requests_at_once = 5\n", "[server main], requests_at_once"),
			(SITE + SERVER + "requests_at_once = 0\n", "not a whole number of 1 to 4"),
			(SITE + SERVER + "ca_certificate = none.pem\n", "[server main], ca_certificate"),
			(SITE + SERVER + "devices = S1\n", "lists its devices itself"),
			(SITE + SERVER.replace("main", "a/b"), "an id has letters"),
			(SITE + ETIME, "does not list its devices"),
			(SITE + ETIME + "devices = S1\n" + SERVER + "[device S2]\n", "[device S2], server"),
			(SITE + ETIME + "devices = S1\n[device S1]\nserver = other\n", "[device S1], server"),
			(SITE + SERVER + "user = again\n", "there twice"),
			(SITE + SERVER + SERVER, "there twice"),
		):
			if "server" not in text.split("[site]")[-1]:
				text += SERVER if "India" in text or "Nowhere" in text else ""
			with self.subTest(words):
				message = self.refused(text)
				self.assertIn(words, message)
				self.assertIn("biometric.ini", message)

	def test_a_password_is_not_taken_from_the_file_and_not_shown(self):
		message = self.refused(SITE + SERVER + f"password = {SECRET}\n")
		self.assertIn("password_env", message)
		self.assertNotIn(SECRET, message)

	def test_a_line_that_is_not_understood_is_not_shown(self):
		with self.assertRaises(ConfigurationError) as caught:
			self.load(SITE + SERVER + f"{SECRET.replace('=', '')}\n")
		self.assertIn("line 9", caught.exception.message)
		self.assertNotIn("s3cr", caught.exception.message + caught.exception.detail)
		self.assertIsNone(caught.exception.__cause__)

	def test_a_disabled_device_is_not_read(self):
		found = self.load(SITE + ETIME + "devices = S1, S2\n[device S1]\nenabled = no\n")
		self.assertEqual(found.servers[0].serials, ("S2",))
		self.assertEqual(
			[(device.serial, device.enabled) for device in found.devices], [("S1", False), ("S2", True)]
		)

	def test_an_unknown_server_or_device_is_refused(self):
		found = self.load(SITE + SERVER + ETIME + "devices = S1\n")
		with self.assertRaisesRegex(ConfigurationError, "no server nope"):
			found.chosen("nope")
		with self.assertRaisesRegex(ConfigurationError, "no enabled device S9"):
			config.units_of(found.chosen("plant")[0], "S9")
		with self.assertRaisesRegex(ConfigurationError, "leave --device out"):
			config.units_of(found.chosen("main")[0], "S1")

	def test_a_file_that_is_not_there_is_named(self):
		with self.assertRaisesRegex(ConfigurationError, "none.ini"):
			config.load(self.folder / "none.ini")


class Passwords(FileTest):
	def test_the_first_line_of_a_file_to_the_letter(self):
		path = self.write("password.txt", f" {SECRET} \r\nmore\r\n")
		self.assertEqual(PasswordSource(file=path).read("x"), f" {SECRET} ")

	def test_an_environment_variable(self):
		with mock.patch.dict(os.environ, {"BIO_TEST": SECRET}):
			self.assertEqual(PasswordSource("BIO_TEST").read("x"), SECRET)

	def test_what_is_missing_is_said(self):
		for source, words in (
			(PasswordSource("BIO_NOT_SET"), "BIO_NOT_SET"),
			(PasswordSource(file=self.folder / "none"), "cannot be read"),
			(PasswordSource(file=self.write("empty", "")), "is empty"),
		):
			with self.subTest(words), self.assertRaisesRegex(ConfigurationError, words):
				source.read("x")

	def test_nobody_is_asked_where_nobody_is(self):
		with mock.patch("sys.stdin") as stdin:
			stdin.isatty.return_value = False
			with self.assertRaisesRegex(ConfigurationError, "nobody to ask"):
				PasswordSource().read("x")

	def test_who_is_asked_may_say_nothing(self):
		with mock.patch("sys.stdin") as stdin, mock.patch("getpass.getpass", side_effect=EOFError):
			stdin.isatty.return_value = True
			with self.assertRaisesRegex(ConfigurationError, "No password was entered for x"):
				PasswordSource().read("x")


HEADING = (
	"ID,Employee Name,Attendance Device ID (Biometric/RF tag ID),Status,Date of Joining,Relieving Date\n"
)


class EmployeeLists(FileTest):
	def read(self, text: str | bytes) -> list[Employee]:
		return read_employees(self.write("staff.csv", text))

	def refused(self, text: str | bytes) -> str:
		with self.assertRaises(ConfigurationError) as caught:
			self.read(text)
		return caught.exception.message

	def test_as_erpnext_exports_it(self):
		(asha, ben) = self.read(
			HEADING + 'HR-EMP-1,"Rao, Asha",0031,Active,2020-01-01,\nHR-EMP-2,Ben,,Left,,2026-06-30\n'
		)
		self.assertEqual(asha, Employee("HR-EMP-1", "Rao, Asha", "0031", "Active", date(2020, 1, 1)))
		self.assertEqual((ben.user_id, ben.status, ben.relieved), ("", "Left", date(2026, 6, 30)))

	def test_headings_in_any_case_any_order_and_by_field_name(self):
		expected = [Employee("E1", user_id="7")]
		for heading in (
			"attendance_device_id,EMPLOYEE",
			"Attendance Device ID,id",
			" attendance  device id ,Name",
		):
			self.assertEqual(self.read(f"{heading}\n7,E1\n"), expected)

	def test_the_id_counts_where_there_is_an_employee_column_as_well(self):
		self.assertEqual(self.read("Employee,ID,Attendance Device ID\nx,E1,7\n")[0].name, "E1")

	def test_a_spreadsheet_may_have_added_a_mark_and_semicolons(self):
		self.assertEqual(
			self.read("\ufeffID;Attendance Device ID\r\nE1;0031\r\n"), [Employee("E1", user_id="0031")]
		)

	def test_lines_of_a_child_table_are_passed_over(self):
		self.assertEqual(len(self.read(HEADING + "E1,A,1,Active,,\n,,,,,\n,x,,,,\nE2,B,2,Active,,\n")), 2)

	def test_an_address_over_two_lines_and_the_line_that_is_wrong_after_it(self):
		heading = HEADING.replace("Date of Joining", "Address")
		self.assertIn("line 4", self.refused(heading + 'E1,A,1,Active,"A\nB",\nE2,B,2,Gone,,\n'))
		self.assertEqual(self.read(heading + 'E1,A,1,Active,"A\nB",\n'), [Employee("E1", "A", "1")])

	def test_a_quotation_mark_that_is_never_closed_takes_nobody_along(self):
		for row in (
			'E2,"Ben,2,Active,,\nE3,C,3,Active,,\n',
			'E2,"Ben,2,Active,,\nE3,"C",3,Active,,\n',
			'E2,"Ben,2,Active,,\nE3,C",3,Active,,\n',
			'E2,Ben,"2,Active,,\r\nE3,C",3,Active,,\r\n',
			'E2,"Ben,2,Active,,\n' + "E3,C,3,Active,,\n" * 20_000,
		):
			with self.subTest(row[:40]):
				message = self.refused(HEADING + "E1,A,1,Active,,\n" + row)
				self.assertRegex(message, r"line 3: .*, as if a quotation mark were missing\.$")

	def test_a_quotation_mark_in_a_column_that_is_not_read_takes_nobody_along(self):
		heading = "ID,Attendance Device ID,Status,Address\n"
		text = heading + 'E1,1,Active,"Main St\nE2,2,Active,Other St"\nE3,3,Active,x\n'
		self.assertIn('line 2: "Main St" goes on in the next line', self.refused(text))
		self.assertEqual(len(self.read(heading + 'E1,1,Active,"Main St\nOldham, Lancs, UK"\n')), 1)

	def test_an_address_of_several_lines_may_stand_in_any_column_and_hold_commas(self):
		ids = "ID,Employee Name,Attendance Device ID"
		for text in (
			f'Address,{ids}\n"12\nRoad",E1,A,1\n',
			f'Address,{ids}\n"12\nRoad, Pune",E1,A,1\n',
			'Employee Name,Address,ID,Attendance Device ID\nA,"12\nRoad, Pune, MH",E1,1\n',
			f'{ids},Status,Address\nE1,A,1,Active,"12\nRoad, Pune, MH, 41"\n',
		):
			with self.subTest(text):
				self.assertEqual(self.read(text), [Employee("E1", "A", "1")])
		whole = f'Address,{ids}\n"12,E1,A,1\nRoad,E2,B,2\nLane",E3,C,3\n'
		self.assertIn('"12,E1,A,1" goes on in the next line', self.refused(whole))

	def test_a_field_that_is_too_long_is_named_with_its_line(self):
		text = HEADING + "E1,A,1,Active,,\nE2," + "x" * 140_000 + ",2,Active,,\n"
		self.assertIn("line 3: this is no row of values (field larger than", self.refused(text))

	def test_a_comma_too_many_moves_nobody_to_another_id(self):
		text = "ID,Employee Name,Attendance Device ID\nE1,Rao, Asha,0031\n"
		self.assertIn("line 2: there are 4 values under 3 headings", self.refused(text))
		self.assertEqual(len(self.read("ID,Attendance Device ID\nE1,7,,\n")), 1, "Excel writes empty ones")

	def test_only_an_end_of_line_ends_a_line(self):
		for mark in ("\u2028", "\x0b", "\x0c", "\x1c", "\x85"):
			with self.subTest(repr(mark)):
				(found,) = self.read(HEADING + f"E1,A{mark}B,1,Active,,\n")
				self.assertEqual((found.employee_name, found.user_id), (f"A{mark}B", "1"))

	def test_what_spreadsheets_write(self):
		expected = [Employee("E1", "J\u00f6rg", "0031"), Employee("E2", 'B "C"', "7")]
		for separator in ",;\t":
			for end in ("\r\n", "\n", "\r"):
				rows = (
					("ID", "Employee Name", "Attendance Device ID"),
					("E1", "J\u00f6rg", "0031"),
					("E2", '"B ""C"""', "7"),
				)
				text = "\ufeff" + end.join(separator.join(row) for row in rows) + end
				with self.subTest(separator=separator, end=end):
					self.assertEqual(self.read(text), expected)

	def test_a_list_of_nobody_replaces_nobody(self):
		for text in (HEADING, HEADING + ",,,,,\n"):
			self.assertIn("there is nobody in it", self.refused(text))

	def test_two_may_have_one_id_which_is_decided_by_who_was_there_when(self):
		self.assertEqual(
			[each.user_id for each in self.read(HEADING + "E1,A,7,Left,,2026-01-31\nE2,B,7,Active,,\n")],
			["7", "7"],
		)

	def test_a_mistake_is_named_with_its_line(self):
		for text, words in (
			("", "line 1: there is no column"),
			("Name of person,Device\n", 'line 1: there is no column "ID" or "Employee"'),
			("ID,Name\nE1,x\n", "Attendance Device ID (Biometric/RF tag ID)"),
			(HEADING + "E1,A,1,Active,,\nE1,A,2,Active,,\n", "line 3: E1 is in line 2 already"),
			(HEADING + "E1,A,1,Gone,,\n", 'line 2: the status "Gone"'),
			(HEADING + "E1,A,1,Active,01-02-2026,\n", 'line 2: write the date "01-02-2026"'),
			(HEADING + ",A,77,Active,,\n", 'line 2: the device id "77" has no employee'),
			((HEADING + "E1,J\u00f6rg,1,Active,,\n").encode("cp1252"), "not in UTF-8 (line 2)"),
			((HEADING + "E1,A,1,Active,,\n").encode("utf-16"), "not in UTF-8 (line 1)"),
		):
			with self.subTest(words):
				self.assertIn(words, self.refused(text))

	def test_a_list_that_is_not_there_is_named(self):
		with self.assertRaisesRegex(ConfigurationError, "none.csv"):
			read_employees(self.folder / "none.csv")


if __name__ == "__main__":
	unittest.main()
