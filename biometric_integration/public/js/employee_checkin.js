frappe.ui.form.on("Employee Checkin", {
	refresh(frm) {
		if (!frm.doc.biometric_event || !frappe.model.can_read("Biometric Staging Event")) return;
		frm.add_custom_button(
			__("Biometric Event"),
			() => frappe.set_route("Form", "Biometric Staging Event", frm.doc.biometric_event),
			__("View")
		);
	},
});
