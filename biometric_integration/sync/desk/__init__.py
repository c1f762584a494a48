"""What people ask for, and what they change."""
