frappe.ui.form.on("Biometric Unknown Device", {
	refresh(frm) {
		const may_claim = frappe.model.can_create("Biometric Device");
		const next = may_claim
			? __("Compare the serial number with the one on the device before it is claimed.")
			: __(
					"A System Manager claims it, once its serial number was compared with the one on the device."
				);
		frm.set_intro("");
		frm.set_intro(
			`${__(
				"It gets no answer, and nothing that it sent is kept; it keeps its punches and tries again."
			)} ${next}`,
			"blue"
		);
		if (may_claim) frm.add_custom_button(__("Claim"), () => claim(frm)).addClass("btn-primary");
	},
});

async function claim(frm) {
	const serial = frm.doc.serial_number;
	const homes = await biometric_integration.look("device_homes");
	const { several_companies } = biometric_integration;
	const dialog = new frappe.ui.Dialog({
		title: __("Claim {0}", [frappe.utils.escape_html(serial)]),
		fields: [
			{
				fieldname: "device_name",
				fieldtype: "Data",
				label: __("Device Name"),
				reqd: 1,
				default: serial,
			},
			{
				fieldname: "home",
				fieldtype: "Select",
				label: __("Read from Server"),
				options: homes.map(({ value, label, time_zone }) => ({
					value,
					label: `${label} (${time_zone})`,
				})),
				default: homes[0].value,
				reqd: 1,
				description: __(
					"The attendance server that has the punches of this device as well, if there is one: each is then used once. Its time zone is that of the device."
				),
			},
			{
				fieldname: "company",
				fieldtype: "Link",
				options: "Company",
				label: __("Company"),
				hidden: !several_companies(),
				reqd: several_companies(),
			},
			{
				fieldname: "direction_policy",
				fieldtype: "Select",
				label: __("Direction"),
				options: ["Blank", "As Reported", "Always IN", "Always OUT", "First IN, Later OUT"],
				default: "Blank",
				description: __("Most devices report IN for all punches, unless people press a key first."),
			},
		],
		primary_action_label: __("Claim"),
		primary_action: async (values) => {
			dialog.get_primary_btn().prop("disabled", true);
			try {
				const { device } = await biometric_integration.ask("claim_device", { serial, ...values });
				dialog.hide();
				frappe.set_route("Form", "Biometric Device", device);
			} finally {
				dialog.get_primary_btn().prop("disabled", false);
			}
		},
	});
	dialog.show();
}
