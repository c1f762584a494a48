const READ = [
	["new", (count) => __("{0} new", [count])],
	["known", (count) => __("{0} known", [count])],
	["junk", (count) => __("{0} that are no punches", [count])],
	["invalid", (count) => __("{0} that could not be read", [count])],
];
const BECAME = [
	["created", (count) => __("{0} check-ins", [count]), "Processed"],
	["already_there", (count) => __("{0} already there", [count]), "Processed"],
	["unmapped", (count) => __("{0} without an employee", [count]), "Unmapped"],
	["ignored", (count) => __("{0} ignored", [count]), "Ignored"],
	["failed", (count) => __("{0} refused", [count]), "Failed"],
	["quarantined", (count) => __("{0} with a wrong time", [count]), "Quarantined"],
	["pending", (count) => __("{0} still waiting", [count]), "Pending"],
];
const COLORS = { Running: "blue", Success: "green", Partial: "orange", Failed: "red", Skipped: "blue" };

frappe.ui.form.on("Biometric Sync Log", {
	refresh(frm) {
		frm.set_intro(headline(frm.doc), COLORS[frm.doc.status]);
		if (["Failed", "Partial"].includes(frm.doc.status)) {
			frm.add_custom_button(__("Sync Again"), () => biometric_integration.sync_now(scope(frm.doc)));
		}
		add_views(frm);
	},
});

function headline(doc) {
	const error = doc.error ? `<div>${frappe.utils.escape_html(doc.error)}</div>` : "";
	if (doc.status === "Running" && !doc.fetched) return __("Reading…");
	if (!doc.fetched) return error || __("The server had no rows for this time.");
	const read = __("Read {0} rows: {1}.", [doc.fetched, listed(READ, doc)]);
	const became = doc.new ? " " + __("Of the new: {0}.", [listed(BECAME, doc)]) : "";
	return read + became + error;
}

function listed(parts, doc) {
	return parts
		.filter(([fieldname]) => doc[fieldname])
		.map(([fieldname, words]) => words(doc[fieldname]))
		.join(", ");
}

function scope(doc) {
	return doc.device ? { device: doc.device } : { server: doc.server };
}

// The punches this run was the first to stage, by what became of them then; the list shows where they stand now.
function add_views(frm) {
	const there = BECAME.filter(([fieldname]) => frm.doc[fieldname]);
	for (const status of new Set(there.map(([_fieldname, _words, status]) => status))) {
		frm.add_custom_button(
			__(status),
			() => frappe.set_route("List", "Biometric Staging Event", { sync_log: frm.doc.name, status }),
			__("Punches")
		);
	}
}
