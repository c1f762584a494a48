const NEEDS_A_PERSON = ["Authentication", "Configuration"];

// When a server that fails is read next; `now`: of the site's clock.
export function next_attempt({ next_attempt: at, error_class }, now) {
	const minutes = at ? Math.ceil(moment(at).diff(moment(now), "seconds") / 60) : 0;
	if (minutes <= 0) return __("The next run tries again.");
	const moment_of_it = frappe.datetime.str_to_user(frappe.datetime.convert_to_user_tz(at));
	const when =
		minutes === 1
			? __("Next attempt within a minute, at {0}.", [moment_of_it])
			: __("Next attempt in {0} minutes, at {1}.", [minutes, moment_of_it]);
	// These pass only when a person has changed something, so the scheduler looks once an hour.
	return NEEDS_A_PERSON.includes(error_class) && frappe.model.can_write("Biometric Sync Settings")
		? `${when} ${__("When you have mended it, there is no need to wait.")}`
		: when;
}
