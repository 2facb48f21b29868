"""People: agreements and withdrawals, erasure requests with their certificates."""

from apps.compliance.people_books import people_books
from apps.compliance.people_view import people_page

people_page(people_books())
