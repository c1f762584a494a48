frappe.query_reports["Unmapped Punches"] = {
	filters: [
		{ fieldname: "from_date", fieldtype: "Date", label: __("From Date") },
		{ fieldname: "to_date", fieldtype: "Date", label: __("To Date") },
		{ fieldname: "device_user_id", fieldtype: "Data", label: __("Device User ID") },
		{ fieldname: "server", fieldtype: "Data", label: __("Server") },
		{ fieldname: "device", fieldtype: "Link", options: "Biometric Device", label: __("Device") },
		{ fieldname: "company", fieldtype: "Link", options: "Company", label: __("Company") },
	],

	onload(report) {
		const act = (event, action) => {
			const number = cint(event.currentTarget.dataset.row);
			const row = (report.data || []).find((each) => each.row === number);
			if (row) action({ ...row, device_user_id: row.user_id }); // what is shown is what a spreadsheet may have
		};
		const $page = $(report.page.main);
		$page.on("click", ".biometric-map", (event) =>
			act(event, (row) => biometric_integration.map_id(row, () => report.refresh()))
		);
		$page.on("click", ".biometric-ignore", (event) =>
			act(event, (row) => {
				const ask_server = report.data.some(({ server }) => server !== row.server);
				biometric_integration.ignore_id({ ...row, ask_server }, () => report.refresh());
			})
		);
		if (frappe.model.can_create("Biometric Mapping Rule")) {
			report.page.add_inner_button(__("Mapping Rules"), () =>
				frappe.set_route("List", "Biometric Mapping Rule")
			);
			report.page.add_inner_button(__("Correct Mapping"), () =>
				biometric_integration.correct_mapping({}, () => report.refresh())
			);
		}
	},

	formatter(value, row, column, data, default_formatter) {
		if (column.fieldname !== "action") return default_formatter(value, row, column, data);
		if (!data || !frappe.model.can_create("Biometric Mapping Rule")) return "";
		const id = frappe.utils.escape_html(data.device_user_id);
		return `<button class="btn btn-default btn-xs biometric-map" data-row="${cint(data.row)}"
				aria-label="${__("Map {0} to Employee", [id])}">${__("Map to Employee")}</button>
			<button class="btn btn-default btn-xs biometric-ignore" data-row="${cint(data.row)}"
				aria-label="${__("Ignore the id {0}", [id])}">${__("Ignore")}</button>`;
	},
};
