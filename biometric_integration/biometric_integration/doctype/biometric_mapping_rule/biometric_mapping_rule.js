frappe.ui.form.on("Biometric Mapping Rule", {
	onload(frm) {
		biometric_integration
			.server_options()
			.then((options) => frm.set_df_property("server", "options", options));
		offer_locations(frm);
	},

	refresh(frm) {
		if (frm.is_new()) return;
		frm.add_custom_button(__("Waiting Punches"), () =>
			frappe.set_route("List", "Biometric Staging Event", { device_user_id: frm.doc.device_user_id })
		);
		if (biometric_integration.may_set_up()) {
			frm.add_custom_button(__("Correct Mapping"), () => correct(frm));
		}
	},
});

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
