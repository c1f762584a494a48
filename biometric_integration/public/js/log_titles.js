import { stream_words } from "./stream_words.js";

const LOG = "Biometric Sync Log";

// A link to a log shows its title, which is a stream as it is stored: here in words.
export function log_titles(frm) {
	for (const { fieldname, options } of frappe.meta.get_docfields(frm.doctype, frm.doc.name)) {
		const log = options === LOG && frm.doc[fieldname];
		const title = log && frappe.utils.get_link_title(LOG, log);
		if (title) frappe.utils.add_link_title(LOG, log, stream_words(title));
	}
}
