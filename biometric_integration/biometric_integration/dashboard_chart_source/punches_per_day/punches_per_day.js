frappe.provide("frappe.dashboards.chart_sources");

frappe.dashboards.chart_sources["Punches per Day"] = {
	method: "biometric_integration.biometric_integration.dashboard_chart_source.punches_per_day.punches_per_day.get_data",
	filters: [],
};
