"""The port for devices: who is heard, and clients that are slow, large, many or hostile."""

from __future__ import annotations

import socket
import sqlite3
import time
import unittest
from contextlib import ExitStack, closing
from datetime import timedelta
from unittest import mock

from biometric_integration.bridge.agent import terminals as ports
from biometric_integration.bridge.agent.terminals import MOST_BYTES, Terminals, is_ours
from biometric_integration.bridge.database import Database
from biometric_integration.simulator import FakeAccessPanel
from biometric_integration.tests.unit.plant import MINUTE, NOTHING_WRONG, Plant


class PortTest(unittest.TestCase):
	def setUp(self):
		self.plant = Plant(pushing=("P1", "A1"))
		self.addCleanup(self.plant.close)
		self.agent = self.plant.start()

	def another(self, **bounds) -> Terminals:
		"""A second port to the same spool, with bounds of its own."""
		port = Terminals("127.0.0.1", 0, self.agent.door, self.agent.open_spool, **bounds)
		port.listen()
		self.addCleanup(port.close)
		return port

	def connect(self, port: int) -> socket.socket:
		connection = socket.create_connection(("127.0.0.1", port), timeout=20)
		self.addCleanup(connection.close)
		return connection

	def kept(self) -> int:
		return self.agent.spool.database.value("SELECT COUNT(*) FROM event")


class Heard(PortTest):
	def test_a_terminal_and_an_access_panel(self):
		terminal = self.plant.terminal("P1", suffix=".aspx")
		self.assertIn("TransFlag=TransData AttLog", terminal.hello().text)
		self.plant.push(terminal, "0031", self.plant.world.now)
		self.assertTrue(terminal.send())
		self.assertEqual(terminal.poll(), [])
		self.assertEqual(terminal.tell_of_people(["1"]).text.strip(), "OK: 2")
		panel = FakeAccessPanel(f"http://127.0.0.1:{self.plant.port}", "A1")
		panel.hello()
		panel.event("7", self.plant.world.now)
		self.assertTrue(panel.send())
		self.plant.drain()
		self.assertEqual(len(self.plant.site.punches), 2)
		raws = [row[0] for row in self.agent.spool.database.rows("SELECT raw FROM event")]
		for word in ("TMP", "36.5", "0012345678"):
			self.assertNotIn(word, "".join(raws))

	def test_it_is_acknowledged_after_the_commit_only(self):
		terminal = self.plant.terminal()
		self.plant.push(terminal, "1", self.plant.world.now)
		with self.agent.spool.database.transaction():  # somebody else writes
			impatient = self.plant.terminal("P1", timeout=1)
			impatient.waiting.extend(terminal.waiting)
			self.assertFalse(impatient.send())
		self.assertTrue(terminal.send())
		self.assertEqual(self.kept(), 1)

	def test_a_row_that_cannot_be_read_holds_nothing_up(self):
		terminal = self.plant.terminal()
		terminal.row("what is this")
		self.plant.push(terminal, "1", self.plant.world.now)
		self.assertTrue(terminal.send())
		self.plant.drain()
		self.assertEqual(self.plant.findings(), NOTHING_WRONG)
		self.assertEqual(self.agent.spool.backlog().waiting, 0)
		self.plant.round()
		self.assertEqual(len(self.plant.site.reports[-1]["devices"]), 1)


class Strangers(PortTest):
	def test_a_stranger_gets_nothing_acknowledged_and_is_listed(self):
		stranger = self.plant.terminal("EVIL")
		stranger.punch("1", self.plant.world.now)
		self.assertEqual(stranger.hello().status, 503)
		for _time in range(3):
			self.assertFalse(stranger.send())
		self.assertEqual(self.kept(), 0)
		self.plant.round()
		listed = self.plant.site.reports[-1]["strangers"]
		self.assertEqual(
			[(each["serial"], each["address"], each["times"]) for each in listed], [("EVIL", "127.0.0.1", 4)]
		)
		self.assertEqual(sum("EVIL" in line for line in self.plant.said), 1)

	def test_it_is_heard_once_the_site_names_it(self):
		terminal = self.plant.terminal("NEW")
		self.plant.push(terminal, "1", self.plant.world.now)
		self.assertFalse(terminal.send())
		self.plant.site.settings = {"push": [{"serial": "NEW", "time_zone": "Asia/Kolkata"}], "servers": []}
		self.plant.round()
		self.assertTrue(terminal.send())
		self.plant.drain()
		self.assertEqual(self.plant.findings(), NOTHING_WRONG)
		self.assertEqual(self.plant.site.reports[-1]["strangers"], [])

	def test_many_strangers_leave_a_short_list(self):
		for number in range(400):
			self.agent.door.note_stranger(f"S{number}", "127.0.0.1")
		self.assertEqual(len(self.agent.door.strangers(1000)), 200)
		self.assertEqual(len(self.agent.reporter.built()["strangers"]), 20)
		self.assertLess(len(self.plant.said), 60)

	def test_from_another_network_nobody_is_heard(self):
		self.plant.stop()
		self.plant.config.write_text(
			self.plant.config.read_text().replace("devices = [", 'networks = ["10.0.0.0/8"]\ndevices = [', 1)
		)
		self.plant.start()
		self.assertEqual(self.plant.terminal().hello().status, 0)


class Bounds(PortTest):
	def test_slow_clients_are_cut_off_and_keep_no_other_waiting(self):
		port = self.another(deadline=2.0, silence=1.0, threads=3)
		with ExitStack() as stack:
			slow = [stack.enter_context(closing(self.connect(port.port))) for _client in range(3)]
			for connection in slow:
				connection.sendall(
					b"POST /iclock/cdata?SN=P1&table=ATTLOG HTTP/1.1\r\nContent-Length: 1000\r\n\r\n1\t"
				)
			started = time.monotonic()
			terminal = self.plant.terminal()
			terminal.url = f"http://127.0.0.1:{port.port}"
			self.plant.push(terminal, "1", self.plant.world.now)
			self.assertTrue(terminal.send())
			self.assertLess(time.monotonic() - started, 4)
			for connection in slow:
				self.assertNotIn(b"OK", connection.recv(1000))
		self.assertEqual(self.kept(), 1)

	def test_a_byte_now_and_then_keeps_nothing_busy(self):
		port = self.another(deadline=1.5, silence=1.0, threads=1)
		connection = self.connect(port.port)
		started = time.monotonic()
		with self.assertRaises(OSError):
			connection.sendall(b"POST /iclock/cdata?SN=P1&table=ATTLOG HTTP/1.1\r\nX: ")
			while time.monotonic() - started < 10:
				connection.sendall(b"x")
				time.sleep(0.2)
		self.assertLess(time.monotonic() - started, 5)

	def test_one_address_has_some_connections_only(self):
		port = self.another(deadline=3.0, threads=12)
		crowd = [self.connect(port.port) for _client in range(ports.OF_ONE)]
		time.sleep(0.5)
		refused = self.connect(port.port)
		refused.settimeout(2)
		self.assertEqual(refused.recv(10), b"")
		crowd[0].sendall(b"GET /iclock/ping?SN=P1 HTTP/1.1\r\n\r\n")
		self.assertIn(b"200", crowd[0].recv(100))

	def test_a_body_without_bounds_is_refused_unread(self):
		for head in (
			f"Content-Length: {MOST_BYTES + 1}",
			"Content-Length: 999999999999999999999",
			"Transfer-Encoding: chunked\r\n\r\nfffffff\r\n",
		):
			with self.subTest(head=head):
				connection = self.connect(self.plant.port)
				connection.sendall(
					f"POST /iclock/cdata?SN=P1&table=ATTLOG HTTP/1.1\r\n{head}\r\n\r\n".encode()
				)
				self.assertIn(b" 413 ", connection.recv(1000))
		self.assertEqual(self.kept(), 0)
		self.assertEqual(sum("refused" in line for line in self.plant.said), 1)

	def test_half_a_body_is_not_acknowledged(self):
		row = b"1\t2026-06-01 09:00:00\t0\t1\n"
		connection = self.connect(self.plant.port)
		head = f"POST /iclock/cdata?SN=P1&table=ATTLOG HTTP/1.1\r\nContent-Length: {2 * len(row)}\r\n\r\n"
		connection.sendall(head.encode() + row)
		connection.shutdown(socket.SHUT_WR)
		self.assertNotIn(b"200 OK", connection.recv(1000))
		self.assertEqual(self.kept(), 0)

	def test_a_body_in_chunks(self):
		row = b"1\t2026-06-01 09:00:00\t0\t1\n"
		connection = self.connect(self.plant.port)
		chunk = f"{len(row):x}\r\n".encode() + row + b"\r\n"
		connection.sendall(
			b"POST /iclock/cdata?SN=P1&table=ATTLOG HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
			+ chunk
			+ b"0\r\n\r\n"
		)
		answer = connection.recv(1000) + connection.recv(1000)
		self.assertIn(b"OK: 1", answer)

	def test_other_pages_and_nonsense(self):
		for request, status in {
			b"GET / HTTP/1.0\r\n\r\n": b" 404 ",
			b"GET /api/method/login HTTP/1.1\r\n\r\n": b" 404 ",
			b"GET /../iclock/cdata HTTP/1.1\r\n\r\n": b" 404 ",
			b"nonsense\r\n\r\n": b"400",
			b"DELETE /iclock/cdata?SN=P1 HTTP/1.1\r\n\r\n": b"501",
			b"POST /iclock/cdata?SN=P1&table=ATTLOG HTTP/1.1\r\nContent-Length: -5\r\n\r\n": b" 400 ",
		}.items():
			with self.subTest(request=request):
				connection = self.connect(self.plant.port)
				connection.sendall(request)
				self.assertIn(status, connection.recv(1000))

	def test_it_knows_its_own_port(self):
		self.assertTrue(is_ours("127.0.0.1", self.plant.port))
		with socket.socket() as other:
			other.bind(("127.0.0.1", 0))
			self.assertFalse(is_ours("127.0.0.1", other.getsockname()[1]))


class Contacts(PortTest):
	def test_what_is_not_acknowledged_begins_contact_anew(self):
		terminal = self.plant.terminal()
		for _minute in range(7):
			self.plant.later(10 * MINUTE)
			terminal.poll()
		self.agent.room._free = lambda folder: 0
		self.plant.later(MINUTE)
		terminal.punch("1", self.plant.world.now)
		self.assertFalse(terminal.send())
		contact = self.agent.spool.contact("P1")
		self.assertEqual(contact.last, self.plant.world.utc_now.replace(tzinfo=None))
		self.assertEqual(contact.since, contact.last)
		self.assertLess(contact.complete, contact.last - timedelta(seconds=30))

	def test_contact_proves_nothing_while_no_upload_gets_through(self):
		terminal = self.plant.terminal()
		heads = [f"Content-Length: {MOST_BYTES + 1}", "Content-Length: 99"]
		for minute in range(14):
			self.plant.later(10 * MINUTE)
			with closing(self.connect(self.plant.port)) as connection:
				head = f"POST /iclock/cdata?SN=P1&table=ATTLOG HTTP/1.1\r\n{heads[minute % 2]}\r\n\r\n1\t2026"
				connection.sendall(head.encode())
				connection.shutdown(socket.SHUT_WR)
				self.assertNotIn(b"200 OK", connection.recv(1000))
			terminal.poll()
		self.assertIsNone(self.agent.spool.contact("P1").complete)
		for _minute in range(7):
			self.plant.later(10 * MINUTE)
			terminal.poll()
		self.assertIsNotNone(self.agent.spool.contact("P1").complete)

	def test_nor_does_it_after_what_could_not_be_kept(self):
		terminal = self.plant.terminal()
		for _minute in range(7):
			self.plant.later(10 * MINUTE)
			terminal.poll()
		complete = self.agent.spool.contact("P1").complete
		self.plant.later(2 * MINUTE)
		terminal.punch("1", self.plant.world.now)
		full = sqlite3.OperationalError("database or disk is full")
		with mock.patch.object(Database, "transaction", side_effect=full):
			self.assertFalse(terminal.send())
		self.plant.later(2 * MINUTE)
		terminal.poll()
		self.assertEqual(self.agent.spool.contact("P1").complete, complete)


if __name__ == "__main__":
	unittest.main()
