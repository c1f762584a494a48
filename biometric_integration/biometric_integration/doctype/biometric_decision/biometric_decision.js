const ABOUT_A_DEVICE = "Trust This Device Until";
const STILL_HERE = "Still Here";
const WHAT_IT_DOES = {
	...biometric_integration.WHAT_IT_DOES,
	"Keep Away": __("No attendance is written for this day here, until this decision is deleted."),
};

frappe.ui.form.on("Biometric Decision", {
	refresh: show,
	what: show,
	employee: show,
	date: show,
	shift: show,
});

async function show(frm) {
	const { what, employee, date } = frm.doc;
	frm.set_intro("");
	if (WHAT_IT_DOES[what]) frm.set_intro(WHAT_IT_DOES[what], "blue");
	if (!what || [ABOUT_A_DEVICE, STILL_HERE].includes(what) || !employee || !date) return;
	const workdays = await frappe.db.get_list("Biometric Workday", {
		filters: { employee, date },
		fields: ["name", "shift", "state", "reason"],
		limit: 10,
	});
	if (frm.doc.employee !== employee || frm.doc.date !== date || frm.doc.what !== what) return;
	if (frm.is_new() && workdays.length === 1 && frm.doc.shift !== workdays[0].shift) {
		frm.set_value("shift", workdays[0].shift); // and is called again
		return;
	}
	frm.set_intro("");
	const workday = workdays.find(({ shift }) => (shift || "") === (frm.doc.shift || ""));
	frm.set_intro(`${WHAT_IT_DOES[what]} ${its_workday(workday, workdays)}`, workday ? "blue" : "orange");
}

function its_workday(workday, others) {
	if (workday) {
		const words = [__(workday.state), __(workday.reason || "")].filter(Boolean).join(", ");
		const link = frappe.utils.get_form_link("Biometric Workday", workday.name, true, __("The workday"));
		return `${link}: ${frappe.utils.escape_html(words)}.`;
	}
	return others.length
		? __("Choose the shift: there are {0} workdays of this person on this date.", [others.length])
		: __("There is no workday of this person on this date, so there is nothing to decide yet.");
}
