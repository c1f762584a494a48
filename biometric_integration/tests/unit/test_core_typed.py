"""What people paste: with blanks, signs that nobody sees, full-width digits, and half of an address."""

from __future__ import annotations

import unittest

from biometric_integration.core import typed


class TestLinesAndCodes(unittest.TestCase):
	def test_what_nobody_sees_goes_and_what_can_be_seen_stays(self):
		for text, right in {
			" Gate ": "Gate",
			"\tGate\r\n": "Gate",
			"\ufeffGate\u200b": "Gate",
			"\u00a0Gate\u202f": "Gate",
			"Main\tGate": "Main Gate",
			"\u202aGate\u202c": "Gate",
			"क्‍ष": "क्‍ष",
			"Gate １": "Gate １",
			"-Gate-": "-Gate-",
			"\x00\x1b": "",
			"": "",
			None: "",
		}.items():
			with self.subTest(text):
				self.assertEqual(typed.line(text), right)

	def test_codes_have_the_digits_that_machines_write(self):
		for text, right in {
			"００３１": "0031",
			"٠٠٣١": "0031",
			"०३१": "031",
			"ＣＥＸＪ－１": "CEXJ-1",
			"31\u3000": "31",
			"31\u200d": "31",
			"0031": "0031",
			"José7": "José7",
			"²": "²",
			"a b": "a b",
		}.items():
			with self.subTest(text):
				self.assertEqual(typed.code(text), right)

	def test_what_was_taken_off_once_is_gone(self):
		for text in (" ００\t１ ", "\u200b \u200b", "x\r\n", "٣ "):
			for read in (typed.line, typed.code, typed.web_address):
				self.assertEqual(read(read(text)), read(text))


class TestAddresses(unittest.TestCase):
	def test_what_people_copy_is_understood(self):
		for text, right in {
			"192.168.1.20:85": "http://192.168.1.20:85",
			" host/iclock ": "http://host/iclock",
			"http//host": "http://host",
			"https//host/a": "https://host/a",
			"http:/host": "http://host",
			"http:host": "http://host",
			"HTTP://Host": "http://Host",
			"http:\\\\host\\iclock": "http://host/iclock",
			"<https://host/a>": "https://host/a",
			'"http://host".': "http://host",
			"http://192.168.1.20:85,": "http://192.168.1.20:85",
			"http://host/WebAPIService.asmx?op=GetTransactionsLog#top": "http://host/WebAPIService.asmx",
			"http://host/?user=essl&password=essl": "http://host/",
			"http://host/SSINDUST/Main.aspx": "http://host/SSINDUST/Main.aspx",
			"http://host/(S(abc))/Login.aspx": "http://host/(S(abc))/Login.aspx",
			"fe80::1": "http://[fe80::1]",
			"[2001:db8::7]:81": "http://[2001:db8::7]:81",
			"http://１９２．１６８．１．２０：８５": "http://192.168.1.20:85",
			"http://ho\u200bst": "http://host",
			"http://host/my app/iclock": "http://host/my%20app/iclock",
			"http://münchen.example:81/x": "http://münchen.example:81/x",
			"httpserver:81": "http://httpserver:81",
			"https.example.com": "http://https.example.com",
			"": "",
			" \u200b ": "",
		}.items():
			with self.subTest(text):
				self.assertEqual(typed.web_address(text), right)
				self.assertTrue(not right or typed.is_web_address(right), right)

	def test_what_is_no_address_or_holds_a_login_is_told_apart(self):
		for text in (
			"ftp://host",
			"http://",
			"http://user:secret@host",
			"http://user@host",
			"http://host:0",
			"http://host:65536",
			"http://host:-1",
			"http://host:abc",
			"http://ho st",
			"http://192.168.1.300",
			"http://1.2.3.4.5",
			"http://[fe80::1",
			"http://a..b",
			"http://.",
			"-1",
			"x" * 254,
			"javascript:alert(1)",
			"file:///etc/passwd",
			"http://host:٩٩٩٩٩",
		):
			with self.subTest(text):
				self.assertFalse(typed.is_web_address(typed.web_address(text)))
