"""Several runs at once, each in a thread of its own, and all that a host keeps in one thread only.

A connection to a database, and what a host knows per thread, belong to whoever made them. So a run only waits for its server by itself:
what it asks of the host is done by the thread that began it, one thing after the other.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from queue import Empty, Queue
from typing import Any, Generic, Protocol, TypeVar, cast

PATIENCE = 5.0
"""Seconds for which those that are still under way are waited for when they are told to end."""

LONGEST_WAIT = 1.0
"""Seconds after which a wait looks up: on Windows nothing else notices Ctrl-C."""

Answer = TypeVar("Answer")
Result = TypeVar("Result")
Thing = TypeVar("Thing")


class Ask(Protocol):
	"""Does something in the thread of whoever began the run, and gives back what comes of it, a failure included."""

	def __call__(self, action: Callable[[], Answer]) -> Answer: ...


class Abandoned(Exception):
	"""Nobody is there any more who would do what a run asks for."""


def elsewhere(thing: Thing, ask: Ask) -> Thing:
	"""The same thing, whose methods are called in another thread."""
	return cast(Thing, _Elsewhere(thing, ask))


class _Elsewhere:
	def __init__(self, thing: Any, ask: Ask):
		self._thing = thing
		self._ask = ask

	def __getattr__(self, name: str) -> Callable[..., Any]:
		return lambda *values, **named: self._ask(lambda: getattr(self._thing, name)(*values, **named))


class Runs(Protocol[Result]):
	"""How runs are carried out. `ask` is for them: it does something in the thread of whoever begins them."""

	def ask(self, action: Callable[[], Answer]) -> Answer: ...

	def begin(self, run: Callable[[], Result]) -> None: ...

	def ended(self, seconds: float | None = None) -> Result | None:
		"""What the next run that ends gives back; None where none does so in time. Raises what a run raised."""
		...

	def close(self, give_up: Callable[[], None]) -> None:
		"""Whoever is still under way has been told to end; `give_up` ends what they wait for."""
		...


class InTurn(Generic[Result]):
	"""One after the other, in this thread; each when its end is asked for."""

	def __init__(self) -> None:
		self._begun: list[Callable[[], Result]] = []

	def ask(self, action: Callable[[], Answer]) -> Answer:
		return action()

	def begin(self, run: Callable[[], Result]) -> None:
		self._begun.append(run)

	def ended(self, seconds: float | None = None) -> Result | None:
		return self._begun.pop(0)()

	def close(self, give_up: Callable[[], None]) -> None:
		"""None is under way."""


class SideBySide(Generic[Result]):
	"""Each in a thread of its own. None keeps the process from ending."""

	def __init__(self) -> None:
		self._inbox: Queue[_Request | Future[Result]] = Queue()
		self._under_way = 0
		self._is_closed = False

	def begin(self, run: Callable[[], Result]) -> None:
		threading.Thread(target=self._carry_out, args=(run,), daemon=True).start()
		self._under_way += 1

	def _carry_out(self, run: Callable[[], Result]) -> None:
		result: Future[Result] = Future()
		try:
			result.set_result(run())
		except BaseException as error:  # whoever began it has to know
			result.set_exception(error)
		self._inbox.put(result)

	def ask(self, action: Callable[[], Answer]) -> Answer:
		request = _Request(action)
		self._inbox.put(request)
		if self._is_closed:
			raise Abandoned()
		return cast(Answer, request.answer.result())

	def ended(self, seconds: float | None = None) -> Result | None:
		end = math.inf if seconds is None else time.monotonic() + seconds
		while (left := end - time.monotonic()) > 0:
			try:
				item = self._inbox.get(timeout=min(left, LONGEST_WAIT))
			except Empty:
				continue
			if isinstance(item, Future):
				self._under_way -= 1
				return item.result()
			item.do()
		return None

	def close(self, give_up: Callable[[], None]) -> None:
		give_up()
		end = time.monotonic() + PATIENCE
		try:
			while self._under_way and (left := end - time.monotonic()) > 0:
				self._let_end(left)
		finally:
			self._is_closed = True
			while not self._inbox.empty():
				if isinstance(item := self._inbox.get(), _Request):
					item.answer.set_exception(Abandoned())

	def _let_end(self, seconds: float) -> None:
		under_way = self._under_way
		try:
			self.ended(seconds)
		except BaseException:
			if self._under_way == under_way:
				raise  # not what the run has ended with


class _Request:
	"""What a run asks for, and the place of the answer."""

	def __init__(self, action: Callable[[], Any]):
		self.answer: Future[Any] = Future()
		self._action = action

	def do(self) -> None:
		try:
			self.answer.set_result(self._action())
		except Exception as error:
			self.answer.set_exception(error)
		except BaseException as error:  # the end of the process is everybody's
			self.answer.set_exception(error)
			raise
