"""Reading by log id: silence, and ids that start again."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from uuid import uuid4

from biometric_integration.simulator import FakeEBioServer, FaultKind
from biometric_integration.tests.scenarios.base import Scenarios
from biometric_integration.tests.scenarios.place import (
	DAY,
	EBIO,
	FIRST_DAY,
	HOUR,
	ID_FEED,
	MINUTE,
	NOON,
	PASSWORD,
	SECOND,
	small_world,
)


class IdFeed(Scenarios):
	def test_whether_the_id_feed_begins_at_or_after_the_id_does_not_matter(self):
		for cursor in ("exclusive", "inclusive"):
			with self.subTest(cursor=cursor), self.company(EBIO, cursor=cursor) as place:
				self.assert_success(place.run())
				self.assert_all_written(place)
				head = max(row.log_id for row in place.world.visible())
				self.assertEqual(place.cursor(place.stream(by_position=True)).position, head)
				place.later(HOUR)
				place.punch("0031", place.world.now - MINUTE)
				self.assert_success(place.run())
				self.assert_all_written(place)

	def test_long_rows_that_are_no_punches_are_no_sign_that_ids_changed(self):
		with self.office(EBIO) as place:
			place.punch("0031", NOON - HOUR)
			for number in range(20):
				place.punch(f"FP PIN={number} TMP={'x' * 200}", NOON - HOUR + number * SECOND)
			place.run()
			place.later(HOUR)
			place.punch("0031", place.world.now - MINUTE)
			place.run()
			live = place.stream(by_position=True).key
			told = [(log.status, log.error or "") for log in place.logs() if log.stream == live]
			self.assertEqual(told, [("Success", "")] * 2)

	def test_many_pages_of_ids_are_read_to_the_end(self):
		with self.company(EBIO) as place:
			end, place.world.now = (
				place.world.now,
				datetime.combine(FIRST_DAY, datetime.min.time()) + 9 * HOUR,
			)
			place.run()
			place.world.now = end
			place.run()
			self.assert_all_written(place)
			pages = [request for request in place.fake.requests if request.operation == ID_FEED]
			self.assertGreaterEqual(len(pages), 3)

	def test_a_silent_id_feed_is_an_alarm_and_the_days_are_read_instead(self):
		with self.office(EBIO, cursor="silent") as place:
			for _ in range(3):
				place.punch("0031", place.world.now - HOUR)
				self.assert_alarmed(place, place.run(), ID_FEED)
				self.assert_all_written(place)
				place.later(2 * HOUR)

	def test_an_id_feed_that_begins_to_speak_doubles_nothing(self):
		with self.office(EBIO, cursor="silent") as place:
			place.punch("0031", NOON - HOUR)
			place.run()
			with FakeEBioServer(place.world, user="api", password=PASSWORD) as speaks:
				place.config = replace(place.config, endpoint_url=speaks.url)
				place.later(HOUR)
				place.punch("0031", place.world.now - MINUTE)
				self.assert_success(place.run())
				self.assert_all_written(place)
				self.assertEqual(len(place.events()), 2)

	def test_an_id_feed_that_falls_silent_loses_nothing(self):
		with self.office(EBIO) as place:
			place.punch("0031", NOON - HOUR)
			place.run()
			place.later(26 * HOUR)
			position = place.cursor(place.stream(by_position=True))
			place.punch("0031", place.world.now - HOUR)
			place.fault(FaultKind.EMPTY_RESULT, operation=ID_FEED)
			self.assert_alarmed(place, place.run(), ID_FEED)
			self.assertEqual(place.cursor(place.stream(by_position=True)), position)
			self.assert_all_written(place)

	def test_ids_that_start_again_lose_nothing(self):
		for keep_rows in (True, False):
			mark = uuid4().hex[:6]
			world = small_world(mark, first_id=5000)
			with self.subTest(keep_rows=keep_rows), self.place(EBIO, world, mark) as place:
				place.employ("0031")
				place.punch("0031", NOON - HOUR)
				place.run()
				truth = place.truth()
				place.world.reset_ids(keep_rows)
				place.later(HOUR)
				place.punch("0031", place.world.now - MINUTE)
				self.assert_alarmed(place, place.run(), "count its log ids again")
				self.assertEqual(place.written(), sorted({*truth, *place.truth()}))
				self.assertEqual(len(place.events()), 2)
				place.later(HOUR)
				place.punch("0031", place.world.now - MINUTE)
				self.assert_success(place.run())
				self.assertEqual(place.written(), sorted({*truth, *place.truth()}))

	def test_ids_that_start_again_and_have_come_far_already_are_read_from_the_start(self):
		mark = uuid4().hex[:6]
		with self.place(EBIO, small_world(mark, first_id=400), mark) as place:
			place.employ("0031")
			place.punch("0031", NOON - HOUR)
			place.run()
			old = place.truth()
			place.world.reset_ids(keep_rows=False)
			place.later(HOUR)
			for number in range(150):
				place.punch("0031", place.world.now - number * SECOND)
			self.assert_alarmed(place, place.run(), "count its log ids again")
			self.assertEqual(place.written(), sorted({*old, *place.truth()}))
			self.assertEqual(sum(log.created for log in place.logs()), 151)

	def test_a_server_that_gives_fewer_rows_than_it_is_asked_for_is_read_to_the_end(self):
		for cursor in ("exclusive", "inclusive"):
			with self.subTest(cursor=cursor), self.office(EBIO, cursor=cursor, most_rows=100) as place:
				for number in range(400):
					place.punch("0031", NOON - (1000 - number) * SECOND)
				place.run()
				place.later(HOUR)
				for number in range(140):
					place.punch("0031", place.world.now - number * SECOND)
				self.assert_success(place.run())
				self.assert_all_written(place)

	def test_a_page_that_ends_at_the_known_id_is_not_the_end(self):
		with self.office(EBIO, most_rows=100) as place:
			for number in range(100):
				place.punch("0031", NOON - (1000 - number) * SECOND)
			place.run()
			place.later(HOUR)
			for number in range(40):
				place.punch("0031", place.world.now - number * SECOND)
			self.assert_success(place.run())
			self.assert_all_written(place)

	def test_a_server_that_was_restored_is_read_again_from_where_its_ids_are_known(self):
		for uploaded_again in (0, 120):
			mark = uuid4().hex[:6]
			with (
				self.subTest(uploaded_again=uploaded_again),
				self.place(EBIO, small_world(mark), mark) as place,
			):
				place.employ("0031")
				times = [NOON - (3000 - number) * SECOND for number in range(1000)]
				for moment in times:
					place.punch("0031", moment)
				place.run()
				old = place.truth()
				place.world.lose_newest(480)
				place.later(HOUR)
				for number in range(100):
					place.punch("0031", place.world.now - number * SECOND)
				for moment in times[-uploaded_again:] if uploaded_again else ():
					place.punch("0031", moment, received=place.world.now)
				place.run()
				self.assertEqual(place.written(), sorted({*old, *place.truth()}))
				place.later(HOUR)
				place.punch("0031", place.world.now - MINUTE)
				self.assert_success(place.run())
				self.assertEqual(place.written(), sorted({*old, *place.truth()}))

	def test_old_punches_that_were_deleted_here_are_no_sign_that_ids_were_reset(self):
		with self.office(EBIO) as place:
			for number in range(5):
				place.punch("0031", NOON - (number + 1) * HOUR)
			place.run()
			place.later(61 * DAY)
			place.forget_staged((place.world.now - 60 * DAY).date())
			place.punch("0031", place.world.now - MINUTE)
			self.assert_success(place.run())
			self.assertEqual(place.written(), place.truth())
			self.assertEqual(len(place.events(reason_code="Before Start")), 5)
