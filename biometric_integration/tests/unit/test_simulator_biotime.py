"""The fake BioTime has the habits of sources-protocols §1, over real HTTP."""

from __future__ import annotations

import http.client
import json
import shutil
import ssl
import subprocess
import tempfile
import threading
import time
import unittest
from base64 import b64encode, urlsafe_b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from email.message import Message
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from biometric_integration.simulator import FakeBioTime, Fault, FaultKind, World
from biometric_integration.simulator.biotime_rows import PERSONAL, SECRETS

OPENSSL = shutil.which("openssl") or ""
SERIAL = "ABCD000000001"
OTHER = "ABCD000000002"
PASSWORD = "p&ss-word \"é'"
LOGIN = {"username": "api", "password": PASSWORD}
TRANSACTIONS, TERMINALS = "/iclock/api/transactions/", "/iclock/api/terminals/"
EMPLOYEES = "/personnel/api/employees/"
JWT_LOGIN, TOKEN_LOGIN = "/jwt-api-token-auth/", "/api-token-auth/"


def at(clock: str, day: int = 7) -> datetime:
	return datetime.fromisoformat(f"2025-04-{day:02d} {clock}")


def small_world() -> World:
	world = World(at("23:00:00"))
	world.add_device(SERIAL, "Main Gate", "BLR")
	world.add_device(OTHER, "Back Gate", "HYD")
	world.punch(SERIAL, "0044", at("08:57:30"), "in")
	world.punch(SERIAL, "0031", at("09:02:11"), "in")
	world.punch(OTHER, "0044", at("18:00:00"), "inout")
	world.punch(SERIAL, "0031", at("18:10:45"), "out")
	return world


@dataclass
class Reply:
	status: int
	headers: Message
	body: bytes

	@property
	def json(self) -> Any:
		return json.loads(self.body)


def send(
	server: FakeBioTime,
	target: str,
	fields: Mapping[str, Any] | None = None,
	headers: Mapping[str, str] | None = None,
	method: str = "",
) -> Reply:
	"""`fields` go as the JSON of a POST."""
	connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
	try:
		body = None if fields is None else json.dumps(fields).encode()
		sent = {**({} if body is None else {"Content-Type": "application/json"}), **(headers or {})}
		connection.request(method or ("GET" if body is None else "POST"), target, body, sent)
		response = connection.getresponse()
		return Reply(response.status, response.headers, response.read())
	finally:
		connection.close()


class BioTimeCase(unittest.TestCase):
	def serve(self, world: World | None = None, **options: Any) -> FakeBioTime:
		server = FakeBioTime(world or small_world(), **{"password": PASSWORD, **options})
		server.start()
		self.addCleanup(server.stop)
		return server

	def get(self, server: FakeBioTime, path: str = TRANSACTIONS, **query: Any) -> Reply:
		"""With a new token."""
		target = f"{path}?{urlencode(query)}" if query else path
		return send(server, target, headers={"Authorization": f"JWT {server.gate.issue('JWT')}"})

	def codes(self, server: FakeBioTime, **query: Any) -> list[str]:
		return [row["emp_code"] for row in self.get(server, **query).json["data"]]


class TheWayIn(BioTimeCase):
	def test_both_logins_give_a_token_for_a_header_of_their_own(self) -> None:
		server = self.serve()
		for path, scheme in ((JWT_LOGIN, "JWT"), (TOKEN_LOGIN, "Token")):
			with self.subTest(path):
				reply = send(server, path, LOGIN)
				self.assertEqual((reply.status, list(reply.json)), (200, ["token"]))
				token = reply.json["token"]
				for word in ("JWT", "Token", "Bearer"):
					status = send(server, TRANSACTIONS, headers={"Authorization": f"{word} {token}"}).status
					self.assertEqual(status, 200 if word == scheme else 401)
		self.assertEqual([request.operation for request in server.requests[:2]], ["login", "transactions"])
		self.assertNotIn(PASSWORD, str(server.requests))

	def test_a_jwt_says_when_it_ends_and_ends_then(self) -> None:
		server = self.serve(jwt_life=timedelta(hours=1))
		token = send(server, JWT_LOGIN, LOGIN).json["token"]
		payload = json.loads(urlsafe_b64decode(token.split(".")[1] + "=="))
		self.assertEqual(payload["exp"] - payload["orig_iat"], 3600)
		headers = {"Authorization": f"JWT {token}"}
		self.assertEqual(send(server, TRANSACTIONS, headers=headers).status, 200)
		fresh = send(server, "/jwt-api-token-refresh/", {"token": token})
		self.assertIn("token", fresh.json)
		server.world.now += timedelta(hours=1)
		reply = send(server, TRANSACTIONS, headers=headers)
		self.assertEqual((reply.status, reply.json), (401, {"detail": "Signature has expired."}))
		self.assertIn("WWW-Authenticate", reply.headers)
		self.assertEqual(send(server, "/jwt-api-token-refresh/", {"token": token}).status, 400)

	def test_only_the_logins_and_prefixes_of_the_build_are_there(self) -> None:
		server = self.serve(logins=("JWT",), prefixes=("/api",))
		self.assertEqual(send(server, "/api/jwt-api-token-auth/", LOGIN).status, 200)
		for path in (JWT_LOGIN, TOKEN_LOGIN, "/api/api-token-auth/"):
			reply = send(server, path, LOGIN)
			self.assertEqual((reply.status, reply.headers.get_content_type()), (200, "text/html"))
		both = self.serve(prefixes=("", "/api"))
		for path in (JWT_LOGIN, TOKEN_LOGIN, f"/api{JWT_LOGIN}", f"/api{TOKEN_LOGIN}"):
			self.assertIn("token", send(both, path, LOGIN).json)

	def test_a_form_is_a_login_as_well(self) -> None:
		server = self.serve()
		connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
		self.addCleanup(connection.close)
		form = {"Content-Type": "application/x-www-form-urlencoded"}
		connection.request("POST", JWT_LOGIN, urlencode(LOGIN), form)
		self.assertEqual(connection.getresponse().status, 200)

	def test_a_bad_login_is_400_with_the_words_of_the_framework(self) -> None:
		server = self.serve()
		reply = send(server, JWT_LOGIN, {**LOGIN, "password": "x"})
		self.assertEqual(reply.status, 400)
		words = {"non_field_errors": ["Unable to log in with provided credentials."]}
		self.assertEqual(reply.json, words)
		reply = send(server, JWT_LOGIN, {"username": "api"})
		self.assertEqual((reply.status, list(reply.json)), (400, ["password"]))
		self.assertEqual(send(server, JWT_LOGIN).status, 405)

	def test_bad_logins_lock_the_account_for_a_while_for_the_right_password_too(self) -> None:
		server = self.serve(lock_after=2, lock_time=timedelta(minutes=1))
		for password in ("x", "x", PASSWORD):
			self.assertEqual(send(server, JWT_LOGIN, {**LOGIN, "password": password}).status, 400)
		server.world.now += timedelta(minutes=1)
		self.assertEqual(send(server, JWT_LOGIN, LOGIN).status, 200)
		for password in ("x", PASSWORD, "x", PASSWORD):  # a good one in between forgives
			status = send(server, JWT_LOGIN, {**LOGIN, "password": password}).status
		self.assertEqual(status, 200)

	def test_no_or_a_strange_token_is_401(self) -> None:
		server = self.serve()
		for header, words in (
			({}, "Authentication credentials were not provided."),
			({"Authorization": "Token 00"}, "Invalid token."),
			({"Authorization": "JWT a.b.c"}, "Error decoding signature."),
		):
			reply = send(server, TRANSACTIONS, headers=header)
			self.assertEqual((reply.status, reply.json), (401, {"detail": words}))

	def test_a_token_may_be_dead_after_some_requests(self) -> None:
		server = self.serve(token_requests=2)
		headers = {"Authorization": f"JWT {server.gate.issue('JWT')}"}
		statuses = [
			send(server, f"{TRANSACTIONS}?page_size=1&page={n}", headers=headers).status for n in (1, 2, 3)
		]
		self.assertEqual(statuses, [200, 200, 401])
		server.gate.forget()
		self.assertEqual(len(server.gate.tokens), 1)

	def test_basic_passes_even_without_the_licence(self) -> None:
		basic = {"Authorization": "Basic " + b64encode(f"api:{PASSWORD}".encode()).decode()}
		server = self.serve(licensed=False)
		for path in (TRANSACTIONS, TERMINALS, EMPLOYEES):
			reply = self.get(server, path)
			self.assertEqual(reply.status, 403)
			self.assertIn("permission", reply.json["detail"])
			self.assertEqual(send(server, path, headers=basic).status, 200)
		wrong = {"Authorization": "Basic " + b64encode(b"api:x").decode()}
		self.assertEqual(send(server, TRANSACTIONS, headers=wrong).status, 401)
		self.assertEqual(send(self.serve(takes_basic=False), TRANSACTIONS, headers=basic).status, 401)

	def test_a_tenant_of_the_cloud_wants_its_company(self) -> None:
		server = self.serve(company="acme")
		self.assertEqual(list(send(server, JWT_LOGIN, LOGIN).json), ["company"])
		self.assertEqual(send(server, JWT_LOGIN, {**LOGIN, "company": "other"}).status, 400)
		self.assertEqual(send(server, JWT_LOGIN, {**LOGIN, "company": "acme"}).status, 200)
		email = {"email": "api", "password": PASSWORD, "company": "acme"}
		self.assertEqual(send(server, JWT_LOGIN, email).status, 200)

	def test_the_newest_tenants_refuse_every_login_and_take_a_token(self) -> None:
		for status in (403, 405):
			server = self.serve(closed_login=status)
			reply = send(server, JWT_LOGIN, LOGIN)
			self.assertEqual((reply.status, reply.headers.get_content_type()), (status, "text/html"))
			self.assertEqual(self.get(server).status, 200)


class Rows(BioTimeCase):
	def test_a_row_says_what_it_is_and_what_is_nobodys_business(self) -> None:
		first = self.get(self.serve()).json["data"][0]
		expected = {
			"id": 1,
			"emp": None,
			"emp_code": "0044",
			"punch_time": "2025-04-07 08:57:30",
			"punch_state": "0",
			"terminal_sn": SERIAL,
			"terminal_alias": "Main Gate",
			"area_alias": "BLR",
			"upload_time": "2025-04-07 08:57:30",
			**PERSONAL,
		}
		self.assertEqual({name: first[name] for name in expected}, expected)

	def test_states_are_text_or_numbers(self) -> None:
		for numbers, expected in (
			("usual", [1, "0", "255", "1", 15]),
			("text", ["1", "0", "255", "1", "15"]),
			("integers", [1, 0, 255, 1, 15]),
		):
			rows = self.get(self.serve(numbers=numbers)).json["data"]
			states = [row["punch_state"] for row in rows]
			self.assertEqual(
				[rows[0]["id"], states[0], *states[2:], rows[0]["verify_type"]], expected, numbers
			)

	def test_display_words_follow_the_language_and_may_be_missing(self) -> None:
		server = self.serve()
		headers = {"Authorization": f"JWT {server.gate.issue('JWT')}", "Accept-Language": "fr-FR"}
		words = [
			row["punch_state_display"] for row in send(server, TRANSACTIONS, headers=headers).json["data"]
		]
		self.assertEqual(words, ["Entrée", "Entrée", None, "Sortie"])

	def test_a_punch_by_hand_has_no_serial(self) -> None:
		server = self.serve()
		row = server.world.manual_punch("0044", at("10:00:00"))
		shown = self.get(server).json["data"][-1]
		self.assertEqual((shown["id"], shown["terminal_sn"], shown["terminal_alias"]), (row.log_id, "", None))
		self.assertEqual(server.world.manual(), {("0044", at("10:00:00"))})
		self.assertNotIn(("0044", at("10:00:00")), server.world.truth())

	def test_a_late_row_has_a_high_id_an_old_time_and_a_late_upload(self) -> None:
		server = self.serve()
		server.world.punch(OTHER, "77", at("07:00:00", 3), received=at("23:30:00"))
		self.assertEqual(len(self.codes(server)), 4)
		server.world.now = at("23:30:00")
		late = self.get(server).json["data"][-1]
		self.assertEqual(
			(late["emp_code"], late["punch_time"], late["upload_time"]),
			("77", "2025-04-03 07:00:00", "2025-04-07 23:30:00"),
		)

	def test_a_clock_may_stand_in_2023(self) -> None:
		server = self.serve()
		server.world.punch(SERIAL, "0031", datetime(2023, 1, 1, 0, 4), received=at("22:00:00"))
		row = self.get(server).json["data"][-1]
		self.assertEqual(
			(row["punch_time"], row["upload_time"]), ("2023-01-01 00:04:00", "2025-04-07 22:00:00")
		)

	def test_rows_are_deleted_and_ids_start_again(self) -> None:
		server = self.serve()
		second = server.world.visible()[1]
		server.world.delete(second.log_id)
		reply = self.get(server).json
		self.assertEqual((reply["count"], [row["id"] for row in reply["data"]]), (3, [1, 3, 4]))
		server.world.punch(SERIAL, "9", at("20:00:00"))
		self.assertEqual(self.get(server).json["data"][-1]["id"], 5)
		server.world.reset_ids()
		self.assertEqual([row["id"] for row in self.get(server).json["data"]], [1, 2, 3, 4])

	def test_a_row_may_be_no_row_and_junk_is_not_shown(self) -> None:
		server = self.serve()
		server.world.junk(SERIAL, "OPLOG 4", at("10:00:00"))
		server.world.raw_row(SERIAL, "no sense", at("10:00:00"))
		server.world.raw_row(SERIAL, '{"id": 9, "emp_code": null}', at("10:00:00"))
		self.assertEqual(self.get(server).json["data"][4:], ["no sense", {"id": 9, "emp_code": None}])

	def test_rights_of_the_user_shorten_the_lists_silently(self) -> None:
		server = self.serve(sees=[OTHER])
		reply = self.get(server).json
		self.assertEqual((reply["count"], [row["emp_code"] for row in reply["data"]]), (1, ["0044"]))
		self.assertEqual([row["sn"] for row in self.get(server, TERMINALS).json["data"]], [OTHER])


class Questions(BioTimeCase):
	def test_a_window_is_of_the_punch_time_with_both_ends(self) -> None:
		server = self.serve()
		found = self.codes(server, start_time="2025-04-07 09:02:11", end_time="2025-04-07 18:00:00")
		self.assertEqual(found, ["0031", "0044"])
		reply = self.get(server, start_time="yesterday")
		self.assertEqual((reply.status, list(reply.json)), (400, ["start_time"]))

	def test_filters_are_exact(self) -> None:
		server = self.serve()
		for query, count in (
			({"emp_code": "0031"}, 2),
			({"emp_code": "31"}, 0),
			({"terminal_sn": OTHER}, 1),
			({"terminal_sn": OTHER.lower()}, 0),
			({"terminal_alias": "Back Gate"}, 1),
			({"terminal_sn": ""}, 4),
		):
			self.assertEqual(self.get(server, **query).json["count"], count, query)

	def test_what_it_does_not_know_is_ignored(self) -> None:
		server = self.serve()
		for query in (
			{"strat_time": "2030-01-01 00:00:00"},
			{"id__gt": 3},
			{"upload_time__gte": "2030-01-01 00:00:00"},
			{"ordering": "-id"},
			{"ordering": "emp_code"},
		):
			reply = self.get(server, **query)
			self.assertEqual((reply.status, [row["id"] for row in reply.json["data"]]), (200, [1, 2, 3, 4]))

	def test_a_build_may_not_know_a_parameter_that_others_know(self) -> None:
		server = self.serve(ignores=("start_time", "page"))
		reply = self.get(server, start_time="2030-01-01 00:00:00", page=7)
		self.assertEqual((reply.status, reply.json["count"]), (200, 4))

	def test_ordering_is_honoured_by_the_newest_only(self) -> None:
		for options, honoured in (({}, True), ({"version": "8.5"}, False), ({"orders": False}, False)):
			server = self.serve(**options)
			server.world.punch(OTHER, "77", at("07:00:00", 3), received=at("22:00:00"))
			for ordering, expected in (
				("punch_time", [5, 1, 2, 3, 4]),
				("-punch_time", [4, 3, 2, 1, 5]),
				("upload_time", [1, 2, 3, 4, 5]),
				("-upload_time", [5, 4, 3, 2, 1]),
			):
				ids = [row["id"] for row in self.get(server, ordering=ordering).json["data"]]
				self.assertEqual(ids, expected if honoured else [1, 2, 3, 4, 5], (options, ordering))

	def test_rows_that_are_equal_in_the_order_stay_in_the_order_of_their_ids(self) -> None:
		server = self.serve()
		for code in ("a", "b", "c"):
			server.world.punch(SERIAL, code, at("10:00:00"), received=at("22:00:00"))
		self.assertEqual(self.codes(server, ordering="-upload_time")[:3], ["a", "b", "c"])


class Pages(BioTimeCase):
	def long(self, **options: Any) -> FakeBioTime:
		world = World.sample(first_day=date(2025, 3, 28), days=2)
		return self.serve(world, **options)

	def test_ten_rows_unless_more_are_wanted(self) -> None:
		server = self.long()
		total = len(server.world.truth())
		self.assertEqual(len(self.codes(server)), 10)
		self.assertEqual(len(self.codes(server, limit=50)), 10)
		self.assertEqual(len(self.codes(server, page_size=50)), 50)
		self.assertEqual(len(self.codes(server, page_size=100000000)), total)
		self.assertEqual(len(self.codes(server, page_size="many")), 10)
		self.assertEqual(len(self.codes(self.long(version="9.0"), limit=50, page_size=60)), 50)
		self.assertEqual(len(self.codes(self.long(most_rows=30), page_size=50)), 30)

	def test_pages_together_are_everything_once(self) -> None:
		server = self.long()
		rows, target = [], f"{TRANSACTIONS}?page_size=50"
		headers = {"Authorization": f"JWT {server.gate.issue('JWT')}"}
		while target:
			answer = send(server, target, headers=headers).json
			rows += answer["data"]
			target = answer["next"] and answer["next"].removeprefix(server.url)
		found = [(row["emp_code"], datetime.fromisoformat(row["punch_time"])) for row in rows]
		self.assertEqual((len(found), set(found)), (answer["count"], server.world.truth()))
		self.assertTrue(answer["previous"])

	def test_a_page_past_the_end_is_404_and_an_empty_first_page_is_none(self) -> None:
		server = self.long()
		for page in ("0", "999", "x", "-1"):
			reply = self.get(server, page=page)
			self.assertEqual((reply.status, reply.json), (404, {"detail": "Invalid page."}))
		reply = self.get(server, start_time="2030-01-01 00:00:00")
		self.assertEqual((reply.status, reply.json["count"], reply.json["data"]), (200, 0, []))

	def test_the_next_page_may_be_said_to_be_at_a_host_that_nobody_knows(self) -> None:
		self.assertTrue(self.get(self.long()).json["next"].startswith("http://127.0.0.1:"))
		server = self.long(host="http://biotime-app:8088")
		following = urlsplit(self.get(server, page_size=20, mistyped="ü").json["next"])
		self.assertEqual((following.netloc, following.path), ("biotime-app:8088", TRANSACTIONS))
		self.assertEqual(parse_qs(following.query), {"page_size": ["20"], "mistyped": ["ü"], "page": ["2"]})

	def test_a_page_may_come_again_for_ever(self) -> None:
		server = self.long()
		server.stuck_at = 2
		pages = [self.get(server, page_size=20, page=number).json for number in (1, 2, 3, 5000)]
		self.assertNotEqual(pages[0]["data"], pages[1]["data"])
		self.assertEqual(pages[1]["data"], pages[2]["data"])
		self.assertEqual(pages[1]["data"], pages[3]["data"])
		self.assertTrue(all(page["next"] for page in pages))

	def test_rows_come_and_go_while_somebody_pages(self) -> None:
		server = self.long()
		counts = []
		changes = [
			lambda: server.world.punch("SIMD000000001", "31", server.world.now),
			lambda: server.world.delete(1, 2, 3),
		]
		server.after_each = lambda request: changes.pop()() if changes else None
		for number in (1, 2, 3):
			counts.append(self.get(server, page=number).json["count"])
		self.assertEqual([count - counts[0] for count in counts], [0, -3, -2])

	def test_envelopes(self) -> None:
		for envelope, names in (("data", ["data"]), ("results", ["results"]), ("both", ["data", "results"])):
			answer = self.get(self.serve(envelope=envelope)).json
			lists = [name for name in answer if isinstance(answer[name], list)]
			self.assertEqual(lists, names)
			self.assertEqual(answer.get("code"), None if envelope == "results" else 0)


class Terminals(BioTimeCase):
	def test_a_terminal_says_when_it_was_heard(self) -> None:
		server = self.serve()
		server.world.set_last_ping(OTHER, at("10:00:00", 6))
		first, second = self.get(server, TERMINALS).json["data"]
		self.assertEqual((first["sn"], first["alias"], first["area_name"]), (SERIAL, "Main Gate", "BLR"))
		self.assertEqual((first["state"], first["last_activity"]), ("1", "2025-04-07 23:00:00"))
		self.assertEqual((second["state"], second["last_activity"]), ("3", "2025-04-06 10:00:00"))
		self.assertEqual(
			[row["state"] for row in self.get(self.serve(numbers="integers"), TERMINALS).json["data"]], [1, 1]
		)

	def test_the_zone_is_in_minutes_or_where_it_can_be_in_hours(self) -> None:
		for zone, zone_in, expected in (
			("Asia/Kolkata", "minutes", 330),
			("Asia/Kolkata", "hours", 330),
			("Asia/Dubai", "minutes", 240),
			("Asia/Dubai", "hours", 4),
		):
			world = World(at("12:00:00"), zone)
			world.add_device(SERIAL, "Gate")
			(row,) = self.get(self.serve(world, zone_in=zone_in), TERMINALS).json["data"]
			self.assertEqual(row["terminal_tz"], expected)

	def test_terminals_are_filtered_and_paged(self) -> None:
		server = self.serve()
		for query, serials in (
			({"sn": SERIAL}, [SERIAL]),
			({"sn_icontains": "abcd"}, [SERIAL, OTHER]),
			({"alias_icontains": "back"}, [OTHER]),
			({"state": "3"}, []),
			({"page_size": 1, "page": 2}, [OTHER]),
		):
			rows = self.get(server, TERMINALS, **query).json["data"]
			self.assertEqual([row["sn"] for row in rows], serials)

	def test_employees_hold_what_nobody_should_read(self) -> None:
		for version, nested in (("9.5", True), ("8.5", False)):
			row = self.get(self.serve(version=version), EMPLOYEES).json["data"][0]
			self.assertEqual({name: row[name] for name in SECRETS}, SECRETS)
			self.assertEqual("attemployee" in row, nested)


class Manners(BioTimeCase):
	def test_an_unknown_path_is_a_page_with_200(self) -> None:
		server = self.serve()
		for target in ("/", "/iclock/api/transctions/", "/nothing/here/?page=1", "/jwt-api-token-auth/x"):
			reply = send(server, target)
			self.assertEqual((reply.status, reply.headers.get_content_type()), (200, "text/html"))

	def test_a_slash_that_was_forgotten_is_a_redirect(self) -> None:
		reply = send(self.serve(), "/iclock/api/transactions?page=2")
		self.assertEqual((reply.status, reply.headers["Location"]), (301, "/iclock/api/transactions/?page=2"))
		self.assertEqual(send(self.serve(), "/jwt-api-token-auth", LOGIN).status, 301)

	def test_what_would_have_changed_something_is_written_down(self) -> None:
		server = self.serve()
		self.get(server)
		send(server, JWT_LOGIN, LOGIN)
		send(server, "/jwt-api-token-refresh/", {"token": "x"})
		send(server, f"/api{JWT_LOGIN}", LOGIN)  # not there, but nothing is changed by asking
		self.assertEqual(server.changes, [])
		before = server.world.truth()
		headers = {"Authorization": f"JWT {server.gate.issue('JWT')}"}
		for method, target in (
			("POST", "/iclock/api/terminals/reboot/"),
			("DELETE", f"{TRANSACTIONS}1/"),
			("PUT", TERMINALS),
			("PATCH", EMPLOYEES),
		):
			send(server, target, {}, headers, method)
		self.assertEqual(
			[change.target for change in server.changes],
			["/iclock/api/terminals/reboot/", f"{TRANSACTIONS}1/", TERMINALS, EMPLOYEES],
		)
		self.assertEqual(server.world.truth(), before)

	def test_the_manual_names_the_version_to_people_only(self) -> None:
		for version, title in (("8.0", "BIOTIME API DOCS"), ("9.5", "BioTime 9.5 API DOCS")):
			server = self.serve(version=version)
			self.assertIn(title.encode(), send(server, "/api/docs/", headers={"Accept": "text/html"}).body)
			self.assertEqual(send(server, "/api/docs/", headers={"Accept": "application/json"}).status, 406)

	def test_the_first_answer_is_slow(self) -> None:
		server = self.serve(first_answer_after=0.3)
		took = []
		for _ in range(2):
			started = time.monotonic()
			self.get(server)
			took.append(time.monotonic() - started)
		self.assertGreater(took[0], 0.3)
		self.assertLess(took[1], 0.3)

	def test_everything_may_be_below_a_folder(self) -> None:
		server = self.serve(folder="/hr")
		self.assertEqual(send(server, f"/hr{JWT_LOGIN}", LOGIN).json.keys(), {"token"})
		self.assertEqual(self.get(server, f"/hr{TRANSACTIONS}").json["count"], 4)
		self.assertEqual(send(server, TRANSACTIONS).headers.get_content_type(), "text/html")
		self.assertEqual(server.endpoint, f"{server.url}/hr")


@unittest.skipUnless(OPENSSL, "needs openssl to make a certificate")
class ItsOwnCertificate(BioTimeCase):
	def setUp(self) -> None:
		folder = tempfile.TemporaryDirectory()
		self.addCleanup(folder.cleanup)
		self.certificate, key = f"{folder.name}/own.pem", f"{folder.name}/own.key"
		command = (
			"req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=biotime -addext subjectAltName=IP:127.0.0.1"
		)
		files = ["-keyout", key, "-out", self.certificate]
		subprocess.run([OPENSSL, *command.split(), *files], check=True, capture_output=True)
		tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
		tls.load_cert_chain(self.certificate, key)
		self.server = self.serve(tls=tls)

	def ask(self, trusted: str | None) -> int:
		context = ssl.create_default_context(cafile=trusted)
		connection = http.client.HTTPSConnection("127.0.0.1", self.server.port, timeout=5, context=context)
		try:
			connection.request("GET", TRANSACTIONS)
			return connection.getresponse().status
		finally:
			connection.close()

	def test_it_speaks_https_to_whoever_believes_it(self) -> None:
		self.assertTrue(self.server.url.startswith("https://"))
		for _ in range(2):
			with self.assertRaises(ssl.SSLCertVerificationError):
				self.ask(None)
			self.assertEqual(self.ask(self.certificate), 401)

	def test_faults_are_as_in_plain_http(self) -> None:
		self.server.faults.add(Fault(FaultKind.RESET), Fault(FaultKind.CUT_BODY))
		with self.assertRaises(OSError):
			self.ask(self.certificate)
		self.assertEqual(self.ask(self.certificate), 401)
		self.server.faults.add(Fault(FaultKind.HANG, seconds=30))
		started = time.monotonic()
		threading.Timer(0.2, self.server.stop).start()
		with self.assertRaises((OSError, http.client.HTTPException)):
			self.ask(self.certificate)
		self.assertLess(time.monotonic() - started, 3)


class Faults(BioTimeCase):
	def test_an_error_has_http_200_a_code_and_words(self) -> None:
		for envelope in ("data", "results"):
			server = self.serve(envelope=envelope)
			server.faults.add(Fault(FaultKind.ERROR_TEXT, operation="transactions"))
			reply = self.get(server)
			self.assertEqual((reply.status, reply.json["code"]), (200, 1))
			self.assertEqual(reply.json["msg"], server.error_text)
			self.assertEqual(self.get(server).json["count"], 4)

	def test_a_fault_may_be_of_one_operation_and_come_later(self) -> None:
		server = self.serve()
		server.faults.add(Fault(FaultKind.HTML_200, operation="transactions", after=1))
		self.assertEqual(send(server, JWT_LOGIN, LOGIN).status, 200)
		kinds = [self.get(server).headers.get_content_type() for _ in range(3)]
		self.assertEqual(kinds, ["application/json", "text/html", "application/json"])

	def test_rows_are_missing_twice_or_in_another_order_and_the_count_stays(self) -> None:
		for kind, ids in (
			(FaultKind.TRUNCATED, [1, 2]),
			(FaultKind.DUPLICATE_ROWS, [1, 1, 2, 2, 3, 3, 4, 4]),
		):
			server = self.serve()
			server.faults.add(Fault(kind))
			answer = self.get(server).json
			self.assertEqual((answer["count"], [row["id"] for row in answer["data"]]), (4, ids))
		server.faults.add(Fault(FaultKind.SHUFFLED))
		found = [row["id"] for row in self.get(server).json["data"]]
		self.assertEqual((sorted(found), found != [1, 2, 3, 4]), ([1, 2, 3, 4], True))

	def test_a_careless_server_shows_the_request_with_the_token(self) -> None:
		for form, status in (("html", 500), ("fault", 500), ("text", 200)):
			server = self.serve()
			token = server.gate.issue("JWT")
			server.faults.add(Fault(FaultKind.ECHO_PASSWORD, form=form, status=500))
			reply = send(server, TRANSACTIONS, headers={"Authorization": f"JWT {token}"})
			self.assertEqual(reply.status, status)
			self.assertIn(token.encode(), reply.body)
			server.faults.add(Fault(FaultKind.ECHO_PASSWORD, form=form, status=500))
			self.assertIn(b"ss-word", send(server, JWT_LOGIN, LOGIN).body)

	def test_the_other_faults_work_as_well(self) -> None:
		server = self.serve()
		for kind, status, words in (
			(FaultKind.HTTP_500_FAULT, 500, b'{"detail":"Server was unable'),
			(FaultKind.HTTP_500_HTML, 500, b"<h1>Runtime Error"),
			(FaultKind.EMPTY_RESULT, 200, b'"count":0'),
			(FaultKind.ENTITY_BOMB, 200, b"[[[[[["),
			(FaultKind.REDIRECT, 302, b"Object moved"),
			(FaultKind.GARBAGE_BYTES, 200, b"\xff\xfe\x00"),
		):
			server.faults.add(Fault(kind))
			reply = self.get(server)
			self.assertEqual(reply.status, status)
			self.assertIn(words, reply.body)


if __name__ == "__main__":
	unittest.main()
