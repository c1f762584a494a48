from datetime import date

import frappe
from frappe import _
from frappe.model.document import Document
from frappe.utils import format_date, get_link_to_form, getdate

from biometric_integration.core.mapping import Scope, is_pattern, literal
from biometric_integration.core.text import harmless
from biometric_integration.core.typed import code, line
from biometric_integration.sync.db import sql
from biometric_integration.sync.desk import changes, limits, mapping
from biometric_integration.sync.process import mapping_rules
from biometric_integration.sync.process.mapping_rules import Action
from biometric_integration.sync.records import servers, staging

TYPED = {"server": code, "location": line, "device": line}
"""What is taken off what people paste into the fields that say where a rule holds."""

EARLIEST = date(1900, 1, 1)
"""A rule may begin with the employment of its person."""


class BiometricMappingRule(Document):
	"""Whose id it is, or that it is nobody's."""

	def validate(self) -> None:
		self.device_user_id = harmless(staging.as_typed(self.device_user_id))
		self.check_choices()
		self.clear_unused()
		self.check_id()
		self.check_place()
		self.check_dates()
		self.check_employment()
		self.check_sight()
		self.check_overlap()
		self.warn_of_collision()
		self.tell_ids_covered()

	def check_choices(self) -> None:
		"""Frappe looks at them when all of this is done."""
		for fieldname, choices in (("scope", Scope), ("action", Action)):
			known = [choice.value for choice in choices]
			if self.get(fieldname) not in known:
				label = frappe.bold(_(self.meta.get_label(fieldname)))
				frappe.throw(_("{0}: choose one of {1}.").format(label, ", ".join(map(_, known))))

	def clear_unused(self) -> None:
		"""Fields of another scope, and the employee of an id that is ignored."""
		used = mapping_rules.WHERE.get(Scope(self.scope))
		for field in mapping_rules.WHERE.values():
			self.set(field, TYPED[field](self.get(field)) if field == used else None)
		if self.action == Action.IGNORE.value:
			self.employee = self.employee_name = None

	def check_id(self) -> None:
		if not self.device_user_id:
			frappe.throw(_("Enter the Device User ID."))
		if not literal(self.device_user_id):
			frappe.throw(
				_(
					"{0} would match every id. A pattern needs at least one character besides its wildcards, such as 9*."
				).format(frappe.bold(self.device_user_id))
			)

	def check_place(self) -> None:
		field = mapping_rules.WHERE.get(Scope(self.scope))
		if field and not self.get(field):
			frappe.throw(
				_("This rule holds for a {0}: fill in {1}.").format(
					_(self.scope), frappe.bold(_(self.meta.get_label(field)))
				)
			)
		known = servers.ids()
		if self.server and self.server not in known:
			frappe.throw(
				_("There is no attendance server with the id {0}. Choose one of: {1}.").format(
					frappe.bold(frappe.utils.escape_html(self.server)), ", ".join(known)
				)
			)

	def check_dates(self) -> None:
		limits.check_days(self, "from_date", "to_date", first=EARLIEST)
		if self.from_date and self.to_date and getdate(self.from_date) > getdate(self.to_date):
			frappe.throw(_("From Date is after To Date. Correct one of them."))

	def check_employment(self) -> None:
		"""A rule that could never be used is a slip."""
		if self.action == Action.IGNORE.value:
			return
		if not self.employee:
			frappe.throw(_("Choose the Employee, or set the Action to Ignore."))
		fields = ["employee_name", "status", "date_of_joining", "relieving_date"]
		person = frappe.db.get_value("Employee", self.employee, fields, as_dict=True)
		if not person:
			frappe.throw(_("There is no employee {0}.").format(frappe.bold(self.employee)))
		left, joined = person.relieving_date, person.date_of_joining
		name = frappe.bold(person.employee_name)
		if left and self.from_date and getdate(self.from_date) > left:
			frappe.throw(
				_(
					"{0} left on {1}, before this rule begins. Choose another employee or an earlier From Date."
				).format(name, format_date(left))
			)
		if left and person.status == "Left" and not self.to_date:
			frappe.throw(
				_(
					"{0} left on {1}. Enter a To Date, so that the id is free for somebody else after that."
				).format(name, format_date(left))
			)
		if joined and self.to_date and getdate(self.to_date) < joined:
			frappe.throw(
				_(
					"{0} joined on {1}, after this rule ends. Choose another employee or a later To Date."
				).format(name, format_date(joined))
			)

	def check_sight(self) -> None:
		"""As it is, and as it was: whoever takes a rule away decides as well."""
		rules = filter(None, (self, self.get_doc_before_save()))
		mapping.refuse_unseen(map(mapping_rules.as_rule, rules))

	def check_overlap(self) -> None:
		own = mapping_rules.as_rule(self)
		filters = {"device_user_id": self.device_user_id, "name": ("!=", self.name or "")}
		for row in frappe.get_all(mapping_rules.DOCTYPE, filters, mapping_rules.FIELDS, limit=0):
			if own.overlaps(mapping_rules.as_rule(row)):
				frappe.throw(
					_(
						"The rule {0} says already whose id {1} is, {2}, for the same place. Change the dates of one of them."
					).format(
						get_link_to_form(mapping_rules.DOCTYPE, row.name),
						frappe.bold(self.device_user_id),
						in_words(row),
					),
					title=_("Overlapping Rules"),
				)

	def warn_of_collision(self) -> None:
		"""Somebody else carries the id in their own record: the rule wins, which may be meant."""
		if self.action == Action.IGNORE.value or not self.is_new():
			return
		others = mapping_rules.other_carriers(mapping_rules.as_rule(self))
		if others:
			frappe.msgprint(
				_("The id {0} stands in the record of {1} as well. Where this rule holds, it counts.").format(
					frappe.bold(self.device_user_id),
					", ".join(get_link_to_form("Employee", name) for name in others),
				),
				title=_("Same ID"),
				indicator="orange",
			)

	def tell_ids_covered(self) -> None:
		"""A pattern may cover more than its author knows. The form asks before it saves."""
		is_told = self.get("__ids_told") == self.device_user_id
		if is_pattern(self.device_user_id) and self.has_value_changed("device_user_id") and not is_told:
			told = mapping.ids_covered(self.device_user_id)
			frappe.msgprint(told["message"], title=_("IDs of the Pattern"), indicator="orange")

	def on_update(self) -> None:
		before = self.get_doc_before_save()
		rules = {mapping_rules.as_rule(document) for document in (self, before) if document}
		if len(rules) > 1 or not before:
			changes.mapping_rules_changed(rules)

	def on_trash(self) -> None:
		mapping.refuse_unseen([mapping_rules.as_rule(self)])
		changes.mapping_rules_changed({mapping_rules.as_rule(self)})


def in_words(rule) -> str:
	"""The days of a rule."""
	start, end = rule.from_date and format_date(rule.from_date), rule.to_date and format_date(rule.to_date)
	if start and end:
		return _("from {0} to {1}").format(start, end)
	return (
		_("from {0} on").format(start) if start else _("until {0}").format(end) if end else _("at any time")
	)


def on_doctype_update() -> None:
	sql.keep_indexes("Biometric Mapping Rule", {"device_user_id_index": ["device_user_id"]})
