frappe.query_reports["Odd Punches"] = {
	filters: [
		{
			fieldname: "from_date",
			fieldtype: "Date",
			label: __("From Date"),
			reqd: 1,
			default: frappe.datetime.add_days(frappe.datetime.get_today(), -31),
		},
		{
			fieldname: "to_date",
			fieldtype: "Date",
			label: __("To Date"),
			reqd: 1,
			default: frappe.datetime.add_days(frappe.datetime.get_today(), -1),
		},
		{ fieldname: "company", fieldtype: "Link", options: "Company", label: __("Company") },
		{ fieldname: "department", fieldtype: "Link", options: "Department", label: __("Department") },
		{ fieldname: "employee", fieldtype: "Link", options: "Employee", label: __("Employee") },
	],

	onload(report) {
		$(report.page.main).on("click", ".biometric-request", (event) => {
			const number = cint(event.currentTarget.dataset.row);
			const row = (report.data || []).find((each) => each.row === number);
			if (!row) return;
			const times = [...new Set([row.first, row.last])].map((moment) =>
				frappe.datetime.str_to_user(moment)
			);
			frappe.new_doc("Attendance Request", {
				employee: row.employee,
				company: row.company,
				from_date: row.day,
				to_date: row.day,
				explanation: __("{0} is missing. Punches: {1}", [row.missing, times.join(", ")]),
			});
		});
	},

	formatter(value, row, column, data, default_formatter) {
		if (column.fieldname !== "action" || !data) return default_formatter(value, row, column, data);
		if (data.request) {
			return frappe.utils.get_form_link("Attendance Request", data.request, true, __("Requested"));
		}
		if (!frappe.model.can_create("Attendance Request")) return "";
		const name = frappe.utils.escape_html(data.employee_name || data.employee);
		return `<button class="btn btn-default btn-xs biometric-request" data-row="${cint(data.row)}"
			aria-label="${__("Make Attendance Request for {0}", [name])}">${__("Make Attendance Request")}</button>`;
	},
};
