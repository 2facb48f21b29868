"""What purchases tell about households: attributes inferred for targeting, which an attacker would learn as well."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from experiments.audience.claims import check_home_stores
from experiments.audience.methods import FigureText, Method, data_fingerprint, later

if TYPE_CHECKING:
    from experiments.audience.spec import AudienceSpec

_SHORT: Final = {"children": "children", "income": "income", "age": "age", "salty": "salty", "trips": "car"}


def _check(spec: AudienceSpec) -> None:
    """Refuse what no run could do, and what no run may do.

    Raises: ConfigError: an option or a claim without meaning. PolicyError: an attribute that is nobody's business.
        DataError: an attribute that everybody or nobody has.
    """
    from experiments.audience.attributes_run import Plan, require_answers
    from experiments.audience.sensitive import refuse_sensitive

    refuse_sensitive(spec)
    check_home_stores(spec)
    require_answers(spec, Plan.read(spec))


def _texts() -> dict[str, FigureText]:
    texts = {}
    for name, short in _SHORT.items():
        texts[f"auc_{name}"] = FigureText(
            f"AUC\n{short}",
            "1",
            f"chance that somebody with it ({short}) is ranked above somebody without",
        )
        texts[f"lift10_{name}"] = FigureText(f"lift@10%, {short}", "1", "how much more often the best tenth has it")
        texts[f"miscalibration_{name}"] = FigureText(
            f"miscalibration, {short}", "1", "mean distance of stated chances from shares, over fifths of households"
        )
        texts[f"inside_{name}"] = FigureText(
            f"AUC inside less outside, {short}", "1", "how much better those are told who gave their own attribute"
        )
    return texts


ATTRIBUTES: Final = Method(
    models={
        "majority": "says of everybody what is true of most",
        "rule": "goes by one rule, such as whether a household buys for babies",
        "isolated": "learns at each merchant alone",
        "federated": "learns over a federation",
        "pooled": "learns from everybody's rows at all stores",
    },
    figures=_texts(),
    columns=tuple(f"auc_{name}" for name in _SHORT),
    compared=tuple(f"auc_{name}" for name in _SHORT),
    check=_check,
    fingerprint=data_fingerprint,
    run=later("experiments.audience.attributes_run:run_attributes"),
    notes=(
        "The same AUC says how well an advertisement is aimed and how well somebody who holds the rows and the model "
        "infers what they were not told; a private model protects who is in the training, not who is judged.",
        "Every household is judged by models that never saw it. Intervals draw households anew, and with an epsilon "
        "one of several draws of noise; the figure is their mean.",
    ),
)
