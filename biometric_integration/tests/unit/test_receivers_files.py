"""Files of punches: each dialect as it is found on sticks and in exports, made up; and any text at all (sources-protocols §4)."""

from __future__ import annotations

import io
import time
import unittest
import zipfile
from datetime import datetime
from importlib.util import find_spec

from hypothesis import given, settings
from hypothesis import strategies as st

from biometric_integration.core.punch import Direction, Record, Unreadable
from biometric_integration.receivers.files import refusal
from biometric_integration.receivers.files.reading import Dialect, Opened, open_file, records, survey
from biometric_integration.receivers.files.refusal import Refused
from biometric_integration.receivers.files.tables import Columns
from biometric_integration.receivers.files.times import OddTime, Order, moment_of

NINE = datetime(2025, 4, 7, 9, 2, 11)
SIX = datetime(2025, 4, 7, 18, 4, 50)
PADDED = "     0031\t2025-04-07 09:02:11\t1\t0\t1\t0\r\n       44\t2025-04-07 18:04:50\t1\t1\t15\t0\r\n"
BOTH = [("0031", NINE), ("44", SIX)]
NAME = "1_attlog.dat"


def opened(content: str | bytes, name: str = NAME, columns: Columns | None = None) -> Opened:
	content = content.encode() if isinstance(content, str) else content
	return open_file(io.BytesIO(content), name, columns)


def read(
	content: str | bytes, name: str = NAME, columns: Columns | None = None, order: Order | None = None
) -> list[tuple[int, Record | Unreadable]]:
	file = opened(content, name, columns)
	return list(records(file, survey(file, order).order))


def punches(*arguments, **more) -> list[tuple[str, datetime]]:
	return [
		(row.user_id, row.source_time) for _line, row in read(*arguments, **more) if isinstance(row, Record)
	]


def problems(*arguments, **more) -> dict[int, str]:
	return {line: row.problem for line, row in read(*arguments, **more) if isinstance(row, Unreadable)}


class FilesTestCase(unittest.TestCase):
	def assert_refused(self, reason: str, content: str | bytes, name: str = NAME, **more) -> None:
		with self.assertRaises(Refused) as caught:
			read(content, name, **more)
		self.assertEqual(caught.exception.message, reason)


class TestAttlog(FilesTestCase):
	def test_padding_goes_and_zeros_in_front_stay(self):
		self.assertEqual(punches(PADDED), BOTH)
		self.assertEqual(opened(PADDED).dialect, Dialect.ATTLOG)

	def test_a_direction_is_not_taken_from_columns_that_mean_something_else_on_each_firmware(self):
		self.assertEqual({row.direction for _line, row in read(PADDED)}, {Direction.NONE})

	def test_four_to_seven_columns(self):
		for columns in ("1\t0", "1\t0\t1", "1\t0\t1\t0", "1\t0\t1\t0\t0", ""):
			with self.subTest(columns):
				text = f"0031\t2025-04-07 09:02:11\t{columns}".strip() + "\n"
				self.assertEqual(punches(text), [("0031", NINE)])

	def test_what_comes_after_the_raw_columns_is_not_kept(self):
		row = "0031\t2025-04-07 09:02:11\t0\t15\t0\t0\t0\t1\t36.6\tGPS\n"
		((_line, record),) = read(row)
		self.assertEqual(record.raw, "0031\t2025-04-07 09:02:11\t0\t15\t0\t0\t0")

	def test_copies_that_somebody_edited(self):
		for text in (
			"0031 2025-04-07 09:02:11 1 0",
			"0031,2025-04-07 09:02:11,1,0",
			"0031,2025-04-07,09:02:11,1,0",
			'"0031","2025-04-07 09:02:11","1"',
			"0031;2025-04-07 09:02:11",
			"0031\t2025/04/07 9:02:11",
			"0031\t2025-04-07T09:02:11",
			"0031\t2025-04-07\t09:02:11",
			"0031\t2025-4-7  09:02:11",
			"0031,2025-04-07 09:02:11 AM,1",
		):
			with self.subTest(text):
				self.assertEqual(punches(text), [("0031", NINE)])

	def test_the_serial_number_stands_in_the_name_or_in_the_first_line(self):
		self.assertEqual(opened(PADDED, "CEXJ230760123_attlog.dat").serials, ("CEXJ230760123",))
		self.assertEqual(opened(PADDED, "CEXJ230760123_attlog (1).dat").serials, ("CEXJ230760123",))
		self.assertEqual(opened("CEXJ230760123\r\n" + PADDED).serials, ("CEXJ230760123",))
		self.assertEqual(opened(PADDED, "1_attlog.dat").serials, ())
		(_line, first), *_rest = read(PADDED, "CEXJ230760123_attlog.dat")
		self.assertEqual(first.serial, "CEXJ230760123")

	def test_two_serial_numbers_in_one_file_are_told_and_none_is_taken(self):
		text = "CEXJ230760999\n" + PADDED
		self.assertEqual(opened(text, "CEXJ230760123_attlog.dat").serials, ("CEXJ230760123", "CEXJ230760999"))
		(_line, first), *_rest = read(text, "CEXJ230760123_attlog.dat")
		self.assertEqual(first.serial, "")

	def test_first_line_and_checksum_are_no_rows(self):
		self.assertEqual([line for line, _row in read(f"CEXJ230760123\n{PADDED}A1B2C3D4\n")], [2, 3])

	def test_a_last_line_that_was_cut_is_told(self):
		for cut in (
			"     0031\t2025-04-0",
			"     0031\t2025-04-07 09:0",
			"     0031\t2025-04-07 09:02:1",
			"     0031",
		):
			with self.subTest(cut):
				self.assertEqual(punches(PADDED + cut), BOTH)
				self.assertEqual(list(problems(PADDED + cut)), [3])

	def test_zeros_fill_the_rest_of_a_block(self):
		self.assertEqual(read(PADDED.encode() + b"\0" * 20), read(PADDED))
		self.assertEqual(list(problems(PADDED.replace("44", "4\x004"))), [2])

	def test_one_bad_line_is_told_with_its_number(self):
		bad = "    44\tnonsense\t1\n"
		self.assertEqual(punches(PADDED + bad + PADDED), BOTH + BOTH)
		self.assertEqual(list(problems(PADDED + bad + PADDED)), [3])

	def test_a_row_of_a_clock_that_was_reset_is_read(self):
		self.assertEqual(
			punches(PADDED + "7\t2000-01-01 00:03:00\t1\n")[-1], ("7", datetime(2000, 1, 1, 0, 3))
		)

	def test_rows_that_are_numbered_are_not_taken_for_ids(self):
		text = "".join(
			f"{number},2025-04-07 09:{number:02}:11,{number % 3 + 500}\n" for number in range(1, 30)
		)
		with self.assertRaises(Refused) as caught:
			read(text, "export.csv")
		self.assertIn("Choose a Column Mapping", caught.exception.message)

	def test_encodings(self):
		for encoding in ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "gbk", "cp1252"):
			with self.subTest(encoding):
				self.assertEqual(punches(PADDED.encode(encoding)), BOTH)


class TestDayOrMonth(FilesTestCase):
	def test_what_only_one_order_fits_is_found(self):
		text = "1\t05/04/2025 09:00:00\n1\t25/04/2025 09:00:00\n"
		self.assertEqual([moment.day for _id, moment in punches(text)], [5, 25])
		text = "1\t04/05/2025 09:00:00\n1\t04/25/2025 09:00:00\n"
		self.assertEqual([moment.day for _id, moment in punches(text)], [5, 25])

	def test_what_both_fit_is_asked_and_not_guessed(self):
		text = "1\t05/04/2025 09:00:00\n1\t06/04/2025 09:00:00\n"
		self.assertTrue(survey(opened(text)).must_choose)
		self.assertEqual(punches(text), [])
		self.assertEqual({moment.month for _id, moment in punches(text, order=Order.DAY_FIRST)}, {4})
		self.assertEqual({moment.day for _id, moment in punches(text, order=Order.MONTH_FIRST)}, {4})
		self.assertFalse(survey(opened(text), Order.DAY_FIRST).must_choose)

	def test_where_it_does_not_matter_nobody_is_asked(self):
		self.assertFalse(survey(opened("1\t04/04/2025 09:00:00\n")).must_choose)
		self.assertFalse(survey(opened(PADDED)).must_choose)

	def test_a_wrong_choice_is_refused(self):
		text = "1\t05/04/2025 09:00:00\n1\t25/04/2025 09:00:00\n"
		self.assert_refused(refusal.OTHER_ORDER.format(line=2, found="day"), text, order=Order.MONTH_FIRST)

	def test_dates_that_a_spreadsheet_program_has_half_turned_round_are_refused(self):
		text = "1\t25/04/2025 09:00:00\n1\t04/26/2025 09:00:00\n"
		self.assert_refused(refusal.MIXED_ORDERS.format(day_first=1, month_first=2), text)

	def test_a_year_of_two_digits_is_not_guessed(self):
		self.assertEqual(list(problems(PADDED + "1\t05/04/25 09:00:00\n")), [3])

	def test_files_without_seconds_are_refused_and_single_rows_are_told(self):
		self.assert_refused(refusal.MINUTES, "1\t2025-04-07 09:02\n2\t2025-04-07 09:03\n")
		self.assertEqual(problems(PADDED + "1\t2025-04-07 09:02\n"), {3: "The time has no seconds."})

	def test_times_that_all_end_in_00_are_told(self):
		text = "".join(f"7\t2025-04-07 09:{minute:02}:00\n" for minute in range(30))
		self.assertTrue(survey(opened(text)).to_the_minute)
		self.assertFalse(survey(opened(text + PADDED)).to_the_minute)

	def test_jalali_dates_are_refused(self):
		self.assert_refused(refusal.JALALI, "1\t1404-01-18 09:02:11\n2\t1404/01/19 09:02:11\n")

	def test_no_day_and_no_time_of_day_that_there_is_not(self):
		for text in (
			"2025-02-30 09:00:00",
			"2025-04-07 25:00:00",
			"2025-13-40 09:00:00",
			"2568-04-07 09:00:00",
			"0000-00-00 00:00:00",
			"31/31/2025 09:00:00",
			"2025-04-07 13:00:00 PM",
			"07-Foo-2025 09:00:00",
			"",
			"９０２５-04-07 09:00:00",
		):
			with self.subTest(text), self.assertRaises(OddTime):
				moment_of(text)

	def test_forms_that_leave_nothing_to_guess(self):
		for text in (
			"07-Apr-2025 09:02:11",
			"7 April 2025 9:02:11 am",
			"2025/04/07  09:02:11",
			"2025-04-07 09:02:11.000",
			"2025.4.7 09:02:11",
		):
			with self.subTest(text):
				self.assertEqual(moment_of(text), (NINE, NINE))
		self.assertEqual(
			moment_of("4/13/2025 12:00:05 AM").of(Order.MONTH_FIRST), datetime(2025, 4, 13, 0, 0, 5)
		)


GLG_TABS = (
	"No\tTMNo\tEnNo\tName\t\tINOUT\tMode\tDateTime\r\n"
	"000001\t1\t000000031\tRavi K\t\t0\t1\t2025/04/07  09:02:11\r\n"
	"000002\t1\t000000044\t\t\t1\t1\t2025/04/07  18:04:50\r\n"
)
GLG_WIDE = (
	"No     TMNo   EnNo        Name            GMNo  Mode   IN/OUT  DateTime\n"
	"000001 1      000000031   Ravi Kumar      1     1      0       2025/04/07  09:02:11\n"
	"000002 1      000000044                   1     1      1       2025/04/07  18:04:50\n"
)
GLG = [("000000031", NINE), ("000000044", SIX)]
ZKTIME = (
	"Department,Name,No.,Date/Time,Status,Location ID,ID Number,VerifyCode\n"
	'OFFICE,"K, Ravi",31,4/13/2025 9:02:11 AM,C/In,1,,FP\n'
	"OFFICE,Asha,44,4/13/2025 6:04:50 PM,C/Out,1,,FP\n"
)
TRACKLITE = (
	"DeviceLogId,DownloadDate,DeviceId,UserId,LogDate,Direction,AttDirection,C1\n"
	"1,2025-04-07 09:02:20.000,3,0031,2025-04-07 09:02:11.000,in,,0\n"
	'2,2025-04-07 18:05:00.000,3,"44",2025-04-07 18:04:50.000,out,,1\n'
)
BIOTIME = "id,emp_code,punch_time,terminal_sn\n1,0031,2025-04-07 09:02:11,SN1\n2,44,2025-04-07 18:04:50,\n"


class TestTables(FilesTestCase):
	def test_glg_with_tabs_and_with_columns_of_a_fixed_width(self):
		for text in (GLG_TABS, GLG_WIDE):
			for encoding in ("utf-16", "utf-8", "gbk"):
				with self.subTest(text=text[:20], encoding=encoding):
					content = text.replace("Ravi", "拉维").encode(encoding)
					self.assertEqual(punches(content, "GLG_001.TXT"), GLG)
					self.assertEqual(opened(content, "GLG_001.TXT").dialect, Dialect.GLG)

	def test_names_of_people_are_not_kept(self):
		for text, name in ((GLG_TABS, "GLG_001.TXT"), (GLG_WIDE, "AGL_001.TXT"), (ZKTIME, "export.csv")):
			with self.subTest(name):
				self.assertNotIn("Ravi", repr(read(text, name)))

	def test_glg_that_was_cut(self):
		self.assertEqual(punches(GLG_WIDE + "000003 1", "GLG_001.TXT"), GLG)
		self.assertEqual(list(problems(GLG_WIDE + "000003 1", "GLG_001.TXT")), [4])
		self.assertEqual(list(problems(GLG_TABS + "000003\t1\t0000\t", "GLG_001.TXT")), [4])

	def test_zktime(self):
		found = punches(ZKTIME, "att2008.csv")
		self.assertEqual(
			found, [("31", datetime(2025, 4, 13, 9, 2, 11)), ("44", datetime(2025, 4, 13, 18, 4, 50))]
		)

	def test_raw_logs_of_etimetracklite(self):
		found = read(TRACKLITE, "DeviceLogs_4_2025.csv")
		self.assertEqual(
			[(row.user_id, row.source_time, row.direction, row.serial) for _line, row in found],
			[("0031", NINE, Direction.IN, "3"), ("44", SIX, Direction.OUT, "3")],
		)
		self.assertEqual(survey(opened(TRACKLITE, "x.csv")).devices, ("3",))

	def test_transactions_of_biotime(self):
		self.assertEqual(
			[(row.user_id, row.source_time, row.serial) for _line, row in read(BIOTIME, "transactions.csv")],
			[("0031", NINE, "SN1"), ("44", SIX, "")],
		)

	def test_columns_by_a_saved_mapping(self):
		text = "Report of April\n\nPersonal Nr;Datum;Zeit;Ort;Art\n0031;07.04.2025;09:02:11;Tor;Kommen\n44;13.04.2025;18:04:50;Tor;Gehen\n"
		columns = Columns(
			"personal nr", "Datum", "Zeit", ("Ort",), "Art", frozenset({"kommen"}), frozenset({"gehen"})
		)
		self.assertEqual(
			[
				(row.user_id, row.source_time, row.serial, row.direction)
				for _line, row in read(text, "x.csv", columns)
			],
			[
				("0031", NINE, "Tor", Direction.IN),
				("44", datetime(2025, 4, 13, 18, 4, 50), "Tor", Direction.OUT),
			],
		)

	def test_columns_by_number_where_they_have_no_names(self):
		text = "1|0031|2025-04-07 09:02:11\n2|44|2025-04-07 18:04:50\n"
		self.assertEqual(punches(text, "x.txt", Columns("2", "3")), BOTH)

	def test_a_mapping_that_does_not_fit_says_which_column_is_missing(self):
		self.assert_refused(
			refusal.MISSING_COLUMN.format(column="Zeit"),
			TRACKLITE,
			"x.csv",
			columns=Columns("UserId", "Zeit"),
		)

	def test_unknown_columns_are_named_and_not_guessed(self):
		with self.assertRaises(Refused) as caught:
			read("Code,When\n0031,2025-04-07 09:02:11\n", "x.csv")
		self.assertIn("Code, When", caught.exception.message)

	def test_quotes_that_are_never_closed_end_with_their_line(self):
		text = 'UserId,LogDate,Name\n0031,2025-04-07 09:02:11,"Ravi\n44,2025-04-07 18:04:50,Asha\n'
		self.assertEqual(punches(text, "x.csv"), BOTH)

	def test_zeros_that_a_spreadsheet_program_was_told_to_keep(self):
		text = 'UserId,LogDate\n="0031",2025-04-07 09:02:11\n\'0044,2025-04-07 18:04:50\n=1+1,2025-04-07 18:04:50\n'
		self.assertEqual(punches(text, "x.csv"), [("0031", NINE), ("0044", SIX)])
		self.assertEqual(problems(text, "x.csv"), {4: "The id is a formula."})

	def test_rows_without_an_id_or_a_time(self):
		text = f"{TRACKLITE}3,,3,,2025-04-07 09:00:00,in,,\n4,,3,31,,in,,\n,,,,,,,\n"
		self.assertEqual(problems(text, "x.csv"), {4: "There is no id.", 5: "There is no time."})


class TestRefused(FilesTestCase):
	def test_what_is_no_text(self):
		binary = bytes(range(256)) * 8
		for name, content, reason in (
			("1_attlog.dat", binary, refusal.BINARY),
			("AGL_001.DAT", PADDED, refusal.BINARY),
			("user.dat", PADDED, refusal.TEMPLATES),
			("template.fp10.1", PADDED, refusal.TEMPLATES),
			("31.fp10", PADDED, refusal.TEMPLATES),
			("logs.xls", b"\xd0\xcf\x11\xe0" + binary, refusal.OLD_EXCEL),
			("logs.xls", "<html><table><tr><td>31</td></tr></table>", refusal.MARKUP),
			("logs.xls", '<?xml version="1.0"?><Workbook/>', refusal.MARKUP),
			("logs.xlsx", b"PK\x03\x04" + binary, refusal.BROKEN_EXCEL),
			("logs.xlsm", PADDED, refusal.MACROS),
			("1_attlog.dat", b"", refusal.EMPTY),
			("1_attlog.dat", b"\0" * 100, refusal.EMPTY),
		):
			with self.subTest(name=name, reason=reason[:30]):
				self.assert_refused(reason, content, name)

	def test_reports_that_hold_no_punches(self):
		for text in (
			"Daily Attendance Report (Detailed)\n\n\nCode,Name,Punch Records\n31,Ravi,09:02:in(ATD)\n",
			"Code,Name,In Time,Out Time\n31,Ravi,09:02,18:04\n",
			"Basic Work Duration Report\nCode,Name,Total\n",
			"Monthly Status Report\n,1 T,2 W\n31,P,A\n",
			"MUSTER ROLL for April\n31,P,A\n",
		):
			with self.subTest(text[:20]):
				self.assert_refused(refusal.REPORT, text, "report.csv")

	def test_a_text_without_punches(self):
		with self.assertRaises(Refused):
			read("Dear all,\nthe device is broken.\n", "note.txt")


def sheet(*rows: list, formats: dict | None = None) -> bytes:
	from openpyxl import Workbook

	book = Workbook()
	for row in rows:
		book.active.append(row)
	for place, number_format in (formats or {}).items():
		book.active[place].number_format = number_format
	content = io.BytesIO()
	book.save(content)
	return content.getvalue()


@unittest.skipUnless(find_spec("openpyxl"), "openpyxl comes with frappe")
class TestSheets(FilesTestCase):
	HEAD = ("UserId", "LogDate", "Direction")

	def test_a_sheet_is_read_like_a_table(self):
		content = sheet(self.HEAD, ["0031", NINE, "in"], [44, SIX, "out"], [45, "2025-04-07 18:04:50", None])
		self.assertEqual(punches(content, "logs.xlsx"), [*BOTH, ("45", SIX)])
		self.assertEqual(punches(content, "logs.dat"), [*BOTH, ("45", SIX)])

	def test_zeros_that_only_the_format_shows(self):
		content = sheet(self.HEAD, [31, NINE], formats={"A2": "0000"})
		self.assertEqual(punches(content, "logs.xlsx"), [("0031", NINE)])

	def test_formulas_are_text_and_a_date_alone_is_no_time(self):
		content = sheet(
			self.HEAD, ["31", NINE], ["=A2", NINE], ["32", "=NOW()"], ["33", NINE.date()], ["34", 45754.5]
		)
		self.assertEqual(punches(content, "logs.xlsx"), [("31", NINE)])
		self.assertEqual(list(problems(content, "logs.xlsx")), [3, 4, 5, 6])

	def test_date_and_time_in_two_columns(self):
		content = sheet(["Code", "Day", "Clock"], ["0031", NINE.date(), NINE.time()])
		self.assertEqual(punches(content, "x.xlsx", Columns("Code", "Day", "Clock")), [("0031", NINE)])

	def test_a_device_file_that_was_saved_as_a_sheet(self):
		content = sheet(["0031", NINE, 1, 0], ["44", SIX, 1, 1])
		self.assertEqual(punches(content, "1_attlog.xlsx"), BOTH)

	def test_a_report_in_a_sheet(self):
		self.assert_refused(refusal.REPORT, sheet(["Muster Roll"], ["31", "P"]), "x.xlsx")

	def test_macros_and_what_unpacks_to_far_too_much(self):
		for name, size, reason in (
			("xl/vbaProject.bin", 10, refusal.MACROS),
			("xl/worksheets/sheet9.xml", 301 << 20, refusal.BROKEN_EXCEL),
			("xl/sharedStrings.xml", 65 << 20, refusal.BROKEN_EXCEL),
		):
			with self.subTest(name):
				content = io.BytesIO()
				with (
					zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive,
					archive.open(name, "w") as part,
				):
					for _megabyte in range(0, size, 1 << 20):
						part.write(bytes(min(size, 1 << 20)))
				begun = time.monotonic()
				self.assert_refused(reason, content.getvalue(), "x.xlsx")
				self.assertLess(time.monotonic() - begun, 2)

	def test_entities_are_refused(self):
		content = io.BytesIO()
		with zipfile.ZipFile(content, "w") as archive:
			archive.writestr("xl/workbook.xml", '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><a/>')
		self.assert_refused(refusal.BROKEN_EXCEL, content.getvalue(), "x.xlsx")


ids = st.text("0123456789ABCabc_-", min_size=1, max_size=12)
moments = st.datetimes(datetime(2000, 1, 1), datetime(2099, 12, 31)).map(
	lambda each: each.replace(microsecond=0)
)
pieces = st.lists(
	st.one_of(
		st.text(max_size=30),
		st.sampled_from(
			(
				"\t",
				",",
				"\n",
				"\r\n",
				'"',
				"0031",
				"2025-04-07 09:02:11",
				"07/04/2025",
				"\0",
				"UserId,LogDate\n",
				"=",
			)
		),
	),
	max_size=60,
).map("".join)


class TestAnyText(unittest.TestCase):
	def assert_only_refused(self, content: bytes, name: str = NAME, columns: Columns | None = None) -> None:
		try:
			found = read(content, name, columns)
		except Refused as refused:
			self.assertTrue(refused.message)
		else:
			self.assertTrue(all(isinstance(row, Record | Unreadable) for _line, row in found))

	@settings(max_examples=300, deadline=None)
	@given(st.one_of(pieces.map(lambda text: text.encode("utf-8", "replace")), st.binary(max_size=300)))
	def test_any_text_gives_rows_or_is_refused(self, content: bytes):
		self.assert_only_refused(content)
		self.assert_only_refused(b"0031\t2025-04-07 09:02:11\n" + content)
		self.assert_only_refused(b"UserId,LogDate\n0031,2025-04-07 09:02:11\n" + content, "x.csv")
		self.assert_only_refused(content, "x.csv", Columns("1", "2", "3", ("4",), "5"))
		self.assert_only_refused(GLG_WIDE.encode() + content)
		self.assert_only_refused(b"PK\x03\x04" + content, "x.xlsx")

	@settings(max_examples=100, deadline=None)
	@given(
		st.lists(st.tuples(ids, moments), min_size=1, max_size=30),
		st.sampled_from(("\n", "\r\n")),
		st.sampled_from(("utf-8", "utf-8-sig", "utf-16", "gbk")),
	)
	def test_what_was_written_is_read(self, rows: list[tuple[str, datetime]], end: str, encoding: str):
		rows = [("first", NINE), *rows]
		text = "".join(f"{user_id:>9}\t{moment}\t1\t0\t1\t0{end}" for user_id, moment in rows)
		self.assertEqual(punches(text.encode(encoding)), rows)
		text = "UserId,LogDate,Direction\n" + "".join(f"{user_id},{moment},in\n" for user_id, moment in rows)
		self.assertEqual(punches(text, "x.csv"), rows)

	@settings(max_examples=50, deadline=None)
	@given(st.lists(st.tuples(ids, moments), min_size=1, max_size=30), st.sampled_from(Order))
	def test_what_was_written_in_an_order_is_read_in_that_order(self, rows, order: Order):
		form = "%d/%m/%Y %H:%M:%S" if order is Order.DAY_FIRST else "%m/%d/%Y %H:%M:%S"
		rows = [("first", datetime(2025, 4, 25, 9)), *rows]
		text = "".join(f"{user_id}\t{moment.strftime(form)}\n" for user_id, moment in rows)
		self.assertEqual(punches(text), rows)

	def test_100000_rows_and_lines_that_never_end(self):
		text = "".join(
			f"{number % 500:>9}\t2025-04-{number % 28 + 1:02} {number % 24:02}:{number % 60:02}:{number % 59:02}\t1\t0\t1\t0\n"
			for number in range(100_000)
		)
		begun = time.process_time()
		self.assertEqual(len(punches(text)), 100_000)
		self.assertLess(time.process_time() - begun, 8)
		for endless in ("7" * 3_000_000, " " * 3_000_000 + "x", "7\t" * 1_500_000, '"' * 3_000_000):
			begun = time.process_time()
			self.assertEqual(len(problems(PADDED + endless)), 1)
			self.assertLess(time.process_time() - begun, 2)
