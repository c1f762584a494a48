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
		if (frm.is_new()) return;
		if (frm.doc.needs_review && frm.doc.review_note) {
			frm.set_intro(frappe.utils.escape_html(frm.doc.review_note), "orange");
		}
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

function sync_now(frm) {
	biometric_integration.sync_now({ device: frm.doc.name }).then((progress) => {
		progress.dialog.$wrapper.one("hidden.bs.modal", () => frm.reload_doc());
	});
}
