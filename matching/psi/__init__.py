"""How many people two parties share, without either showing the other who its people are.

Enters: each party's own ids, which stay with it. Leaves: points that mean nothing without a key of the session, and in
the end one count with noise of both parties.

    question = merchant.start(ids, "platform")          # a message for the platform
    reply = platform.answer(question, other_ids)        # a message back
    count = merchant.finish(reply)                      # SharedCount: 1,204 plus or minus 5

`docs/audiences.md` says what it promises, whom it trusts, and what somebody who cheats could do. The modules are
imported one by one.
"""

__all__ = ["answering", "asking", "group", "messages", "parties", "party", "sessions", "terms", "tokens", "wire"]
