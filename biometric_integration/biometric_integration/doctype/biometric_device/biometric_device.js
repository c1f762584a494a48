frappe.ui.form.on("Biometric Device", {
	setup(frm) {
		frm.set_query("same_as", () => ({
			filters: [
				["name", "!=", frm.doc.name],
				["same_as", "is", "not set"],
			],
		}));
	},

	onload(frm) {
		biometric_integration
			.server_options()
			.then((options) => frm.set_df_property("server", "options", options));
	},

	refresh(frm) {
		if (frm.is_new()) {
			ask_company(frm);
			return;
		}
		show_state(frm);
		if (biometric_integration.may_sync()) {
			frm.add_custom_button(__("Sync Now"), () => sync_now(frm));
		}
		if (biometric_integration.may_set_up()) {
			frm.add_custom_button(__("Sync a Period"), () =>
				biometric_integration.sync_period({ device: frm.doc.name })
			);
		}
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
	const { name, company, needs_review, review_note } = frm.doc;
	const { device_state, look, several_companies } = biometric_integration;
	const { [name]: found } = await look("device_state", { device: name });
	if (!found || frm.doc.name !== name) return;
	const [label, color] = device_state(found.state);
	frm.page.set_indicator(label, color);
	const words = [
		found.message,
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

function sync_now(frm) {
	biometric_integration.sync_now({ device: frm.doc.name }).then((progress) => {
		progress.dialog.$wrapper.one("hidden.bs.modal", () => frm.reload_doc());
	});
}
