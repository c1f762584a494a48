"""All tests that need a site, in one run: `bench run-tests --app biometric_integration --module biometric_integration.tests.site`.

With `--app` alone frappe runs those as well that need none, and that have run without one.
"""

from __future__ import annotations

from pathlib import Path
from unittest import TestLoader, TestSuite

MODULES = sorted((Path(__file__).parent / "integration").glob("test_*.py"))


def load_tests(loader: TestLoader, _found: TestSuite, _pattern: str | None) -> TestSuite:
	return TestSuite(loader.loadTestsFromName(f"{__package__}.integration.{path.stem}") for path in MODULES)
