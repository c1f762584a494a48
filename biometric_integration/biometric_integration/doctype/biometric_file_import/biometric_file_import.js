frappe.ui.form.on("Biometric File Import", {
	setup(frm) {
		frm.set_query("device", () => ({ filters: { same_as: ["is", "not set"] } }));
		frappe.realtime.on("biometric_file", () => frm.file_poller?.now());
	},

	refresh(frm) {
		show_intro(frm);
		show_preview(frm);
		if (frm.is_new() || frm.is_dirty() || !biometric_integration.may_set_up()) return;
		offer_steps(frm);
		frm.add_custom_button(__("Punches"), () => show_punches(frm), __("View"));
	},

	after_save(frm) {
		if (frm.doc.status === "Draft" && frm.doc.file) preview(frm);
	},
});

const OPEN = ["Draft", "Previewed", "Failed"];

function offer_steps(frm) {
	const { status, new_count, sync_logs } = frm.doc;
	if (status === "Importing" && !has_stopped(frm)) return follow(frm);
	const goes_on = status === "Importing";
	if (OPEN.includes(status) || goes_on) frm.add_custom_button(__("Preview"), () => preview(frm));
	if ((status === "Previewed" && new_count) || goes_on) {
		frm.add_custom_button(__("Import"), () => import_file(frm)).addClass("btn-primary");
	}
	if (sync_logs) frm.add_custom_button(__("Undo"), () => undo(frm));
	if (frm.doc.odd_count) {
		frm.add_custom_button(__("Unreadable Lines"), () => download(frm), __("View"));
	}
}

// Its worker is gone: that is known once its progress was asked for.
const has_stopped = (frm) => frm.stopped_file?.name === frm.doc.name;

// What to do now, in one sentence.
function show_intro(frm) {
	const { status, message, new_count } = frm.doc;
	const words = {
		Draft:
			message || __("Attach the file, then save: you see what it holds before anything is brought in."),
		Previewed: new_count
			? __("Nothing is brought in yet. Look at the lines below, then choose Import.")
			: __("All punches of this file are here already. There is nothing to import."),
		Importing: __("The punches are being brought in."),
		Imported:
			message || __("The punches are in. Those whose employee is known become check-ins in a moment."),
		Failed: message || __("This file was not brought in."),
		Undone: message,
	};
	const colors = {
		Draft: message ? "orange" : "blue",
		Previewed: "blue",
		Failed: "red",
		Imported: message ? "orange" : "green",
	};
	const text = (status === "Importing" && has_stopped(frm) && frm.stopped_file.message) || words[status];
	frm.set_intro("");
	if (text) frm.set_intro(frappe.utils.escape_html(text), colors[status] || "blue");
}

function preview(frm) {
	biometric_integration
		.ask("preview_file", { name: frm.doc.name }, __("Looking at the file…"))
		.then(() => frm.reload_doc());
}

function import_file(frm) {
	if (frm.is_dirty()) {
		frappe.msgprint(__("Save first: the preview is of what was saved."));
		return;
	}
	frm.stopped_file = null;
	biometric_integration.ask("import_file", { name: frm.doc.name }).then(() => frm.reload_doc());
}

function follow(frm) {
	if (frm.file_poller) return;
	const name = frm.doc.name;
	const take = ({ running, message, done }) => {
		if (frm.doc.name !== name) return true;
		if (running) {
			frappe.show_progress(__("Bringing in the punches"), done || 0, frm.doc.line_count || 1, message);
			return false;
		}
		frappe.hide_progress();
		frm.file_poller = null;
		frm.stopped_file = { name, message };
		frm.reload_doc();
		return true;
	};
	frm.file_poller = biometric_integration.poll({
		ask: () => biometric_integration.look("file_state", { key: name }),
		take,
	});
}

function undo(frm) {
	const { name } = frm.doc;
	biometric_integration.ask("undo_file", { name, dry_run: 1 }).then((found) => {
		if (!found.events && !found.left && !found.others) {
			frappe.msgprint(__("Nothing of this file is left that it was the first to bring."));
			return;
		}
		frappe.confirm(undo_html(found), () =>
			biometric_integration.ask("undo_file", { name, dry_run: 0 }).then(() => follow(frm))
		);
	});
}

function undo_html({ events, check_ins, left, days, others, more }) {
	const escape = frappe.utils.escape_html;
	const stay = days
		.map(
			({ employee, date, why }) =>
				`<li>${escape(employee)}, ${frappe.datetime.str_to_user(date)}: ${escape(why)}</li>`
		)
		.join("");
	const words = [
		__("{0} punches that this file was the first to bring go, and {1} check-ins made of them.", [
			events,
			check_ins,
		]),
		more ? __("These are the first ones; the rest is like them.") : "",
		others ? __("{0} more stay: they have come another way since.", [others]) : "",
		__("A device or server that brings the same punches later brings them anew."),
	];
	const stays = left ? `<p>${__("{0} stay:", [left])}</p><ul>${stay}</ul>` : "";
	return `<p>${words.filter(Boolean).join(" ")}</p>${stays}`;
}

function download(frm) {
	const method = "/api/method/biometric_integration.api.file_errors";
	window.open(`${method}?name=${encodeURIComponent(frm.doc.name)}`);
}

function show_punches(frm) {
	const logs = (frm.doc.sync_logs || "").split("\n").filter(Boolean);
	frappe.set_route("List", "Biometric Staging Event", { sync_log: ["in", logs] });
}

function show_preview(frm) {
	const field = frm.get_field("preview_html");
	if (!frm.doc.preview) return field.$wrapper.empty();
	const found = JSON.parse(frm.doc.preview);
	field.$wrapper.html(
		[devices_html(found), warning_html(found), lines_html(found), ids_html(found), odd_html(found)].join(
			""
		)
	);
}

function devices_html({ devices }) {
	const escape = frappe.utils.escape_html;
	const links = devices.map(({ device, label }) =>
		frappe.utils.get_form_link("Biometric Device", device, true, escape(label))
	);
	return `<p>${__("Punches of")}: ${links.join(", ")}</p>`;
}

function warning_html({ to_the_minute }) {
	if (!to_the_minute) return "";
	return `<div class="alert alert-warning">${__(
		"All times of this file end in :00. If a spreadsheet program has cut the seconds, punches that come from the device as well are counted twice. Upload the file as the device wrote it."
	)}</div>`;
}

function lines_html({ lines }) {
	const escape = (value) => frappe.utils.escape_html(value || "");
	const words = {
		new: [__("New"), "green"],
		known: [__("Known"), "gray"],
		outside: [__("Before the start date"), "orange"],
		odd: [__("Unreadable"), "red"],
	};
	const titles = [
		__("Line"),
		__("Device User ID"),
		__("Employee"),
		__("Time"),
		__("Device"),
		__("Becomes"),
	];
	const head = titles.map((title) => `<th scope="col">${title}</th>`).join("");
	const rows = lines.map(
		({ line, user_id, time, device, becomes, employee, employee_name, problem, raw }) => {
			const [label, color] = words[becomes];
			const pill = `<span class="indicator-pill ${color}">${label}</span>`;
			if (becomes === "odd") {
				return `<tr><td>${line}</td><td colspan="4">${escape(raw)}<div class="text-muted">${escape(
					problem
				)}</div></td><td>${pill}</td></tr>`;
			}
			const who = employee
				? escape(employee_name ? `${employee_name} (${employee})` : employee)
				: `<span class="text-muted">${__("nobody has this id yet")}</span>`;
			const when = escape(frappe.datetime.str_to_user(time));
			return `<tr><td>${line}</td><td>${escape(user_id)}</td><td>${who}</td><td>${when}</td><td>${escape(
				device
			)}</td><td>${pill}</td></tr>`;
		}
	);
	return `<p class="mt-3"><b>${__("The first lines")}</b></p><div class="table-responsive">
		<table class="table table-bordered table-sm"><thead><tr>${head}</tr></thead>
		<tbody>${rows.join("")}</tbody></table></div>`;
}

function ids_html({ ids }) {
	if (!ids.length) return "";
	const words = __(
		"Nobody has these ids at the time of their newest punch. Enter them in the employees, or make mapping rules: the punches are used by themselves then."
	);
	return `<p><b>${__("IDs without an employee")}</b><br><span class="text-muted">${words}</span><br>${ids
		.map((id) => `<code>${frappe.utils.escape_html(id)}</code>`)
		.join(" ")}</p>`;
}

function odd_html({ odd }) {
	if (!odd.length) return "";
	const escape = (value) => frappe.utils.escape_html(value || "");
	const rows = odd
		.slice(0, 20)
		.map(
			({ line, problem, raw }) =>
				`<tr><td>${line}</td><td>${escape(problem)}</td><td>${escape(raw)}</td></tr>`
		)
		.join("");
	const head = [__("Line"), __("Problem"), __("Begin of the Line")]
		.map((title) => `<th scope="col">${title}</th>`)
		.join("");
	return `<p><b>${__("Unreadable lines")}</b><br><span class="text-muted">${__(
		"They are left out. View → Unreadable Lines has all of them."
	)}</span></p><div class="table-responsive"><table class="table table-bordered table-sm">
		<thead><tr>${head}</tr></thead><tbody>${rows}</tbody></table></div>`;
}
