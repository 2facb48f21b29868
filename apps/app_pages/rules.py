"""Rules of your own: a table that can be edited, what it says in English, and which requests it changes."""

from apps.compliance.rules_editor import rules_page

rules_page()
