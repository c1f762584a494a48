from __future__ import annotations

import html
import json
import sys
import tracemalloc
import unittest
from datetime import datetime, timezone
from io import BytesIO
from typing import Any
from urllib.parse import quote, quote_plus
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from hypothesis import given, settings
from hypothesis import strategies as st

from biometric_integration.connectors import soap
from biometric_integration.connectors.endpoint import endpoint_of, service_paths
from biometric_integration.connectors.etimetracklite import SERVICE_NAMES
from biometric_integration.connectors.redaction import CONTROLS, Redactor, redact, redact_row, redact_words
from biometric_integration.connectors.soap import SoapReader, envelope, iter_lines
from biometric_integration.connectors.transport import Answer, Request, Transport
from biometric_integration.core.connector import RequestTrace, ServerConfig
from biometric_integration.core.errors import ConfigurationError, ProtocolError, SyncError, TransientError

OPERATION = "GetTransactionsLog"
LONG = "strDataList"
XML_CHARACTERS = st.characters(blacklist_categories=["Cs", "Cc"], blacklist_characters="\ufffe\uffff")
XML_TEXT = st.text(XML_CHARACTERS)


def document(
	long: str, result: str = "Logs Count:1", prolog: str = '<?xml version="1.0" encoding="utf-8"?>'
) -> str:
	return (
		f'{prolog}<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body>'
		f'<{OPERATION}Response xmlns="http://tempuri.org/"><{OPERATION}Result>{result}</{OPERATION}Result>'
		f"<{LONG}>{long}</{LONG}></{OPERATION}Response></soap:Body></soap:Envelope>"
	)


def fault(text: str, code: str = "soap:Server") -> str:
	return (
		'<soap:Envelope xmlns:soap="x"><soap:Body><soap:Fault>'
		f"<faultcode>{code}</faultcode><faultstring>{escape(text)}</faultstring><detail /></soap:Fault>"
		"</soap:Body></soap:Envelope>"
	)


class Trickle(BytesIO):
	"""A body that comes in pieces of a given size, whatever is asked for."""

	def __init__(self, content: bytes, size: int):
		super().__init__(content)
		self._size = size

	def read(self, size: int = -1) -> bytes:
		return super().read(min(size, self._size) if size >= 0 else self._size)


def reader(content: bytes | str, size: int = soap.CHUNK, status: int = 200) -> SoapReader:
	body = Trickle(content.encode() if isinstance(content, str) else content, size)
	trace = RequestTrace(OPERATION, datetime(2025, 4, 7, tzinfo=timezone.utc))
	answer = Answer(Request(OPERATION, "http://host:81/x.asmx", {}, b""), status, body, None, trace)
	config = ServerConfig("main", "eTimeTrackLite", "http://host:81", password="secret")
	return SoapReader(answer, OPERATION, LONG, Transport(config))


def _steps(text: str, secret: str) -> int:
	"""How much work it is: what the interpreter runs through, which no load of the machine changes."""
	steps = 0

	def count(frame: Any, event: str, argument: Any) -> None:
		nonlocal steps
		steps += 1

	sys.setprofile(count)
	try:
		redact(text, [secret])
	finally:
		sys.setprofile(None)
	return steps


def text_of(content: bytes | str, size: int = soap.CHUNK) -> str:
	return "".join(reader(content, size).pieces())


class EnvelopeTest(unittest.TestCase):
	@settings(deadline=None)
	@given(XML_TEXT, XML_TEXT)
	def test_any_text_arrives_as_it_was_entered(self, user: str, password: str) -> None:
		root = ElementTree.fromstring(envelope(OPERATION, {"UserName": user, "UserPassword": password}))
		sent = root[0][0]
		self.assertEqual(sent.tag, f"{{http://tempuri.org/}}{OPERATION}")
		self.assertEqual(
			[(child.tag.partition("}")[2], child.text or "") for child in sent],
			[
				("UserName", user),
				("UserPassword", password),
			],
		)

	def test_a_control_character_is_refused_with_the_name_of_its_field(self) -> None:
		with self.assertRaisesRegex(ConfigurationError, "UserPassword"):
			envelope(OPERATION, {"UserPassword": "a\x00b"})


class ReaderTest(unittest.TestCase):
	@settings(deadline=None)
	@given(XML_TEXT, st.integers(1, 50))
	def test_the_text_does_not_depend_on_how_the_answer_is_cut(self, text: str, size: int) -> None:
		text = text.replace("\r", "")
		self.assertEqual(text_of(document(escape(text)), size), text)

	def test_every_way_to_write_a_line_break_is_read(self) -> None:
		for written in (
			"a\r\nb",
			"a\nb",
			"a&#xD;\nb",
			"a&#x0D;&#10;b",
			"a&#13;b",
			"<![CDATA[a\r\nb]]>",
			"a<![CDATA[\n]]>b",
		):
			for size in (1, 3, soap.CHUNK):
				with self.subTest(written=written, size=size):
					pieces = reader(document(written), size).pieces()
					self.assertEqual(list(iter_lines(pieces, "\n")), ["a", "b"])

	def test_a_missing_or_empty_list_is_no_text(self) -> None:
		for content in (
			document(""),
			document("").replace(f"<{LONG}></{LONG}>", ""),
			document("").replace(f"<{LONG}></{LONG}>", f"<{LONG} />"),
		):
			self.assertEqual(text_of(content), "")

	def test_the_short_texts_are_known_when_the_list_begins(self) -> None:
		answer = reader(document("x"), 1)
		next(answer.pieces())
		self.assertEqual(answer.texts, {f"{OPERATION}Result": "Logs Count:1"})

	def test_a_reference_to_a_control_character_hides_no_other_row(self) -> None:
		for size in (1, 7, soap.CHUNK):
			self.assertEqual(
				text_of(document("a&#x1;b&#0;&#31;&#x1F;c&#x9;&#10;&#xd;&amp;"), size),
				"a\ufffdb\ufffd\ufffd\ufffdc\t\n\r&",
			)

	def test_a_raw_control_byte_hides_no_other_row_and_shows_in_its_own(self) -> None:
		for size in (1, 7, soap.CHUNK):
			self.assertEqual(text_of(document("a\x01b\nc"), size), "a\ufffdb\nc")

	def test_a_byte_order_mark_before_the_first_row_is_no_part_of_it(self) -> None:
		self.assertEqual(text_of(document("\ufeff31\tx")), "31\tx")

	def test_an_answer_of_endless_different_elements_takes_little_memory(self) -> None:
		content = document("".join(f"<e{number} />" for number in range(200_000))).replace(
			f"<{LONG}>", "<other>"
		)
		tracemalloc.start()
		with self.assertRaises(ProtocolError):
			text_of(content)
		peak = tracemalloc.get_traced_memory()[1]
		tracemalloc.stop()
		self.assertLess(peak, 2 * len(content))

	def test_other_encodings_are_read_when_they_are_declared(self) -> None:
		for encoding in ("utf-8", "utf-16", "iso-8859-1", "windows-1252"):
			content = document("é", prolog=f'<?xml version="1.0" encoding="{encoding}"?>').encode(encoding)
			self.assertEqual(text_of(content), "é")

	def test_what_is_no_answer_is_a_protocol_error(self) -> None:
		cases = {
			"doctype": document("x", prolog='<!DOCTYPE a [<!ENTITY b "c">]>'),
			"entity": document("&lol;"),
			"not well-formed": document("<a></b>"),
			"two roots": document("x") + document("x"),
			"elements in the text": document("<row>1</row>"),
			"another root": "<html><body/></html>",
			"another operation": document("x").replace(f"{OPERATION}Response", "OtherResponse"),
			"bad bytes": document("x").encode()[:-60] + b"\xff\xfe\x00" + document("x").encode()[-60:],
			"unknown encoding": document("x", prolog='<?xml version="1.0" encoding="klingon"?>'),
			"wrong encoding": document("é").encode("latin-1"),
			"deep": "<Envelope>" + "<a>" * 100_000,
			"long tag": f"<Envelope><{'a' * 5_000_000}",
		}
		for name, content in cases.items():
			with self.subTest(name):
				answer = reader(content)
				with self.assertRaises(ProtocolError) as caught:
					list(answer.pieces())
				self.assertIn("host:81", caught.exception.message)
				self.assertTrue(answer.trace.excerpt)
				self.assertLessEqual(len(answer.trace.excerpt), 500)

	@settings(deadline=None)
	@given(st.binary(max_size=300))
	def test_no_bytes_make_anything_but_a_sync_error(self, content: bytes) -> None:
		try:
			list(reader(content).pieces())
		except SyncError:
			pass

	def test_an_answer_that_breaks_off_is_transient(self) -> None:
		whole = document("1\t2025-04-07 09:02:11\tin\n" * 10)
		for length in (60, 200, 300, len(whole) - 1):
			with self.subTest(length=length), self.assertRaises(TransientError):
				list(reader(whole[:length]).pieces())

	def test_a_fault_is_of_the_class_its_words_stand_for(self) -> None:
		cases = {
			"Server did not recognize the value of HTTP Header SOAPAction: x.": ConfigurationError,
			"Server was unable to read request. ---> There is an error in XML document": ProtocolError,
			"Server was unable to process request. ---> Timeout expired.": TransientError,
			"": TransientError,
		}
		for text, kind in cases.items():
			for status in (200, 500):
				answer = reader(fault(text), status=status)
				with self.subTest(text=text), self.assertRaises(kind):
					list(answer.pieces())
				self.assertEqual(answer.trace.server_message, text)

	def test_an_answer_with_status_500_and_no_fault_is_transient(self) -> None:
		with self.assertRaises(TransientError):
			list(reader(document("x"), status=500).pieces())

	def test_memory_does_not_grow_with_the_answer(self) -> None:
		row = "0031\t2025-04-07 09:02:11\tin\r\n"
		for long in (row * 600_000, "x" * 20_000_000):
			answer = reader(document(long))
			del long
			tracemalloc.start()
			for _ in iter_lines(answer.pieces(), "\n"):
				pass
			peak = tracemalloc.get_traced_memory()[1]
			tracemalloc.stop()
			self.assertLess(peak, 2_000_000)


class LinesTest(unittest.TestCase):
	@settings(deadline=None)
	@given(st.lists(st.text("ab;\n\r", max_size=5)), st.sampled_from(["\n", ";"]))
	def test_lines_do_not_depend_on_the_pieces(self, pieces: list[str], separator: str) -> None:
		text = "".join(pieces)
		whole = text.replace("\r", "\n") if separator == "\n" else text
		self.assertEqual(
			list(iter_lines(iter(pieces), separator)), [line for line in whole.split(separator) if line]
		)

	def test_an_endless_row_is_cut(self) -> None:
		lines = list(iter_lines(("x" * 10_000 for _ in range(100)), ";"))
		self.assertEqual([len(line) > soap.LONGEST_ROW for line in lines], [True])
		self.assertLess(len(lines[0]), 3 * soap.LONGEST_ROW)


class EndpointTest(unittest.TestCase):
	def test_what_was_typed_leads_to_the_places_where_the_service_may_be(self) -> None:
		cases = {
			"http://h": "/iclock/WebAPIService.asmx",
			"http://h:81/": "/iclock/WebAPIService.asmx",
			"https://h/tenant": "/tenant/iclock/WebAPIService.asmx",
			"http://h/iClock/": "/iClock/WebAPIService.asmx",
			" http://h/iclock ": "/iclock/WebAPIService.asmx",
			"http://h/x/WebAPIService.ASMX?WSDL": "/x/WebAPIService.ASMX",
			"http://h/SSINDUST/Main.aspx": "/SSINDUST/iclock/WebAPIService.asmx",
			"http://h/iclock/(S(x1))/Masters/Main.aspx?id=1#top": "/iclock/Masters/iclock/WebAPIService.asmx",
		}
		for url, first in cases.items():
			with self.subTest(url=url):
				paths = service_paths(endpoint_of(url), SERVICE_NAMES)
				self.assertEqual(paths[0], first)
				self.assertEqual(len(paths), len(set(paths)))
		self.assertIn(
			"/tenant/webapiservice.asmx", service_paths(endpoint_of("http://h/tenant"), SERVICE_NAMES)
		)
		self.assertIn("/t/webapiservice.asmx", service_paths(endpoint_of("http://h/t/iclock"), SERVICE_NAMES))
		pasted = service_paths(endpoint_of("http://h/iclock/Masters/Main.aspx"), SERVICE_NAMES)
		self.assertLess({"/iclock/WebAPIService.asmx", "/WebAPIService.asmx"}, set(pasted))
		self.assertIn("/v1.2/WebAPIService.asmx", service_paths(endpoint_of("http://h/v1.2"), SERVICE_NAMES))

	def test_an_address_is_put_together_again(self) -> None:
		for url in ("http://h/x", "https://h:8530/x", "http://[::1]:81/x"):
			self.assertEqual(endpoint_of(url).url("/x"), url)
		self.assertEqual(endpoint_of("https://h:443/x").url("/x"), "https://h/x")


class RedactionTest(unittest.TestCase):
	@settings(deadline=None)
	@given(st.text(min_size=1).filter(lambda secret: "*" not in secret), st.text(), st.text())
	def test_a_password_never_stays(self, secret: str, before: str, after: str) -> None:
		self.assertNotIn(secret, redact(before + secret + after, [secret]))

	@settings(deadline=None)
	@given(st.text(XML_CHARACTERS, min_size=3))
	def test_no_way_to_write_a_password_stays(self, secret: str) -> None:
		for written in (
			escape(secret),
			escape(escape(secret)),
			html.escape(secret),
			quote(secret),
			quote_plus(secret),
		):
			self.assertEqual(redact(f"[{written}]", [secret]), "[***]")
		self.assertEqual(redact(json.dumps([secret]), [secret]), '["***"]')

	def test_the_content_of_a_password_element_goes_whatever_it_is(self) -> None:
		for text in (
			"<UserPassword>other</UserPassword>",
			"<a:Password x='1'>other</a:Password>",
			"&lt;Password&gt;other&lt;/Password&gt;",
			"<Password>other",
		):
			self.assertNotIn("other", redact(text, []))

	def test_an_element_with_anything_in_it_leaves_nothing_behind(self) -> None:
		secret = "p&<s>\"ecret'9"
		for shown in (escape(secret), escape(escape(secret)), secret):
			for others in ([secret], []):
				text = redact(f"<Password>{shown}</Password><LogDate>1</LogDate>", others)
				self.assertEqual(text, "<Password>***</Password><LogDate>1</LogDate>")

	def test_a_near_miss_of_a_long_password_takes_a_time_that_is_linear_in_the_text(self) -> None:
		for secret in ("p&<s>\"ecret'9 \\x" * 4, "a\\" * 32, "\\" * 64, "a" * 64, "&amp;" * 13):
			for form in (str, json.dumps, lambda text: json.dumps(json.dumps(text)), escape, quote):
				with self.subTest(secret=secret[:8], form=form):
					near, whole = form(secret[:-1] + "~"), form(secret)
					short, long = (_steps(near * times, secret) for times in (4, 16))
					self.assertLess(long, 5 * short)
					text = redact(f"[{whole}]", [secret])
					self.assertIn("***", text)
					self.assertNotIn(secret, text)

	def test_a_secret_in_the_middle_of_its_own_beginning_is_found(self) -> None:
		self.assertEqual(redact("aaab aab&#97;b", ["aab"]), "a*** ***&#97;b")
		self.assertEqual(redact("xaba%62ay", ["aba"]), "x***y")

	def test_people_read_what_only_happens_to_look_like_a_weak_password(self) -> None:
		self.assertEqual(redact_words("www.esslcloud.com of eSSL", "essl"), "www.esslcloud.com of eSSL")
		self.assertEqual(redact_words("no login for essl.", "essl"), "no login for ***.")
		for echo in (
			r"\u003cPassword\u003eessl\u003c/Password",
			"Password%3Dessl",
			r'"Password":\n"essl"',
			r"\x3eessl",
			"%25252522essl%25252522",
			*(rf"\{letter}essl\{letter}" for letter in CONTROLS),
		):
			self.assertNotIn("essl", redact_words(echo, "essl"), echo)
		self.assertEqual(redact_row("1234\tyesterday\tin", ["1234"], "api"), "1234\tyesterday\tin")
		self.assertEqual(redact_row("api\t1234\tdenied", ["1234"], "api"), "api\t***\tdenied")
		self.assertEqual(redact_row("Password=1234", ["1234"], "admin"), "Password=***")
		strong = "correct-horse"
		self.assertEqual(redact_row(f"x\t{strong}\tin", [strong], "api"), "x\t***\tin")

	def test_several_secrets_go_and_so_does_a_field_that_is_named_like_one(self) -> None:
		known = Redactor("7731", user="api")
		known.learn("7731-token.of-ours")
		self.assertEqual(known.words("7731-token.of-ours 7731"), "*** ***")
		self.assertEqual(known.row("7731\tin"), "7731\tin", "a weak one may be a number of somebody")
		self.assertNotIn("7731", repr(vars(known)))
		for text in (
			'{"self_password": "1\\"2", "sn": "A"}',
			'{"token" : "a.b.c", "sn": "A"}',
			'"{\\"access\\": \\"abc\\", \\"sn\\": \\"A\\"}"',
		):
			masked = known.words(text)
			self.assertIn("***", masked)
			self.assertIn("A", masked)
			for secret in ("1", "2", "a.b", "abc"):
				self.assertNotIn(secret, masked)

	def test_a_text_without_secrets_stays(self) -> None:
		self.assertEqual(redact("Unathorised User", ["secret", ""]), "Unathorised User")
