"""What is asked and what is answered: parties, data sets, context, request, decision."""

from __future__ import annotations

from dataclasses import dataclass

from privacy.policy.vocabulary import Action, Consent, Form, Jurisdiction, Kind, Purpose, Role


@dataclass(frozen=True, slots=True)
class Party:
    """Somebody who asks for data or owns them.

    Attributes:
        id: any text; it reaches the policy engine as data and never as policy text.
        role: what the party does in the market.
        unit: economic unit. Parties of one unit do not compete with each other; "platform" for the marketplace and for
            the platform's retail arm. Empty: the party is a unit of its own.
    """

    id: str
    role: Role
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Dataset:
    """Data that somebody may ask for.

    Attributes:
        id: any text, as for a party.
        owner: id of the party whose data these are.
        kind: what they hold.
        form: "raw" rows, "aggregate" exact counts or sums, "dp" counts or sums with noise for differential privacy.
        about_persons: whether rows, or what the numbers count, are people.
        public: whether everybody may see them already.
    """

    id: str
    owner: str
    kind: Kind
    form: Form
    about_persons: bool
    public: bool = False


@dataclass(frozen=True, slots=True)
class Context:
    """What is true of the people whose data are asked for.

    The defaults are the least permissive for `consent`, `guardian` and `alternative`. They are not for `jurisdiction`
    and `minor`: "none" switches no law on, and False asks as if only adults were meant. Whoever asks must set these
    two; where children cannot be told apart, ask with and without `minor`.

    Attributes:
        consent: the weakest consent among those people: none, general (to this purpose), or separate (to this use of
            this kind of data, asked on its own).
        jurisdiction: whose law switches on; "none" switches on no law.
        minor: whether children may be among them.
        guardian: whether a parent or guardian agreed for each child.
        alternative: whether people who refuse are served in another way.
    """

    consent: Consent = "none"
    jurisdiction: Jurisdiction = "none"
    minor: bool = False
    guardian: bool = False
    alternative: bool = False


@dataclass(frozen=True, slots=True)
class Request:
    """One question: may `actor` do `action` with `dataset` for `purpose`?

    Attributes:
        actor: id of a party; looked up in the register at the moment of decision.
        action: what is to be done.
        dataset: id of a data set; looked up in the same way.
        purpose: what for.
        columns: what is to be read; recorded in the log. No rule depends on it.
        context: facts about consent and place.
    """

    actor: str
    action: Action
    dataset: str
    purpose: Purpose
    columns: tuple[str, ...] = ()
    context: Context = Context()


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer.

    Attributes:
        allowed: whether it may be done.
        rule: id of the rule that decided; empty when no rule permits it or the question could not be answered.
        article: the law or agreement that the rule cites; may be empty.
        text: one sentence for people.
    """

    allowed: bool
    rule: str
    article: str
    text: str
