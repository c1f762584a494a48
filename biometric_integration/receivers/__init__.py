"""What others send to us. A receiver reads, knows the sender, and hands over rows; a host keeps them. Nothing here knows Frappe."""
