frappe.query_reports["Biometric Coverage"] = {
	filters: [
		{
			fieldname: "finding",
			fieldtype: "Select",
			label: __("Finding"),
			options: [
				"",
				__("Employee without an id"),
				__("Id without an employee"),
				__("One id, several people"),
				__("Rules that contradict"),
			],
		},
		{ fieldname: "company", fieldtype: "Link", options: "Company", label: __("Company") },
		{ fieldname: "department", fieldtype: "Link", options: "Department", label: __("Department") },
		{ fieldname: "server", fieldtype: "Data", label: __("Server") },
	],

	onload(report) {
		report.page.add_inner_button(__("Unmapped Punches"), () =>
			frappe.set_route("query-report", "Unmapped Punches")
		);
	},
};
