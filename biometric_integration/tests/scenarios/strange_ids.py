"""Ids with everything in them that SQL, XML or a format string would read as its own."""

from __future__ import annotations

from biometric_integration.core.text import harmless
from biometric_integration.tests.scenarios.base import Scenarios, on_both
from biometric_integration.tests.scenarios.place import HOUR, NOON, SECOND


class StrangeIds(Scenarios):
	@on_both
	def test_strange_user_ids_are_kept_letter_by_letter(self, server_type):
		ids = [
			"007",
			"O'Brien",
			'"quoted"',
			"x' OR '1'='1",
			"--",
			"100%",
			"a_b%c",
			"back\\slash",
			"{user_id}",
			"%s",
			"1e5",
			"None",
			"two words",
			"ÅSA-日本-\N{GRINNING FACE}",
			"XOPLOG1",
			"OP LOG",
			"USERPIN=1",
			"long" * 33,
		]
		with self.office(server_type, *ids) as place:
			longest = "l" * (140 - len(place.code("")))
			place.employ(longest)
			for number, user_id in enumerate([*ids, longest]):
				place.punch(user_id, NOON - HOUR - number * SECOND)
			self.assert_success(place.run())
			self.assert_all_written(place)
			self.assertEqual(len(place.written()), len(ids) + 1)

	@on_both
	def test_strange_user_ids_of_nobody_are_named_in_the_reason(self, server_type):
		with self.office(server_type) as place:
			for number, user_id in enumerate(("<b>&amp", "{0}", "]]>", "l" * 133)):
				place.punch(user_id, NOON - HOUR - number * SECOND)
			self.assert_success(place.run())
			self.assertEqual({event.status for event in place.events()}, {"Unmapped"})
			codes = {harmless(code) for code, _ in place.world.truth()}
			self.assertEqual({event.user_id for event in place.events()}, codes)
			for event in place.events():
				self.assertIn(event.user_id, event.reason)
