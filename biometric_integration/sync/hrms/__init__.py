"""What Frappe HR and the site say."""
