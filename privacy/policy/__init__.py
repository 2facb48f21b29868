"""Who may do what with whose data: rules in a table, compiled to Cedar, evaluated so that any doubt is a no.

Enters: packs of rules (bundled or your own), a regime, a register of parties and data sets, requests.
Leaves: decisions with the rule and the article that decided.

    register = Register([Party("m1", "merchant")], [Dataset("tills", "m1", "transactions", "raw", True)])
    engine = PolicyEngine.load(["base", "gdpr"], register=register, regime="federated_dp")
    decision = engine.decide(Request("m1", "read", "tills", "own_business"))
    print(decision.allowed, decision.rule, decision.text)

The packs are modelled on laws and do not certify anything; `docs/policy.md` says how to write, check and compare them.
"""

from privacy.policy.engine import PolicyEngine
from privacy.policy.register import Register
from privacy.policy.request import Context, Dataset, Decision, Party, Request
from privacy.policy.vocabulary import (
    ACTIONS,
    CONSENTS,
    FORMS,
    JURISDICTIONS,
    KINDS,
    PURPOSES,
    ROLES,
    Action,
    Consent,
    Form,
    Jurisdiction,
    Kind,
    Purpose,
    Role,
)

__all__ = [
    "ACTIONS",
    "CONSENTS",
    "FORMS",
    "JURISDICTIONS",
    "KINDS",
    "PURPOSES",
    "ROLES",
    "Action",
    "Consent",
    "Context",
    "Dataset",
    "Decision",
    "Form",
    "Jurisdiction",
    "Kind",
    "Party",
    "PolicyEngine",
    "Purpose",
    "Register",
    "Request",
    "Role",
]
