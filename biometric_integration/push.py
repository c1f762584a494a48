"""The pages below `/iclock/`, where devices push. To whom the door is closed, there are none."""

from werkzeug.wrappers import Response

import frappe

from biometric_integration.sync.push import door, host


class PushPage:
	"""A page renderer of frappe. It answers in plain text, and leaves no cookie with a device."""

	def __init__(self, path: str, http_status_code: int | None = None):
		self.path = path.strip("/ ")
		self.endpoint = ""

	def can_render(self) -> bool:
		if "iclock/" not in self.path.lower():
			return False
		self.endpoint = door.endpoint(self.path, door.caller())
		return bool(self.endpoint)

	def render(self) -> Response:
		request = frappe.request
		answer = host.answer(
			request.method, self.endpoint, request.args.to_dict(), request.get_data(), door.caller()
		)
		frappe.local.cookie_manager.cookies.clear()
		return Response(answer.text, answer.status, content_type="text/plain")
