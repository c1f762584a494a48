frappe.ui.form.on("Shift Type", {
	refresh(frm) {
		if (frm.is_new() || !biometric_integration.may_sync()) return;
		const shift_type = frm.doc.name;
		biometric_integration.look("shift_type_state", { shift_type }).then((state) => {
			if (!state || frm.doc.name !== shift_type) return;
			show_marks(frm, state);
		});
	},
});

function show_marks(frm, { held_back, by_clock, mark }) {
	frm.set_intro("");
	if (by_clock) show_clock(frm, by_clock);
	held_back.forEach((cause) => show_cause(frm, cause));
	const description = frappe.meta.get_docfield(frm.doctype, "last_sync_of_checkin").description;
	if (mark) frm.set_df_property("last_sync_of_checkin", "description", `${mark} ${__(description || "")}`);
}

function show_cause(frm, { label, message, is_long, filters }) {
	const words = `<b>${frappe.utils.escape_html(label)}</b>: ${frappe.utils.escape_html(message)}`;
	const $line = intro(frm, `${words} <a href="#"><u>${__("Show the workdays")}</u></a>`, is_long ? "orange" : "blue");
	$line.find("a").on("click", (event) => {
		event.preventDefault();
		frappe.set_route("List", "Biometric Workday", filters);
	});
}

function show_clock(frm, by_clock) {
	const may_change = biometric_integration.may_set_up() && frm.perm[0]?.write;
	const button = may_change
		? `<div class="mt-2"><button class="btn btn-xs btn-default">${__("Move It by What Was Read")}</button></div>`
		: "";
	intro(frm, `${frappe.utils.escape_html(by_clock)}${button}`, "yellow")
		.find("button")
		.on("click", () => {
			if (!frm.is_dirty()) return leave_the_clock(frm);
			frappe.confirm(__("There are changes that are not saved. Save them first?"), () =>
				frm.save().then(() => leave_the_clock(frm))
			);
		});
}

async function leave_the_clock(frm) {
	const { message } = await biometric_integration.ask("leave_the_clock", { shift_type: frm.doc.name });
	await frm.reload_doc();
	frappe.show_alert({ message, indicator: "green" });
}

// The line above the form that was just added.
function intro(frm, html, color) {
	frm.set_intro(`<div>${html}</div>`, color);
	return frm.layout.message.children().last();
}
