const WAITING = "Held and To Settle";
const ALL = "All";
const STATES = [WAITING, "To Settle", "Held", "Complete", "Marked", "No Attendance", "Open", ALL];

frappe.query_reports["Workdays"] = {
	filters: [
		{
			fieldname: "from_date",
			fieldtype: "Date",
			label: __("From Date"),
			reqd: 1,
			default: frappe.datetime.month_start(),
		},
		{
			fieldname: "to_date",
			fieldtype: "Date",
			label: __("To Date"),
			reqd: 1,
			default: frappe.datetime.get_today(),
		},
		{
			fieldname: "state",
			fieldtype: "Select",
			label: __("State"),
			options: STATES.map((value) => ({ value, label: __(value) })),
			default: WAITING,
		},
		{ fieldname: "employee", fieldtype: "Link", options: "Employee", label: __("Employee") },
		{ fieldname: "department", fieldtype: "Link", options: "Department", label: __("Department") },
		{ fieldname: "company", fieldtype: "Link", options: "Company", label: __("Company") },
		{ fieldname: "shift", fieldtype: "Link", options: "Shift Type", label: __("Shift") },
		{ fieldname: "reason", fieldtype: "Select", label: __("Reason"), options: [""] },
		{ fieldname: "held_by", fieldtype: "Link", options: "Biometric Device", label: __("Held By") },
		{
			fieldname: "unlinked",
			fieldtype: "Check",
			label: __("Check-ins in No Attendance"),
			// Days of each state may have some.
			on_change: (report) =>
				report.get_filter_value("unlinked")
					? report.set_filter_value("state", ALL)
					: report.refresh(),
		},
	],

	onload(report) {
		frappe.model.with_doctype("Biometric Workday", () => {
			const reason = report.get_filter("reason");
			reason.df.options = frappe.meta.get_docfield("Biometric Workday", "reason").options;
			reason.refresh();
		});
	},

	formatter(value, row, column, data, default_formatter) {
		const { fieldname } = column;
		if (!data?.name) return default_formatter(value, row, column, data);
		const words = frappe.utils.escape_html(__(String(value ?? "")));
		if (fieldname === "date") {
			const shown = default_formatter(value, row, column, data);
			return frappe.utils.get_form_link("Biometric Workday", data.name, true, shown);
		}
		if (fieldname === "state") {
			const color = biometric_integration.status_color("Biometric Workday", value);
			return `<span class="indicator-pill ${color} no-indicator-dot">${words}</span>`;
		}
		if (fieldname === "sentence") return `<span title="${words}">${words}</span>`;
		if (["first_in", "last_out"].includes(fieldname))
			return biometric_integration.time_of_day(value, data.date);
		if (["written_hours", "would_hours"].includes(fieldname) && !flt(value)) return "";
		return default_formatter(value, row, column, data);
	},
};
