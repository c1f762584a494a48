"""Wall clocks of servers and of the site."""

from __future__ import annotations

import unittest
from datetime import datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from biometric_integration.core.clock import to_site, wall_clock

KOLKATA, DUBAI, BERLIN, NEW_YORK = "Asia/Kolkata", "Asia/Dubai", "Europe/Berlin", "America/New_York"
ZONES = st.sampled_from((KOLKATA, DUBAI, BERLIN, NEW_YORK, "UTC", "Asia/Kathmandu", "Australia/Lord_Howe"))


class ToSite(unittest.TestCase):
	def test_the_same_moment_shows_the_site_zones_wall_clock(self):
		moment = datetime(2025, 4, 7, 1, 0, 5)
		self.assertEqual(to_site(moment, KOLKATA, DUBAI), datetime(2025, 4, 6, 23, 30, 5))
		self.assertEqual(to_site(moment, DUBAI, KOLKATA), datetime(2025, 4, 7, 2, 30, 5))

	def test_summer_time_is_looked_at_on_the_day_itself(self):
		self.assertEqual(to_site(datetime(2025, 1, 15, 12), "UTC", BERLIN), datetime(2025, 1, 15, 13))
		self.assertEqual(to_site(datetime(2025, 7, 15, 12), "UTC", BERLIN), datetime(2025, 7, 15, 14))

	def test_in_a_fold_the_first_of_the_two_hours_is_meant(self):
		self.assertEqual(to_site(datetime(2025, 10, 26, 2, 30), BERLIN, "UTC"), datetime(2025, 10, 26, 0, 30))

	def test_a_fold_flag_of_the_source_changes_nothing(self):
		twice = datetime(2025, 10, 26, 2, 30)
		self.assertEqual(to_site(twice.replace(fold=1), BERLIN, "UTC"), to_site(twice, BERLIN, "UTC"))

	def test_an_hour_that_does_not_exist_still_becomes_a_time(self):
		self.assertEqual(to_site(datetime(2025, 3, 30, 2, 30), BERLIN, "UTC"), datetime(2025, 3, 30, 1, 30))

	def test_broken_clocks_break_nothing(self):
		for moment in (
			datetime.min,
			datetime(1, 1, 1, 1),
			datetime(9999, 12, 31, 23, 59, 59),
			datetime(1999, 12, 31),
		):
			for zones in ((NEW_YORK, KOLKATA), (KOLKATA, NEW_YORK)):
				with self.subTest(moment=moment, zones=zones):
					self.assertLess(abs(to_site(moment, *zones) - moment), timedelta(days=1))

	@given(st.datetimes(), ZONES)
	def test_one_zone_is_never_converted(self, moment, zone):
		self.assertEqual(to_site(moment, zone, zone), moment)

	@given(st.datetimes(), ZONES, ZONES)
	def test_no_time_ever_raises_or_carries_a_zone(self, moment, server, site):
		self.assertIsNone(to_site(moment, server, site).tzinfo)

	@given(st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2090, 1, 1)), ZONES)
	def test_what_goes_out_of_utc_comes_back(self, moment, zone):
		self.assertEqual(
			wall_clock(moment.replace(tzinfo=timezone.utc), zone),
			to_site(moment, "UTC", zone).replace(microsecond=0),
		)


class WallClock(unittest.TestCase):
	def test_it_is_naive_and_to_the_second(self):
		moment = datetime(2025, 4, 7, 20, 0, 0, 999999, tzinfo=timezone.utc)
		self.assertEqual(wall_clock(moment, KOLKATA), datetime(2025, 4, 8, 1, 30))

	def test_the_zone_of_the_moment_does_not_matter(self):
		moment = datetime(2025, 4, 7, 20, tzinfo=timezone.utc)
		self.assertEqual(
			wall_clock(moment.astimezone(timezone(timedelta(hours=9))), BERLIN), wall_clock(moment, BERLIN)
		)


if __name__ == "__main__":
	unittest.main()
