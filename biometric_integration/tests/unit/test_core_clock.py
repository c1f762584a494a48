"""Wall clocks of servers and of the site."""

from __future__ import annotations

import unittest
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

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

	@given(st.datetimes(), ZONES, ZONES)
	def test_every_time_of_a_day_becomes_what_a_conversion_of_its_own_would_give(self, moment, server, site):
		self.assertEqual(to_site(moment, server, site), alone(moment, server, site))

	def test_so_it_does_all_through_days_on_which_clocks_change(self):
		changes = (
			(datetime(2025, 3, 30), BERLIN, "Europe/London"),  # both at the same moment
			(datetime(2010, 10, 31), BERLIN, "Europe/Moscow"),  # at two moments of one day
			(datetime(2025, 10, 25), KOLKATA, BERLIN),
			(datetime(2025, 10, 26), KOLKATA, BERLIN),
			(datetime(2025, 4, 5), "Australia/Lord_Howe", NEW_YORK),  # by half an hour
			(datetime(2011, 12, 29), "Pacific/Apia", "UTC"),  # the next day does not exist
		)
		for day, *zones in changes:
			for minute in range(0, 48 * 60, 5):
				moment = day + timedelta(minutes=minute)
				self.assertEqual(to_site(moment, *zones), alone(moment, *zones), (moment, zones))


def alone(moment: datetime, server: str, site: str) -> datetime:
	"""The plain way to convert one time."""
	aware = moment.replace(tzinfo=ZoneInfo(server), fold=0)
	try:
		there = aware.astimezone(ZoneInfo(site)).replace(tzinfo=None)
	except OverflowError:
		there = moment
	return moment if server == site else there


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
