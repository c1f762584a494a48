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
const ENDED = ["Success", "Partial", "Failed"];

frappe.ui.form.on("Biometric Sync Log", {
	onload: (frm) => biometric_integration.log_titles(frm),

	refresh(frm) {
		frm.disable_save();
		frm.toggle_display("stream", false); // the title says it in words
		biometric_integration.form_title(frm, biometric_integration.stream_words(frm.doc.stream));
		show_headline(frm);
		if (ENDED.includes(frm.doc.status)) {
			const was_read = frm.doc.trigger !== "Received";
			if (was_read && biometric_integration.may_sync())
				frm.add_custom_button(__("Retry"), () => retry(frm));
			show_what_came_next(frm);
		}
		add_views(frm);
	},
});

function retry(frm) {
	biometric_integration.retry(frm.doc).then((progress) => {
		progress.dialog.$wrapper.one("hidden.bs.modal", () => frm.refresh());
	});
}

// What became of it later: nobody needs to mend what a retry has read. And when a server that still fails is read next.
function show_what_came_next(frm) {
	const { name } = frm.doc;
	Promise.all([retries(frm.doc), next_read(frm.doc)]).then((found) => {
		const words = found.filter(Boolean);
		if (!words.length || frm.doc.name !== name) return;
		frm.set_intro("");
		show_headline(frm, words.map((line) => `<div>${line}</div>`).join(""));
	});
}

async function retries({ doctype, name }) {
	const found = await frappe.db.get_list(doctype, {
		filters: { retried_from: name },
		fields: ["name", "status", "started_at"],
		order_by: "started_at desc",
		limit: 5,
	});
	return found.length && __("Retried: {0}", [found.map(retry_link).join(", ")]);
}

async function next_read({ status, trigger, server: id }) {
	if (status !== "Failed" || trigger === "Received") return "";
	const { servers, now } = await biometric_integration.look("status");
	const server = servers?.find((each) => each.server === id);
	if (server?.state !== "failing" || !server.enabled || server.read_by) return "";
	return frappe.utils.escape_html(biometric_integration.next_attempt(server, now));
}

function retry_link({ name, status, started_at }) {
	const words = `${__(status)}, ${frappe.datetime.str_to_user(started_at)}`;
	return frappe.utils.get_form_link("Biometric Sync Log", name, true, frappe.utils.escape_html(words));
}

function show_headline(frm, more = "") {
	const color = biometric_integration.intro_color(frm.doctype, frm.doc.status);
	frm.set_intro(headline(frm.doc) + more, color);
}

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
