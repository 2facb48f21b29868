"""People: agreements and withdrawals, erasure requests with their certificates."""

from apps.compliance.people_books import people_books
from apps.compliance.people_tried import offer_example, tried_books
from apps.compliance.people_view import people_page

books = people_books()
if books.register_file.is_file():
    people_page(books)
elif (example := tried_books()) is not None:
    people_page(example)
else:
    people_page(books)
    offer_example()
