"""Which device a row is from, while names, locations and serial numbers come and go."""

from __future__ import annotations

import unittest
from datetime import datetime

from biometric_integration.core.connector import ListedDevice
from biometric_integration.core.devices import (
	SHARED_NOTE,
	UNKNOWN_NOTE,
	Device,
	DeviceBook,
	DeviceChange,
	applied,
	changes,
	shared_pairs,
	unknown_still,
)
from biometric_integration.core.punch import Direction, Record, fingerprint
from biometric_integration.core.source import Stamp, punch_of

GATE, DOOR, PLANT_GATE = ("Main Gate", "HO"), ("Side Door", "HO"), ("Main Gate", "PLANT")


def listed(*entries: tuple[str, tuple[str, str]]) -> list[ListedDevice]:
	return [ListedDevice(serial, *pair) for serial, pair in entries]


def row(pair: tuple[str, str] = ("", ""), serial: str = "") -> Record:
	return Record("1", datetime(2025, 4, 7, 9), Direction.IN, "raw", serial, *pair)


def device(key: str, serial: str = "", *aliases: tuple[str, str], **values) -> Device:
	label, location = aliases[0] if aliases else ("", "")
	return Device(
		key, **{"label": label, "serial": serial, "location": location, "aliases": aliases, **values}
	)


class Ledger:
	"""Devices of one server, kept as a store keeps them: changes in, devices out, keys for ever."""

	def __init__(self, *devices: Device):
		self.kept = {kept.key: kept for kept in devices}

	def learn(self, entries: list[ListedDevice]) -> DeviceBook:
		self.change(changes(self.devices, entries))
		return DeviceBook(self.devices, entries)

	def change(self, found: list[DeviceChange]) -> None:
		for change in found:
			key = change.key or f"new-{len(self.kept) + 1}"
			kept = self.kept.get(key) or Device(key, change.pair[0], location=change.pair[1])
			self.kept[key] = applied(kept, change)

	@property
	def devices(self) -> list[Device]:
		return list(self.kept.values())


class Changes(unittest.TestCase):
	def test_a_new_serial_is_a_new_device(self):
		self.assertEqual(changes([], listed(("S1", GATE))), [DeviceChange(GATE, serial="S1")])

	def test_what_is_known_changes_nothing(self):
		self.assertEqual(changes([device("a", "S1", GATE)], listed(("S1", GATE))), [])

	def test_a_new_name_becomes_an_alias(self):
		self.assertEqual(
			changes([device("a", "S1", GATE)], listed(("S1", DOOR))), [DeviceChange(DOOR, "a", "S1")]
		)

	def test_a_name_it_had_before_is_no_change(self):
		self.assertEqual(changes([device("a", "S1", GATE, DOOR)], listed(("S1", GATE))), [])

	def test_a_placeholder_gets_the_serial_that_is_listed_under_its_name(self):
		self.assertEqual(
			changes([device("a", "", GATE)], listed(("S1", GATE))), [DeviceChange(GATE, "a", "S1")]
		)

	def test_a_placeholder_whose_serial_is_listed_twice_is_one_device(self):
		found = changes([device("a", "", GATE)], listed(("S1", GATE), ("S1", PLANT_GATE)))
		self.assertEqual(found, [DeviceChange(GATE, "a", "S1")])

	def test_a_placeholder_of_a_shared_name_gets_none(self):
		found = changes([device("a", "", GATE)], listed(("S1", GATE), ("S2", GATE)))
		self.assertEqual(found, [DeviceChange(GATE, serial="S1"), DeviceChange(GATE, serial="S2")])

	def test_a_serial_keeps_its_device_even_where_a_placeholder_has_its_new_name(self):
		known = [device("a", "S1", GATE), device("b", "", DOOR)]
		self.assertEqual(changes(known, listed(("S1", DOOR))), [DeviceChange(DOOR, "a", "S1")])

	def test_an_entry_without_a_serial_tells_nothing(self):
		self.assertEqual(changes([], listed(("", GATE))), [])

	def test_an_entry_that_comes_twice_is_one_device_and_shares_its_name_with_nobody(self):
		twice = listed(("S1", GATE), ("S1", GATE))
		self.assertEqual(changes([], twice), [DeviceChange(GATE, serial="S1")])
		self.assertEqual(changes([device("a", "", GATE)], twice), [DeviceChange(GATE, "a", "S1")])
		self.assertEqual(shared_pairs(twice), frozenset())

	def test_a_new_serial_in_two_locations_is_one_device_with_both_names(self):
		ledger = Ledger()
		both = listed(("S1", GATE), ("S1", PLANT_GATE))
		book = ledger.learn(both)
		self.assertEqual([kept.serial for kept in ledger.devices], ["S1"])
		self.assertEqual(book.find(row(PLANT_GATE)), book.find(row(GATE)))
		ledger.learn(both)
		self.assertEqual(ledger.devices[0].aliases, (GATE, PLANT_GATE))

	def test_one_name_in_two_locations_is_not_shared(self):
		self.assertEqual(shared_pairs(listed(("S1", GATE), ("S2", PLANT_GATE))), frozenset())
		self.assertEqual(shared_pairs(listed(("S1", GATE), ("S2", GATE), ("S3", DOOR))), frozenset({GATE}))

	def test_learning_the_same_list_again_never_changes_anything(self):
		for entries in (
			listed(("S1", GATE), ("S2", DOOR)),
			listed(("S1", GATE), ("S2", GATE)),
			listed(("S1", GATE), ("S1", GATE)),
		):
			with self.subTest(entries=entries):
				ledger = Ledger(device("p", "", DOOR))
				ledger.learn(entries)
				self.assertEqual(changes(ledger.devices, entries), [])


class ByHand(unittest.TestCase):
	"""A person enters the device before the server is ever asked."""

	def test_with_a_serial_it_learns_its_name_from_the_server(self):
		ledger = Ledger(Device("hand", "Reception", "S1"))
		book = ledger.learn(listed(("S1", GATE)))
		self.assertEqual(book.find(row(GATE)).key, "hand")
		self.assertEqual(len(ledger.devices), 1)

	def test_with_name_and_location_only_it_gets_its_serial_from_the_server(self):
		ledger = Ledger(Device("hand", *GATE[:1], location=GATE[1]))
		book = ledger.learn(listed(("S1", GATE), ("S2", PLANT_GATE)))
		self.assertEqual(book.find(row(GATE)), ledger.kept["hand"])
		self.assertEqual(ledger.kept["hand"].serial, "S1")
		self.assertEqual(len(ledger.devices), 2)

	def test_with_name_and_location_only_it_is_found_where_no_list_names_it(self):
		book = DeviceBook([Device("hand", GATE[0], location=GATE[1])])
		self.assertEqual(book.find(row(GATE)).key, "hand")
		self.assertIsNone(book.find(row(PLANT_GATE)))

	def test_the_label_of_a_device_with_a_serial_is_no_name_at_the_server(self):
		self.assertIsNone(DeviceBook([Device("hand", GATE[0], "S1", GATE[1])]).find(row(GATE)))


class Book(unittest.TestCase):
	def test_a_serial_in_the_row_says_it_all(self):
		book = DeviceBook([device("a", "S1", GATE), device("b", "S2", GATE)])
		self.assertEqual(book.find(row(serial="S2")).key, "b")
		self.assertIsNone(book.find(row(serial="S3")))

	def test_a_disabled_device_is_found_all_the_same(self):
		self.assertEqual(DeviceBook([device("a", "S1", GATE, enabled=False)]).find(row(GATE)).key, "a")

	def test_a_renamed_device_is_found_under_both_names(self):
		ledger = Ledger(device("a", "S1", GATE))
		book = ledger.learn(listed(("S1", DOOR)))
		self.assertEqual([book.find(row(pair)).key for pair in (GATE, DOOR)], ["a", "a"])

	def test_a_device_moved_to_another_location_is_found_in_both(self):
		ledger = Ledger(device("a", "S1", GATE))
		book = ledger.learn(listed(("S1", PLANT_GATE)))
		self.assertEqual([book.find(row(pair)).key for pair in (GATE, PLANT_GATE)], ["a", "a"])

	def test_swapped_names_follow_the_list_of_today(self):
		ledger = Ledger(device("a", "S1", GATE), device("b", "S2", DOOR))
		book = ledger.learn(listed(("S1", DOOR), ("S2", GATE)))
		self.assertEqual((book.find(row(GATE)).key, book.find(row(DOOR)).key), ("b", "a"))
		back = ledger.learn(listed(("S1", GATE), ("S2", DOOR)))
		self.assertEqual((back.find(row(GATE)).key, back.find(row(DOOR)).key), ("a", "b"))

	def test_a_former_name_of_two_devices_belongs_to_neither(self):
		book = DeviceBook([device("a", "S1", GATE), device("b", "S2", GATE)], [])
		self.assertIsNone(book.find(row(GATE)))

	def test_a_shared_name_belongs_to_its_placeholder_until_it_is_told_apart(self):
		ledger = Ledger()
		both = listed(("S1", GATE), ("S2", GATE))
		book = ledger.learn(both)
		self.assertIsNone(book.find(row(GATE)))
		self.assertEqual(book.unknown(GATE), DeviceChange(GATE, note=SHARED_NOTE))
		ledger.change([book.unknown(GATE)])
		placeholder = ledger.learn(both).find(row(GATE))
		self.assertEqual(placeholder.serial, "")
		apart = ledger.learn(listed(("S1", GATE), ("S2", DOOR)))
		self.assertEqual([apart.find(row(pair)).serial for pair in (GATE, DOOR)], ["S1", "S2"])
		self.assertIn(placeholder.key, ledger.kept, "a key is for ever")

	def test_a_known_device_that_shares_its_name_from_today_on_is_not_guessed(self):
		ledger = Ledger(device("a", "S1", GATE))
		self.assertIsNone(ledger.learn(listed(("S1", GATE), ("S2", GATE))).find(row(GATE)))

	def test_an_unknown_name_gets_a_placeholder_that_is_completed_later(self):
		ledger = Ledger()
		book = ledger.learn([])
		self.assertEqual(book.unknown(GATE), DeviceChange(GATE, note=UNKNOWN_NOTE))
		ledger.change([book.unknown(GATE)])
		key = DeviceBook(ledger.devices).find(row(GATE)).key
		completed = ledger.learn(listed(("S1", GATE))).find(row(GATE))
		self.assertEqual((completed.key, completed.serial), (key, "S1"))
		self.assertEqual(ledger.learn(listed(("S1", DOOR))).find(row(DOOR)).key, key)

	def test_a_device_that_turned_out_to_be_another_gives_way_to_it(self):
		book = DeviceBook([device("old", "", DOOR, same_as="a"), device("a", "S1", GATE)])
		self.assertEqual(book.find(row(DOOR)).key, "a")
		self.assertEqual(book.find(row(GATE)).key, "a")

	def test_same_as_a_device_that_is_gone_is_the_device_itself(self):
		self.assertEqual(DeviceBook([device("old", "", DOOR, same_as="gone")]).find(row(DOOR)).key, "old")


class Applied(unittest.TestCase):
	def test_a_name_is_kept_once_and_the_newest_stands_last(self):
		kept = applied(
			applied(device("a", "S1", GATE), DeviceChange(DOOR, "a", "S1")), DeviceChange(DOOR, "a", "S1")
		)
		self.assertEqual(kept.aliases, (GATE, DOOR))

	def test_no_serial_in_a_change_takes_none_away(self):
		self.assertEqual(applied(device("a", "S1", GATE), DeviceChange(GATE, "a")).serial, "S1")


class OtherLetters(unittest.TestCase):
	"""MariaDB holds `sn1` and `SN1` for one serial number: of the two only one device can be made."""

	entered = device("a", "sn1", DOOR)

	def test_a_serial_that_differs_in_capitals_is_the_one_that_was_entered(self):
		ledger = Ledger(self.entered)
		for _ in range(2):
			book = ledger.learn(listed(("SN1", GATE)))
			self.assertEqual([kept.serial for kept in ledger.devices], ["sn1"])
			for found in (row(serial="SN1"), row(serial="sn1"), row(GATE)):
				self.assertEqual(book.find(found).key, "a")

	def test_of_two_in_one_list_one_is_made(self):
		self.assertEqual(
			changes([], listed(("SN1", GATE), ("sn1", DOOR))), [DeviceChange(GATE, serial="SN1")]
		)

	def test_nothing_is_made_for_it_by_a_row_either(self):
		self.assertEqual(unknown_still([self.entered], [DeviceChange(GATE, serial="SN1")]), [])

	def test_the_very_serial_stands_before_it(self):
		other = device("b", "SN1", GATE)
		for devices in ([self.entered, other], [other, self.entered]):
			book = DeviceBook(devices)
			self.assertIs(book.find(row(serial="SN1")), other)
			self.assertIs(book.find(row(serial="sn1")), self.entered)
			self.assertEqual(changes(devices, listed(("SN1", GATE), ("sn1", DOOR))), [])

	def test_a_placeholder_that_was_made_for_it_before_keeps_its_name(self):
		made = device("p", "", GATE)
		entries = listed(("SN1", GATE))
		self.assertIs(DeviceBook([self.entered, made], entries).find(row(GATE)), made)
		self.assertEqual(changes([self.entered, made], entries), [DeviceChange(GATE, "p", "SN1")])


class OfOtherServers(unittest.TestCase):
	"""A serial is of one device of the site; which server calls it what is that server's own affair."""

	there = device("b", "S2", GATE, server="branch", zone="Asia/Dubai")
	here = device("a", "S1", DOOR, server="main", zone="Asia/Kolkata")

	def test_a_serial_of_another_server_is_found_and_not_made_once_more(self):
		entries = listed(("S2", DOOR))
		self.assertEqual(changes([self.there], entries, "main"), [])
		self.assertIs(DeviceBook([self.there], entries, "main").find(row(DOOR)), self.there)
		self.assertIs(DeviceBook([self.there], [], "main").find(row(serial="S2")), self.there)

	def test_a_placeholder_that_was_made_for_it_before_keeps_its_name(self):
		made = device("p", "", DOOR, server="main")
		self.assertIs(DeviceBook([self.there, made], listed(("S2", DOOR)), "main").find(row(DOOR)), made)
		self.assertEqual(changes([self.there, made], listed(("S2", DOOR)), "main"), [])

	def test_a_former_name_of_an_own_device_is_of_the_one_that_the_list_names_today(self):
		book = DeviceBook([self.there, self.here], listed(("S2", DOOR)), "main")
		self.assertIs(book.find(row(DOOR)), self.there)

	def test_the_names_that_another_server_has_for_its_devices_say_nothing_here(self):
		self.assertIsNone(DeviceBook([self.there], [], "main").find(row(GATE)))
		self.assertEqual(
			changes([self.there], listed(("S3", GATE)), "main"), [DeviceChange(GATE, serial="S3")]
		)

	def test_a_placeholder_of_another_server_gets_no_serial_from_this_one(self):
		placeholder = device("p", "", GATE, server="branch")
		self.assertEqual(
			changes([placeholder], listed(("S3", GATE)), "main"), [DeviceChange(GATE, serial="S3")]
		)
		new = [DeviceChange(GATE)]
		self.assertEqual(unknown_still([placeholder], new, "main"), new)
		self.assertEqual(unknown_still([placeholder], new, "branch"), [])

	def test_where_a_host_keeps_a_serial_for_both_the_own_device_is_meant(self):
		twin = device("t", "S1", GATE, server="branch")
		for devices in ([twin, self.here], [self.here, twin]):
			self.assertIs(DeviceBook(devices, [], "main").find(row(serial="S1")), self.here)

	def test_a_device_is_the_same_as_one_of_its_own_home_only(self):
		for home, key in (("branch", "old"), ("main", "a"), ("", "a")):
			with self.subTest(home=home):
				old = device("old", "S3", GATE, same_as="a", server=home)
				self.assertEqual(DeviceBook([old, self.here], [], "main").find(row(serial="S3")).key, key)

	def test_a_device_without_a_home_is_of_whoever_asks(self):
		self.assertTrue(device("x", "S9").is_at_home("main"))
		self.assertFalse(self.there.is_at_home("main"))

	def test_a_row_has_the_name_and_the_time_of_the_home_of_its_device(self):
		stamp = Stamp("main", "Asia/Kolkata", "Asia/Kolkata", datetime(2025, 4, 7, 12))
		at_home = Stamp("branch", "Asia/Dubai", "Asia/Kolkata", datetime(2025, 4, 7, 12))
		names = {punch_of(row(), self.there, each).name for each in (stamp, at_home)}
		self.assertEqual(names, {fingerprint("branch", "b", "1", row().source_time)})
		self.assertEqual(punch_of(row(), self.there, stamp).punch_time, datetime(2025, 4, 7, 10, 30))

	def test_a_row_of_the_server_that_is_read_has_the_name_that_it_always_had(self):
		stamp = Stamp("main", "Asia/Kolkata", "Asia/Kolkata", datetime(2025, 4, 7, 12))
		name = "20250407090000-8ab236962f3c45cdd10c"  # as it was before devices had homes
		without = device("a", "S1", DOOR)
		self.assertEqual({punch_of(row(), each, stamp).name for each in (self.here, without)}, {name})


if __name__ == "__main__":
	unittest.main()
