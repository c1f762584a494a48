frappe.ui.form.on("Biometric Mapping Rule", {
	onload(frm) {
		biometric_integration
			.server_options()
			.then((options) => frm.set_df_property("server", "options", options));
		offer_locations(frm);
	},

	before_save: ask_about_ids,

	refresh(frm) {
		frm.id_at_load = frm.is_new() ? null : frm.doc.device_user_id;
		if (frm.is_new()) return;
		frm.add_custom_button(__("Waiting Punches"), () =>
			frappe.set_route("List", "Biometric Staging Event", { device_user_id: frm.doc.device_user_id })
		);
		if (biometric_integration.may_set_up()) {
			frm.add_custom_button(__("Correct Mapping"), () => correct(frm));
		}
	},
});

// A pattern may fit more ids than its author knows: they are shown before it decides about any of them.
async function ask_about_ids(frm) {
	const id = (frm.doc.device_user_id || "").trim();
	if (!/[*?]/.test(id) || id === frm.id_at_load) return;
	const { count, message } = await biometric_integration
		.look("ids_covered", { pattern: id })
		.catch(() => ({}));
	if (!count) return;
	frm.doc.__ids_told = id;
	await new Promise((resolve) => {
		frappe.confirm(`<p>${message}</p><p>${__("Save the rule?")}</p>`, resolve, () => {
			frappe.validated = false;
			resolve();
		});
	});
}

function offer_locations(frm) {
	frappe.db
		.get_list("Biometric Device", {
			fields: ["location"],
			filters: { location: ["is", "set"] },
			limit: 0,
		})
		.then((devices) => {
			const codes = [...new Set(devices.map(({ location }) => location))].sort();
			frm.set_df_property("location", "options", codes);
		});
}

function correct(frm) {
	const { device_user_id: user_id, from_date, to_date, server, device } = frm.doc;
	biometric_integration.correct_mapping({ user_id, from_date, to_date, server, device });
}
