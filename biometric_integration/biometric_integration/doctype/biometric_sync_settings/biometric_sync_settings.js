const PASSWORDS = ["api_password", "hook_secret", "hook_password"];
const OWN_PASSWORDS = [...PASSWORDS, "push_secret"];

frappe.ui.form.on("Biometric Sync Settings", {
	onload(frm) {
		offer_time_zones(frm);
		for (const name of OWN_PASSWORDS) trust_password(frm.fields_dict[name]);
	},

	refresh(frm) {
		const { may_set_up, may_sync } = biometric_integration;
		if (may_set_up()) {
			frm.add_custom_button(__("Test Connection"), () => when_saved(frm, () => test_connection(frm)));
		}
		if (may_sync()) {
			frm.add_custom_button(__("Sync Now"), () => when_saved(frm, () => sync_now(frm)));
		}
		if (may_set_up()) {
			frm.add_custom_button(__("Sync a Period"), () =>
				when_saved(frm, () => biometric_integration.sync_period({ servers: servers(frm) }))
			);
		}
		if (may_set_up()) {
			frm.add_custom_button(__("Re-derive Times"), () => when_saved(frm, () => rederive_times(frm)));
		}
		if (frappe.user.has_role("System Manager") && delivers(frm).length) {
			frm.add_custom_button(__("Web Hook Address"), () => when_saved(frm, () => web_hook_address(frm)));
		}
		offer_locations(frm);
		show_push_address(frm);
		show_state(frm);
	},

	before_save: (frm) => ask_about_doubts(frm),
});

// What a message after a save offers as well: the server type whose service is at the address.
biometric_integration.switch_server_type = async ({ server, server_type }) => {
	frappe.hide_msgprint();
	await frappe.set_route("Form", "Biometric Sync Settings");
	const frm = cur_frm;
	const row = server === "main" ? frm.doc : frm.doc.more_servers.find((each) => each.server_id === server);
	await frappe.model.set_value(row.doctype, row.name, "server_type", server_type);
	return frm.save();
};

frappe.ui.form.on("Biometric Server", {
	form_render(frm) {
		for (const name of PASSWORDS) trust_password(frm.cur_grid?.grid_form?.fields_dict?.[name]);
	},
});

// It was chosen on the other server: how strong it is is not asked here, and no key stroke of it is sent to find out.
function trust_password(control) {
	control?.disable_password_checks?.();
}

function when_saved(frm, run) {
	if (!frm.is_dirty()) return run();
	frappe.confirm(__("There are changes that are not saved. Save them first?"), () => frm.save().then(run));
}

function servers(frm, also_disabled) {
	const more = (frm.doc.more_servers || []).filter(
		(row) => (row.enabled || also_disabled) && row.server_id
	);
	return [
		{ value: "main", label: __("Main Server"), server_type: frm.doc.server_type },
		...more.map((row) => ({
			value: row.server_id,
			label: frappe.utils.escape_html(row.label || row.server_id),
			server_type: row.server_type,
		})),
	];
}

// Which server? Asks only where there is a choice; `all` is offered as the first answer where it makes sense.
function choose_server(frm, title, all, run, choices = servers(frm)) {
	if (choices.length === 1) return run(all ? {} : { server: choices[0].value });
	if (all) choices.unshift({ value: "", label: __("All Servers") });
	frappe.prompt(
		{
			fieldname: "server",
			fieldtype: "Select",
			label: __("Server"),
			options: choices,
			default: choices[0].value,
		},
		({ server }) => run(server ? { server } : {}),
		title,
		title
	);
}

function sync_now(frm) {
	choose_server(frm, __("Sync Now"), true, (args) => sync(frm, args));
}

function sync(frm, args) {
	biometric_integration.sync_now(args).then((progress) => {
		progress.dialog.$wrapper.one("hidden.bs.modal", () => frm.refresh());
	});
}

function test_connection(frm) {
	choose_server(frm, __("Test Connection"), false, (args) =>
		biometric_integration
			.ask("test_connection", args, __("Asking the server…"))
			.then((answer) => answer && show_steps(frm, answer))
	);
}

// The servers that can have a web hook; one that is not read by schedule may deliver all the same.
function delivers(frm) {
	return servers(frm, true).filter(({ server_type }) => server_type === "eBioServer");
}

function web_hook_address(frm) {
	choose_server(frm, __("Web Hook Address"), false, (args) => show_address(frm, args), delivers(frm));
}

function show_address(frm, args) {
	biometric_integration.ask("web_hook_address", args).then((address) => {
		if (!address) return;
		frm.reload_doc();
		const words = __(
			"Enter this address in eBioServerNew. Who knows it can send punches: keep it as a password."
		);
		frappe.msgprint({
			title: __("Web Hook Address"),
			message: `<p>${words}</p><pre class="mb-0">${frappe.utils.escape_html(address)}</pre>`,
		});
	});
}

function show_steps(frm, { ok, steps, switch: other }) {
	const dialog = new frappe.ui.Dialog({
		title: __("Test Connection"),
		indicator: ok ? "green" : ok === false ? "red" : "blue",
		fields: [{ fieldtype: "HTML", fieldname: "steps" }],
		primary_action_label: __("Close"),
		primary_action: () => dialog.hide(),
	});
	if (other && frm.perm[0]?.write) {
		dialog.set_secondary_action_label(__("Switch to {0}", [other.server_type]));
		dialog.set_secondary_action(() => {
			dialog.hide();
			biometric_integration.switch_server_type(other);
		});
	}
	const of_bridge = ok === null || ok === undefined;
	const not_yet = of_bridge ? __("This site does not read it.") : __("The connection does not work yet.");
	const verdict = ok ? __("The connection works.") : not_yet;
	dialog
		.get_field("steps")
		.$wrapper.html(
			`<p role="status"><b>${verdict}</b></p><ol class="list-unstyled mb-0">${steps
				.map(step_html)
				.join("")}</ol>`
		);
	dialog.show();
}

function step_html({ step, ok, message, fix }) {
	const not_tried = ok === null || ok === undefined;
	const [sign, color, word] = not_tried
		? ["–", "text-muted", __("Not tried")]
		: ok
			? ["✓", "text-success", __("Passed")]
			: ["✗", "text-danger", __("Failed")];
	const escape = frappe.utils.escape_html;
	return `<li class="d-flex mb-3 ${not_tried ? "text-muted" : ""}">
		<span class="${color} mr-3" aria-hidden="true" style="width: 1em"><b>${sign}</b></span>
		<div>
			<span class="sr-only">${word}:</span> <b>${escape(__(step))}</b>
			${message ? `<div>${escape(message)}</div>` : ""}
			${ok === false && fix ? `<div class="mt-1 ${color}">${escape(fix)}</div>` : ""}
		</div>
	</li>`;
}

function offer_time_zones(frm) {
	frappe
		.call({ method: "frappe.core.doctype.user.user.get_timezones", type: "GET" })
		.then(({ message }) => {
			const zones = message.timezones;
			frm.fields_dict.time_zone.df.max_items = zones.length;
			frm.set_df_property("time_zone", "options", zones);
			frm.fields_dict.more_servers.grid.update_docfield_property("time_zone", "options", zones);
		});
}

// The codes the server's devices stand at; any other code can be typed as well.
function offer_locations(frm) {
	const field = frm.fields_dict.location;
	field.df.ignore_validation = true;
	if (!field.$input) return;
	field.$input.off("focus.biometric").one("focus.biometric", () => {
		biometric_integration.look("locations", { server: "main" }).then((locations) => {
			field.set_data(locations);
			if (field.$input.is(":focus")) field.$input.trigger("input");
		});
	});
}

// What to type into the menu of a device: most have a field for the host and one for the port, newer ones take an address with a path.
async function show_push_address(frm) {
	const { protocol, hostname, port } = window.location;
	const is_shown = frm.doc.push_secret && biometric_integration.may_set_up();
	const secret = is_shown ? await frappe.xcall("biometric_integration.api.push_path").catch(() => "") : "";
	const rows = [
		[__("Server Address"), hostname],
		[__("Server Port"), port || (protocol === "https:" ? "443" : "80")],
		[__("HTTPS"), protocol === "https:" ? __("on") : __("off")],
		secret && [__("Address with Path"), `${protocol}//${hostname}${port ? `:${port}` : ""}/${secret}`],
	].filter(Boolean);
	const escape = frappe.utils.escape_html;
	const list = rows.map(([label, value]) => `<div>${escape(label)}: <code>${escape(value)}</code></div>`);
	frm.fields_dict.push_address.$wrapper
		.html(
			`<div class="form-group"><div class="control-label">${__("Address for the Device")}</div>${list.join("")}
			${secret ? `<div class="text-muted">${__("Without the path no device is answered.")}</div>` : ""}
			<div class="mt-2"><a href="#" class="btn btn-xs btn-default">${__("Devices that knocked")}</a></div></div>`
		)
		.off("click")
		.on("click", "a", (event) => open_list(event, "Biometric Unknown Device", {}));
}

// What the last runs brought speaks for or against a time zone, and a server that is removed or becomes another one may be a slip; no server is asked.
async function ask_about_doubts(frm) {
	const zones = { main: frm.doc.time_zone || "" };
	const types = { main: frm.doc.server_type || "" };
	for (const row of frm.doc.more_servers || []) {
		zones[row.server_id] = row.time_zone || "";
		types[row.server_id] = row.server_type || "";
	}
	const doubts = await frappe
		.xcall("biometric_integration.api.settings_doubts", { zones, types, start_date: frm.doc.start_date })
		.catch(() => null);
	frm.doc.__doubts_asked = doubts ? 1 : 0;
	if (!doubts?.length) return;
	const words = doubts.map((doubt) => `<p>${frappe.utils.escape_html(doubt)}</p>`).join("");
	const sure = await new Promise((resolve) =>
		frappe.confirm(
			`${words}<p>${__("Save all the same?")}</p>`,
			() => resolve(true),
			() => resolve(false)
		)
	);
	if (!sure) frappe.validated = false;
}

function rederive_times(frm) {
	choose_server(frm, __("Re-derive Times"), false, (args) =>
		biometric_integration
			.ask("rederive_times", { ...args, dry_run: 1 }, __("Looking at the punches…"))
			.then((preview) => preview && offer_rederiving(frm, preview))
	);
}

function offer_rederiving(frm, preview) {
	const dialog = new frappe.ui.Dialog({
		title: __("Re-derive Times"),
		size: "large",
		fields: [{ fieldtype: "HTML", fieldname: "preview", options: rederiving_html(preview) }],
	});
	const $status = $('<p role="status" aria-live="polite">').appendTo(dialog.get_field("preview").$wrapper);
	if (preview.events || !preview.complete) {
		dialog.set_primary_action(__("Put Right"), () => {
			dialog.get_primary_btn().prop("disabled", true);
			biometric_integration
				.ask("rederive_times", { server: preview.server, dry_run: 0 })
				.then(({ server }) =>
					biometric_integration.poll({
						ask: () => biometric_integration.look("rederive_state", { server }),
						take: (state) => {
							$status.text(state.message || "");
							if (!state.running) show_state(frm);
							return !state.running;
						},
						dialog,
					})
				)
				.catch(() => dialog.get_primary_btn().prop("disabled", false));
		});
	}
	dialog.show();
}

function rederiving_html({ time_zone, events, check_ins, left, days_left, sample, complete }) {
	const escape = frappe.utils.escape_html;
	const shown = (time) => escape(frappe.datetime.str_to_user(time) || "");
	const table = (titles, rows) =>
		rows.length
			? `<table class="table table-bordered table-sm"><thead><tr>${titles
					.map((title) => `<th scope="col">${title}</th>`)
					.join("")}</tr></thead><tbody>${rows
					.map((row) => `<tr>${row.map((cell) => `<td>${cell}</td>`).join("")}</tr>`)
					.join("")}</tbody></table>`
			: "";
	const count = events
		? __("By the time zone {0}, {1} punches have another time. Check-ins that are written anew: {2}.", [
				escape(time_zone),
				events,
				check_ins,
			])
		: __("By the time zone {0}, all punches that can be changed have the right time.", [
				escape(time_zone),
			]);
	const more = complete ? "" : __("There are more: not all punches were looked at for this count.");
	const stay = left
		? __("{0} punches stay as they are. Cancel what is named, then do it again, or leave them:", [left])
		: "";
	return `<p>${count} ${more}</p>${table(
		[__("Who"), __("Reported Time"), __("Before"), __("After")],
		sample.map((row) => [
			escape(row.who || ""),
			shown(row.source_time),
			shown(row.before),
			shown(row.after),
		])
	)}<p>${stay}</p>${table(
		[__("Employee"), __("Date"), __("Why")],
		days_left.map((row) => [
			escape(row.employee || ""),
			escape(frappe.datetime.str_to_user(row.date)),
			escape(row.why),
		])
	)}`;
}

function show_state(frm) {
	frm.set_intro("");
	if (!frm.doc.server_type) {
		frm.set_intro(
			__(
				"Choose the server type, fill in address and login, and save. Then Test Connection tells step by step whether it works."
			),
			"blue"
		);
	} else if (!frm.doc.enabled) {
		frm.set_intro(
			__("Sync is off: nothing is read by schedule. Test the connection, then turn on Enabled."),
			"orange"
		);
	}
	biometric_integration.look("status").then((status) => {
		frm.dashboard.stats_area_row.empty();
		status.servers.forEach((server) => show_server(frm, server, status.now));
		status.bridges.forEach((bridge) => show_bridge(frm, bridge));
		if (status.unused) show_unused(frm, status.unused);
		status.clocks.forEach((device) => show_clock(frm, device));
		status.held_back.forEach((cause) => show_held_back(frm, cause));
		if (status.by_clock.length) show_moved_by_clock(frm, status.by_clock);
		if (status.absentees) show_absentees(frm, status.absentees);
		Object.entries(status.waiting).forEach(
			([name, count]) => count && show_waiting(frm, name, count, status.counted_to)
		);
	});
}

function show_server(frm, server, now) {
	const escape = frappe.utils.escape_html;
	const label = server.server === "main" ? __("Main Server") : server.label || server.server;
	const color = server.doubt
		? "orange"
		: biometric_integration.status_color("Biometric Server State", server.state);
	const $words = $('<div class="small text-muted">').html(
		server_words(server, now).map(escape).join("<br>")
	);
	if (server.first_read) {
		const words = __("Still to be read from the Start Date on: {0} of {1} days.", [
			format_number(server.first_read.days_left, null, 0),
			format_number(server.first_read.days, null, 0),
		]);
		const shown = server.first_read.status === "Stopped" ? `${words} ${__("Stopped.")}` : words;
		$(
			`<div>${frappe.utils.get_form_link("Biometric Sync Period", server.first_read.name, true, shown)}</div>`
		).appendTo($words);
	}
	if (["failing", "stalled"].includes(server.state) && !server.read_by) {
		$('<div><a href="#" class="try-now"></a></div>').appendTo($words).find("a").text(__("Try Now"));
	}
	frm.dashboard
		.add_indicator(`<a href="#" class="server-logs">${escape(label)}</a>`, color)
		.append($words)
		.on("click", ".server-logs", (event) =>
			open_list(event, "Biometric Sync Log", { server: server.server })
		)
		.on("click", ".try-now", (event) => {
			event.preventDefault();
			when_saved(frm, () => sync(frm, { server: server.server }));
		});
}

function server_words(server, now) {
	const { enabled, last_success, state, message, doubt, read_by } = server;
	const when = last_success
		? __("Last success: {0}.", [frappe.datetime.prettyDate(last_success)])
		: __("Never read so far.");
	const words = [doubt, enabled ? when : `${when} ${__("Not read by schedule.")}`];
	if (read_by) words.push(__("Read by the bridge {0}.", [read_by]));
	if (state === "failing")
		words.push(message, enabled && !read_by && biometric_integration.next_attempt(server, now));
	if (state === "stalled") words.push(message);
	return words.filter(Boolean);
}

function show_bridge(frm, { bridge, state, message }) {
	const [label, color] = biometric_integration.bridge_state(state);
	const words = `${__("Bridge {0}", [frappe.utils.escape_html(bridge)])}: ${label}`;
	frm.dashboard
		.add_indicator(`<a href="#">${words}</a>`, color)
		.append($('<div class="small text-muted">').text(message))
		.on("click", "a", (event) => {
			event.preventDefault();
			frappe.set_route("Form", "Biometric Bridge", bridge);
		});
}

function show_unused(frm, words) {
	frm.dashboard
		.add_indicator(__("Punches Are Not Used"), "red")
		.append($('<div class="small text-muted">').text(words));
}

function show_clock(frm, { name, device_name, clock_ahead }) {
	const words = __("{0}: clock ahead by {1}", [
		frappe.utils.escape_html(device_name),
		frappe.utils.get_formatted_duration(clock_ahead),
	]);
	frm.dashboard.add_indicator(`<a href="#">${words}</a>`, "orange").on("click", "a", (event) => {
		event.preventDefault();
		frappe.set_route("Form", "Biometric Device", name);
	});
}

function show_held_back(frm, { label, message, is_long, filters }) {
	const words = __("Held Back by {0}", [frappe.utils.escape_html(label)]);
	frm.dashboard
		.add_indicator(`<a href="#">${words}</a>`, is_long ? "orange" : "blue")
		.append($('<div class="small text-muted">').text(message))
		.on("click", "a", (event) => open_list(event, "Biometric Workday", filters));
}

// What is not proven is not marked all the same; yet the mark says then what nobody has read.
function show_moved_by_clock(frm, shift_types) {
	frm.dashboard
		.add_indicator(`<a href="#">${__("Last Sync of Checkin Moved by the Clock")}</a>`, "yellow")
		.append($('<div class="small text-muted">').text(shift_types.join(", ")))
		.on("click", "a", (event) => {
			event.preventDefault();
			if (shift_types.length === 1) frappe.set_route("Form", "Shift Type", shift_types[0]);
			else frappe.set_route("List", "Shift Type", { auto_update_last_sync: 1 });
		});
}

function show_absentees(frm, words) {
	const $words = $('<div class="small text-muted">').text(words);
	if (biometric_integration.may_set_up()) {
		$('<div><a href="#" class="write-absences"></a></div>')
			.appendTo($words)
			.find("a")
			.text(__("Write Absences"));
	}
	frm.dashboard
		.add_indicator(__("Absentees Are Paid"), "orange")
		.append($words)
		.on("click", ".write-absences", (event) => {
			event.preventDefault();
			when_saved(frm, () => frm.set_value("write_absences", 1).then(() => frm.save()));
		});
}

function show_waiting(frm, name, count, counted_to) {
	const number = `${cint(count)}${count < counted_to ? "" : "+"}`;
	const color = biometric_integration.status_color("Biometric Staging Event", name);
	frm.dashboard
		.add_indicator(`<a href="#">${__(name)}: ${number}</a>`, color)
		.on("click", "a", (event) => open_list(event, "Biometric Staging Event", { status: name }));
}

function open_list(event, doctype, filters) {
	event.preventDefault();
	frappe.set_route("List", doctype, filters);
}
