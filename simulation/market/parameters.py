"""Every number of the market model: its value, its range, and where it comes from.

Money is counted in mean unit costs: a product costs 1 to make on average. Costs that a seller bears by period or at
once are given in reference profits, the gross profit that a product of an average market share would make in a period
(`MarketSettings.reference_profit`), so that a market of any size has the same tensions.
"""

from __future__ import annotations

from typing import Final

from simulation.store.parameters import Parameter

CONSUMERS: Final = (
    Parameter("arrival", 0.5, 0.05, 1.0, "1", "assumption", "chance that a consumer comes in a period"),
    Parameter("price_sensitivity", 2.0, 1.0, 4.0, "1/money", "assumption",
              "logit coefficient of price, mean over segments: an own-price elasticity of about -3"),
    Parameter("price_spread", 0.3, 0.0, 0.6, "1", "assumption", "segments differ by this share around the mean"),
    Parameter("taste_sd", 0.8, 0.0, 1.5, "1", "assumption", "spread of segments' taste for a product's style"),
    Parameter("quality_sd", 0.8, 0.2, 1.5, "1", "assumption", "spread of products' quality, in utility"),
    Parameter("base_utility", 0.3, -2.0, 2.0, "1", "assumption",
              "set so that about half of all arrivals buy; the outside option has 0"),
    Parameter("attention", 0.5, 0.28, 1.0, "1", "literature",
              "attention = place^-attention. Low end: Baye, Gatti, Kattuman and Morgan 2009, about 17% fewer clicks a "
              "place near the top (cited from memory); high end: Joachims, Swaminathan and Schnabel 2017, 1/place"),
    Parameter("nest", 1.0, 0.3, 1.0, "1", "assumption",
              "dissimilarity of an imitated product and its copies: 1 is a plain logit, near 0 they are one to buyers"),
)  # fmt: skip
MERCHANTS: Final = (
    Parameter("scale_sigma", 1.0, 0.5, 1.6, "1", "assumption", "spread of merchants' sizes, lognormal"),
    Parameter("cost_sigma", 0.12, 0.0, 0.3, "1", "assumption", "spread of unit costs, lognormal"),
    Parameter("cost_of_quality", 0.1, 0.0, 0.3, "1", "assumption", "log unit cost rises so much with quality"),
    Parameter("price_step", 0.3, 0.05, 1.0, "1", "assumption", "share of the way to the best response in a period"),
    Parameter("price_error", 0.35, 0.0, 0.6, "1", "assumption",
              "log error of the markup of a merchant that knows nothing; shrinks with knowledge"),
    Parameter("fixed_cost", 0.5, 0.0, 1.0, "reference profits", "assumption", "a merchant's cost of a period"),
    Parameter("listing_cost", 0.1, 0.0, 0.5, "reference profits", "assumption", "a product's cost of a period"),
    Parameter("launch_cost", 8.0, 1.0, 40.0, "reference profits", "assumption", "bringing a product out, once"),
    Parameter("reserve", 4.0, 1.0, 50.0, "reference profits", "assumption",
              "what a merchant can lose for each product it starts with before it leaves"),
    Parameter("idea_rate", 0.1, 0.0, 0.5, "1", "assumption", "chance of an idea for a product, at a review"),
    Parameter("entry_rate", 0.1, 0.0, 0.5, "1", "assumption", "chance that one who left thinks of entry, at a review"),
    Parameter("horizon", 40.0, 5.0, 200.0, "periods", "assumption", "over which a launch must pay"),
    Parameter("imitation_loss", 0.5, 0.0, 1.0, "1", "assumption",
              "part of a product's profit that merchants expect to lose to an imitation; 0 turns anticipation off"),
)  # fmt: skip
KNOWLEDGE: Final = (
    Parameter("prior_orders", 150.0, 20.0, 1000.0, "orders", "assumption",
              "orders at which half is known; knowledge n/(n + prior) is concave, as Klein et al. and Yoganarasimhan "
              "find for search data"),
    Parameter("memory", 0.95, 0.5, 1.0, "1", "assumption", "share of the history that still counts a period later"),
    Parameter("untold_share", 0.25, 0.0, 1.0, "1", "assumption",
              "what an order tells a merchant that gets no data back, of what it tells one that does"),
    Parameter("transfer", 0.15, 0.0, 1.0, "1", "assumption", "what another merchant's order tells, of one's own"),
    Parameter("service_gain", 0.1, 0.0, 0.3, "1", "literature",
              "gain in gross profit that merchants expect from full knowledge when they decide on adoption; eBay's "
              "dashboards brought 3 to 4% of revenue"),
    Parameter("adoption_cost", 4.0, 0.0, 40.0, "reference profits", "assumption", "fitting a data service in, once"),
    Parameter("node_cost", 0.02, 0.0, 0.5, "reference profits", "assumption",
              "what an adopter pays a period where merchants learn without the platform"),
    Parameter("service_cost", 0.02, 0.0, 0.5, "reference profits", "assumption",
              "what the platform pays a period for each adopter of its free service"),
    Parameter("service_take", 0.005, 0.0, 0.03, "1", "assumption", "added to the fee of adopters of the free service"),
)  # fmt: skip
PLATFORM: Final = (
    Parameter("fee", 0.15, 0.05, 0.3, "1", "data", "referral fee of large marketplaces: 8 to 17% in public schedules"),
    Parameter("review_rate", 0.1, 0.01, 0.3, "1", "assumption", "share of buyers who rate a product for all to see"),
    Parameter("prior_ratings", 5.0, 1.0, 50.0, "ratings", "assumption", "ratings at which half of quality is known"),
    Parameter("sharpness", 3.0, 0.5, 10.0, "log-odds", "assumption",
              "log-odds in the ranking of one more unit of estimated utility; what else moves a place is Gumbel noise "
              "that products draw anew each period, so that places follow a rank-ordered logit"),
    Parameter("own_label_share", 0.058, 0.0, 0.3, "1", "data",
              "own label of all listings: 5.8%, The Markup 2021 (Amazon, 3,492 queries)"),
    Parameter("own_quality", -0.7, -1.5, 1.0, "1", "assumption",
              "own label's appeal less that of what it imitates; set with `bonus` so that first places come out right"),
    Parameter("own_life", 40.0, 10.0, 200.0, "periods", "assumption", "after which an own product is chosen anew"),
    Parameter("own_cost_edge", 0.0, 0.0, 0.3, "1", "assumption",
              "own label is cheaper to make by this share; that it pays no fee is an edge already"),
    Parameter("bonus", 0.7, 0.0, 4.0, "log-odds", "data",
              "what self-preferencing adds to a score: with it own label has near 19.5% of first places (The Markup "
              "2021) in a market of 100 merchants; in one of 500 more"),
    Parameter("audience_bonus", 1.0, 0.0, 2.0, "log-odds", "assumption",
              "added for own goods in the segment that likes them best, where the platform takes that audience first"),
    Parameter("stake", 0.3, 0.0, 1.0, "1", "assumption", "platform's share of an affiliate's profit"),
    Parameter("affiliate_share", 0.06, 0.0, 0.5, "1", "assumption", "merchants in whom the platform holds a stake"),
    Parameter("sponsored_share", 0.0, 0.0, 0.3, "1", "assumption",
              "merchants' products that may buy a better place, at most so many; 0: no advertisements are sold"),
    Parameter("sponsored_bonus", 1.5, 0.0, 4.0, "log-odds", "data",
              "what an advertisement adds to a score; calibrated so that `bonus` is 30 to 60% of it, as Farronato, "
              "Fradkin and MacKay 2023 have it"),
    Parameter("sponsored_price", 0.1, 0.0, 0.3, "1", "assumption",
              "what an advertisement costs, of the product's sales"),
)  # fmt: skip
OUTSIDE: Final = (
    Parameter("outside_reach", 0.05, 0.0, 1.0, "1", "assumption",
              "share of those who leave without buying whom merchants' own shops could reach"),
    Parameter("outside_lift", 0.5, 0.0, 2.0, "1", "assumption",
              "growth of an own shop's reach when its merchant knows all that returned data can tell"),
    Parameter("multihome_cost", 0.1, 0.0, 1.0, "reference profits", "assumption", "keeping an own shop, a period"),
    Parameter("switching_cost", 10.0, 0.0, 100.0, "reference profits", "assumption", "leaving the platform"),
    Parameter("portability", 0.6, 0.0, 1.0, "1", "assumption",
              "share of the switching cost that returned data save a merchant that knows all they can tell"),
)  # fmt: skip
PRIVACY: Final = (
    Parameter("epsilon", 1.0, 0.1, 20.0, "1", "assumption", "of a federation with noise, one person, over `window`"),
    Parameter("delta", 1e-6, 1e-9, 1e-4, "1", "assumption", "its chance of failure"),
    Parameter("window", 52.0, 1.0, 520.0, "periods", "assumption", "periods that epsilon covers; whole number"),
)  # fmt: skip

GROUPS: Final[dict[str, tuple[Parameter, ...]]] = {
    "consumers": CONSUMERS,
    "merchants": MERCHANTS,
    "knowledge": KNOWLEDGE,
    "platform": PLATFORM,
    "outside channel": OUTSIDE,
    "privacy": PRIVACY,
}
"""The parameters by what they describe, in the order in which they are shown."""
PARAMETERS: Final[dict[str, Parameter]] = {one.name: one for group in GROUPS.values() for one in group}
"""Every parameter by name."""
