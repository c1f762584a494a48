"""The sentence of a workday, in the words of whoever looks at it. Stored are a code and values."""

from __future__ import annotations

from collections.abc import Mapping

from frappe import _

from biometric_integration.core.judgement import SENTENCES, Why


class _Filled(dict):
	"""What is not known stays out of a sentence."""

	def __missing__(self, key: str) -> str:
		return "?"


def sentence(reason: str | None, values: Mapping[str, str]) -> str:
	pattern = SENTENCES.get(Why(reason or ""), "")
	return _(pattern).format_map(_Filled(values)) if pattern else ""
