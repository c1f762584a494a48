// The words above a form. Newer versions of frappe have the list's name where `set_title` writes, and the form's beside it.
export function form_title(frm, text) {
	const $own = frm.page.$title_area.find(".title-text-form");
	if (!$own.length) return frm.page.set_title(frappe.utils.escape_html(text));
	$own.text(text);
	frappe.utils.set_title(text);
}
