"""The page People: how agreements stand, one person's agreements and their end, and an erasure with its certificate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import altair as alt
import pandas as pd
import streamlit as st

from apps.compliance.people_books import PeopleBooks
from apps.drawn_chart import show_chart
from apps.figure_text import count
from apps.login import require
from apps.plain_text import plain, plain_cells
from apps.runs.charts import PALETTE
from apps.text_upload import uploaded_text
from retail.errors import TradefairError
from retail.problems import shown

STATES: Final = ("valid", "not yet", "expired", "withdrawn")
_COLOURS: Final = (PALETTE[2], PALETTE[0], PALETTE[4], PALETTE[1])
_PLANNED: Final = "erasure_planned"
_CERTIFIED: Final = "erasure_certified"
_FIRST: Final = """\
tradefair consent notice notice.txt --controller m1 --reference loyalty-1 --language en \\
  --published 2026-01-01T00:00:00+00:00
tradefair consent template --controller m1 --purpose recommendation --notice loyalty-1 > receipt.json
tradefair consent record receipt.json --person 17
"""
_ALL: Final = "Everything on record"
_MOST_CERTIFICATE: Final = 1024**2


def coverage(books: PeopleBooks) -> str:
    """Show how many people agreed to what; return the finding."""
    rows = [
        {"Controller": controller, "Purpose": purpose, "Level": level, "State": _in_words(state), "People": people}
        for controller, purpose, level, state, people in books.reading().summary()
    ]
    if not rows:
        st.info("Nobody has agreed to anything yet. `tradefair consent record` puts a receipt on record.")
        return "No agreement is on record"
    table = pd.DataFrame(rows)
    by_state = table.groupby("State")["People"].sum()
    said = "; ".join(f"{row['Purpose']} at {row['Controller']}: {row['People']} {row['State']}" for row in rows)
    show_chart(_agreements, table, alt=f"People by use and state of their agreement. {said}")
    st.dataframe(table, hide_index=True, alt="People by controller, purpose, level and state of their agreement")
    source = "the made-up register" if books.made_up else f"`{books.register_file}`"
    st.caption(
        f"From {source}, now. Counts of one person each for every use. A withdrawal acts on the next "
        "read and the next round."
    )
    valid, ended = int(by_state.get("valid", 0)), int(by_state.get("withdrawn", 0))
    return f"{count(valid, 'agreement')} valid, {ended:,} withdrawn"


def _agreements(table: pd.DataFrame) -> alt.Chart:
    return (
        alt.Chart(table)
        .mark_bar()
        .encode(
            x=alt.X("People:Q", title="people", stack=True),
            y=alt.Y("Use:N", title=None, axis=alt.Axis(labelLimit=260)),
            color=alt.Color(
                "State:N", scale=alt.Scale(domain=list(STATES), range=list(_COLOURS)),
                legend=alt.Legend(orient="bottom", title=None),
            ),
            tooltip=["Controller", "Purpose", "Level", "State", "People"],
        )
        .transform_calculate(Use="datum.Purpose + ' at ' + datum.Controller")
    )  # fmt: skip


def one_person(books: PeopleBooks) -> None:
    """Show one person's agreements, let the user take a withdrawal, and say what was spent on the person."""
    from apps.compliance.person_spent import spent_on_person

    person = st.text_input("The person's id", key="people_person", width=320, max_chars=500)
    if not person.strip():
        st.caption("The id stays in this session: it is in no address and no log.")
        return
    known = _agreements_of(books, person)
    if books.made_up:
        st.caption("What was spent on a person is about your own people, so it is not shown for these.")
    else:
        spent_on_person(books, person, known=known)


def _in_words(state: str) -> str:
    return state.replace("_", " ")


def _agreements_of(books: PeopleBooks, person: str) -> bool:
    """Show a person's agreements and take a withdrawal; return whether anything is on record."""
    found = books.reading().status(person)
    if not found:
        st.info("Nothing is on record for this person. Check the id.", icon=":material/person_off:")
        return False
    table = pd.DataFrame(
        [
            {"Purpose": one.purpose, "Controller": one.controller, "State": _in_words(one.state), "Level": one.level,
             "Until": one.expires_at[:10], "Withdrawn": one.withdrawn_at[:16].replace("T", " ")}
            for one in found
        ]
    )  # fmt: skip
    st.table(plain_cells(table), hide_index=True, border="horizontal", alt="The person's agreements and their state")
    uses: dict[str, tuple[str, Any]] = {
        f"{one.purpose} at {one.controller}": (one.controller, one.purpose) for one in found
    }
    chosen = st.selectbox("Withdraw", [_ALL, *uses], key="people_use", width=420)
    if st.button("Take the withdrawal", type="primary", icon=":material/block:", key="people_withdraw"):
        require("Compliance")
        register = books.writing()
        ended = 0
        for controller, purpose in uses.values() if chosen == _ALL else [uses[str(chosen)]]:
            ended += register.withdraw(person, controller=controller, purpose=purpose)
        st.session_state["people_told"] = ended
        st.rerun()
    told = st.session_state.pop("people_told", None)
    if told is not None:
        st.success(
            f"Recorded; {count(told, 'receipt')} ended. Reads and rounds from now on leave the person out.",
            icon=":material/check:",
        )
    return True


def erase(books: PeopleBooks) -> None:
    """Plan an erasure, do it, and hand out the certificate."""
    certificate = st.session_state.get(_CERTIFIED)
    person = st.text_input(
        "The person's id", key="erase_person", width=320, max_chars=500, on_change=_forget
    )  # fmt: skip
    if not person.strip():
        st.caption("First look what holds the person. Nothing is changed before you confirm.")
        return
    if certificate is None:
        _plan(books, person)
    else:
        _certificate(books, certificate)


def _forget() -> None:
    st.session_state.pop(_PLANNED, None)
    st.session_state.pop(_CERTIFIED, None)


def _plan(books: PeopleBooks, person: str) -> None:
    if st.button("What holds this person?", icon=":material/search:", key="erase_plan"):
        require("Compliance")
        with st.spinner("Looking into every registered place"):
            st.session_state[_PLANNED] = books.erasure().plan(person)
    plan = st.session_state.get(_PLANNED)
    if plan is None:
        return
    if plan.steps:
        st.subheader(f"{count(len(plan.steps), 'place')} concerned")
        _places(
            [{"Place": one.place, "What is done": one.action,
              "Records": "not counted" if one.found is None else f"{one.found:,}",
              "Then": one.command or one.statement} for one in plan.steps],
            [one.action for one in plan.steps],
        )  # fmt: skip
    else:
        st.info("No registered place holds this person. An erasure would still refuse a later import.")
    models = [one.place for one in plan.steps if one.action == "retrain"]
    exports = [one.place for one in plan.steps if one.action == "notify"]
    delete = (
        st.multiselect("Models to delete now, rather than train again", models, key="erase_models") if models else []
    )
    notified = st.multiselect("Recipients who were told", exports, key="erase_notified") if exports else []
    sure = st.checkbox("I checked who asks. This cannot be undone.", key="erase_sure")
    if st.button("Erase", type="primary", icon=":material/delete_forever:", key="erase_run", disabled=not sure):
        require("Compliance")
        with st.spinner("Erasing, place by place; if this is interrupted, the same again goes on"):
            done = books.erasure().run(person, delete_models=delete, notified=notified)
            books.keep(done)
        st.session_state[_CERTIFIED] = done
        st.rerun()


def _certificate(books: PeopleBooks, certificate: Any) -> None:
    document = certificate.document
    made_up = "made-up-" if books.made_up else ""
    file_name = f"{made_up}erasure-{document['request']}.json"
    if made_up:
        st.info("**A made-up certificate** about a made-up person: it proves nothing.", icon=":material/science:")
    if certificate.status == "closed":
        st.success("**Closed: nothing is left to do.**", icon=":material/check:")
    else:
        st.warning(f"**Open: {plain(', '.join(certificate.open_places))}.** Settle these and erase again.")
    _places(
        [{"Place": one["place"], "What was done": one["action"], "State": one["state"],
          "Left": "not counted" if one["left"] is None else str(one["left"])} for one in document["places"]],
        [one["action"] for one in document["places"]],
    )  # fmt: skip
    st.download_button(
        "Download the certificate", certificate.to_json().encode(), file_name=file_name,
        mime="application/json", icon=":material/download:",
    )  # fmt: skip
    st.caption(f"Signed by {document['key_hex'][:16]}..., entry {document['log']['entry']['index']} of the log.")
    st.code(f"tradefair erasure verify {file_name} --key {books.public_key}", language=None, wrap_lines=True)
    with st.expander("What an erasure cannot reach"):
        st.markdown("\n".join(f"- {plain(line)}" for line in document["not_covered"]))
    st.button("Another request", icon=":material/add:", on_click=_forget)


def check_certificate(books: PeopleBooks) -> None:
    """Let the user upload a certificate and say whether it is good."""
    import json

    from apps.compliance.log_check import named_key
    from privacy.erasure import check_certificate as problems_of
    from privacy.log import read_public

    # Any type: a file that the browser alone refuses would leave the verdict of the one before it.
    sent = st.file_uploader("A certificate", max_upload_size=1, key="certificate")
    key = st.text_input("Public key of who issued it", key="certificate_key", width=520, max_chars=64,
                        placeholder="64 hexadecimal digits; that of these books when left out")  # fmt: skip
    if sent is None:
        return
    text = uploaded_text(sent.name, sent.getvalue(), most=_MOST_CERTIFICATE, kind="certificate in JSON")
    try:
        document = json.loads(text)
        if not isinstance(document, dict) or "key_hex" not in document:
            raise ValueError
    except (ValueError, RecursionError):
        st.error(f"{plain(shown(sent.name))} is no erasure certificate.", icon=":material/error:")
        return
    problems = problems_of(document, key_hex=named_key(key) or read_public(books.public_key))
    if problems:
        st.error(
            "\n".join([f"**Not good**: {plain(shown(sent.name))}.", *(f"- {plain(one)}" for one in problems)]),
            icon=":material/error:",
        )
        return
    st.success(
        f"**Good**: {plain(shown(sent.name))}, request {plain(document['request'])}, {plain(document['status'])}, "
        f"issued {plain(document['issued_at'])}."
        + (" The key is the example's: it proves nothing about real people." if books.made_up and not key else ""),
        icon=":material/verified:",
    )


def _places(rows: Sequence[dict[str, str]], actions: Sequence[str]) -> None:
    from privacy.erasure.places import MEANING

    alt_text = "The places of this request, with what is done there"
    st.table(plain_cells(pd.DataFrame(rows)), hide_index=True, border="horizontal", alt=alt_text)
    st.caption("; ".join(f"{action}: {MEANING.get(action, '')}" for action in dict.fromkeys(actions)))


PARTS: Final = {
    "Agreements": coverage,
    "A person": one_person,
    "Erasure": erase,
    "Check a certificate": check_certificate,
}


def people_page(books: PeopleBooks) -> None:
    """Draw the page."""
    title = st.container()
    if not books.register_file.is_file():
        title.title("No consent register yet")
        st.markdown(f"There is none at `{books.register_file}`. A notice comes first, then a receipt:")
        st.code(_FIRST, language=None, wrap_lines=True)
        st.caption("Start the app with `--books FOLDER` for another folder. docs/consent-and-erasure.md has the whole.")
        return
    part = st.segmented_control(
        "Part", list(PARTS), default="Agreements", required=True, key="people_part", bind="query-params", wrap=True,
        label_visibility="collapsed",
    )  # fmt: skip
    said = {"A person": "How one person's agreements stand", "Erasure": "Answer an erasure request"}
    try:
        found = PARTS[part](books)
        title.title(found or said.get(part, "Is a certificate good?"))
    except TradefairError as error:
        title.title(said.get(part, "People"))
        st.error(plain(str(error)), icon=":material/error:")
