"""Whatever a server answers: it is noticed, moves no cursor, and loses nothing."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from biometric_integration.core.errors import ErrorClass
from biometric_integration.core.runs import RunStatus
from biometric_integration.simulator import FaultKind
from biometric_integration.tests.scenarios.base import Scenarios, on_both
from biometric_integration.tests.scenarios.place import (
	DAY_FEED,
	EBIO,
	ETIME,
	FAKES,
	HOUR,
	ID_FEED,
	MINUTE,
	NOON,
	Place,
)

BAD_ANSWERS = (
	(FaultKind.REFUSE, {}),
	(FaultKind.RESET, {}),
	(FaultKind.HTTP_500_FAULT, {}),
	(FaultKind.HTTP_500_HTML, {}),
	(FaultKind.HTML_200, {}),
	(FaultKind.REDIRECT, {}),
	(FaultKind.EMPTY_BODY, {}),
	(FaultKind.EMPTY_RESULT, {}),
	(FaultKind.ERROR_TEXT, {}),
	(FaultKind.CUT_BODY, {}),
	(FaultKind.GARBAGE_BYTES, {}),
	(FaultKind.WRONG_ENCODING, {}),
	(FaultKind.ENTITY_BOMB, {}),
	(FaultKind.ECHO_PASSWORD, {"form": "html", "status": 500}),
	(FaultKind.ECHO_PASSWORD, {"form": "html", "status": 200}),
	(FaultKind.ECHO_PASSWORD, {"form": "fault"}),
	(FaultKind.ECHO_PASSWORD, {"form": "text"}),
)
"""What no server may do to us unnoticed. HANG and TRUNCATED have scenarios of their own."""
HARMLESS = (
	(FaultKind.SLOW_DRIP, {"chunk": 256, "pause": 0.001}),
	(FaultKind.DUPLICATE_ROWS, {}),
	(FaultKind.SHUFFLED, {}),
)
"""What a run has to get over."""


class Overheard(logging.Handler):
	"""Everything that any logger says meanwhile."""

	def __init__(self):
		super().__init__(logging.DEBUG)
		self.text: list[str] = []

	def emit(self, record: logging.LogRecord) -> None:
		self.text.append(record.getMessage())

	@contextmanager
	def listening(self) -> Iterator[None]:
		root = logging.getLogger()
		level = root.level
		root.addHandler(self)
		root.setLevel(logging.DEBUG)
		try:
			yield
		finally:
			root.removeHandler(self)
			root.setLevel(level)


class BadAnswers(Scenarios):
	@on_both
	def test_every_bad_answer_is_noticed_moves_no_cursor_and_loses_nothing(self, server_type):
		for kind, details in BAD_ANSWERS:
			with self.subTest(kind=kind, **details):
				self.check_fault(server_type, kind, **details)

	@on_both
	def test_a_server_that_hangs_is_noticed_moves_no_cursor_and_loses_nothing(self, server_type):
		self.check_fault(server_type, FaultKind.HANG, timeout=0.3, seconds=20)

	def test_a_bad_answer_of_one_operation_of_ebioserver_keeps_the_cursor_of_its_feed(self):
		for operation in (ID_FEED, DAY_FEED):
			for kind, details in BAD_ANSWERS:
				if kind in (FaultKind.REFUSE, FaultKind.EMPTY_RESULT):
					continue  # the one stops all operations, the other has a scenario of its own
				with self.subTest(operation=operation, kind=kind, **details):
					self.check_fault(EBIO, kind, operation, **details)

	def check_fault(self, server_type, kind, operation=None, timeout=5, **details):
		with self.office(server_type, "0031", "0044") as place:
			place.punch("0031", NOON - HOUR)
			place.run()
			place.later(26 * HOUR)
			place.punch("0031", place.world.now - HOUR)
			place.punch("0044", NOON - MINUTE, received=place.world.now)
			before = place.marks()
			place.fault(kind, operation=operation, **details)
			overheard = Overheard()
			with overheard.listening():
				reports = place.run(replace(place.config, timeout=timeout))
			self.assert_alarmed(place, reports)
			self.assert_unmoved(place, operation, before)
			self.assert_no_secret(place, reports, *overheard.text)
			self.assert_counts(place)
			place.fake.faults.clear()
			place.later(MINUTE)
			self.assert_success(place.run())
			self.assert_all_written(place)

	def assert_unmoved(self, place: Place, operation: str | None, before: dict[str, tuple]):
		after = place.marks()
		if operation:
			key = place.stream(by_position=operation == ID_FEED).key
			before, after = {key: before[key]}, {key: after[key]}
		self.assertEqual(after, before)

	@on_both
	def test_a_bad_answer_at_the_very_first_run_loses_nothing(self, server_type):
		for kind, details in BAD_ANSWERS:
			with self.subTest(kind=kind, **details), self.office(server_type) as place:
				place.punch("0031", NOON - HOUR)
				place.fault(kind, **details)
				self.assert_alarmed(place, reports := place.run())
				self.assertEqual(set(place.marks().values()), {(None, None, None)})
				self.assert_no_secret(place, reports)
				place.fake.faults.clear()
				self.assert_success(place.run())
				self.assert_all_written(place)

	@on_both
	def test_what_can_be_got_over_is_a_success(self, server_type):
		for kind, details in HARMLESS:
			with self.subTest(kind=kind), self.company(server_type) as place:
				place.fault(kind, **details)
				self.assert_success(place.run())
				self.assert_all_written(place)
				self.assertEqual(len(place.devices()), 4)

	@on_both
	def test_one_hiccup_is_got_over_within_the_run(self, server_type):
		for kind in (FaultKind.RESET, FaultKind.CUT_BODY):
			with self.subTest(kind=kind), self.office(server_type) as place:
				place.punch("0031", NOON - HOUR)
				place.fault(kind, times=1)
				self.assert_success(place.run())
				self.assert_all_written(place)

	@on_both
	def test_a_wrong_password_is_said_in_words_that_name_the_login(self, server_type):
		with self.office(server_type) as place:
			place.punch("0031", NOON - HOUR)
			reports = place.run(replace(place.config, password="wrong"))
			self.assert_alarmed(place, reports, "API Password")
			self.assertEqual([report.status for report in reports], [RunStatus.FAILED])
			self.assertEqual(set(place.marks().values()), {(None, None, None)})
			place.run()
			self.assert_all_written(place)

	def test_a_wrong_password_of_etimetracklite_is_an_authentication_failure(self):
		with self.office(ETIME) as place:
			place.run(replace(place.config, password="wrong"))
			self.assertEqual([log.error_class for log in place.logs()], [ErrorClass.AUTHENTICATION.value])

	@on_both
	def test_a_wrong_url_is_a_matter_of_configuration(self, server_type):
		with self.office(server_type, **FAKES[server_type].hidden) as place:
			elsewhere = replace(
				place.config, endpoint_url=f"{place.fake.url}/nowhere/service.asmx", memory={}
			)
			self.assert_alarmed(place, place.run(elsewhere), "URL")
			self.assertEqual([log.error_class for log in place.logs()], [ErrorClass.CONFIGURATION.value])
