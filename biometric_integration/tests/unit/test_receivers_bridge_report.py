"""Reports of bridges, as they are read."""

from __future__ import annotations

import json
import unittest
from datetime import datetime, timezone

from biometric_integration.receivers.bridge_report import (
	LONGEST_TEXT,
	MOST,
	MOST_BYTES,
	MOST_ROWS,
	MOST_STRANGERS,
	Backlog,
	Knocked,
	LastRun,
	read,
	utc,
)
from biometric_integration.receivers.texts import Refusal

NOW = datetime(2026, 11, 26, 10, 11, 12, tzinfo=timezone.utc)
FULL = {
	"bridge": "Plant 1",
	"version": "1.2.3",
	"edition": "e1",
	"now": "2026-11-26T10:11:12Z",
	"backlog": {
		"waiting": 1234,
		"oldest": "2026-11-20T09:00:00Z",
		"aside": 3,
		"why_aside": "no such device",
		"bytes": 1234567,
		"limit": 2000000000,
		"is_full": False,
	},
	"problem": "",
	"servers": [{"server": "main", "status": "Success", "message": "", "at": "2026-11-26T10:11:00Z"}],
	"streams": [
		{
			"server": "main",
			"server_type": "eTimeTrackLite",
			"unit": "SN1",
			"feed": "punches",
			"read_from": "2026-11-01 00:00:00",
			"read_until": "2026-11-26 15:41:00",
			"complete_until": "2026-11-26 15:41:00",
			"scans": {"each": "2026-11-26 15:41:00", "odd": 7},
			"delivered": True,
		}
	],
	"devices": [
		{
			"serial": "SN2",
			"heard": "2026-11-26T10:11:02Z",
			"since": "2026-11-26T08:00:00Z",
			"complete": "2026-11-26T10:11:02Z",
		}
	],
	"strangers": [{"serial": "SN9", "address": "10.0.0.9", "times": 3, "last": "2026-11-26T10:10:00Z"}],
}


def report(**values: object):
	return read(json.dumps({**FULL, **values}).encode())


class Reports(unittest.TestCase):
	def test_all_that_it_may_say(self):
		found = report()
		self.assertEqual((found.bridge, found.version, found.now), ("Plant 1", "1.2.3", NOW))
		self.assertEqual(found.backlog.waiting, 1234)
		self.assertEqual(found.backlog.oldest, datetime(2026, 11, 20, 9, tzinfo=timezone.utc))
		self.assertEqual((found.backlog.used, found.backlog.limit), (1234567, 2000000000))
		self.assertEqual(found.servers, (LastRun("main", "Success", "", NOW.replace(second=0)),))
		(stream,) = found.streams
		self.assertEqual(stream[:4], ("main", "eTimeTrackLite", "SN1", "punches"))
		self.assertEqual(stream.marks.read_from, datetime(2026, 11, 1))
		self.assertEqual(stream.marks.complete_until, datetime(2026, 11, 26, 15, 41))
		self.assertEqual((list(stream.marks.scans), stream.marks.delivered), (["each"], True))
		self.assertEqual(found.devices[0].heard, NOW.replace(second=2))
		self.assertEqual(found.strangers, (Knocked("SN9", "10.0.0.9", 3),))
		self.assertEqual(found.edition, "e1")

	def test_a_site_that_was_restored_does_not_know_all_that_it_was_told(self):
		newest = NOW.replace(tzinfo=None)
		self.assertTrue(report().is_known_of(None), "the first one")
		for last, newest_here, is_known in (
			("2026-11-26T10:11:12Z", newest, True),
			("2026-11-26T10:10:12Z", newest, True),
			("2026-11-26T10:11:13Z", newest, False),
			("2026-11-26T10:11:12Z", None, False),
			("odd", None, True),
		):
			with self.subTest(last=last, newest=newest_here):
				self.assertEqual(report(last=last).is_known_of(newest_here), is_known)

	def test_a_whole_server_is_a_unit_without_a_name(self):
		(stream,) = report(streams=[{**FULL["streams"][0], "unit": ""}]).streams
		self.assertEqual(stream.unit, "")

	def test_what_is_no_report(self):
		for status, body in (
			(400, b"{"),
			(400, b"[]"),
			(400, b"[" * 100_000),
			(400, b'{"bridge": "Plant 1"}'),
			(400, b'{"now": "2026-11-26T10:11:12Z"}'),
			(400, b'{"bridge": "Plant 1", "now": "2026-11-26 10:11:12"}'),
			(400, b'{"bridge": ["Plant 1"], "now": "2026-11-26T10:11:12Z"}'),
			(413, b" " * (MOST_BYTES + 1)),
		):
			with self.subTest(body=body[:40]), self.assertRaises(Refusal) as refused:
				read(body)
			self.assertEqual(refused.exception.status, status)

	def test_what_is_odd_is_dropped_and_nothing_else_with_it(self):
		odd = (None, 1, "x", [], {}, [None, 1, "x", {}], {"a": 1}, [[]])
		for field in (
			"backlog",
			"servers",
			"streams",
			"devices",
			"strangers",
			"problem",
			"version",
			"edition",
		):
			for value in odd:
				with self.subTest(field=field, value=value):
					found = report(**{field: value})
					self.assertEqual(found.bridge, "Plant 1")
		self.assertEqual(report(backlog=[]).backlog, Backlog())
		for field, value in (("serial", ""), ("heard", "2026-11-26 10:11:02"), ("heard", None)):
			self.assertEqual(report(devices=[{**FULL["devices"][0], field: value}]).devices, ())
		for field, value in (("server", 1.5), ("unit", None), ("feed", ""), ("server_type", [])):
			self.assertEqual(report(streams=[{**FULL["streams"][0], field: value}]).streams, ())
		for serial in ("a b", "<b>", "x" * 61, "\u0663", "../x"):
			self.assertEqual(report(strangers=[{**FULL["strangers"][0], "serial": serial}]).strangers, ())

	def test_numbers_and_texts_have_bounds(self):
		found = report(
			backlog={"waiting": 10**40, "aside": -1, "bytes": True, "limit": 1.5, "why_aside": "<" * 999}
		)
		self.assertEqual(found.backlog[:1], (MOST,))
		self.assertEqual(found.backlog[2:], (0, "\u2039" * LONGEST_TEXT, 0, 0, False))
		self.assertEqual(len(report(problem="x" * 100_000).problem), LONGEST_TEXT)
		self.assertEqual(report(problem="\ud800").problem, "\\ud800")

	def test_what_is_beyond_the_most_is_left_out(self):
		device = {"serial": "SN2", "heard": "2026-11-26T10:11:02Z"}
		self.assertEqual(len(report(devices=[device] * (MOST_ROWS + 9)).devices), MOST_ROWS)
		knocked = {"serial": "SN9"}
		self.assertEqual(len(report(strangers=[knocked] * 99).strangers), MOST_STRANGERS)

	def test_only_looks_back_that_there_are_have_a_mark(self):
		scans = {
			"weekly": "2026-11-26 15:41:00",
			**{f"own {number}": "2026-11-26 15:41:00" for number in range(99)},
		}
		(stream,) = report(streams=[{**FULL["streams"][0], "scans": scans}]).streams
		self.assertEqual(stream.marks.scans, {"weekly": datetime(2026, 11, 26, 15, 41)})

	def test_contact_does_not_begin_after_it_was_last_heard(self):
		(device,) = report(devices=[{**FULL["devices"][0], "since": "2027-01-01T00:00:00Z"}]).devices
		self.assertEqual(device.since, device.heard)

	def test_times_of_utc(self):
		self.assertEqual(utc("2026-11-26T10:11:12.345Z"), NOW)
		for text in (
			"2026-11-26T10:11:12",
			"2026-11-26T10:11:12+00:00",
			"Z",
			"2026-13-26T10:11:12Z",
			1,
			None,
		):
			self.assertIsNone(utc(text), text)


if __name__ == "__main__":
	unittest.main()
