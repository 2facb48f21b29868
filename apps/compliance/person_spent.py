"""What was spent on one person: the part of the page People below that person's agreements."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pandas as pd
import streamlit as st

from apps.compliance import data_set_tables as tables
from apps.compliance.data_set_ledger import by_data_set, together
from apps.compliance.data_set_view import assumptions, tell_bare, tell_unread
from apps.compliance.found_ledgers import find_budgets
from apps.compliance.person_ledger import UNKNOWN, Membership, has_places, where_found
from apps.figure_text import count
from apps.opened_store import opened_store
from apps.plain_text import plain, plain_cells

if TYPE_CHECKING:
    from apps.compliance.people_books import PeopleBooks

_LOOKED: Final = "people_looked"  # of the session: the id, and where its rows are


def spent_on_person(books: PeopleBooks, person: str, *, known: bool) -> None:
    """Show what all budgets have spent on a person, whom nobody has to look up for it.

    Args:
        books: the merchant's books.
        person: the id; it goes into no address, log or cache that others share.
        known: whether the books have something on record for the person.
    """
    st.header("What was spent on this person" if known else "What was spent on whoever is in the data")
    if not known:
        st.markdown("Nothing is on record for this id. These figures are for whoever is in these data, not for the id.")
    with st.spinner("Adding up all ledgers"):
        found = find_budgets(opened_store(), books.folder)
        ledgers = by_data_set(found.parts, found.unread, found.exact)
        total = together(ledgers, found.unread)
    tell_unread(found.unread)
    tell_bare(ledgers, found.exact)
    if not total.data_sets:
        st.info("No budget on real people can be read in the run store or in the books.", icon=":material/savings:")
        return
    least = "at least " if total.unread else ""
    everything, lasting = tables.epsilon_text(total.everything), tables.epsilon_text(total.lasting)
    if any(one.lasting for one in total.data_sets):
        of_it = f"those that add up over runs, with secret noise, to {least}**epsilon {lasting}**."
    else:
        of_it = "all of them are simulations, whose figures promise nothing."
    st.markdown(
        "A ledger holds no ids, and needs none: what was spent on a data set was spent on **everybody** in it. For "
        f"somebody in {_all_of(len(total.data_sets))}, all budgets together amount to {least}**epsilon {everything}** "
        f"at delta {total.delta:g}; {of_it} Whoever is in fewer has lost no more."
    )
    membership = _look(books, person)
    shown = pd.DataFrame(
        [
            {tables.DATA_SET: one.name, "Spent": tables.spent_text(one), "Is the person in it?": membership.told(one),
             "What it promises": tables.promise(one)}
            for one in total.data_sets
        ]
    )  # fmt: skip
    st.table(plain_cells(shown), hide_index=True, border="horizontal", alt="What was spent on each data set")
    sure = [one for one in total.data_sets if membership.told(one).startswith("yes")]
    if sure:
        bound = together(sure)
        least = "at least " if any(one.unread for one in sure) else ""
        st.markdown(
            f"Of the {_named(len(sure))} where rows of this person are now: {least}epsilon "
            f"{tables.epsilon_text(bound.everything)} at delta {bound.delta:g}."
        )
    for problem in membership.problems:
        st.warning(plain(problem), icon=":material/warning:")
    st.caption(
        f"{assumptions(total.data_sets)}\n- The sum above counts every data set, also those where {UNKNOWN}. A "
        "listed folder is taken for the data set that ledgers call by its name. An erasure gives nothing back: what "
        "was released stays released."
    )


def _look(books: PeopleBooks, person: str) -> Membership:
    """Let the user look into the listed tables; the answer is this session's, and about this id alone."""
    looked, membership = st.session_state.get(_LOOKED, ("", Membership()))
    if has_places(books):
        if st.button("Look for the person in the listed tables", icon=":material/search:", key="people_look"):
            with st.spinner("Looking into the folders of tables"):
                looked, membership = person, where_found(books, person)
            st.session_state[_LOOKED] = looked, membership
    else:
        st.caption(f"The books have no list of places, so {UNKNOWN} in which data sets the person is.")
    return membership if looked == person else Membership()


def _all_of(number: int) -> str:
    return "the data set below" if number == 1 else f"all of the {number} data sets below"


def _named(number: int) -> str:
    return "data set" if number == 1 else count(number, "data set")
