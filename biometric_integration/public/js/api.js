// Calls of api.py.
const call = (method, args, options) =>
	frappe
		.call({ method: `biometric_integration.api.${method}`, args, ...options })
		.then(({ message }) => message);

// Something a person waits for: the page is frozen until the answer is there.
export const ask = (method, args, freeze_message = __("Asking…")) =>
	call(method, args, { freeze: true, freeze_message });

// For what only adds to a page: where it fails, the page does without.
export const look = (method, args) => call(method, args, { type: "GET", silent: true });

// The servers, as options of a field.
export const server_options = () =>
	look("status").then(
		({ servers }) => servers.map(({ server, label }) => ({ value: server, label: label || server })),
		() => []
	);
