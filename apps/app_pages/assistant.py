"""The assistant of a shop: recognise customers who agreed to it, enrol them, take a payment, let them leave."""

import streamlit as st

from apps.command.face_card import usually_misses
from apps.faces.pay import KEY, PERSON, is_charged, next_purchase, renew_key, was_charged
from apps.faces.pictures import choose_pictures
from apps.faces.shop import faces_command, opened_shop
from apps.faces.view import (
    AGREED_WORDS,
    answer,
    damaged_shop,
    enrolled,
    no_shop,
    off_line,
    refused,
    shop_facts,
    shop_line,
)
from apps.figure_text import count
from apps.login import require
from apps.opened_page import end_page
from apps.plain_text import plain
from experiments.assistant import AGREED, enrol, greet, pay, receipts_for, revoke, switch
from experiments.assistant.notice import NOTICE
from matching.face.decision import Refused
from retail.errors import TradefairError

RECOGNISE, ENROL, PAY, LEAVE, SHOP = "Recognise", "Enrol", "Pay", "Leave", "Shop"

try:
    shop = opened_shop()
except TradefairError as error:
    damaged_shop(error)
    end_page()
if shop is None:
    no_shop()
    end_page()

titles = {
    RECOGNISE: "Who has come in?",
    ENROL: "Enrol a customer who agreed",
    PAY: "Take a payment by face",
    LEAVE: "Let a customer leave",
    SHOP: "This shop",
}
title, state = st.container(), st.empty()
shop_line(shop, state)
part = st.segmented_control(
    "Part", list(titles), default=RECOGNISE, required=True, key="part", bind="query-params", wrap=True
)
title.title(titles[part])
off = not shop.is_on
if off and part in (RECOGNISE, ENROL, PAY):
    off_line(SHOP)

if part == RECOGNISE:
    chosen = choose_pictures(shop, "door", several=False)
    if st.button("Recognise", type="primary", icon=":material/face:", disabled=off or not chosen):
        require("Merchants")
        with st.spinner("Comparing with the customers who agreed"):
            found = greet(shop, chosen[0], device="page")
        answer(found)  # once: the next click takes the card away, and consent is asked anew
    st.caption(
        "Only people with consent to be greeted are compared. A picture is held in memory while the page shows it, and"
        " never written. Whoever is not recognised leaves no trace in any file."
    )
    st.caption(usually_misses(shop.settings.trained))

elif part == ENROL:
    person = st.text_input("Customer's id", key="enrol_person", width=320, max_chars=200)
    given = choose_pictures(shop, "enrol", several=True)
    st.markdown("**The customer agrees**, each on its own:")
    agreed = [one for one in AGREED if st.checkbox(AGREED_WORDS[one], key=f"agree_{one}")]
    with st.expander("The text that the customer was shown"):
        st.text((shop.folder / NOTICE).read_text(encoding="utf-8"))
    shopper = ""
    if shop.settings.run:
        shopper = st.text_input("Shopper of the panel", key="enrol_shopper", width=320, placeholder="drawn by the seed")
    wanted = person and given and agreed and not off
    if st.button("Enrol", type="primary", icon=":material/person_add:", disabled=not wanted):
        require("Merchants")
        with st.spinner("Checking liveness and consent"):
            welcome = enrol(shop, person, given, receipts_for(shop, person, agreed), shopper=shopper.strip())
        if isinstance(welcome, Refused):
            refused(welcome)
        else:
            enrolled(welcome)
        shop_line(shop, state)

elif part == PAY:
    person = st.text_input("Who the customer says they are", key=PERSON, width=320, max_chars=200)
    given = choose_pictures(shop, "pay", several=False)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        amount = st.text_input("Amount", "12.50", key="pay_amount", width=140)
        currency = st.text_input("Currency", "EUR", key="pay_currency", width=120, max_chars=3)
        renew_key(person, amount, currency)
        key = st.text_input(
            "Key of this purchase", key=KEY, width=240, help="However often it is sent, the purchase is charged once."
        )
    if st.button("Pay", type="primary", icon=":material/payments:", disabled=off or not (person and given)):
        require("Merchants")
        with st.spinner("Checking liveness and comparing"):
            paid = pay(shop, person, given, amount=amount.strip(), currency=currency, key=key, device="page")
        if paid.receipt is not None:
            was_charged(key, person, amount, currency)
            st.success(
                f"**Charged {plain(amount)} {plain(currency)}**, receipt {paid.receipt.id[:16]}..., log entry"
                f" {paid.receipt.entry}. The same key again gives this receipt; another customer, amount or currency"
                " gets a new key.",
                icon=":material/check:",
            )
        else:
            if isinstance(paid.decision, Refused):
                refused(paid.decision)
            else:
                st.info("**Not recognised, nothing was charged.**", icon=":material/person_off:")
            st.markdown(f"Another way: {plain(paid.alternative)}.")
    if is_charged(key):
        st.button("New purchase", icon=":material/add:", on_click=next_purchase)

elif part == LEAVE:
    st.markdown("Deletes and overwrites the customer's templates. Works while recognition is off, too.")
    person = st.text_input("Customer's id", key="leave_person", width=320, max_chars=200)
    withdraw = st.checkbox("End everything the customer agreed to, too", value=True, key="leave_withdraw")
    if st.button("Delete", type="primary", icon=":material/person_remove:", disabled=not person):
        require("Merchants")
        gone = revoke(shop, person, withdraw=withdraw)
        if gone.templates or gone.withdrawn or gone.pairing:
            st.success(
                f"{count(gone.templates, 'template')} deleted, {count(gone.withdrawn, 'agreement')} ended.",
                icon=":material/check:",
            )
        else:
            st.info("There was nothing to delete of this customer.", icon=":material/person_off:")
        shop_line(shop, state)

else:
    if st.button("Switch recognition on" if off else "Switch recognition off", icon=":material/power_settings_new:"):
        try:
            require("Merchants")
            switch(shop, on=off)
        except TradefairError as error:
            st.error(plain(str(error)), icon=":material/error:")
        else:
            st.rerun()
    st.caption(
        "Off, nobody is compared, enrolled or charged, whoever has this shop open. To delete all templates too and"
        " replace their key; what people agreed to stays on record until each of them leaves:"
    )
    st.code(faces_command("off", "--erase"), language=None, wrap_lines=True)
    shop_facts(shop)  # after the switch, which works whatever file of the shop has gone
    st.caption("How often the shop is right, on people whom it was not made on:")
    st.code(faces_command("evaluate"), language=None, wrap_lines=True)
