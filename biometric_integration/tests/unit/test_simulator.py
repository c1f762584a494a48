"""The fake servers behave as essl-protocol §7.2 wants it, over real HTTP."""

from __future__ import annotations

import http.client
import threading
import time
import unittest
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from email.message import Message
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from biometric_integration.simulator import (
	FakeEBioServer,
	FakeETimeTrackLite,
	FakeServer,
	Fault,
	FaultKind,
	World,
)

DAY = date(2025, 4, 7)
SERIAL = "ABCD000000001"
OTHER = "ABCD000000002"
SOAP11_NAMESPACE = "http://schemas.xmlsoap.org/soap/envelope/"
SOAP12_NAMESPACE = "http://www.w3.org/2003/05/soap-envelope"
EBIO_LOGIN = {"UserName": "api", "Password": "p&ss"}
ETIME_LOGIN = {"UserName": "api", "UserPassword": "p&ss"}

AnyServer = TypeVar("AnyServer", bound=FakeServer)


def at(clock: str, day: int = 7) -> datetime:
	return datetime.fromisoformat(f"2025-04-{day:02d} {clock}")


def small_world() -> World:
	world = World(at("23:00:00"))
	world.add_device(SERIAL, "Main Gate", "BLR")
	world.punch(SERIAL, "0044", at("08:57:30"), "in")
	world.punch(SERIAL, "0031", at("09:02:11"), "in")
	world.punch(SERIAL, "0044", at("18:00:00"), "inout")
	world.punch(SERIAL, "0031", at("18:10:45"), "out")
	return world


@dataclass
class Reply:
	status: int
	headers: Message
	body: bytes
	elements: dict[str, str] = field(default_factory=dict)

	def __post_init__(self) -> None:
		if "xml" in self.headers.get("Content-Type", "") and b"<!DOCTYPE" not in self.body:
			self.elements = _elements(self.body)


def _elements(body: bytes) -> dict[str, str]:
	try:
		root = ElementTree.fromstring(body)
	except ElementTree.ParseError:
		return {}
	return {element.tag.rpartition("}")[2]: element.text or "" for element in root.iter()}


def request_body(operation: str, arguments: Mapping[str, str], namespace: str = SOAP11_NAMESPACE) -> bytes:
	inner = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in arguments.items())
	return (
		f'<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="{namespace}"><s:Body>'
		f'<{operation} xmlns="http://tempuri.org/">{inner}</{operation}></s:Body></s:Envelope>'
	).encode()


def send(server: FakeServer, path: str, body: bytes | None, headers: Mapping[str, str]) -> Reply:
	connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
	try:
		connection.request("GET" if body is None else "POST", path, body, dict(headers))
		response = connection.getresponse()
		return Reply(response.status, response.headers, response.read())
	finally:
		connection.close()


def call(server: FakeServer, operation: str, arguments: Mapping[str, str]) -> Reply:
	headers = {
		"Content-Type": "text/xml; charset=utf-8",
		"SOAPAction": f'"http://tempuri.org/{operation}"',
	}
	return send(server, server.path, request_body(operation, arguments), headers)


class ServerCase(unittest.TestCase):
	def serve(self, server: AnyServer) -> AnyServer:
		server.start()
		self.addCleanup(server.stop)
		return server

	def etime(self, world: World | None = None, **options: Any) -> FakeETimeTrackLite:
		return self.serve(FakeETimeTrackLite(world or small_world(), password="p&ss", **options))

	def ebio(self, world: World | None = None, **options: Any) -> FakeEBioServer:
		return self.serve(FakeEBioServer(world or small_world(), password="p&ss", **options))

	def log(self, server: FakeServer, **arguments: str) -> Reply:
		asked = {
			"FromDateTime": "2025-04-07 00:00:00",
			"ToDateTime": "2025-04-07 23:59:59",
			"SerialNumber": SERIAL,
			**ETIME_LOGIN,
			"strDataList": "",
		}
		return call(server, "GetTransactionsLog", {**asked, **arguments})

	def day(self, server: FakeServer, log_date: str = "2025-04-07", location: str = "") -> str:
		arguments = {**EBIO_LOGIN, "Location": location, "LogDate": log_date}
		return call(server, "GetDeviceLogs", arguments).elements["GetDeviceLogsResult"]

	def after(self, server: FakeServer, log_id: int, count: int = 100, location: str = "") -> str:
		arguments = {**EBIO_LOGIN, "Location": location, "LogId": str(log_id), "LogCount": str(count)}
		return call(server, "GetDeviceLogsByLogId", arguments).elements["GetDeviceLogsByLogIdResult"]


class TestWorld(unittest.TestCase):
	def test_a_row_is_invisible_until_the_server_has_received_it(self) -> None:
		world = small_world()
		late = world.punch(SERIAL, "0031", at("07:00:00"), received=at("10:00:00", 8))
		self.assertEqual(late.log_id, 0)
		self.assertNotIn(("0031", at("07:00:00")), world.truth())
		world.now = at("10:00:00", 8)
		self.assertIn(("0031", at("07:00:00")), world.truth())

	def test_ids_follow_the_order_of_receipt(self) -> None:
		world = small_world()
		world.punch(SERIAL, "late", at("07:00:00"), received=at("12:00:00", 9))
		world.punch(SERIAL, "prompt", at("09:00:00", 8))
		world.now = at("12:00:00", 10)
		self.assertEqual([punch.code for punch in world.visible()][-2:], ["prompt", "late"])

	def test_ids_rise_with_gaps(self) -> None:
		world = small_world()
		for second in range(20):
			world.punch(SERIAL, "1", at("20:00:00") + timedelta(seconds=second))
		ids = [punch.log_id for punch in world.visible()]
		self.assertEqual(ids, sorted(set(ids)))
		self.assertGreater(ids[-1], len(ids))

	def test_setting_the_clock_back_hides_later_rows_again(self) -> None:
		world = small_world()
		world.now = at("10:00:00")
		self.assertEqual(len(world.visible()), 2)

	def test_junk_and_raw_rows_are_no_truth(self) -> None:
		world = small_world()
		before = world.truth()
		world.junk(SERIAL, "OPLOG 4", at("10:00:00"))
		world.raw_row(SERIAL, "???", at("10:00:00"))
		self.assertEqual(world.truth(), before)

	def test_a_reset_numbers_the_rows_from_one(self) -> None:
		world = World(at("23:00:00"), first_id=5000)
		world.add_device(SERIAL, "Main Gate")
		self.assertEqual(world.punch(SERIAL, "1", at("09:00:00")).log_id, 5000)
		world.reset_ids()
		self.assertEqual([punch.log_id for punch in world.visible()], [1])
		world.reset_ids(keep_rows=False)
		self.assertEqual(world.visible(), [])
		self.assertEqual(world.punch(SERIAL, "1", at("09:00:00")).log_id, 1)

	def test_a_stranger_or_a_zoned_time_is_a_mistake_of_the_test(self) -> None:
		world = small_world()
		with self.assertRaises(KeyError):
			world.punch("nobody", "1", at("09:00:00"))
		with self.assertRaises(ValueError):
			world.punch(SERIAL, "1", world.utc_now)
		with self.assertRaises(ValueError):
			world.punch(SERIAL, "1", at("09:00:00"), "sideways")
		with self.assertRaises(ValueError):
			world.add_device(SERIAL, "Again")

	def test_without_a_time_the_clock_is_the_real_one_in_the_zone(self) -> None:
		world = World(None, "Asia/Kolkata")
		self.assertLess(abs(world.utc_now.timestamp() - time.time()), 5)
		self.assertEqual(world.now - world.utc_now.replace(tzinfo=None), timedelta(hours=5, minutes=30))


class TestSample(unittest.TestCase):
	def setUp(self) -> None:
		self.world = World.sample(first_day=DAY)
		self.punches = self.world.visible()

	def test_it_is_deterministic(self) -> None:
		self.assertEqual(self.punches, World.sample(first_day=DAY).visible())
		self.assertNotEqual(self.punches, World.sample(first_day=DAY, seed=2).visible())

	def test_it_has_the_codes_that_trip_connectors_up(self) -> None:
		self.assertLessEqual({"0031", "31", "PN0031", "ABC-107"}, {code for code, _ in self.world.truth()})
		self.assertEqual(len(self.world.employees), 50)

	def test_it_has_night_shifts_repeats_and_all_directions(self) -> None:
		self.assertTrue(any(punch.direction == "out" and punch.time.hour == 6 for punch in self.punches))
		self.assertEqual({punch.direction for punch in self.punches}, {"in", "out", "", "inout"})
		truth = self.world.truth()
		self.assertTrue(any((code, moment + timedelta(seconds=4)) in truth for code, moment in truth))

	def test_it_has_awkward_devices(self) -> None:
		pairs = [(device.name, device.location) for device in self.world.devices]
		self.assertIn(("Gate 2, North", "HO"), pairs)
		self.assertLessEqual({("Main Gate", "HO"), ("Main Gate", "PLANT")}, set(pairs))

	def test_a_device_uploads_late(self) -> None:
		late = [punch for punch in self.punches if punch.received - punch.time > timedelta(hours=1)]
		self.assertEqual({punch.serial for punch in late}, {"SIMD000000002"})

	def test_all_its_punches_are_visible_and_distinct(self) -> None:
		self.assertEqual(len(self.world.truth()), len(self.punches))
		self.assertLess(max(punch.received for punch in self.punches), self.world.now)

	def test_any_size_works(self) -> None:
		world = World.sample(first_day=DAY, employees=3, devices=1, days=1)
		self.assertEqual(len(world.devices), 1)
		self.assertEqual(len(World.sample(first_day=DAY, devices=7).devices), 7)


class TestETimeTrackLite(ServerCase):
	def test_rows_are_grouped_by_code_then_time_with_the_tab_of_a_blank_direction(self) -> None:
		reply = self.log(self.etime())
		self.assertEqual(reply.status, 200)
		self.assertEqual(reply.elements["GetTransactionsLogResult"], "Logs Count:4")
		self.assertEqual(
			reply.elements["strDataList"],
			"0031\t2025-04-07 09:02:11\tin\n0031\t2025-04-07 18:10:45\tout\n"
			"0044\t2025-04-07 08:57:30\tin\n0044\t2025-04-07 18:00:00\t\n",
		)
		self.assertIn(b"\tin\r\n0031", reply.body)

	def test_the_wrong_dialect_gives_the_date_text_with_http_200(self) -> None:
		server = self.etime(dialect="old")
		reply = self.log(server)
		self.assertEqual(reply.status, 200)
		text = reply.elements["GetTransactionsLogResult"]
		self.assertIn("not valid date format(yyyy-MM-dd HH:mm)", text)
		reply = self.log(server, FromDate="2025-04-07 00:00", ToDate="2025-04-08 00:00")
		self.assertEqual(reply.elements["GetTransactionsLogResult"], "Logs Count:4")

	def test_only_the_configured_date_formats_are_accepted(self) -> None:
		self.assertIn("Logs Count:4", self.log(self.etime(), FromDateTime="2025-04-07 00:00").body.decode())
		for moment in ("2025/04/07 00:00", "2025-4-7 0:00", "2025-04-07T00:00:00", ""):
			with self.subTest(moment):
				text = self.log(self.etime(), FromDateTime=moment).elements["GetTransactionsLogResult"]
				self.assertIn("not valid date format", text)
		server = self.etime(date_formats=["dd-MM-yyyy HH:mm:ss"])
		reply = self.log(server, FromDateTime="07-04-2025 09:00:00", ToDateTime="07-04-2025 10:00:00")
		self.assertEqual(reply.elements["GetTransactionsLogResult"], "Logs Count:1")

	def test_a_bad_login_is_a_text_with_http_200(self) -> None:
		for wrong in ({"UserPassword": "x"}, {"UserName": "x"}):
			reply = self.log(self.etime(), **wrong)
			self.assertEqual(reply.status, 200)
			self.assertEqual(reply.elements["GetTransactionsLogResult"], "Unathorised User")

	def test_the_credentials_of_the_other_product_do_not_work(self) -> None:
		arguments = {"FromDateTime": "2025-04-07 00:00", "ToDateTime": "2025-04-08 00:00", **EBIO_LOGIN}
		reply = call(self.etime(), "GetTransactionsLog", arguments)
		self.assertEqual(reply.elements["GetTransactionsLogResult"], "Unathorised User")

	def test_it_may_say_no_count(self) -> None:
		reply = self.log(self.etime(says_count=False))
		self.assertEqual(reply.elements["GetTransactionsLogResult"], "")
		self.assertEqual(len(reply.elements["strDataList"].splitlines()), 4)

	def test_line_breaks_come_in_four_forms(self) -> None:
		for form, sign in (("lf", b"\tin\n"), ("references", b"\tin&#xD;\n"), ("cdata", b"<![CDATA[0031\t")):
			with self.subTest(form):
				reply = self.log(self.etime(list_form=form))
				self.assertIn(sign, reply.body)
				self.assertEqual(len(reply.elements["strDataList"].splitlines()), 4)

	def test_the_list_may_be_missing_when_there_is_no_data(self) -> None:
		empty = {"FromDateTime": "2025-01-01 00:00", "ToDateTime": "2025-01-02 00:00"}
		self.assertEqual(self.log(self.etime(), **empty).elements["strDataList"], "")
		reply = self.log(self.etime(omits_empty_list=True), **empty)
		self.assertEqual(reply.elements["GetTransactionsLogResult"], "Logs Count:0")
		self.assertNotIn("strDataList", reply.elements)

	def test_limits_are_inclusive_unless_told(self) -> None:
		limits = {"FromDateTime": "2025-04-07 08:57:30", "ToDateTime": "2025-04-07 18:10:45"}
		for option, count in (("inclusive", 4), ("half-open", 3), ("exclusive", 2)):
			reply = self.log(self.etime(limits=option), **limits)
			self.assertEqual(reply.elements["GetTransactionsLogResult"], f"Logs Count:{count}")

	def test_an_unknown_serial_has_no_rows_or_a_text(self) -> None:
		reply = self.log(self.etime(), SerialNumber="nobody")
		self.assertEqual(reply.elements["GetTransactionsLogResult"], "Logs Count:0")
		reply = self.log(self.etime(unknown_serial_text="No device"), SerialNumber="nobody")
		self.assertEqual(reply.elements["GetTransactionsLogResult"], "No device")

	def test_a_device_has_only_its_own_rows_and_none_when_removed(self) -> None:
		world = small_world()
		world.add_device(OTHER, "Back Gate")
		world.punch(OTHER, "7", at("10:00:00"))
		server = self.etime(world)
		self.assertEqual(self.log(server, SerialNumber=OTHER).elements["strDataList"].split("\t")[0], "7")
		world.remove_device(OTHER)
		self.assertEqual(self.log(server, SerialNumber=OTHER).elements["strDataList"], "")

	def test_junk_is_hidden_but_raw_rows_are_sent_as_they_are(self) -> None:
		world = small_world()
		world.junk(SERIAL, "OPLOG 4", at("10:00:00"))
		world.raw_row(SERIAL, "half a <row", at("10:00:00"))
		text = self.log(self.etime(world)).elements["strDataList"]
		self.assertNotIn("OPLOG", text)
		self.assertIn("half a <row\n", text)


class TestHttpAndSoap(ServerCase):
	def test_paths_ignore_case_and_others_are_not_found(self) -> None:
		server = self.etime()
		body = request_body("GetTransactionsLog", ETIME_LOGIN)
		headers = {"Content-Type": "text/xml"}
		for path in ("/ICLOCK/webapiservice.asmx", "/iclock/WebAPIService.asmx?op=GetTransactionsLog"):
			self.assertEqual(send(server, path, body, headers).status, 200)
		reply = send(server, "/webservice.asmx", body, headers)
		self.assertEqual((reply.status, reply.headers["Content-Type"]), (404, "text/html; charset=utf-8"))

	def test_a_get_shows_the_help_page_or_the_wsdl(self) -> None:
		server = self.etime()
		with urllib.request.urlopen(f"{server.endpoint}?op=GetTransactionsLog", timeout=5) as response:
			self.assertIn(b"<html>", response.read())
		wsdl = send(server, f"{server.path}?WSDL", None, {})
		self.assertIn(b'<wsdl:operation name="GetTransactionsLog"', wsdl.body)
		self.assertIn(b'name="FromDateTime"', wsdl.body)
		without = self.etime(has_wsdl=False)
		self.assertIn(b"<html>", send(without, f"{without.path}?wsdl", None, {}).body)

	def test_both_soap_versions_are_answered_in_kind(self) -> None:
		server = self.ebio()
		body = request_body("IseSSLebioServer", {}, SOAP12_NAMESPACE)
		reply = send(server, server.path, body, {"Content-Type": "application/soap+xml; charset=utf-8"})
		self.assertEqual(reply.elements["IseSSLebioServerResult"], "1")
		self.assertIn(SOAP12_NAMESPACE.encode(), reply.body)
		self.assertIn("application/soap+xml", reply.headers["Content-Type"])
		self.assertIn(SOAP11_NAMESPACE.encode(), call(server, "IseSSLebioServer", {}).body)

	def test_soap_12_faults_have_a_reason(self) -> None:
		server = self.ebio()
		server.faults.add(Fault(FaultKind.HTTP_500_FAULT, text="Deadlock"))
		body = request_body("IseSSLebioServer", {}, SOAP12_NAMESPACE)
		reply = send(server, server.path, body, {"Content-Type": "application/soap+xml"})
		self.assertEqual((reply.status, reply.elements["Text"]), (500, "Deadlock"))

	def test_another_content_type_is_refused(self) -> None:
		server = self.ebio()
		self.assertEqual(send(server, server.path, b"a=b", {"Content-Type": "text/plain"}).status, 415)

	def test_unreadable_requests_and_unknown_operations_are_faults(self) -> None:
		server = self.ebio()
		dtd = b'<!DOCTYPE a [<!ENTITY b "c">]>' + request_body("IseSSLebioServer", {})[38:]
		foreign = request_body("IseSSLebioServer", {}).replace(b"tempuri.org", b"example.org")
		for body in (b"", b"<a", b"<a/>", dtd, foreign, request_body("GetTransactionsLog", {})):
			with self.subTest(body):
				reply = send(server, server.path, body, {"Content-Type": "text/xml"})
				self.assertEqual(reply.status, 500)
				self.assertIn("Server", reply.elements["faultstring"])

	def test_a_soap_action_that_does_not_fit_is_a_fault(self) -> None:
		server = self.ebio()
		headers = {"Content-Type": "text/xml", "SOAPAction": "http://tempuri.org/GetDeviceList"}
		reply = send(server, server.path, request_body("IseSSLebioServer", {}), headers)
		self.assertIn("SOAPAction", reply.elements["faultstring"])

	def test_unknown_elements_are_ignored_and_arguments_of_another_namespace_are_missing(self) -> None:
		server = self.ebio()
		reply = call(server, "GetDeviceList", {**EBIO_LOGIN, "Colour": "red"})
		self.assertIn("Main Gate", reply.elements["GetDeviceListResult"])
		body = request_body("GetDeviceList", EBIO_LOGIN).replace(b"<Password>", b'<Password xmlns="">')
		reply = send(server, server.path, body, {"Content-Type": "text/xml"})
		self.assertEqual(reply.elements["GetDeviceListResult"], "error")

	def test_the_date_header_is_the_clock_of_the_world_in_gmt(self) -> None:
		server = self.ebio()
		reply = call(server, "IseSSLebioServer", {})
		self.assertEqual(reply.headers["Date"], "Mon, 07 Apr 2025 17:30:00 GMT")

	def test_requests_are_recorded_without_passwords(self) -> None:
		server = self.ebio()
		self.day(server, location="BLR")
		send(server, "/elsewhere", None, {})
		first, second = server.requests
		self.assertEqual(first.operation, "GetDeviceLogs")
		self.assertEqual(first.arguments, {"UserName": "api", "Location": "BLR", "LogDate": "2025-04-07"})
		self.assertEqual(first.at, at("23:00:00"))
		self.assertEqual(second.operation, "GET /elsewhere")

	def test_the_port_is_kept_over_stop_and_start(self) -> None:
		server = self.ebio()
		port = server.port
		server.stop()
		with self.assertRaises(ConnectionRefusedError):
			call(server, "IseSSLebioServer", {})
		server.start()
		self.assertEqual(server.port, port)
		self.assertEqual(call(server, "IseSSLebioServer", {}).status, 200)

	def test_a_stopped_server_leaves_no_open_connection(self) -> None:
		server = self.ebio()
		connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
		self.addCleanup(connection.close)
		connection.request("GET", server.path)
		connection.getresponse().read()
		server.stop()
		self.assertEqual(connection.sock.recv(1), b"")

	def test_it_serves_many_at_once(self) -> None:
		server = self.ebio()
		replies: list[str] = []
		threads = [threading.Thread(target=lambda: replies.append(self.day(server))) for _ in range(20)]
		for thread in threads:
			thread.start()
		for thread in threads:
			thread.join()
		self.assertEqual(len(replies), 20)
		self.assertEqual(len(set(replies)), 1)


class TestEBioServer(ServerCase):
	def test_the_day_feed_has_the_rows_of_that_punch_day_in_capitals(self) -> None:
		server = self.ebio()
		self.assertEqual(
			self.day(server),
			"2025-04-07 08:57:30,0044,Main Gate,BLR,IN;\n2025-04-07 09:02:11,0031,Main Gate,BLR,IN;\n"
			"2025-04-07 18:00:00,0044,Main Gate,BLR,INOUT;\n2025-04-07 18:10:45,0031,Main Gate,BLR,OUT;\n",
		)
		self.assertEqual(self.day(server, "2025/04/07"), self.day(server))
		self.assertEqual(self.day(server, "2025-04-08"), "")

	def test_rows_may_end_without_a_line_break(self) -> None:
		self.assertIn(",IN;2025-04-07", self.day(self.ebio(row_end=";")))

	def test_a_bad_login_is_error_or_empty(self) -> None:
		for text in ("error", "", "0"):
			server = self.ebio(bad_login_text=text)
			arguments = {"UserName": "api", "Password": "x", "LogDate": "2025-04-07"}
			reply = call(server, "GetDeviceLogs", arguments)
			self.assertEqual((reply.status, reply.elements["GetDeviceLogsResult"]), (200, text))

	def test_bad_arguments_are_error(self) -> None:
		server = self.ebio()
		self.assertEqual(self.day(server, "07.04.2025"), "error")
		reply = call(server, "GetDeviceLogsByLogId", {**EBIO_LOGIN, "LogId": "x"})
		self.assertEqual(reply.elements["GetDeviceLogsByLogIdResult"], "error")

	def test_the_location_filters_and_empty_means_all(self) -> None:
		world = small_world()
		world.add_device(OTHER, "Back Gate", "MUM")
		world.punch(OTHER, "7", at("10:00:00"))
		server = self.ebio(world)
		self.assertEqual(self.day(server).count(";"), 5)
		self.assertEqual(self.day(server, location="MUM").count(";"), 1)
		self.assertEqual(self.after(server, 0, location="MUM").count(";"), 1)
		self.assertEqual(self.day(server, location="?"), "")

	def test_the_id_feed_pages_by_id(self) -> None:
		server = self.ebio()
		page = self.after(server, 0, 2)
		self.assertTrue(page.startswith("1,2025-04-07 08:57:30,0044,Main Gate,BLR,IN;\n2,"))
		self.assertEqual(page.count(";"), 2)
		self.assertEqual(self.after(server, 2, 2).count(";"), 2)
		self.assertEqual(self.after(server, 4), "")

	def test_the_cursor_may_be_inclusive_or_the_feed_silent(self) -> None:
		self.assertTrue(self.after(self.ebio(cursor="inclusive"), 2).startswith("2,"))
		silent = self.ebio(cursor="silent")
		self.assertEqual(self.after(silent, 0), "")
		self.assertNotEqual(self.day(silent), "")

	def test_a_late_punch_gets_a_new_id(self) -> None:
		world = small_world()
		server = self.ebio(world)
		world.punch(SERIAL, "0031", at("22:17:08", 5), "out", received=at("08:00:00", 8))
		self.assertEqual(self.after(server, 4), "")
		world.now = at("09:00:00", 8)
		self.assertEqual(self.after(server, 4), "5,2025-04-05 22:17:08,0031,Main Gate,BLR,OUT;\n")
		self.assertEqual(self.day(server, "2025-04-05").count(";"), 1)

	def test_junk_raw_rows_and_a_year_before_2000_leak_into_the_feeds(self) -> None:
		world = small_world()
		world.junk(SERIAL, "USER PIN=31\tName=A", at("19:00:00"))
		world.raw_row(SERIAL, "what,is,this", at("19:00:01"))
		world.raw_row(SERIAL, "no id", at("19:00:02"), with_id=False)
		world.junk(SERIAL, "31", datetime(1999, 12, 31, 1, 2, 3))
		text = self.after(self.ebio(world), 4)
		self.assertIn("5,2025-04-07 19:00:00,USER PIN=31\tName=A,Main Gate,BLR,IN;\n", text)
		self.assertIn("\n6,what,is,this;\nno id;\n", text)
		self.assertIn("1999-12-31 01:02:03,31,", text)
		self.assertEqual(self.day(self.ebio(world)).count(";"), 7)

	def test_devices_are_listed_unescaped_and_may_be_ambiguous(self) -> None:
		world = small_world()
		world.add_device(OTHER, "Main Gate", "BLR")
		world.add_device("C", "Gate 2, North", "HO")
		server = self.ebio(world)
		text = call(server, "GetDeviceList", EBIO_LOGIN).elements["GetDeviceListResult"]
		self.assertEqual(text, f"Main Gate,{SERIAL},BLR;\nMain Gate,{OTHER},BLR;\nGate 2, North,C,HO;\n")
		world.punch("C", "7", at("10:00:00"), "")
		self.assertIn("10:00:00,7,Gate 2, North,HO,;\n", self.day(server))

	def test_a_renamed_device_shows_its_new_pair_on_old_rows(self) -> None:
		world = small_world()
		server = self.ebio(world)
		world.rename_device(SERIAL, name="Front <Gate>", location="MUM")
		self.assertEqual(self.day(server).count("Front <Gate>,MUM"), 4)
		world.rename_device(SERIAL, location="")
		self.assertEqual(self.day(server).count("Front <Gate>,,"), 4)

	def test_a_removed_device_leaves_the_list_but_not_the_rows(self) -> None:
		world = small_world()
		server = self.ebio(world)
		world.remove_device(SERIAL)
		self.assertEqual(call(server, "GetDeviceList", EBIO_LOGIN).elements["GetDeviceListResult"], "")
		self.assertEqual(self.day(server).count("Main Gate,BLR"), 4)

	def test_pings_say_when_a_device_was_last_heard_of(self) -> None:
		world = small_world()
		server = self.ebio(world)

		def ping(serial: str) -> str:
			arguments = {**EBIO_LOGIN, "DeviceSerialNumber": serial}
			return call(server, "GetDeviceLastPing", arguments).elements["GetDeviceLastPingResult"]

		self.assertEqual(ping(SERIAL), "2025-04-07 23:00:00")
		world.set_last_ping(SERIAL, at("12:00:00"))
		self.assertEqual(ping(SERIAL), "2025-04-07 12:00:00")
		world.set_last_ping(SERIAL, None)
		self.assertEqual(ping(SERIAL), "2025-04-07 23:00:00")
		self.assertEqual(ping("nobody"), "error")

	def test_its_kind_is_told_without_a_login_unless_the_build_is_old(self) -> None:
		reply = call(self.ebio(), "IseSSLebioServer", {})
		self.assertEqual(reply.elements["IseSSLebioServerResult"], "1")
		old = self.ebio(missing_operations={"IseSSLebioServer"})
		self.assertEqual(call(old, "IseSSLebioServer", {}).status, 500)

	def test_it_also_answers_under_iclock_if_told(self) -> None:
		body, headers = request_body("IseSSLebioServer", {}), {"Content-Type": "text/xml"}
		for option, status in ((True, 200), (False, 404)):
			server = self.ebio(under_iclock=option)
			self.assertEqual(send(server, "/iclock/WebService.asmx", body, headers).status, status)


class TestFaults(ServerCase):
	def faulty(self, *faults: Fault) -> FakeEBioServer:
		server = self.ebio()
		server.faults.add(*faults)
		return server

	def is_one(self, server: FakeServer) -> bool:
		reply = call(server, "IseSSLebioServer", {})
		return reply.status == 200 and reply.elements.get("IseSSLebioServerResult") == "1"

	def test_refuse_lasts_until_cleared_and_keeps_the_port(self) -> None:
		server = self.ebio()
		connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
		self.addCleanup(connection.close)
		connection.request("GET", server.path)
		connection.getresponse().read()
		server.faults.add(Fault(FaultKind.REFUSE))
		self.assertEqual(connection.sock.recv(1), b"")
		for _ in range(3):
			with self.assertRaises(ConnectionRefusedError):
				call(server, "IseSSLebioServer", {})
		server.faults.clear()
		self.assertTrue(self.is_one(server))

	def test_refuse_may_begin_after_some_requests(self) -> None:
		server = self.faulty(Fault(FaultKind.REFUSE, after=2))
		self.assertTrue(self.is_one(server))
		self.assertTrue(self.is_one(server))
		with self.assertRaises(ConnectionRefusedError):
			call(server, "IseSSLebioServer", {})

	def test_reset_breaks_the_connection_after_the_request(self) -> None:
		server = self.faulty(Fault(FaultKind.RESET))
		with self.assertRaises(ConnectionResetError) as caught:
			call(server, "IseSSLebioServer", {})
		self.assertNotIsInstance(caught.exception, http.client.RemoteDisconnected)
		self.assertEqual(len(server.requests), 1)
		self.assertTrue(self.is_one(server))

	def test_hang_delays_the_answer(self) -> None:
		server = self.faulty(Fault(FaultKind.HANG, seconds=0.2))
		started = time.monotonic()
		self.assertTrue(self.is_one(server))
		self.assertGreaterEqual(time.monotonic() - started, 0.2)

	def test_stop_ends_a_hang(self) -> None:
		server = self.faulty(Fault(FaultKind.HANG, seconds=60))
		stopper = threading.Timer(0.1, server.stop)
		stopper.start()
		with self.assertRaises(ConnectionError):
			call(server, "IseSSLebioServer", {})
		stopper.join()

	def test_slow_drip_trickles_the_body(self) -> None:
		server = self.faulty(Fault(FaultKind.SLOW_DRIP, chunk=50, pause=0.02))
		started = time.monotonic()
		self.assertTrue(self.is_one(server))
		self.assertGreaterEqual(time.monotonic() - started, 0.06)

	def test_http_500_is_a_soap_fault_or_a_page(self) -> None:
		server = self.faulty(
			Fault(FaultKind.HTTP_500_FAULT, text="Dead <lock>"), Fault(FaultKind.HTTP_500_HTML)
		)
		reply = call(server, "IseSSLebioServer", {})
		self.assertEqual((reply.status, reply.elements["faultstring"]), (500, "Dead <lock>"))
		reply = call(server, "IseSSLebioServer", {})
		self.assertEqual((reply.status, reply.headers["Content-Type"]), (500, "text/html; charset=utf-8"))
		self.assertTrue(self.is_one(server))

	def test_html_200_is_a_login_page(self) -> None:
		reply = call(self.faulty(Fault(FaultKind.HTML_200)), "IseSSLebioServer", {})
		self.assertEqual(reply.status, 200)
		self.assertIn(b'type="password"', reply.body)

	def test_redirect_points_elsewhere_and_shows_who_follows(self) -> None:
		server = self.faulty(Fault(FaultKind.REDIRECT, location="/trap"))
		with self.assertRaises(urllib.error.HTTPError):
			urllib.request.urlopen(server.endpoint, timeout=5)
		operations = [request.operation for request in server.requests]
		self.assertEqual(operations, ["GET /webservice.asmx", "GET /trap"])

	def test_empty_body_and_empty_result_differ(self) -> None:
		server = self.faulty(Fault(FaultKind.EMPTY_BODY), Fault(FaultKind.EMPTY_RESULT))
		self.assertEqual(call(server, "GetDeviceList", EBIO_LOGIN).body, b"")
		reply = call(server, "GetDeviceList", EBIO_LOGIN)
		self.assertEqual((reply.status, reply.elements["GetDeviceListResult"]), (200, ""))

	def test_error_text_is_what_the_product_says_or_the_given_one(self) -> None:
		self.assertEqual(self.day(self.faulty(Fault(FaultKind.ERROR_TEXT))), "error")
		server = self.etime()
		server.faults.add(Fault(FaultKind.ERROR_TEXT, text="Invalid <tag>"))
		self.assertEqual(self.log(server).elements["GetTransactionsLogResult"], "Invalid <tag>")

	def test_truncated_keeps_the_count_but_not_the_rows(self) -> None:
		server = self.etime()
		server.faults.add(Fault(FaultKind.TRUNCATED), Fault(FaultKind.TRUNCATED, after=1, keep=1))
		for kept in (2, 1):
			reply = self.log(server)
			self.assertEqual(reply.elements["GetTransactionsLogResult"], "Logs Count:4")
			self.assertEqual(len(reply.elements["strDataList"].splitlines()), kept)
		self.assertEqual(self.day(self.faulty(Fault(FaultKind.TRUNCATED))).count(";"), 2)

	def test_cut_body_promises_more_than_it_sends(self) -> None:
		with self.assertRaises(http.client.IncompleteRead):
			call(self.faulty(Fault(FaultKind.CUT_BODY)), "IseSSLebioServer", {})

	def test_garbage_bytes_and_wrong_encodings_are_no_utf_8(self) -> None:
		server = self.faulty(
			Fault(FaultKind.GARBAGE_BYTES),
			Fault(FaultKind.WRONG_ENCODING),
			Fault(FaultKind.WRONG_ENCODING, encoding="latin-1"),
		)
		for _ in range(3):
			reply = call(server, "IseSSLebioServer", {})
			self.assertEqual((reply.status, reply.headers["Content-Type"]), (200, "text/xml; charset=utf-8"))
			with self.assertRaises(UnicodeDecodeError):
				reply.body.decode()
		self.assertTrue(self.is_one(server))

	def test_rows_are_repeated_and_shuffled_together(self) -> None:
		server = self.etime()
		rows = self.log(server).elements["strDataList"].splitlines()
		server.faults.add(Fault(FaultKind.DUPLICATE_ROWS), Fault(FaultKind.SHUFFLED))
		reply = self.log(server)
		disordered = reply.elements["strDataList"].splitlines()
		self.assertEqual(reply.elements["GetTransactionsLogResult"], "Logs Count:8")
		self.assertEqual(sorted(disordered), sorted(rows * 2))
		self.assertNotEqual(disordered, sorted(disordered))
		self.assertEqual(self.log(server).elements["strDataList"].splitlines(), rows)

	def test_the_entity_bomb_stands_in_the_result(self) -> None:
		reply = call(self.faulty(Fault(FaultKind.ENTITY_BOMB)), "GetDeviceList", EBIO_LOGIN)
		self.assertIn(b'<!ENTITY lol9 "&lol8;', reply.body)
		self.assertIn(b"<GetDeviceListResult>&lol9;</GetDeviceListResult>", reply.body)

	def test_the_password_is_echoed_in_three_forms(self) -> None:
		for form, element in (("text", "GetDeviceListResult"), ("fault", "faultstring")):
			reply = call(self.faulty(Fault(FaultKind.ECHO_PASSWORD, form=form)), "GetDeviceList", EBIO_LOGIN)
			self.assertIn("<Password>p&amp;ss</Password>", reply.elements[element])
		reply = call(self.faulty(Fault(FaultKind.ECHO_PASSWORD, status=200)), "GetDeviceList", EBIO_LOGIN)
		self.assertEqual(reply.status, 200)
		self.assertIn(b"p&amp;amp;ss", reply.body)

	def test_the_clock_of_the_date_header_can_be_wrong(self) -> None:
		server = self.faulty(Fault(FaultKind.CLOCK, seconds=-3600))
		wrong, right = (
			parsedate_to_datetime(call(server, "IseSSLebioServer", {}).headers["Date"]) for _ in range(2)
		)
		self.assertEqual(right - wrong, timedelta(hours=1))

	def test_an_id_reset_starts_again_from_one(self) -> None:
		world = World(at("23:00:00"), first_id=900)
		world.add_device(SERIAL, "Main Gate")
		world.punch(SERIAL, "1", at("09:00:00"))
		server = self.ebio(world)
		self.assertTrue(self.after(server, 0).startswith("900,"))
		server.faults.add(Fault(FaultKind.ID_RESET))
		self.assertTrue(self.after(server, 0).startswith("1,"))

	def test_a_fault_hits_its_operation_only_so_many_times(self) -> None:
		server = self.faulty(Fault(FaultKind.ERROR_TEXT, times=2, operation="GetDeviceLogs", after=1))
		results = []
		for _ in range(4):
			self.assertTrue(self.is_one(server))
			results.append(self.day(server) == "error")
		self.assertEqual(results, [False, True, True, False])

	def test_a_fault_without_a_number_lasts_until_cleared(self) -> None:
		server = self.faulty(Fault(FaultKind.EMPTY_BODY, times=None))
		self.assertEqual([self.is_one(server) for _ in range(3)], [False] * 3)
		server.faults.clear()
		self.assertTrue(self.is_one(server))

	def test_a_look_at_the_wsdl_uses_up_no_soap_fault(self) -> None:
		server = self.faulty(Fault(FaultKind.ERROR_TEXT))
		self.assertEqual(send(server, f"{server.path}?WSDL", None, {}).status, 200)
		self.assertEqual(self.day(server), "error")

	def test_a_misspelt_detail_is_a_mistake_of_the_test(self) -> None:
		with self.assertRaises(TypeError):
			Fault(FaultKind.HANG, second=1)


class TestSize(ServerCase):
	def test_a_page_of_a_large_world_is_found_without_reading_all_of_it(self) -> None:
		world = World(at("00:00:00", 30))
		world.add_device(SERIAL, "Main Gate")
		for number in range(50_000):
			world.punch(SERIAL, str(number % 500), at("00:00:00", 1) + timedelta(seconds=number * 40))
		server = self.ebio(world)
		last = world.visible()[-1].log_id
		self.after(server, last - 1)
		started = time.monotonic()
		for _ in range(20):
			self.assertEqual(self.after(server, last - 1).count(";"), 1)
		self.assertLess(time.monotonic() - started, 1)


if __name__ == "__main__":
	unittest.main()
