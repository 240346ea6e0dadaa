"""Finds pictures: goes through a category's sources and streams candidates to the downloaders."""
