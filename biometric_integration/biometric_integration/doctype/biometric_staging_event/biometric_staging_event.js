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
	},

	refresh(frm) {
		const color = { Processed: "green", Ignored: "blue", Failed: "red" }[frm.doc.status] || "orange";
		frm.set_intro(frappe.utils.escape_html(frm.doc.reason || ""), color);
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
