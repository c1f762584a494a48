"""Repeats, check-ins that are there already, and a host that says no."""

from __future__ import annotations

from biometric_integration.tests.scenarios.base import Scenarios, on_both
from biometric_integration.tests.scenarios.place import HOUR, MINUTE, NOON, SECOND


class Repeats(Scenarios):
	"""Two punches of one person within moments."""

	@on_both
	def test_repeats_within_the_window_count_once_and_say_so(self, server_type):
		with self.office(server_type, "0031", "0044") as place:
			place.repeat_window = 60 * SECOND
			for seconds in (0, 4, 300):
				place.punch("0031", NOON - HOUR + seconds * SECOND)
			place.punch("0031", NOON - HOUR + 8 * SECOND, "out")
			place.punch("0044", NOON - HOUR + 2 * SECOND)
			self.assert_success(place.run())
			times = [(code, (time - NOON + HOUR).total_seconds()) for code, time in place.written()]
			self.assertEqual(times, [("0031", 0), ("0031", 8), ("0031", 300), ("0044", 2)])
			(event,) = place.events(status="Ignored")
			self.assertEqual((event.reason_code, event.source_time), ("Repeat", NOON - HOUR + 4 * SECOND))
			self.assertIn("60 seconds", event.reason)
			self.assert_counts(place)

	@on_both
	def test_without_a_window_four_seconds_apart_are_two(self, server_type):
		with self.office(server_type) as place:
			place.punch("0031", NOON - HOUR)
			place.punch("0031", NOON - HOUR + 4 * SECOND)
			place.run()
			self.assert_all_written(place)
			self.assertEqual(len(place.written()), 2)

	@on_both
	def test_a_late_punch_just_before_a_recorded_one_is_its_repeat(self, server_type):
		with self.office(server_type) as place:
			place.repeat_window = 60 * SECOND
			place.punch("0031", NOON - HOUR)
			place.punch("0031", NOON - HOUR - 4 * SECOND, received=NOON + MINUTE)
			place.run()
			place.later(HOUR)
			place.run()
			self.assertEqual(place.written(), [("0031", NOON - HOUR)])
			self.assertEqual(place.event(source_time=NOON - HOUR - 4 * SECOND).reason_code, "Repeat")


class AlreadyThere(Scenarios):
	"""What a person, or another device, has written or deleted."""

	@on_both
	def test_a_check_in_made_by_hand_at_the_same_time_is_linked(self, server_type):
		with self.office(server_type) as place:
			name = self.host.add_checkin(place.employees["0031"], NOON - HOUR, "IN")
			place.punch("0031", NOON - HOUR)
			self.assert_success(place.run())
			self.assertEqual([row.name for row in place.checkins()], [name])
			event = place.event()
			self.assertEqual(
				(event.status, event.reason_code, event.checkin), ("Processed", "Already There", name)
			)
			self.assertEqual(sum(log.already_there for log in place.logs()), 1)
			self.assert_counts(place)

	@on_both
	def test_a_check_in_made_by_hand_makes_a_punch_close_by_a_repeat(self, server_type):
		with self.office(server_type) as place:
			place.repeat_window = 60 * SECOND
			self.host.add_checkin(place.employees["0031"], NOON - HOUR + 30 * SECOND, "IN")
			place.punch("0031", NOON - HOUR)
			place.run()
			self.assertEqual(len(place.checkins()), 1)
			self.assertEqual(place.event().reason_code, "Repeat")

	@on_both
	def test_a_check_in_deleted_by_a_person_stays_deleted(self, server_type):
		with self.office(server_type) as place:
			place.punch("0031", NOON - HOUR)
			place.run()
			self.host.delete_checkin(place.checkins()[0].name)
			for _ in range(2):
				place.later(25 * HOUR)
				place.run()
			self.assertEqual(place.checkins(), [])
			self.assertEqual(len(place.events()), 1)

	@on_both
	def test_one_second_on_two_devices_is_one_check_in_and_two_events(self, server_type):
		with self.place(server_type) as place:
			place.world.add_device(place.serial(2), "Side Door")
			place.enter_devices()
			place.employ("0031")
			for device in (1, 2):
				place.punch("0031", NOON - HOUR, device=device)
			self.assert_success(place.run())
			(checkin,) = place.checkins()
			self.assertEqual([event.checkin for event in place.events()], [checkin.name] * 2)
			self.assertEqual({event.status for event in place.events()}, {"Processed"})
			self.assert_all_written(place)


class TheHostRefuses(Scenarios):
	"""Somebody's check-in is refused."""

	@on_both
	def test_a_refused_check_in_says_why_and_stops_nothing(self, server_type):
		with self.office(server_type, "0031", "0044", "0055") as place:
			words = self.host.refuse(place.employees["0044"])
			for code in place.employees:
				place.punch(code, NOON - HOUR)
			self.assert_success(place.run())
			self.assertEqual([code for code, _ in place.written()], ["0031", "0055"])
			event = place.event(user_id=place.code("0044"))
			self.assertEqual((event.status, event.reason_code, event.checkin), ("Failed", "Refused", ""))
			self.assertIn(words, event.reason)
			self.assertEqual(sum(log.failed for log in place.logs()), 1)
			self.assert_counts(place)
