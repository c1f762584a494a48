"""The pages below `/iclock/`, where devices push. To whom the door is closed, there are none."""

from werkzeug.wrappers import Response

import frappe

from biometric_integration.sync.push import door, host


class PushPage:
	"""A page renderer of frappe. It answers in plain text, and leaves no cookie with a device."""

	def __init__(self, path: str, http_status_code: int | None = None):
		self.path = path.strip("/ ")

	def can_render(self) -> bool:
		return "iclock/" in self.path.lower() and door.is_there(self.path)

	def render(self) -> Response:
		request, address = frappe.request, door.caller()
		frappe.local.cookie_manager.cookies.clear()
		if not (endpoint := door.endpoint(self.path, address)):
			return Response("Not Found", 404, content_type="text/plain")
		answer = host.answer(request.method, endpoint, request.args.to_dict(), request.get_data(), address)
		return Response(answer.text, answer.status, content_type="text/plain")
