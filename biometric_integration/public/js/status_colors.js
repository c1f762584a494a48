// One colour for a status, wherever it is shown.
const COLORS = {
	"Biometric Sync Log": {
		Running: "blue",
		Success: "green",
		Partial: "orange",
		Failed: "red",
		Skipped: "gray",
	},
	"Biometric Sync Period": {
		Reading: "blue",
		Stopped: "gray",
		Finished: "green",
		Incomplete: "orange",
	},
	"Biometric Staging Event": {
		Pending: "blue",
		Processed: "green",
		Unmapped: "orange",
		Ignored: "gray",
		Failed: "red",
		Quarantined: "purple",
	},
	"Biometric Workday": {
		Open: "gray",
		Held: "orange",
		"To Settle": "red",
		Complete: "blue",
		Marked: "green",
		"No Attendance": "gray",
	},
	"Biometric File Import": {
		Draft: "gray",
		Previewed: "blue",
		Importing: "blue",
		Imported: "green",
		Failed: "red",
		Undone: "gray",
	},
	"Biometric Device Command": {
		Waiting: "gray",
		Sent: "blue",
		Answered: "green",
		Refused: "orange",
	},
	"Biometric Server State": { ok: "green", failing: "red", stalled: "red" },
};
// The line above a form has no gray and no purple: frappe would make both blue.
const IN_INTRO = { gray: "blue", purple: "orange" };

export const status_color = (doctype, status) => COLORS[doctype][status] || "gray";

export function intro_color(doctype, status) {
	const color = status_color(doctype, status);
	return IN_INTRO[color] || color;
}
