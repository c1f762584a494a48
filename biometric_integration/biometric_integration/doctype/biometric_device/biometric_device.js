// What stands in Server of a device that no attendance server reads.
const ONLY_PUSHES = "(push)";

frappe.ui.form.on("Biometric Device", {
	setup(frm) {
		frm.set_query("same_as", () => ({
			filters: [
				["name", "!=", frm.doc.name],
				["same_as", "is", "not set"],
			],
		}));
		frm.set_query("replaced_by", () => ({ filters: [["name", "!=", frm.doc.name]] }));
	},

	onload(frm) {
		biometric_integration
			.server_options()
			.then((options) => [...options, { value: ONLY_PUSHES, label: __("None: it only pushes") }])
			.then((options) => frm.set_df_property("server", "options", options));
	},

	refresh(frm) {
		if (frm.is_new()) {
			ask_company(frm);
			return;
		}
		show_state(frm);
		const is_read = frm.doc.server !== ONLY_PUSHES;
		if (is_read && biometric_integration.may_sync()) {
			frm.add_custom_button(__("Sync Now"), () => sync_now(frm));
		}
		if (biometric_integration.may_set_up()) {
			offer_release(frm);
			if (is_read) {
				frm.add_custom_button(__("Sync a Period"), () =>
					biometric_integration.sync_period({ device: frm.doc.name })
				);
			}
		}
		if (frm.doc.push) offer_questions(frm);
		frm.add_custom_button(
			__("Punches"),
			() => frappe.set_route("List", "Biometric Staging Event", { device: frm.doc.name }),
			__("View")
		);
		frm.add_custom_button(
			__("Employee Checkins"),
			() => frappe.set_route("List", "Employee Checkin", { device_id: frm.doc.device_name }),
			__("View")
		);
	},
});

async function show_state(frm) {
	const { name, company, needs_review, review_note, clock_ahead } = frm.doc;
	const { device_state, look, several_companies } = biometric_integration;
	const { [name]: found } = await look("device_state", { device: name });
	if (!found || frm.doc.name !== name) return;
	const [label, color] = clock_ahead > 0 ? [__("Clock Ahead"), "orange"] : device_state(found.state);
	frm.page.set_indicator(label, color);
	const words = [
		found.message,
		clock_ahead > 0 &&
			__("The clock of this device is ahead by {0}. Set it right; Release puts right what has come.", [
				duration(clock_ahead),
			]),
		needs_review && review_note,
		!company && several_companies() && __("Whose people punch here? Choose the Company."),
	].filter(Boolean);
	const intro = words.map((text) => `<div>${frappe.utils.escape_html(text)}</div>`).join("");
	frm.set_intro("");
	frm.set_intro(intro, { green: "orange", gray: "blue" }[color] || color);
}

// Of several companies a person says which: the default one, put there by silence, would hide punches from the others.
function ask_company(frm) {
	if (!biometric_integration.several_companies()) return;
	frm.toggle_reqd("company", true);
	if (frm.asked_company === frm.doc.name || frappe.defaults.get_user_permissions().Company) return;
	frm.asked_company = frm.doc.name;
	frm.set_value("company", "");
}

const duration = (seconds) => frappe.utils.get_formatted_duration(seconds);

// Only where something is quarantined because of the clock.
function offer_release(frm) {
	const { name } = frm.doc;
	const waiting = { device: name, status: "Quarantined", reason_code: "future" };
	frappe.db
		.get_list("Biometric Staging Event", { filters: waiting, fields: ["name"], limit: 1 })
		.then((found) => {
			if (found.length && frm.doc.name === name)
				frm.add_custom_button(__("Release"), () => release(frm));
		});
}

function release(frm, ahead) {
	const device = frm.doc.name;
	biometric_integration
		.ask("release_ahead", { device, dry_run: 1, ...(ahead ? { ahead } : {}) })
		.then((preview) => {
			const dialog = new frappe.ui.Dialog({
				title: __("Release Punches in the Future"),
				fields: [
					{ fieldtype: "HTML", fieldname: "preview", options: preview_html(preview) },
					{
						fieldtype: "Duration",
						fieldname: "ahead",
						label: __("Clock Ahead By"),
						default: preview.ahead,
						reqd: 1,
						description: __(
							"Compare the device with a right clock, if it has not been set since."
						),
					},
				],
				primary_action_label: __("Release"),
				primary_action: (values) => {
					dialog.hide();
					if (cint(values.ahead) !== preview.ahead) return release(frm, cint(values.ahead));
					do_release(frm, preview);
				},
			});
			dialog.show();
		});
}

function do_release(frm, { ahead }) {
	biometric_integration
		.ask("release_ahead", { device: frm.doc.name, ahead, dry_run: 0 })
		.then(({ events }) => {
			frappe.show_alert({
				message: __("{0} punches are used in a moment.", [events]),
				indicator: "green",
			});
			frm.reload_doc();
		});
}

function preview_html({ events, left, people, first, last, sample, doubt }) {
	const escape = frappe.utils.escape_html;
	const shown = (time) => escape(frappe.datetime.str_to_user(time) || "");
	const words = [
		events
			? __("{0} punches of {1} people, from {2} to {3}, are used with an earlier time:", [
					events,
					people,
					shown(first),
					shown(last),
				])
			: __("No punch can be put right by that."),
		left &&
			__("{0} stay: with that time they would have been made after they arrived, or long before.", [
				left,
			]),
	];
	const rows = sample
		.map(
			({ user_id, before, after }) =>
				`<tr><td>${escape(user_id || "")}</td><td>${shown(before)}</td><td>${shown(after)}</td></tr>`
		)
		.join("");
	const head = [__("Device User ID"), __("Reported Time"), __("Time of the Punch")]
		.map((title) => `<th scope="col">${title}</th>`)
		.join("");
	const table = rows
		? `<table class="table table-bordered table-sm"><thead><tr>${head}</tr></thead><tbody>${rows}</tbody></table>`
		: "";
	const warning = doubt
		? `<div class="alert alert-warning">${escape(doubt)} ${__(
				"Then it is not the device: correct the Time Zone in the settings, and choose Re-derive Times there."
			)}</div>`
		: "";
	return `${warning}<p>${words.filter(Boolean).join(" ")}</p>${table}`;
}

function sync_now(frm) {
	biometric_integration.sync_now({ device: frm.doc.name }).then((progress) => {
		progress.dialog.$wrapper.one("hidden.bs.modal", () => frm.reload_doc());
	});
}

function offer_questions(frm) {
	const group = __("Push");
	if (!biometric_integration.may_set_up()) return;
	frm.add_custom_button(__("Ask for Punches"), () => ask_device(frm, "Ask for Punches"), group);
	frm.add_custom_button(__("Compare Counts"), () => ask_device(frm, "Compare Counts"), group);
	frm.add_custom_button(
		__("Questions and Answers"),
		() => frappe.set_route("List", "Biometric Device Command", { device: frm.doc.name }),
		group
	);
}

// Whole days: a field for a time would be in the zone of the person who looks, and has no seconds on some sites.
function ask_device(frm, what) {
	const today = frappe.datetime.get_today();
	frappe.prompt(
		[
			{
				fieldname: "first",
				fieldtype: "Date",
				label: __("From Date"),
				reqd: 1,
				default: frappe.datetime.add_days(today, -7),
				description: __("Whole days, in the clock of the device."),
			},
			{ fieldname: "last", fieldtype: "Date", label: __("To Date"), reqd: 1, default: today },
		],
		({ first, last }) =>
			biometric_integration
				.ask("ask_device", {
					device: frm.doc.name,
					what,
					from_time: `${first} 00:00:00`,
					to_time: `${last} 23:59:59`,
				})
				.then(({ message }) => frappe.show_alert({ message, indicator: "blue" })),
		__(what),
		__("Ask")
	);
}
