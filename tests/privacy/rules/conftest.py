import numpy as np
import pandas as pd
import pytest

from privacy.rules.drawn_lists import draw_lists


def impressions_of(lists):
    count, places, _ = lists.x.shape
    place = np.tile(np.arange(1, places + 1), (count, 1))
    return pd.DataFrame(
        {
            "list": np.repeat(np.arange(count), places),
            "period": np.repeat(np.arange(count) // 20, places),
            "position": (place if lists.length is None else np.where(lists.stages(None), place, np.nan)).ravel(),
            "product": np.tile(np.arange(places), count),
            "seller": 0,
            "own": lists.x[:, :, 0].ravel() > 0,
            "rating": lists.x[:, :, 1].ravel(),
            "speed": lists.x[:, :, 2].ravel(),
        }
    )


@pytest.fixture
def impressions():
    def make(seed=1, **settings):
        return impressions_of(draw_lists(np.random.default_rng(seed), **{"queries": 200, **settings}))

    return make


@pytest.fixture
def market():
    """Products, figures and copies: the platform imitates among equally popular products, by profit or not."""

    def make(seed=1, *, copies=30, products=600, by_profit):
        rng = np.random.default_rng(seed)
        popularity = rng.normal(size=products)
        profit = np.exp(popularity + rng.normal(size=products))
        weight = np.exp(1.5 * popularity)
        if by_profit:
            weight = weight * (profit > np.exp(popularity + 0.8))
        targets = rng.choice(products, size=copies, replace=False, p=weight / weight.sum())
        merchants = pd.DataFrame(
            {
                "product": np.arange(products),
                "seller": "m" + pd.Series(np.arange(products) % 50).astype(str),
                "own": False,
                "category": np.arange(products) % 12,
                "launched": 0,
                "copy_of": None,
            }
        )
        own = pd.DataFrame(
            {
                "product": products + np.arange(copies),
                "seller": "platform",
                "own": True,
                "category": targets % 12,
                "launched": 1 + np.arange(copies) % 5,
                "copy_of": targets,
            }
        )
        figures = pd.DataFrame(
            {"period": 0, "product": np.arange(products), "profit": profit, "popularity": popularity}
        )
        return pd.concat([merchants, own], ignore_index=True), figures

    return make
