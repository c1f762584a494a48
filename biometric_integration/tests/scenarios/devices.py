"""Which device a punch is of, whatever its server calls it meanwhile."""

from __future__ import annotations

from biometric_integration.tests.scenarios.base import Scenarios, on_both
from biometric_integration.tests.scenarios.place import DAY, EBIO, ETIME, HOUR, MINUTE, NOON, impatient


class Devices(Scenarios):
	def test_a_renamed_or_moved_device_stays_the_same_device(self):
		for change in ({"name": "North Gate"}, {"location": "PLANT"}, {"name": "A, B", "location": "PLANT"}):
			with self.subTest(**change), self.office(EBIO) as place:
				place.punch("0031", NOON - HOUR)
				place.run()
				place.world.rename_device(place.serial(), **change)
				place.later(25 * HOUR)
				place.punch("0031", place.world.now - HOUR)
				self.assert_success(place.run())
				self.assert_all_written(place)
				self.assertEqual((len(place.devices()), len(place.events())), (1, 2))

	def test_a_device_renamed_while_it_is_read_stays_the_same_device(self):
		with self.office(EBIO) as place:
			place.punch("0031", NOON - HOUR)
			place.run()
			place.later(25 * HOUR)
			place.punch("0031", place.world.now - HOUR)
			connector = impatient(place.config)
			listed = connector.list_devices()
			place.world.rename_device(place.serial(), "North Gate")
			answers = iter([listed])
			real = connector.list_devices
			connector.list_devices = lambda: next(answers, None) or real()
			list(place.puller().pull(connector, place.config, place.options))
			connector.close()
			place.process()
			self.assert_all_written(place)
			self.assertEqual((len(place.devices()), len(place.events())), (1, 2))

	def test_two_devices_that_swap_their_names_stay_themselves(self):
		with self.office(EBIO) as place:
			place.world.add_device(place.serial(2), "Side Door")
			place.punch("0031", NOON - HOUR)
			place.punch("0031", NOON - MINUTE, device=2)
			place.run()
			first = {event.name for event in place.events()}
			place.world.rename_device(place.serial(1), "Side Door")
			place.world.rename_device(place.serial(2), "Main Gate")
			place.later(25 * HOUR)
			self.assert_success(place.run())
			self.assertEqual({event.name for event in place.events()}, first)
			self.assert_all_written(place)

	def test_two_devices_of_one_name_and_location_are_used_and_told_apart_later(self):
		with self.office(EBIO) as place:
			place.world.add_device(place.serial(2), "Main Gate")
			place.punch("0031", NOON - HOUR)
			place.punch("0031", NOON - MINUTE, device=2)
			place.run()
			self.assert_all_written(place)
			placeholder = place.events()[0].device
			self.assertEqual({event.device for event in place.events()}, {placeholder})
			serials = {device.key: device.serial for device in place.devices()}
			self.assertEqual(serials.pop(placeholder), "")
			self.assertEqual(set(serials.values()), {place.serial(1), place.serial(2)})
			place.run()
			self.assertEqual((len(place.devices()), len(place.events())), (3, 2))
			place.world.rename_device(place.serial(2), "Side Door")
			place.later(25 * HOUR)
			self.assert_success(place.run())
			self.assert_all_written(place)
			again = [event for event in place.events() if event.device != placeholder]
			self.assertEqual({event.device for event in again}, set(serials))
			for event in again:
				self.assertEqual((event.status, event.reason_code), ("Processed", "Already There"))
				self.assertIn("no second one", event.reason)

	def test_one_name_in_two_locations_is_two_devices(self):
		with self.office(EBIO) as place:
			place.world.add_device(place.serial(2), "Main Gate", "PLANT")
			place.punch("0031", NOON - HOUR)
			place.punch("0031", NOON - MINUTE, device=2)
			self.assert_success(place.run())
			self.assert_all_written(place)
			self.assertEqual(len({event.device for event in place.events()}), 2)

	def test_a_device_the_server_does_not_list_gets_its_serial_when_it_does(self):
		with self.office(EBIO) as place:
			place.world.add_device(place.serial(2), "Side Door")
			place.punch("0031", NOON - HOUR, device=2)
			place.world.remove_device(place.serial(2))
			place.run()
			self.assert_all_written(place)
			key = place.event().device
			self.assertEqual({d.key: d.serial for d in place.devices()}[key], "")
			place.world.add_device(place.serial(2), "Side Door")
			place.later(25 * HOUR)
			place.run()
			self.assertEqual({d.key: d.serial for d in place.devices()}[key], place.serial(2))
			self.assertEqual((len(place.devices()), len(place.events())), (2, 1))
			self.assert_all_written(place)

	def test_a_device_that_two_servers_list_is_one_device_and_its_punches_are_kept_once(self):
		with self.office(EBIO) as place, self.place(EBIO, place.world) as other:
			for hour in (3, 2, 1):
				place.punch("0031", NOON - hour * HOUR)
				self.assert_success(place.run())
				self.assert_success(other.run())  # nor does anybody think that its ids began again
				place.later(25 * HOUR)
			place.punch("0031", place.world.now - HOUR)
			self.assert_success(other.run())
			self.assert_success(place.run())
			self.assertEqual((len(place.devices()), other.devices()), (1, []))
			self.assertEqual((len(place.events()), len(other.events())), (3, 1))
			self.assertEqual(
				{event.device for event in other.events()}, {device.key for device in place.devices()}
			)
			self.assert_all_written(place)

	def test_a_device_of_another_server_is_never_read_as_a_device_of_this_one(self):
		with self.office(ETIME) as place, self.place(ETIME, place.world) as other:
			place.punch("0031", NOON - HOUR)
			self.assert_alarmed(other, other.run(), "serial number")
			self.assertEqual(other.events(), [])
			self.assert_success(place.run())
			self.assert_all_written(place)

	def test_a_name_that_another_server_has_for_its_own_device_says_nothing_here(self):
		with self.office(EBIO) as place, self.place(EBIO) as other:
			place.punch("0031", NOON - HOUR)
			other.punch("0031", NOON - HOUR)  # a device of the same name and location, and another serial
			other.employ("0031")
			for each in (place, other, place, other):
				self.assert_success(each.run())
			self.assertEqual([len(each.devices()) for each in (place, other)], [1, 1])
			self.assertEqual([len(each.events()) for each in (place, other)], [1, 1])
			self.assert_all_written(place)
			self.assert_all_written(other)

	def test_a_device_entered_by_hand_is_found_by_serial_or_by_name_and_location(self):
		for serial in (True, False):
			with self.subTest(serial=serial), self.office(EBIO) as place:
				known = place.serial() if serial else ""
				key = self.host.add_device(known, "Main Gate", "HO", place.config.server_id)
				place.punch("0031", NOON - HOUR)
				place.run()
				self.assertEqual([(d.key, d.serial) for d in place.devices()], [(key, place.serial())])
				self.assertEqual(place.event().device, key)

	@on_both
	def test_punches_of_a_disabled_device_are_used_when_it_is_enabled(self, server_type):
		with self.office(server_type) as place:
			place.punch("0031", NOON - HOUR)
			place.run()
			(device,) = place.devices()
			self.host.enable_device(device.key, False)
			for _ in range(3):
				place.later(DAY)
				place.punch("0031", place.world.now - HOUR)
				place.run()
			self.assertEqual(len(place.checkins()), 1)
			if not place.by_device:
				waiting = place.events(status="Pending")
				self.assertEqual({event.reason_code for event in waiting}, {"Device Disabled"})
				self.assertEqual(len(waiting), 3)
				self.assertIn("disabled", waiting[0].reason)
			self.assert_counts(place)
			self.host.enable_device(device.key, True)
			self.assert_success(place.run())
			self.assert_all_written(place)
			self.assertEqual(len(place.events()), 4)
