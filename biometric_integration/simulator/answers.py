"""HTTP answers, and what faults make of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from html import escape

from .faults import Fault, FaultKind

XML = "text/xml; charset=utf-8"
SOAP12_XML = "application/soap+xml; charset=utf-8"
HTML = "text/html; charset=utf-8"


@dataclass(frozen=True)
class Answer:
	"""One HTTP answer. `sent` is how many bytes of the body really go out (None: all)."""

	body: bytes
	status: int = 200
	content_type: str = XML
	headers: Mapping[str, str] = field(default_factory=dict)
	sent: int | None = None


def soap_answer(text: str, *, is_soap12: bool, status: int = 200) -> Answer:
	return Answer(text.encode(), status, SOAP12_XML if is_soap12 else XML)


def page(title: str, content: str, status: int = 200) -> Answer:
	"""An HTML page; `content` is HTML."""
	html = f"<!DOCTYPE html>\r\n<html><head><title>{title}</title></head><body><h1>{title}</h1>{content}"
	return Answer(f"{html}</body></html>\r\n".encode(), status, HTML)


def help_page(service: str, operations: Sequence[str]) -> Answer:
	"""What a GET of an .asmx file shows (essl-protocol §1.2)."""
	links = "".join(f'<li><a href="?op={name}">{name}</a></li>' for name in operations)
	return page(f"{service} Web Service", f"<p>The following operations are supported.</p><ul>{links}</ul>")


def not_found(path: str) -> Answer:
	return page("404 - File or directory not found.", f"<p>{escape(path)}</p>", 404)


def echo_page(body: bytes, status: int) -> Answer:
	"""A careless error page: the request, password and all."""
	return page("Runtime Error", f"<pre>{escape(body.decode(errors='replace'), quote=False)}</pre>", status)


def _runtime_error(_: Fault) -> Answer:
	return page("Runtime Error", "<p>An application error occurred on the server.</p>", 500)


def _login_page(_: Fault) -> Answer:
	form = '<form action="/login.aspx"><input name="user"><input name="password" type="password"></form>'
	return page("Sign in", form)


def _redirect(fault: Fault) -> Answer:
	moved = page("Object moved", "<p>to here.</p>", fault["status"])
	return replace(moved, headers={"Location": fault["location"]})


def _empty(_: Fault) -> Answer:
	return Answer(b"")


def _cut(answer: Answer, fault: Fault) -> Answer:
	return replace(answer, sent=len(answer.body) // 2 if fault["keep"] is None else fault["keep"])


def _garbage(answer: Answer, fault: Fault) -> Answer:
	middle = len(answer.body) // 2
	return replace(answer, body=answer.body[:middle] + fault["data"] + answer.body[middle:])


def _wrong_encoding(answer: Answer, fault: Fault) -> Answer:
	# The comment makes sure that there is a byte to stumble over, whatever the names of the devices are.
	text = answer.body.decode() + "<!-- é -->"
	return replace(answer, body=text.encode(fault["encoding"], errors="xmlcharrefreplace"))


# Answers that do not depend on what was asked.
PAGES: Mapping[FaultKind, Callable[[Fault], Answer]] = {
	FaultKind.HTTP_500_HTML: _runtime_error,
	FaultKind.HTML_200: _login_page,
	FaultKind.REDIRECT: _redirect,
	FaultKind.EMPTY_BODY: _empty,
}
# Right answers that are damaged on the way.
DAMAGE: Mapping[FaultKind, Callable[[Answer, Fault], Answer]] = {
	FaultKind.CUT_BODY: _cut,
	FaultKind.GARBAGE_BYTES: _garbage,
	FaultKind.WRONG_ENCODING: _wrong_encoding,
}
# Ten entities of ten entities …: 10⁹ times "lol" for a parser that believes it.
BOMB = '<!DOCTYPE lolz [<!ENTITY lol0 "lol">{}]>'.format(
	"".join(f'<!ENTITY lol{level} "{f"&lol{level - 1};" * 10}">' for level in range(1, 10))
)
BOMB_FUSE = "&lol9;"
