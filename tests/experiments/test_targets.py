import pytest

from experiments.targets import Target, holds_bound


@pytest.mark.parametrize(
    ("expression", "name"),
    [
        ("explore_ndcg10(federated)", "explore_ndcg10(federated)"),
        (" ratio( hit10 ,a-1,  b.2 ) ", "ratio(hit10, a-1, b.2)"),
        ("difference(total_ndcg10, federated-dp-4, pooled)", "difference(total_ndcg10, federated-dp-4, pooled)"),
    ],
)
def test_the_three_forms_are_read_whatever_the_spaces(expression, name):
    assert Target.parse(expression, ">= 1").name == name


@pytest.mark.parametrize(
    "expression",
    ["", "x", "ratio(a, b)", "difference(a, b, c, d)", "__import__('os').system('x')", "a(b)(c)", "sum(a, b, c)"],
)
def test_anything_else_is_refused(expression):
    with pytest.raises(ValueError, match="is not understood"):
        Target.parse(expression, ">= 1")


@pytest.mark.parametrize("condition", ["", "1", "== 1", ">= x", ">= 1; 2", ">= nan", ">= 1e999", "> = 1"])
def test_a_condition_is_a_comparison_with_one_finite_number(condition):
    with pytest.raises(ValueError, match="is no comparison"):
        Target.parse("a(b)", condition)


@pytest.mark.parametrize(
    ("condition", "below", "at", "above"),
    [
        (">= 1", False, True, True),
        ("> 1", False, False, True),
        ("<= 1", True, True, False),
        ("< 1", True, False, False),
    ],
)
def test_a_bound_is_met_on_its_side(condition, below, at, above):
    target = Target.parse("a(b)", condition)
    assert (target.met(0.9), target.met(1.0), target.met(1.1)) == (below, at, above)


def test_an_interval_that_holds_the_bound_leaves_it_to_the_point_value():
    assert holds_bound(">= 4.6", 4.1, 5.4)
    assert not holds_bound("> 0", 0.01, 0.03)
    assert not holds_bound("<= 0.57", 0.53, 0.56)
    assert not any(holds_bound("> 0", *ends) for ends in ((None, None), (float("nan"), float("nan")), (0.0, 0.0)))


def test_what_could_not_be_measured_is_never_met():
    assert not any(Target.parse("a(b)", condition).met(float("nan")) for condition in (">= 0", "<= 0", "> 0", "< 0"))


def test_a_metric_that_is_not_measured_is_answered_with_the_nearest_or_with_all():
    known = ("hhi", "welfare", "own_sales")
    Target.parse("hhi(a)", "> 0").check_metric(known)
    with pytest.raises(ValueError, match=r"asks for 'own_sale', which is not measured; did you mean own_sales\?"):
        Target.parse("own_sale(a)", "> 0").check_metric(known)
    with pytest.raises(ValueError, match=r"asks for 'zzz', .* choose one of hhi, welfare, own_sales"):
        Target.parse("ratio(zzz, a, b)", "> 0").check_metric(known)
