"""Attacks on what leaves: how much can somebody learn of one person, and was the attack able to see anything?

Enters: arrays and functions (scores of canaries, noise, rows, releases), never a model and never a file.
Leaves: an `AttackResult` with an interval, the most that the attack could have shown, and a planted leak that it must
find. An attack whose planted leak stays unseen is "inconclusive", never "passed". A breach stands also then: an attack
that sees too little misses leaks and invents none, since each breach is an interval above what the claim admits, with
the error rate that its docstring states. `user_canary_estimate` and `inversion_attack` estimate and illustrate; they
are never a breach and never "passed".

    guesses = choose_guesses(1000, signal=1.0, delta=1e-5, seed=1)      # on generated scores, not on the run's
    result = one_run_audit(scores, included, guesses=guesses, delta=1e-5, claim=1.0, control=(planted, coins))
    print(result.outcome, result.lo, result.ceiling)

`docs/attacks.md` says what each attack shows and cannot show. `experiments.attacking.attack_run` runs them on a
federated run.
"""

from privacy.attacks.attribute import attribute_inference
from privacy.attacks.differencing import differencing_attack
from privacy.attacks.gradient import inversion_attack, invert_linear
from privacy.attacks.membership import membership_attack
from privacy.attacks.noise_checks import independence_check, variance_check
from privacy.attacks.one_run import choose_guesses, epsilon_lower_bound, one_run_audit
from privacy.attacks.result import AttackResult, ControlResult
from privacy.attacks.template import synthetic_faces, template_inversion
from privacy.attacks.user_canary import user_canary_estimate

__all__ = [
    "AttackResult",
    "ControlResult",
    "attribute_inference",
    "choose_guesses",
    "differencing_attack",
    "epsilon_lower_bound",
    "independence_check",
    "inversion_attack",
    "invert_linear",
    "membership_attack",
    "one_run_audit",
    "synthetic_faces",
    "template_inversion",
    "user_canary_estimate",
    "variance_check",
]
