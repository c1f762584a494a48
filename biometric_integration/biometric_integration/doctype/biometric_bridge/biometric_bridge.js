frappe.ui.form.on("Biometric Bridge", {
	setup(frm) {
		// Such a user opens no Desk, and would not be offered.
		frm.set_query("user", () => ({ filters: { ignore_user_type: 1 } }));
	},

	refresh(frm) {
		frm.set_intro("");
		if (frm.is_new()) {
			frm.set_intro(
				__(
					"Make a user with the role Biometric Bridge, choose it here, and save. Then the form shows what to enter on the PC."
				),
				"blue"
			);
			return;
		}
		show_state(frm);
		show_file(frm);
	},
});

async function show_state(frm) {
	const { name } = frm.doc;
	const { bridge_state, look } = biometric_integration;
	const { [name]: found } = await look("bridge_state", { bridge: name });
	if (!found || frm.doc.name !== name) return;
	const [label, color] = bridge_state(found.state);
	frm.page.set_indicator(label, color);
	frm.set_intro("");
	const intro = found.words.map((text) => `<div>${frappe.utils.escape_html(text)}</div>`).join("");
	frm.set_intro(intro, { gray: "blue" }[color] || color);
	frm.fields_dict.health.$wrapper.html(health_html(found));
}

function health_html({ runs, devices }) {
	const escape = frappe.utils.escape_html;
	const rows = runs.map(({ label, status, message, at }) => {
		const color = biometric_integration.status_color("Biometric Sync Log", status);
		const when = at ? frappe.datetime.str_to_user(frappe.datetime.convert_to_user_tz(at)) : "";
		const shown = status ? __(status) : __("Not read so far");
		return `<div class="mb-2"><span class="indicator-pill ${color}">${escape(label)}: ${escape(shown)}</span>
			<span class="small text-muted">${escape(when)}</span>
			${message ? `<div class="small">${escape(message)}</div>` : ""}</div>`;
	});
	const none = __("It reads no server: choose it as Read By in Biometric Sync Settings.");
	const pushing = devices
		? `<div class="small text-muted">${__("Devices that push to it: {0}.", [devices])}</div>`
		: "";
	const title = `<div class="control-label">${__("Servers")}</div>`;
	return `<div class="form-group">${title}${rows.join("") || `<div class="small text-muted">${none}</div>`}${pushing}</div>`;
}

// The key is made by a person, on the user: it is shown there once, and belongs into a file of its own.
async function show_file(frm) {
	const { name } = frm.doc;
	const { $wrapper } = frm.fields_dict.setup;
	frm.toggle_display("setup_section", biometric_integration.may_set_up());
	if (!biometric_integration.may_set_up()) return;
	const { text } = await biometric_integration.look("bridge_file", { bridge: name });
	if (frm.doc.name !== name) return;
	const words = __(
		"bridge.toml begins like this. For bridge.key choose Generate Keys on the user, under API Access, and write key and secret into the file as KEY:SECRET."
	);
	$wrapper
		.html(
			`<p class="text-muted small">${words}</p><pre class="mb-2"></pre><button class="btn btn-xs btn-default">${__(
				"Copy"
			)}</button>`
		)
		.off("click")
		.on("click", "button", () => frappe.utils.copy_to_clipboard(text));
	$wrapper.find("pre").text(text);
}
