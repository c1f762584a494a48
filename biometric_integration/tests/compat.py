"""The base class of site tests: frappe v16 has `IntegrationTestCase`, v15 `FrappeTestCase`."""

try:
	from frappe.tests import IntegrationTestCase
except ImportError:
	from frappe.tests.utils import FrappeTestCase as IntegrationTestCase

__all__ = ["IntegrationTestCase"]
