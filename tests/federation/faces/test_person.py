import numpy as np
import pytest
import torch
from torch.nn.functional import normalize

from federation.faces.net import DIMENSIONS, WIDTHS, SmallFaceNet
from federation.faces.person import PersonLoss, adapted, person_gradients

PUBLIC = normalize(torch.randn(12, DIMENSIONS, generator=torch.Generator().manual_seed(1)), dim=1)


@pytest.fixture
def people(crowd):
    return [crowd.images[crowd.person == person][:count] for person, count in enumerate((3, 1, 5))]


def gradients(people, *, which="norms", fixed=False, owns=(0, 1, 2)):
    net = SmallFaceNet()
    loss = PersonLoss(PUBLIC, 16.0, 0.2, fixed=fixed)
    owns = list(owns)[: len(people)]
    return person_gradients(net, people, owns, names=adapted(net, which), loss=loss)


@pytest.mark.parametrize("fixed", [False, True])
def test_the_gradient_is_that_of_the_loss_by_plain_autograd(people, fixed):
    net, names = SmallFaceNet(), adapted(SmallFaceNet(), "norms")
    seen = net(torch.from_numpy(np.array(people[0])))
    if fixed:
        right = (seen @ PUBLIC.T)[:, 2:3]
        wrong = torch.cat([(seen @ PUBLIC.T)[:, :2], (seen @ PUBLIC.T)[:, 3:]], dim=1)
    else:
        others = torch.stack([seen[[j for j in range(3) if j != i]].sum(dim=0) for i in range(3)])
        right, wrong = (seen * normalize(others, dim=1)).sum(dim=1, keepdim=True), seen @ PUBLIC.T
    logits = 16.0 * torch.cat([right - 0.2, wrong], dim=1)
    torch.nn.functional.cross_entropy(logits, torch.zeros(3, dtype=torch.int64)).backward()
    wanted = torch.cat([value.grad.flatten() for name, value in net.named_parameters() if name in names])
    assert np.allclose(gradients(people[:1], fixed=fixed, owns=(2,))[0], wanted, rtol=1e-3, atol=1e-5)


def test_a_person_with_one_image_has_nobody_to_be_compared_with_and_adds_nothing(people):
    found = gradients(people)
    assert not found[1].any()
    assert found[0].any()
    assert gradients(people, fixed=True)[1].any()


def test_only_the_weights_that_were_named_are_differentiated(people):
    sizes = {which: gradients(people[:1], which=which).shape[1] for which in ("norms", "head", "all")}
    net = SmallFaceNet()
    assert sizes["all"] == sum(one.numel() for one in net.parameters())
    assert sizes["head"] == net.head.weight.numel() + DIMENSIONS
    assert sizes["norms"] == 2 * sum(WIDTHS)


def test_nobody_has_no_gradient():
    assert gradients([]).shape == (0, 2 * sum(WIDTHS))
