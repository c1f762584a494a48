"""The app's own tables."""
