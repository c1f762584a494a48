frappe.ui.form.on("Biometric Workday", {
	refresh(frm) {
		frm.disable_save();
		const { doc } = frm;
		const { sentence, checkins, devices, actions, missing, decisions } = doc.__onload || {};
		const color = biometric_integration.intro_color(frm.doctype, doc.state);
		biometric_integration.form_title(
			frm,
			`${doc.employee_name || doc.employee}, ${frappe.datetime.str_to_user(doc.date)}`
		);
		frm.set_intro("");
		if (sentence) frm.set_intro(frappe.utils.escape_html(sentence), color);
		frm.get_field("answer").$wrapper.html(
			[
				facts_html(doc),
				attendance_html(doc),
				checkins_html(doc, checkins || []),
				devices_html(doc, devices || []),
				decisions_html(decisions || []),
			].join("")
		);
		frm.get_field("answer")
			.$wrapper.find("[data-decision]")
			.on("click", ({ currentTarget }) => take_back(frm, currentTarget.dataset.decision));
		add_actions(frm, actions || [], missing);
		add_views(frm, checkins || []);
	},
});

// --- who and when

function facts_html({ employee, department, shift, shift_start, shift_end, hours }) {
	const times = [shift_start, shift_end].filter(Boolean).map(clock).join(" – ");
	const facts = [
		linked("Employee", employee, employee, frappe.model.can_read("Employee")),
		department && frappe.utils.escape_html(department),
		shift
			? `${linked("Shift Type", shift, shift, frappe.model.can_read("Shift Type"))} ${times}`
			: __("No shift"),
		hours > 0 && __("{0} h between the punches", [format_number(hours, null, 2)]),
	];
	return `<p class="text-muted mb-4">${facts.filter(Boolean).join(" · ")}</p>`;
}

// Which day that is goes without saying.
const clock = (value) => biometric_integration.time_of_day(value, value.slice(0, 10));

// --- what is written, and what would be right

function attendance_html(doc) {
	const { attendance, written_status, written_hours } = doc;
	const link = attendance
		? linked("Attendance", attendance, attendance, frappe.model.can_read("Attendance"))
		: "";
	return `<div class="row mb-4">
		${attendance_box(__("Is Written"), attendance_words(written_status, written_hours) || __("Nothing"), link)}
		${attendance_box(__("Would Be Right"), would_be_right(doc), extras(doc))}
	</div>`;
}

function attendance_box(label, words, more) {
	return `<div class="col-sm-6">
		<div class="text-muted small">${label}</div>
		<div class="h4 my-1">${frappe.utils.escape_html(words)}</div>
		<div class="small">${more}</div>
	</div>`;
}

const attendance_words = (...args) => biometric_integration.attendance_words(...args);

function would_be_right({ state, would_status, would_hours }) {
	if (would_status) return attendance_words(would_status, would_hours);
	const words = {
		"To Settle": __("To be decided"),
		Marked: __("As it is"),
		"No Attendance": __("Nothing"),
	};
	return words[state] || __("Not known yet");
}

function extras({ would_status, late_entry, early_exit, overtime }) {
	if (!would_status) return "";
	const words = [
		late_entry && __("Late entry"),
		early_exit && __("Early exit"),
		overtime > 0 && __("Overtime: {0} h", [format_number(overtime, null, 2)]),
	];
	return `<span class="text-muted">${words.filter(Boolean).join(" · ")}</span>`;
}

// --- its check-ins

function checkins_html(doc, checkins) {
	if (!checkins.length) return section(__("Check-ins"), `<p class="text-muted">${__("None.")}</p>`);
	const rows = checkins.map((row) => {
		const time = biometric_integration.time_of_day(row.time, doc.date);
		const device = row.device
			? linked("Biometric Device", row.device, row.device_name, row.may_open)
			: frappe.utils.escape_html(row.device_name || "");
		return [
			linked_html(row.doctype, row.name, time),
			frappe.utils.escape_html(__(row.log_type || "")),
			device,
			row.attendance
				? linked("Attendance", row.attendance, row.attendance, frappe.model.can_read("Attendance"))
				: `<span class="text-muted">${__("In no attendance")}</span>`,
			remarks(row),
		];
	});
	const heads = [__("Time"), __("Log Type"), __("Device"), __("Attendance"), __("Remarks")];
	return section(__("Check-ins"), table(heads, rows));
}

const remarks = ({ outside, skipped }) =>
	[outside && __("Outside the shift"), cint(skipped) && __("Skipped by auto attendance")]
		.filter(Boolean)
		.join(" · ");

// --- its devices

function devices_html(doc, devices) {
	if (!devices.length) return "";
	const moment = (value) => biometric_integration.time_of_day(value, "–");
	const heads = [__("Device"), __("Read Until"), __("Last Sign of Life"), __("Delivered This Day")];
	const rows = devices.map((row) => [
		linked("Biometric Device", row.device, row.label, row.may_open),
		moment(row.read_until) || unknown(__("Not read")),
		moment(row.sign_of_life) || unknown(__("None")),
		row.proves
			? `<span class="indicator green">${__("Yes")}</span>`
			: `<span class="indicator orange">${__("Not proven")}</span>`,
	]);
	return section(__("Devices, as They Stand Now"), table(heads, rows));
}

// --- what people decided

function decisions_html(decisions) {
	if (!decisions.length) return "";
	const rows = decisions.map((row) => [
		linked_html("Biometric Decision", row.name, frappe.utils.escape_html(__(row.what))),
		frappe.utils.escape_html(row.reason || ""),
		frappe.utils.escape_html(frappe.user.full_name(row.owner)),
		row.may_take_back
			? `<button class="btn btn-xs btn-default" data-decision="${frappe.utils.escape_html(row.name)}">${__("Take Back")}</button>`
			: "",
	]);
	return section(__("Decisions"), table([__("Decision"), __("Reason"), __("By"), ""], rows));
}

function take_back(frm, decision) {
	frappe.confirm(
		__("Take this decision back? What was written because of it stays until you repair the day."),
		() => biometric_integration.ask("take_decision_back", { decision }).then(() => frm.reload_doc())
	);
}

// --- what to do: the likely one is the button, the others are in its menu

function add_actions(frm, actions, missing) {
	const { doc } = frm;
	const settle = (what) =>
		biometric_integration.settle_workdays([doc.name], { what, doc, missing }, () => reload(frm));
	const [first, ...others] = actions;
	if (first) frm.page.set_primary_action(__(first), () => settle(first));
	for (const what of others) frm.add_custom_button(__(what), () => settle(what), __("Decide"));
}

// Repaired, the day may be another one: then the list shows what became of it.
async function reload(frm) {
	const { employee, date } = frm.doc;
	if (await frappe.db.exists(frm.doctype, frm.docname)) frm.reload_doc();
	else frappe.set_route("List", frm.doctype, { employee, date });
}

// --- shared

const unknown = (words) => `<span class="text-muted">${words}</span>`;

const section = (title, html) => `<div class="mb-4"><div class="bold mb-2">${title}</div>${html}</div>`;

function table(heads, rows) {
	const head = heads.map((title) => `<th scope="col">${title}</th>`).join("");
	const body = rows.map((cells) => `<tr>${cells.map((cell) => `<td>${cell}</td>`).join("")}</tr>`).join("");
	return `<div class="table-responsive"><table class="table table-bordered table-sm my-0">
		<thead><tr>${head}</tr></thead><tbody>${body}</tbody></table></div>`;
}

function linked(doctype, name, label, may_open) {
	const words = frappe.utils.escape_html(label || name);
	return may_open ? linked_html(doctype, name, words) : words;
}

// Underlined: frappe's own colour for a link is that of text.
const linked_html = (doctype, name, html) =>
	`<u>${frappe.utils.get_form_link(doctype, name, true, html)}</u>`;

// --- where to go from here

function add_views(frm, checkins) {
	const { employee, date, company, state, reason } = frm.doc;
	const view = (label, ...route) =>
		frm.add_custom_button(label, () => frappe.set_route(...route), __("View"));
	view(__("Decisions of This Day"), "List", "Biometric Decision", { employee, date });
	view(__("Workdays of This Person"), "List", frm.doctype, { employee });
	view(__("Employee"), "Form", "Employee", employee);
	if (
		state === "To Settle" &&
		reason === "Missing Punch" &&
		frappe.model.can_create("Attendance Request")
	) {
		frm.add_custom_button(__("Make Attendance Request"), () =>
			frappe.new_doc("Attendance Request", {
				employee,
				company,
				from_date: date,
				to_date: date,
				explanation: __("A punch is missing. Punches: {0}", [
					checkins.map(({ time }) => frappe.datetime.str_to_user(time)).join(", "),
				]),
			})
		);
	}
}
