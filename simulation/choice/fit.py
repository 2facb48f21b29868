"""What an estimation leaves: weights, how sure they are, and how well they explain the choices."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtr

from retail.errors import ConfigError

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Fit:
    """A maximum of the likelihood, exact or simulated.

    Attributes:
        names: of the parameters; a mixed logit has `sd.NAME` for the spread of a taste.
        estimates: (parameters,) float64.
        covariance: (parameters, parameters) of the estimates.
        covariance_kind: "hessian", "robust" (sandwich by situation) or "cluster" (sandwich by person).
        log_likelihood: at the estimates.
        null_log_likelihood: of choosing at random.
        situations: how many choices.
        people: how many people made them.
        tastes: attribute -> distribution of its weight over people; attributes that are missing are the same for all.
    """

    names: tuple[str, ...]
    estimates: Floats
    covariance: Floats
    covariance_kind: str
    log_likelihood: float
    null_log_likelihood: float
    situations: int
    people: int
    tastes: dict[str, str] = field(default_factory=dict)

    @property
    def errors(self) -> Floats:
        """(parameters,) standard errors."""
        return np.sqrt(np.diag(self.covariance))

    @property
    def rho2(self) -> float:
        """McFadden's pseudo R2."""
        return 1.0 - self.log_likelihood / self.null_log_likelihood

    def place(self, name: str) -> int:
        """Return where a parameter stands.

        Raises: ConfigError: there is none of that name.
        """
        if name not in self.names:
            raise ConfigError(f"the model has no weight of {name!r}; choose of {', '.join(self.names)}")
        return self.names.index(name)

    def __getitem__(self, name: str) -> float:
        """Return an estimate by name."""
        return float(self.estimates[self.place(name)])

    def interval(self, name: str) -> tuple[float, float]:
        """Return the 95% interval of an estimate.

        Raises: ConfigError: there is none of that name.
        """
        half = 1.959964 * float(self.errors[self.place(name)])
        return self[name] - half, self[name] + half

    def draws(self, count: int, rng: np.random.Generator) -> Floats:
        """Return (count, parameters) draws of the estimates from their normal distribution.

        Source: Krinsky and Robb 1986.
        """
        return rng.multivariate_normal(self.estimates, self.covariance, size=count, method="eigh")

    def table(self) -> pd.DataFrame:
        """Return columns name, value, error, lo, hi (95%), z, p."""
        errors = self.errors
        z = self.estimates / errors
        columns = {
            "name": self.names,
            "value": self.estimates,
            "error": errors,
            "lo": self.estimates - 1.959964 * errors,
            "hi": self.estimates + 1.959964 * errors,
            "z": z,
            "p": 2 * ndtr(-np.abs(z)),
        }
        return pd.DataFrame(columns)
