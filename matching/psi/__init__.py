"""How many people two parties share, without either showing the other who its people are.

Enters: each party's own ids, which stay with it. Leaves: points that mean nothing without a key of the session, and in
the end one count with noise of both parties.

    question, pending = merchant.start(ids, "platform", places=3000, purpose="own_business", epsilon=1.0)
    reply = platform.answer(question, other_ids, places=3000, epsilon=1.0)
    count = merchant.finish(reply, pending, epsilon=1.0)     # SharedCount: 1,204 plus or minus 13

`docs/audiences.md` says what it promises, whom it trusts, and what somebody who cheats could do. The modules are
imported one by one.
"""

__all__ = [
    "answering",
    "applicant",
    "asking",
    "group",
    "id_file",
    "letters",
    "messages",
    "parties",
    "party",
    "pending",
    "registry",
    "sessions",
    "shared_count",
    "terms",
    "tokens",
    "wire",
]
