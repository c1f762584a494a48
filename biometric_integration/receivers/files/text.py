"""Bytes of a file as lines of text. What it is called says nothing: its content decides (sources-protocols §4 *Encodings*)."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from io import TextIOWrapper
from typing import BinaryIO

from biometric_integration.receivers.files.refusal import BINARY, EMPTY, MARKUP, OLD_EXCEL, Refused

CHUNK = 1 << 16
LONGEST_LINE = 4096
"""Characters; what is longer was written by no device."""
MARKS = (
	(codecs.BOM_UTF8, "utf-8-sig"),
	(codecs.BOM_UTF16_LE, "utf-16"),
	(codecs.BOM_UTF16_BE, "utf-16"),
)
ZIP, COMPOUND = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
MARKUP_BEGINS = (b"<html", b"<!doctype", b"<table", b"<?xml", b"<meta", b"<head", b"<div")
CONTROLS = bytes(byte for byte in range(32) if byte not in b"\0\t\n\r\x0b\x0c\x1a")
END_OF_FILE = "\x1a"
"""Old programs end a text with it."""


def begin_of(file: BinaryIO) -> bytes:
	file.seek(0)
	return file.read(CHUNK)


def is_zip(begin: bytes) -> bool:
	return begin.startswith(ZIP)


def refuse_no_text(begin: bytes) -> None:
	if not begin.strip(b"\0 \r\n\t\x1a"):
		raise Refused(EMPTY)
	if begin.startswith(COMPOUND):
		raise Refused(OLD_EXCEL)
	if begin.lstrip(b"\xef\xbb\xbf \r\n\t").lower().startswith(MARKUP_BEGINS):
		raise Refused(MARKUP)


def encoding_of(file: BinaryIO) -> str:
	"""A mark at the begin, else UTF-8, GBK or cp1252: of the latter two only names suffer, digits are the same. Raises Refused for what is no text."""
	begin = begin_of(file)
	refuse_no_text(begin)
	for mark, encoding in MARKS:
		if begin.startswith(mark):
			return encoding
	if wide := _wide(begin):
		return wide
	if _is_binary(begin):
		raise Refused(BINARY)
	return next((encoding for encoding in ("utf-8", "gbk") if _decodes(file, encoding)), "cp1252")


def _wide(begin: bytes) -> str:
	"""UTF-16 without a mark: nearly every second byte is zero."""
	for encoding, zeros, others in (
		("utf-16-le", begin[1::2], begin[0::2]),
		("utf-16-be", begin[0::2], begin[1::2]),
	):
		if zeros.count(0) * 10 > len(zeros) * 7 and others.count(0) * 10 < len(others):
			return encoding
	return ""


def _is_binary(begin: bytes) -> bool:
	"""Zeros fill the rest of a block here and there; a text has no other control characters."""
	body = begin.strip(b"\0")
	controls = len(body) - len(body.translate(None, CONTROLS))
	return controls * 50 > len(body) or body.count(0) * 4 > len(body)


def _decodes(file: BinaryIO, encoding: str) -> bool:
	file.seek(0)
	decoder = codecs.getincrementaldecoder(encoding)()
	try:
		while chunk := file.read(CHUNK):
			decoder.decode(chunk)
		decoder.decode(b"", final=True)
	except UnicodeDecodeError:
		return False
	return True


def lines(file: BinaryIO, encoding: str) -> Iterator[tuple[int, str]]:
	"""(number from 1, line without its end), those with nothing left out. A line that is too long comes cut, one character longer than the longest."""
	file.seek(0)
	text = TextIOWrapper(file, encoding=encoding, errors="replace", newline=None)
	try:
		for number, whole in enumerate(_cut(text), 1):
			line = whole.strip("\r\n\0" + END_OF_FILE)
			if line.strip() or len(line) > LONGEST_LINE:
				yield number, line
	finally:
		text.detach()  # the file belongs to whoever opened it


def _cut(text: TextIOWrapper) -> Iterator[str]:
	while line := text.readline(LONGEST_LINE + 1):
		yield line
		while not line.endswith("\n") and (line := text.readline(CHUNK)):
			pass  # the rest of a line that is too long
