// How a device stands, in one word and a colour; what is not known is never green.
const STATES = {
	disabled: [__("Disabled"), "gray"],
	same_as: [__("Same As Another"), "gray"],
	orphaned: [__("No Server"), "red"],
	failing: [__("Failing"), "red"],
	unread: [__("Not Read"), "gray"],
	never: [__("Never Delivered"), "orange"],
	silent: [__("Silent"), "orange"],
	review: [__("Needs Review"), "orange"],
	late: [__("Late"), "orange"],
	active: [__("Active"), "green"],
};

// The same of a bridge.
const BRIDGE_STATES = {
	off: [__("Disabled"), "gray"],
	never: [__("Never"), "gray"],
	silent: [__("Silent"), "red"],
	trouble: [__("Trouble"), "orange"],
	behind: [__("Behind"), "orange"],
	well: [__("Well"), "green"],
};

export const bridge_state = (state) => BRIDGE_STATES[state] || [__("Unknown"), "gray"];

export const device_state = (state) => STATES[state] || [__("Unknown"), "gray"];
