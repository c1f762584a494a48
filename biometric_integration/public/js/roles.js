// What permissions.py says of this user.
const may = (what) => Boolean(frappe.boot.biometric_integration?.[what]);

// Then nobody's company is known by itself.
export const several_companies = () => may("several_companies");

// Start a sync, or a run once more.
export const may_sync = () => may("may_sync");

// Set servers up, and decide what becomes of punches and ids.
export const may_set_up = () => may("may_set_up");
