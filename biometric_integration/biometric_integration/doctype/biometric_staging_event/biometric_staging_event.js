const VIEWS = [
	["Employee Checkin", "employee_checkin"],
	["Attendance", "attendance"],
	["Employee", "employee"],
	["Biometric Device", "device"],
	["Biometric Sync Log", "sync_log"],
];

frappe.ui.form.on("Biometric Staging Event", {
	onload(frm) {
		// This one is a clock of the server; frappe would write the time zone of the site below it.
		frm.set_df_property("source_time", "hide_timezone", 1);
		biometric_integration.log_titles(frm);
	},

	refresh(frm) {
		frm.disable_save();
		const { status, reason_code } = frm.doc;
		const color = biometric_integration.intro_color(frm.doctype, status);
		frm.set_intro(frappe.utils.escape_html(headline(frm.doc)), color);
		if (status === "Pending" && !reason_code) show_why_unused(frm);
		show_workday(frm);
		add_actions(frm);
		for (const [doctype, fieldname] of VIEWS) {
			if (!frm.doc[fieldname] || !frappe.model.can_read(doctype)) continue;
			frm.add_custom_button(
				__(doctype),
				() => frappe.set_route("Form", doctype, frm.doc[fieldname]),
				__("View")
			);
		}
	},
});

function headline({ status, __onload }) {
	if (__onload?.sentence) return __onload.sentence;
	return status === "Pending"
		? __("This punch waits to be used. That happens by itself, in a moment.")
		: "";
}

// A punch that is used may still be left out of what is written for its day.
function show_workday(frm) {
	const { workday } = frm.doc.__onload || {};
	if (!workday) return;
	const link = frappe.utils.get_form_link("Biometric Workday", workday.name, true, __("Workday"));
	const words = `${__(workday.state)}: ${workday.sentence}`;
	const color = biometric_integration.status_color("Biometric Workday", workday.state);
	frm.set_intro(`${link} – ${frappe.utils.escape_html(words)}`, color);
}

// Where nobody uses what waits, it does not happen by itself.
function show_why_unused(frm) {
	const { name } = frm.doc;
	biometric_integration.look("status").then(({ unused }) => {
		if (!unused || frm.doc.name !== name) return;
		frm.set_intro("");
		frm.set_intro(frappe.utils.escape_html(unused), "red");
	});
}

function add_actions(frm) {
	const { status, reason_code, kind } = frm.doc;
	const may_choose = frappe.model.can_write("Employee") || biometric_integration.may_set_up();
	const is_asked = reason_code === "Since When";
	if ((reason_code === "No Employee" || is_asked) && may_choose) {
		frm.add_custom_button(__("Choose Employee"), () => choose_employee(frm));
	}
	if (!biometric_integration.may_set_up()) return;
	if (status === "Quarantined") frm.add_custom_button(__("Release"), () => release(frm));
	if (status !== "Processed" && kind === "Punch" && !is_asked) {
		frm.add_custom_button(__("Reprocess"), () => reprocess(frm));
	}
}

async function choose_employee(frm) {
	const { device_user_id, server, device, employee } = frm.doc;
	const waiting = { device_user_id, server, status: "Unmapped" };
	const [[first], place] = await Promise.all([
		frappe.db.get_list(frm.doctype, {
			filters: waiting,
			fields: ["punch_time"],
			order_by: "punch_time asc",
			limit: 1,
		}),
		device ? frappe.db.get_value("Biometric Device", device, "location") : {},
	]);
	const about = {
		device_user_id,
		server,
		employee,
		first: first?.punch_time || frm.doc.punch_time,
		locations: [place.message?.location].filter(Boolean),
		device_keys: [device].filter(Boolean),
	};
	biometric_integration.map_id(about, () => follow(frm));
}

function reprocess(frm) {
	frappe.xcall("biometric_integration.api.reprocess", { events: [frm.doc.name] }).then(() => follow(frm));
}

function release(frm) {
	const { device, device_user_id, source_time } = frm.doc;
	const escape = frappe.utils.escape_html;
	const rows = [
		[__("Device User ID"), escape(device_user_id || "")],
		[__("Device"), escape(frappe.utils.get_link_title("Biometric Device", device) || device || "")],
		[__("Reported Time"), escape(frappe.datetime.str_to_user(source_time) || "")],
	];
	const shown = rows
		.map(([label, value]) => `<tr><th scope="row">${label}</th><td>${value}</td></tr>`)
		.join("");
	const explained = __(
		"The clock of the device was wrong. Ask the person when the punch was made, and give that time. What the device reported stays on record, and so does your name."
	);
	const dialog = new frappe.ui.Dialog({
		title: __("Release Punch"),
		fields: [
			{
				fieldtype: "HTML",
				fieldname: "about",
				options: `<p>${explained}</p><table class="table table-bordered table-sm">${shown}</table>`,
			},
			{ fieldtype: "Datetime", fieldname: "punch_time", label: __("Time of the Punch"), reqd: 1 },
		],
		primary_action_label: __("Release"),
		primary_action: ({ punch_time }) =>
			frappe
				.xcall("biometric_integration.api.release", { event: frm.doc.name, punch_time })
				.then(({ message }) => {
					dialog.hide();
					frappe.show_alert({ message: frappe.utils.escape_html(message), indicator: "green" });
					follow(frm);
				}),
	});
	dialog.show();
}

// A background worker uses the punch: look until it has, half a minute at most.
function follow(frm, looks = 15) {
	const { name } = frm.doc;
	frappe.show_alert({ message: __("The punch is looked at in a moment."), indicator: "blue" });
	biometric_integration.poll({
		ask: () => what_became(name),
		take: ({ status, reason_code }) => {
			if (frm.doc.name !== name || cur_frm !== frm) return true;
			looks -= 1;
			if (looks > 0 && status === "Pending" && !reason_code) return false;
			frm.reload_doc();
			return true;
		},
	});
}

// Where nobody answers it still waits, as far as is known: so that the looks come to an end.
function what_became(name) {
	const args = { doctype: "Biometric Staging Event", filters: name, fieldname: ["status", "reason_code"] };
	return frappe.call({ method: "frappe.client.get_value", type: "GET", args, silent: true }).then(
		({ message }) => message || {},
		() => ({ status: "Pending" })
	);
}
