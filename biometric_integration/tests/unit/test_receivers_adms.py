"""What devices that push may send, and what is made of it."""

from __future__ import annotations

import time
import unittest
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from biometric_integration.core.punch import Direction, Record, Unreadable
from biometric_integration.receivers.adms import commands, handshake
from biometric_integration.receivers.adms.commands import Ask, Command, Result
from biometric_integration.receivers.adms.conversation import (
	ENDPOINTS,
	MOST_UNREADABLE,
	TABLES,
	Asked,
	Delivery,
	NotKept,
	answer,
)
from biometric_integration.receivers.adms.handshake import Terminal
from biometric_integration.receivers.adms.rows import DENIED, OF_THE_DEVICE, Dropped, attlog, count, rtlog

SERIAL = "ABCD000000001"
MORNING = datetime(2025, 4, 7, 9, 2, 11)
INDIA = ZoneInfo("Asia/Kolkata")
PERSONAL = "1\t36.5\t36.5\t+19800\teyJsYXQiOiAxOS4wN30="
"""Mask, temperature twice, zone, and a place, as newest firmware adds them."""


def attlog_row(text: str | bytes):
	(row,) = attlog(text if isinstance(text, bytes) else text.encode(), SERIAL)
	return row


def rtlog_row(text: str):
	(row,) = rtlog(text.encode(), SERIAL)
	return row


@dataclass
class Memory:
	"""A host that knows one serial number."""

	kept: list = field(default_factory=list)
	results: list[Result] = field(default_factory=list)
	commands: list[Command] = field(default_factory=list)
	fails: bool = False

	def terminal(self, asked: Asked) -> Terminal | None:
		now = datetime(2025, 4, 7, 12, tzinfo=INDIA)
		return Terminal("k1", SERIAL, now) if asked.serial == SERIAL else None

	def keep(self, terminal: Terminal, delivery: Delivery) -> None:
		if self.fails:
			raise NotKept
		self.kept += delivery.kept()

	def waiting(self, terminal: Terminal) -> list[Command]:
		return self.commands

	def answered(self, terminal: Terminal, results: list[Result]) -> None:
		self.results += results


def ask(host: Memory, endpoint: str, body: bytes = b"", serial: str = SERIAL, **query: str):
	method = "POST" if body or endpoint in ("registry", "push", "devicecmd") else "GET"
	return answer(Asked(method, endpoint, {"SN": serial, **query}, body), host)


class AttendanceRows(unittest.TestCase):
	def test_a_full_row(self):
		row = attlog_row("0031\t2025-04-07 09:02:11\t1\t15\t0\t0\t0")
		self.assertEqual(row[:3], ("0031", MORNING, Direction.OUT))
		self.assertEqual((row.serial, row.verify_mode), (SERIAL, "Face"))

	def test_a_row_of_two_fields_is_enough(self):
		row = attlog_row("0031\t2025-04-07 09:02:11")
		self.assertEqual(row[:3], ("0031", MORNING, Direction.NONE))

	def test_both_line_ends_and_blank_lines(self):
		body = b"1\t2025-04-07 09:02:11\r\n\r\n2\t2025-04-07 09:02:11\n\0\0"
		self.assertEqual([row.user_id for row in attlog(body, SERIAL)], ["1", "2"])
		self.assertEqual(count(body), 2)

	def test_what_is_personal_is_dropped_before_anything_is_kept(self):
		row = attlog_row(f"0031\t2025-04-07 09:02:11\t0\t15\t0\t0\t0\t{PERSONAL}")
		self.assertEqual(row.raw, "0031\t2025-04-07 09:02:11\t0\t15\t0")

	def test_a_row_that_cannot_be_read_keeps_no_more_than_its_beginning(self):
		row = attlog_row("0031\tno time\t" + "A" * 900 + f"\t0\t0\t0\t{PERSONAL}")
		self.assertIsInstance(row, Unreadable)
		self.assertEqual(row.raw, "0031\tno time\t" + "A" * 40 + "\t0\t0")

	def test_a_nul_byte_costs_its_row_only(self):
		body = b"1\t2025-04-07 09:02:11\n2\0\t2025-04-07 09:02:11\n3\t2025-04-07 09:02:11\n"
		first, second, third = attlog(body, SERIAL)
		self.assertEqual((first.user_id, third.user_id), ("1", "3"))
		self.assertIsInstance(second, Unreadable)
		self.assertNotIn("\0", second.raw)

	def test_odd_times(self):
		for text, moment in {
			"2025/04/07 09:02:11": MORNING,
			"2025-4-7 9:2:11": MORNING,
			"2025-04-07T09:02:11": MORNING,
			"2000-01-01 00:00:00": datetime(2000, 1, 1),
			"2025-00-07 09:02:11": None,
			"2025-02-30 09:02:11": None,
			"2025-04-07 24:00:00": None,
			"2025-04-07 09:02": None,
			"٢٠٢٥-04-07 09:02:11": None,
			"": None,
		}.items():
			with self.subTest(text=text):
				row = attlog_row(f"1\t{text}\t0")
				self.assertEqual(row.source_time if isinstance(row, Record) else None, moment)

	def test_status_says_the_way_where_it_says_any(self):
		directions = {
			status: attlog_row(f"1\t2025-04-07 09:02:11\t{status}").direction
			for status in ("0", "1", "2", "3", "4", "5", "255", "")
		}
		self.assertEqual(
			[direction.value for direction in directions.values()],
			["IN", "OUT", "OUT", "IN", "IN", "OUT", "", ""],
		)

	def test_operations_people_and_templates_are_counted_and_not_kept(self):
		for text in (
			"OPLOG 4\t14\t2025-04-07 09:02:11\t0\t0\t0\t0",
			"USER PIN=1\tName=A\tPasswd=\tCard=",
			"FP PIN=1\tFID=0\tSize=4\tValid=1\tTMP=AAAA",
			"FACE PIN=1\tTMP=AAAA",
		):
			with self.subTest(text=text):
				self.assertEqual(attlog_row(text), OF_THE_DEVICE)

	def test_a_user_id_that_nobody_could_keep(self):
		self.assertIsInstance(attlog_row("1" * 141 + "\t2025-04-07 09:02:11"), Unreadable)
		self.assertIsInstance(attlog_row("\t2025-04-07 09:02:11"), Unreadable)

	def test_bytes_that_are_no_utf8_stay_different_ids(self):
		one, other = (attlog_row(text + b"\t2025-04-07 09:02:11") for text in (b"\xd6", b"\xd7"))
		self.assertNotEqual(one.user_id, other.user_id)

	@given(st.binary(max_size=400))
	def test_no_bytes_raise_and_each_line_is_answered(self, body: bytes):
		for parse in (attlog, rtlog):
			rows = list(parse(body, SERIAL))
			self.assertEqual(len(rows), count(body))
			for row in rows:
				self.assertIsInstance(row, (Record, Unreadable, Dropped))

	@given(
		st.text(st.characters(whitelist_categories=("Lu", "Nd")), min_size=1, max_size=20),
		st.datetimes(datetime(2000, 1, 1), datetime(2099, 12, 31)).map(lambda at: at.replace(microsecond=0)),
		st.lists(
			st.text(st.characters(blacklist_characters="\n\r\t\0", blacklist_categories=("Cs",)), max_size=8),
			max_size=9,
		),
	)
	def test_any_row_with_id_and_time_is_that_punch(self, pin, moment, rest):
		if pin.upper().startswith("OPLOG"):
			return
		row = attlog_row("\t".join([pin, str(moment), *rest]))
		if isinstance(row, Record):
			self.assertEqual(row[:2], (pin, moment))
		else:
			self.assertIn("character", row.problem)

	def test_the_time_taken_grows_with_the_length_only(self):
		nasty = (b"1\t", b"\t" * 50, b"2025-04-07 ", b"=\t", b"0" * 50 + b"\n")
		for piece in nasty:
			for parse in (attlog, rtlog):
				with self.subTest(piece=piece, parse=parse.__name__):
					short, long = (_seconds(parse, piece * size) for size in (4_000, 40_000))
					self.assertLess(long, max(short, 0.005) * 40)


def _seconds(parse, body: bytes) -> float:
	begin = time.perf_counter()
	for _row in parse(body, SERIAL):
		pass
	return time.perf_counter() - begin


class AccessRows(unittest.TestCase):
	ROW = "time=2025-04-07 09:02:11\tpin=0031\tcardno=99\teventaddr=1\tevent=0\tinoutstatus=1\tverifytype=15\tindex=7"

	def test_a_granted_event_is_a_punch(self):
		row = rtlog_row(self.ROW)
		self.assertEqual(row[:3], ("0031", MORNING, Direction.OUT))
		self.assertEqual(row.verify_mode, "Face")

	def test_the_order_of_the_keys_does_not_matter(self):
		parts = self.ROW.split("\t")
		self.assertEqual(rtlog_row("\t".join(reversed(parts))), rtlog_row(self.ROW))

	def test_a_card_number_is_not_kept(self):
		more = "\tmaskflag=1\ttemperature=36.5\tsitecode=4"
		self.assertEqual(
			rtlog_row(self.ROW + more).raw,
			"time=2025-04-07 09:02:11\tpin=0031\tevent=0\teventaddr=1\tinoutstatus=1\tverifytype=15\tindex=7",
		)

	def test_who_was_refused_did_not_punch(self):
		for event in [*range(20, 100), *range(100, 200), 6, 8, 13, 200, 206, 222, 5001, 6000, 10**12]:
			with self.subTest(event=event):
				self.assertEqual(rtlog_row(self.ROW.replace("event=0", f"event={event}")), DENIED)

	def test_who_was_let_through_did(self):
		for event in (0, 1, 2, 3, 4, 5, 14, 15, 19, 203, 207, 4014):
			with self.subTest(event=event):
				self.assertIsInstance(rtlog_row(self.ROW.replace("event=0", f"event={event}")), Record)

	def test_nobody_is_nobody(self):
		for pin in ("pin=0\t", "pin=\t", ""):
			self.assertEqual(rtlog_row(self.ROW.replace("pin=0031\t", pin)), OF_THE_DEVICE)

	def test_an_event_that_cannot_be_read_is_kept_as_such(self):
		for change in ("event=", "event=x", "event=-1", "event=²"):
			with self.subTest(change=change):
				self.assertIsInstance(rtlog_row(self.ROW.replace("event=0", change)), Unreadable)
		self.assertIsInstance(rtlog_row(self.ROW.replace("2025-04-07", "soon")), Unreadable)


class Handshake(unittest.TestCase):
	def options(self, zone: str = "Asia/Kolkata") -> dict[str, str]:
		terminal = Terminal("k1", SERIAL, datetime(2025, 4, 7, 12, tzinfo=ZoneInfo(zone)))
		first, *lines = handshake.for_attendance(terminal).splitlines()
		self.assertEqual(first, f"GET OPTION FROM: {SERIAL}")
		return dict(line.split("=", 1) for line in lines)

	def test_only_punches_are_asked_for(self):
		self.assertEqual(self.options()["TransFlag"], "TransData AttLog")

	def test_no_keys_are_exchanged(self):
		options = self.options()
		self.assertEqual(options["Encrypt"], "None")
		for key in ("ServerVer", "PushProtVer"):
			self.assertLess(tuple(map(int, options[key].split("."))), (2, 4))

	def test_the_zone_is_in_hours_or_in_minutes(self):
		for zone, value in {
			"Asia/Kolkata": "330",
			"Asia/Dubai": "4",
			"UTC": "0",
			"America/St_Johns": "-150",
			"America/Lima": "-5",
			"Asia/Kathmandu": "345",
		}.items():
			with self.subTest(zone=zone):
				self.assertEqual(self.options(zone)["TimeZone"], value)

	def test_the_device_goes_on_from_its_own_position(self):
		self.assertEqual(self.options()["ATTLOGStamp"], "None")

	def test_the_time_of_access_devices(self):
		now = datetime(2025, 4, 7, 5, 30, tzinfo=timezone(timedelta(hours=5, minutes=30)))
		days = (25 * 12 + 3) * 31 + 6
		self.assertEqual(
			handshake.time_of(Terminal("k1", SERIAL, now)), f"DateTime={days * 86400},ServerTZ=+0530"
		)


class Commands(unittest.TestCase):
	def test_the_two_questions(self):
		start, end = datetime(2025, 4, 1), datetime(2025, 4, 7, 23, 59, 59)
		stretch = "StartTime=2025-04-01 00:00:00\tEndTime=2025-04-07 23:59:59"
		self.assertEqual(Command("7", Ask.PUNCHES, start, end).text(), f"C:7:DATA QUERY ATTLOG {stretch}")
		self.assertEqual(Command("8", Ask.COUNT, start, end).text(), f"C:8:VERIFY SUM ATTLOG {stretch}")

	def test_nothing_that_changes_or_deletes_can_be_said(self):
		for ask_ in Ask:
			self.assertRegex(ask_.value, r"^(DATA QUERY|VERIFY SUM) ATTLOG$")

	def test_several_answers_in_one_post(self):
		body = b"ID=7&Return=0&CMD=DATA\r\nID=8&Return=0&CMD=VERIFY SUM&AttlogCount=12\nID=9&Return=-1&CMD=DATA\n\0junk"
		self.assertEqual(commands.results(body), [Result("7", 0), Result("8", 0, 12), Result("9", -1)])

	def test_a_count_on_the_next_line(self):
		self.assertEqual(
			commands.results(b"ID=8&Return=0&CMD=VERIFY SUM\nAttlogCount=12\n"), [Result("8", 0, 12)]
		)

	@given(st.binary(max_size=300))
	def test_no_bytes_raise(self, body: bytes):
		commands.results(body)


class Conversation(unittest.TestCase):
	ROWS = b"1\t2025-04-07 09:02:11\t0\t1\nno time\n1\t2025-04-07 09:02:11\t0\t1\n"

	def test_all_rows_are_acknowledged_the_unreadable_ones_too(self):
		host = Memory()
		self.assertEqual(ask(host, "cdata", self.ROWS, table="ATTLOG", Stamp="77").text, "OK: 3")
		self.assertEqual([type(row) for row in host.kept], [Record, Unreadable, Record])

	def test_what_is_not_kept_is_not_acknowledged(self):
		found = ask(Memory(fails=True), "cdata", self.ROWS, table="ATTLOG")
		self.assertEqual(found.status, 503)
		self.assertNotIn("OK", found.text)

	def test_a_serial_number_that_nobody_accepted_gets_nothing(self):
		host = Memory()
		for endpoint in ENDPOINTS:
			for serial in ("OTHER1", "", "../etc", "x" * 61, f"{SERIAL}\n"[:-1].lower()):
				with self.subTest(endpoint=endpoint, serial=serial):
					found = ask(host, endpoint, self.ROWS, serial=serial, table="ATTLOG")
					self.assertEqual(found.status, 503)
					self.assertNotIn("OK", found.text)
		self.assertEqual(host.kept, [])

	def test_the_table_decides_and_not_the_version(self):
		host = Memory()
		ask(host, "cdata", AccessRows.ROW.encode(), table="rtlog", pushver="2.4.1")
		self.assertEqual(len(host.kept), 1)
		ask(host, "cdata", self.ROWS, table="ATTLOG", pushver="3.1.2")
		self.assertEqual(len(host.kept), 4)

	def test_what_is_personal_is_acknowledged_and_not_kept(self):
		host = Memory()
		for table, text in {
			"OPERLOG": "OK: 2",
			"BIODATA": "OK",
			"IDCARD": "OK",
			"ATTPHOTO": "OK",
			"rtstate": "OK",
			"ERRORLOG": "OK",
			"options": "OK",
			"SOMETHING": "OK",
		}.items():
			with self.subTest(table=table):
				self.assertEqual(
					ask(host, "cdata", b"FP PIN=1\tTMP=AA\nUSER PIN=1\n", table=table).text, text
				)
		self.assertEqual(host.kept, [])

	def test_table_data_is_answered_with_its_name_and_number(self):
		query = {"table": "tabledata", "tablename": "user", "count": "3"}
		self.assertEqual(ask(Memory(), "cdata", b"user pin=1\n", **query).text, "user=3")
		self.assertEqual(ask(Memory(), "querydata", b"x", tablename="user", count="²").text, "user=1")
		self.assertEqual(ask(Memory(), "querydata", b"x", tablename="<b>").text, "OK")

	def test_both_kinds_of_device_are_greeted(self):
		self.assertIn("GET OPTION FROM", ask(Memory(), "cdata", options="all").text)
		host = Memory()
		ask(host, "cdata", self.ROWS, table="ATTLOG", Stamp="9999999999")
		self.assertIn("ATTLOGStamp=None", ask(host, "cdata", options="all").text)
		self.assertIn("registry=ok", ask(Memory(), "cdata", options="all", DeviceType="acc").text)
		self.assertEqual(ask(Memory(), "registry").text, "RegistryCode=k1")
		self.assertIn("TransTables=Transaction", ask(Memory(), "push").text)
		self.assertIn("ServerTZ=+0530", ask(Memory(), "rtdata", type="time").text)

	def test_the_templates_of_others_are_not_given(self):
		self.assertEqual(ask(Memory(), "cdata", table="RemoteAtt", PIN="1").text, "OK")

	def test_a_poll_brings_what_waits(self):
		start = datetime(2025, 4, 1)
		host = Memory(commands=[Command("7", Ask.PUNCHES, start, start + timedelta(days=1))])
		self.assertEqual(ask(Memory(), "getrequest").text, "OK")
		self.assertTrue(ask(host, "getrequest").text.startswith("C:7:DATA QUERY ATTLOG StartTime="))
		ask(host, "devicecmd", b"ID=7&Return=0&CMD=DATA")
		self.assertEqual(host.results, [Result("7", 0)])

	def test_a_flood_of_rows_that_cannot_be_read_is_counted(self):
		host = Memory()
		self.assertEqual(ask(host, "cdata", b"x\n" * 5000, table="ATTLOG").text, "OK: 5000")
		self.assertEqual(len(host.kept), MOST_UNREADABLE)

	def test_rows_that_look_like_punches_are_never_dropped(self):
		for form in (
			"0031\t07.04.2025 09:02:11\t0\t1",
			"0031 2025-04-07 09:02:11",
			"31\t20250407090211",
			"31\t2025-13-07 09:02:11",
		):
			with self.subTest(form=form):
				many = (form.encode() + b"\n") * 5000
				host = Memory()
				found = ask(host, "cdata", many, table="ATTLOG")
				self.assertEqual((found.status, "OK" in found.text), (503, False))
				self.assertLessEqual(len(host.kept), MOST_UNREADABLE)
				host = Memory()
				self.assertEqual(ask(host, "cdata", many + self.ROWS, table="ATTLOG").text, "OK: 5003")
				self.assertEqual(len(host.kept), 5003)
		odd = AccessRows.ROW.replace("time=", "time=x").encode() + b"\n"
		self.assertEqual(ask(Memory(), "cdata", odd * 500, table="rtlog").status, 503)

	def test_the_tables_are_found_whatever_their_case(self):
		self.assertEqual({name.casefold() for name in TABLES}, set(TABLES))
