import json
import sqlite3

import pytest

from privacy.books import Books
from privacy.statistics.answers import Answer, Answers
from retail.errors import PrivacyError


def answer(number=7, cost=100) -> Answer:
    return Answer(
        columns=("department", "count"),
        rows=(("dairy", number), ('it\'s "odd"\u202e\x00', None)),
        threshold=5,
        error_95=3,
        error_95_all=6,
        unit="persons",
        noise="gaussian",
        scale=1.5,
        cost=cost,
    )


def store(answers: Answers, one: Answer, *, serial=1, identity="q", dataset="people", audience="none") -> None:
    with answers.books.transaction() as connection:
        answers.store_within(
            connection, dataset=dataset, identity=identity, serial=serial, audience=audience, answer=one
        )


def store_and_fail(answers: Answers) -> None:
    with answers.books.transaction() as connection:
        answers.store_within(connection, dataset="d", identity="q", serial=1, audience="none", answer=answer())
        connection.execute("INSERT INTO nowhere VALUES (1)")


@pytest.fixture
def answers(tmp_path) -> Answers:
    return Answers(Books.open(tmp_path / "books.sqlite"))


def test_a_stored_answer_comes_back_as_it_was(answers):
    one = answer()
    store(answers, one)
    found = Answers(Books.open(answers.books.path)).find("people", "q", cost=100, audience="none")
    assert found.stored
    assert (found.rows, found.digest, found.made_at, found.document()["scale"]) == (
        one.rows,
        one.digest,
        one.made_at,
        1.5,
    )
    assert json.loads(json.dumps(found.document()))["rows"][0] == ["dairy", 7]
    assert found.frame["count"].isna().tolist() == [False, True]


def test_only_an_answer_that_is_exact_enough_and_of_the_same_people_is_found(answers):
    store(answers, answer(cost=100))
    assert answers.find("people", "q", cost=101, audience="none") is None
    assert answers.find("people", "q", cost=99, audience="none") is not None
    assert answers.find("others", "q", cost=1, audience="none") is None
    assert answers.find("people", "another", cost=1, audience="none") is None
    assert answers.find("people", "q", cost=1, audience="another") is None
    assert answers.find("people", "q", cost=1, audience="none") is not None


def test_the_newest_answer_is_given(answers):
    store(answers, answer(1))
    assert answers.next_serial("people", "q") == 2
    store(answers, answer(2), serial=2)
    assert answers.find("people", "q", cost=1, audience="none").rows[0][1] == 2


def test_two_answers_cannot_take_one_number(answers):
    store(answers, answer(1))
    with pytest.raises(PrivacyError, match="ask again"):
        store(answers, answer(2))
    assert answers.find("people", "q", cost=1, audience="none").rows[0][1] == 1


def test_an_answer_is_stored_in_a_transaction_or_not_at_all(answers):
    connection = sqlite3.connect(answers.books.path, isolation_level=None)
    with pytest.raises(PrivacyError, match="transaction"):
        answers.store_within(connection, dataset="d", identity="q", serial=1, audience="none", answer=answer())
    connection.close()
    with pytest.raises(PrivacyError, match="no such table"):
        store_and_fail(answers)
    assert answers.find("d", "q", cost=1, audience="none") is None


def test_an_answer_can_be_neither_changed_nor_deleted(answers):
    store(answers, answer())
    for statement in ("DELETE FROM answers", "UPDATE answers SET body = '{}'"):
        with pytest.raises(PrivacyError, match="never"), answers.books.transaction() as connection:
            connection.execute(statement)


def test_an_answer_that_was_changed_behind_the_rules_is_not_given(answers):
    store(answers, answer(7))
    with answers.books.transaction() as connection:
        connection.execute("DROP TRIGGER answers_keep")
        connection.execute("""UPDATE answers SET body = replace(body, '"dairy",7', '"dairy",9')""")
    with pytest.raises(PrivacyError, match="changed"):
        answers.find("people", "q", cost=1, audience="none")
