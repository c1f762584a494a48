import { ask, look, server_options } from "./api.js";
import { may_set_up } from "./roles.js";
import { follow_settling, settled_html } from "./settle.js";

// Say whose id it is. `about`: {device_user_id, server, first, employee, why, locations, device_keys}; `done` is called once it is said.
export async function map_id(about, done) {
	const escape = frappe.utils.escape_html;
	const scopes = { Any: null, Server: "server", Location: "location", Device: "device" };
	const [servers, { label, everywhere }] = await Promise.all([server_options(), look("id_entry")]);
	const ways = ways_to_enter(label);
	if (!ways.length) {
		frappe.msgprint(
			__("You may neither write the ids of employees nor make mapping rules. Ask an HR Manager.")
		);
		return;
	}
	const when = (scope) => `eval:doc.how === "rule" && doc.scope === "${scope}"`;
	const dialog = new frappe.ui.Dialog({
		title: __("Whose is the id {0}?", [escape(about.device_user_id)]),
		fields: [
			{
				fieldname: "employee",
				fieldtype: "Link",
				options: "Employee",
				label: __("Employee"),
				reqd: 1,
				default: about.employee,
				description: escape(about.why || ""),
				onchange: () => suggest_way(),
			},
			{
				fieldname: "how",
				fieldtype: "Select",
				label: __("Enter It"),
				reqd: 1,
				default: ways[0].value,
				options: ways,
			},
			{ fieldname: "hint", fieldtype: "HTML" },
			{ fieldtype: "Section Break", depends_on: 'eval:doc.how === "rule"' },
			{
				fieldname: "scope",
				fieldtype: "Select",
				label: __("Holds For"),
				options: Object.keys(scopes).map((value) => ({ value, label: __(value) })),
				default: widest_place(about, servers, everywhere),
			},
			{
				fieldname: "server",
				fieldtype: "Autocomplete",
				label: __("Server"),
				options: servers,
				default: about.server,
				depends_on: when("Server"),
				mandatory_depends_on: when("Server"),
			},
			{
				fieldname: "location",
				fieldtype: "Autocomplete",
				label: __("Location"),
				options: about.locations || [],
				default: (about.locations || [])[0],
				depends_on: when("Location"),
				mandatory_depends_on: when("Location"),
			},
			{
				fieldname: "device",
				fieldtype: "Link",
				options: "Biometric Device",
				label: __("Device"),
				default: (about.device_keys || [])[0],
				depends_on: when("Device"),
				mandatory_depends_on: when("Device"),
			},
			{ fieldtype: "Column Break" },
			{
				fieldname: "from_date",
				fieldtype: "Date",
				label: __("From Date"),
				default: (about.first || "").slice(0, 10),
				description: __("First day of punches it holds for. Empty = always."),
			},
			{
				fieldname: "to_date",
				fieldtype: "Date",
				label: __("To Date"),
				description: __("Empty = open."),
			},
		],
		primary_action_label: __("Map to Employee"),
		primary_action: (values) => {
			const used = scopes[values.scope];
			const args = {
				user_id: about.device_user_id,
				employee: values.employee,
				as_rule: values.how === "rule" ? 1 : 0,
				scope: values.scope,
				from_date: values.from_date,
				to_date: values.to_date,
			};
			if (used) args[used] = values[used];
			return ask("map_id", args).then(({ punches }) => {
				dialog.hide();
				frappe.show_alert(
					punches
						? {
								message: __("{0} punches that wait for it are used in a moment.", [punches]),
								indicator: "blue",
							}
						: {
								message: __("It is saved, but no waiting punch lies in its place and time."),
								indicator: "orange",
							},
					10
				);
				done();
			});
		},
	});
	// A rule, from the first punch that waits, for who has an id already, and where the same id may be another's at another place.
	let shown_for = null;
	const suggest_way = async () => {
		const employee = dialog.get_value("employee");
		if (employee === shown_for) return;
		shown_for = employee;
		const { entered } = employee && label ? await look("id_entry", { employee }) : { entered: "" };
		if (employee !== dialog.get_value("employee")) return;
		const may_be_anothers = servers.length > 1 || !everywhere;
		dialog.set_value("how", may_set_up() && (entered || may_be_anothers) ? "rule" : ways[0].value);
		const words = entered
			? __("{0} has the {1} {2} already. A mapping rule gives them this id as well.", [
					escape(employee),
					escape(label),
					`<b>${escape(entered)}</b>`,
				])
			: "";
		dialog.get_field("hint").$wrapper.html(`<p class="text-muted small">${words}</p>`);
	};
	dialog.show();
	suggest_way();
}

// The widest place at which a rule of this user may hold without meaning another server's or company's ids.
function widest_place({ locations }, servers, everywhere) {
	if (!everywhere) return locations?.length ? "Location" : "Device";
	return servers.length > 1 ? "Server" : "Any";
}

// Where this user may enter an id: the field of the employee's record that they may write, and a rule.
function ways_to_enter(label) {
	const record = __("In the employee's record, as {0} (everywhere, always)", [label]);
	const rule = __("As a mapping rule, for a place and a time");
	return [
		label && frappe.model.can_write("Employee") && { value: "employee", label: record },
		may_set_up() && { value: "rule", label: rule },
	].filter(Boolean);
}

export async function ignore_id(about, done) {
	const { everywhere } = await look("id_entry");
	const escape = frappe.utils.escape_html;
	const id = escape(about.device_user_id);
	const undone = __("Its punches are kept, but never used. Deleting the mapping rule undoes it.");
	let places = [{ scope: "Any" }];
	let question = __("Ignore the id {0}?", [id]);
	if (!everywhere && about.device_keys?.length) {
		places = about.device_keys.map((device) => ({ scope: "Device", device }));
		question = __("Ignore the id {0} at {1}?", [id, escape(about.devices)]);
	} else if (about.ask_server) {
		places = [{ scope: "Server", server: about.server }];
		question = __("Ignore the id {0} of the server {1}?", [id, escape(about.server)]);
	}
	frappe.confirm(`${question} ${undone}`, async () => {
		for (const place of places) await ask("ignore_id", { user_id: about.device_user_id, ...place });
		frappe.show_alert({ message: __("The id is ignored from now on."), indicator: "blue" });
		done();
	});
}

// Take back what a wrong mapping made: count first, then do. `about`: {user_id, from_date, to_date, server, device}, all optional.
export async function correct_mapping(about = {}, done) {
	const servers = await server_options();
	let counted = null;
	const dialog = new frappe.ui.Dialog({
		title: __("Correct Mapping"),
		size: "large",
		fields: [
			{
				fieldtype: "HTML",
				options: `<p>${__(
					"Deletes the check-ins that were made of an id's punches and looks at the punches again. Set the mapping right first. Attendance that was written from them is cancelled, and the days of both people are repaired. Days with a pay slip, a leave, a request, or a record made by hand are left alone and listed here."
				)}</p>`,
			},
			{ fieldtype: "Section Break" },
			{
				fieldname: "user_id",
				fieldtype: "Data",
				label: __("Device User ID"),
				reqd: 1,
				default: about.user_id,
			},
			{
				fieldname: "server",
				fieldtype: "Autocomplete",
				label: __("Only This Server"),
				options: servers,
				default: about.server,
			},
			{
				fieldname: "device",
				fieldtype: "Link",
				options: "Biometric Device",
				label: __("Only This Device"),
				default: about.device,
			},
			{ fieldtype: "Column Break" },
			{
				fieldname: "from_date",
				fieldtype: "Date",
				label: __("From Date"),
				reqd: 1,
				default: about.from_date || frappe.datetime.month_start(),
			},
			{
				fieldname: "to_date",
				fieldtype: "Date",
				label: __("To Date"),
				reqd: 1,
				default: about.to_date || frappe.datetime.get_today(),
			},
			{ fieldtype: "Section Break" },
			{ fieldname: "result", fieldtype: "HTML" },
		],
		primary_action_label: __("Show What Would Happen"),
		primary_action: (values) => {
			const asked = question(values);
			const dry_run = counted && counted.asked === asked ? 0 : 1;
			return ask("correct_mapping", { ...values, dry_run }).then((answer) => {
				const $result = dialog.get_field("result").$wrapper;
				show_correction($result, answer, !dry_run);
				if (answer.key) follow_settling(dialog, $("<div>").appendTo($result), answer.key);
				counted = dry_run && answer.events ? { asked, check_ins: answer.check_ins } : null;
				set_label();
				if (!dry_run && done) done();
			});
		},
	});
	const fields = ["user_id", "server", "device", "from_date", "to_date"];
	const question = (values) => JSON.stringify(fields.map((field) => values[field] || ""));
	// What is done is what was shown: another question is counted first.
	const set_label = () => {
		const shown = counted && counted.asked === question(dialog.get_values(true) || {});
		dialog
			.get_primary_btn()
			.text(shown ? __("Delete {0} Check-ins", [counted.check_ins]) : __("Show What Would Happen"));
	};
	for (const field of fields) dialog.fields_dict[field].df.onchange = set_label;
	dialog.show();
}

function show_correction($result, answer, done) {
	const escape = frappe.utils.escape_html;
	const employee = (name) => frappe.utils.get_form_link("Employee", name, true, escape(name));
	const counts = [answer.check_ins, answer.events];
	const lines = [
		done
			? __("{0} check-ins were deleted, {1} punches are looked at again.", counts)
			: __("{0} check-ins would be deleted, {1} punches looked at again.", counts),
	];
	const owners = answer.employees.map(employee).join(", ");
	if (owners)
		lines.push(done ? __("They belonged to: {0}", [owners]) : __("They belong to: {0}", [owners]));
	if (answer.correction) {
		const link = frappe.utils.get_form_link(
			"Biometric Mapping Correction",
			answer.correction,
			true,
			__("Who took it back, and what")
		);
		lines.push(link);
	}
	const again = answer.still_theirs
		.map((row) => `${employee(row.employee)} (${cint(row.events)})`)
		.join(", ");
	const warning = again
		? `<div class="alert alert-warning">${__(
				"By the mapping as it is now, the punches go to the same person again: {0}. Change the rule or the id in the employee's record first.",
				[again]
			)}</div>`
		: "";
	const days = answer.days_with_attendance.map(
		(day) => `<tr><td>${employee(day.employee)}</td><td>${frappe.datetime.str_to_user(day.date)}</td>
			<td>${frappe.utils.get_form_link("Attendance", day.attendance, true, escape(day.attendance))}</td>
			<td>${escape(day.why)}</td></tr>`
	);
	const table = days.length
		? `<p>${__("These days are left alone, and are yours to decide about:")}</p>
			<table class="table table-bordered table-sm"><thead><tr><th scope="col">${__("Employee")}</th>
			<th scope="col">${__("Date")}</th><th scope="col">${__("Attendance")}</th><th scope="col">${__("Why")}</th>
			</tr></thead><tbody>${days.join("")}</tbody></table>`
		: "";
	const repaired = answer.days.length
		? `<p>${__("Days of both people, with what is written and what becomes of it:")}</p>${settled_html(answer, done)}`
		: "";
	const waits = answer.waits
		? `<div class="alert alert-info">${__(
				"The punches are used in a moment. Then choose Settle, Repair for these days in the list of workdays."
			)}</div>`
		: "";
	$result.html(
		`<div role="status" aria-live="polite">${lines
			.map((line) => `<p>${line}</p>`)
			.join("")}${warning}${waits}${repaired}${table}</div>`
	);
}
