"""Deliveries of eBioServerNew's web hook, as they are read (essl-protocol §3.6)."""

from __future__ import annotations

import json
import unittest
from datetime import datetime

from biometric_integration.core.punch import Direction, Kind, Record, Unreadable
from biometric_integration.receivers.ebioserver_hook import (
	MOST_BYTES,
	MOST_ROWS,
	encrypted,
	envelope,
	read,
)
from biometric_integration.receivers.texts import Refusal

ROW = {
	"EmployeeCode": "PN0031",
	"DownloadDate": "2025-04-07 09:02:19",
	"LogDate": "2025-04-07 09:02:11",
	"DeviceName": "Main Gate",
	"SerialNumber": "ABCD000000001",
	"Direction": "IN",
	"DeviceDirection": "Device",
	"WorkCode": "0",
	"VerificationType": "Finger",
	"GPS": "12.97,77.59",
}


class Rows(unittest.TestCase):
	def test_an_object_and_an_array(self):
		for posted in (ROW, [ROW], [ROW, ROW]):
			rows = read(posted)
			self.assertEqual(len(rows), len(posted) if isinstance(posted, list) else 1)
			row = rows[0].row
			self.assertEqual(row.user_id, "PN0031")
			self.assertEqual(row.source_time, datetime(2025, 4, 7, 9, 2, 11))
			self.assertEqual((row.direction, row.verify_mode), (Direction.IN, "Finger"))
			self.assertEqual((row.serial, row.device_name), ("ABCD000000001", "Main Gate"))

	def test_where_somebody_was_is_dropped(self):
		self.assertNotIn("77.59", repr(read(ROW)))

	def test_rows_that_are_no_punches(self):
		for change in (
			{"EmployeeCode": "OPLOG 4\t0"},
			{"EmployeeCode": "USER PIN=31 Name=A" + "x" * 500},
			{"EmployeeCode": "face pin=3"},
			{"LogDate": "1999-01-01 00:00:00"},
		):
			with self.subTest(change):
				self.assertIs(read({**ROW, **change})[0].row.kind, Kind.JUNK)

	def test_one_that_cannot_be_read_is_alone_with_it(self):
		for change in (
			{"LogDate": "07/04/2025"},
			{"EmployeeCode": ""},
			{"EmployeeCode": None},
			{"LogDate": []},
		):
			with self.subTest(change):
				bad, good = read([{**ROW, **change}, ROW])
				self.assertIsInstance(bad.row, Unreadable)
				self.assertEqual(bad.serial, "ABCD000000001")
				self.assertIsInstance(good.row, Record)
		self.assertIsInstance(read([1, ROW])[0].row, Unreadable)

	def test_words_for_both_ways_and_unknown_ones_are_no_direction(self):
		for word in ("INOUT", "", None, 7, "sideways" * 999):
			self.assertIs(read({**ROW, "Direction": word})[0].row.direction, Direction.NONE)

	def test_texts_have_bounds(self):
		(one,) = read({**ROW, **{name: "x" * 100_000 for name in ROW if name != "LogDate"}})
		self.assertLess(len(repr(one)), 3000)


class Deliveries(unittest.TestCase):
	def test_what_is_none(self):
		for status, body in ((400, b""), (400, b"{"), (400, b"[" * 99_999), (413, b" " * (MOST_BYTES + 1))):
			with self.assertRaises(Refusal) as caught:
				envelope(body)
			self.assertEqual(caught.exception.status, status)
		for status, posted in (
			(400, {}),
			(400, []),
			(400, "x"),
			(400, {"punches": []}),
			(413, [ROW] * (MOST_ROWS + 1)),
		):
			with self.assertRaises(Refusal) as caught:
				read(posted)
			self.assertEqual(caught.exception.status, status)

	def test_what_is_encrypted(self):
		self.assertEqual(encrypted(json.loads('{"data": "QUJD"}')), "QUJD")
		for plain in (ROW, [ROW], {"data": 1}, {"data": "x", "more": 1}, None):
			self.assertIsNone(encrypted(plain))


if __name__ == "__main__":
	unittest.main()
