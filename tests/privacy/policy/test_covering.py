"""Which rule covers another must be sure: a wrong yes would hide a mistake."""

import pytest

from privacy.policy.compiled import parsed
from privacy.policy.covering import covers

PURPOSE = 'context.purpose == Purpose::"audit"'
FACES = 'resource.kind in Kind::"biometric"'
ONE = 'resource.kind == Kind::"face_images"'
SOLD = '(principal, action == Action::"sell", resource)'
OPEN = "(principal, action, resource)"


def rule(text, effect="forbid"):
    return next(iter(parsed(f'@id("a")\n@law("x")\n{effect} {text};', "test").values()))


@pytest.mark.parametrize(
    ("outer", "inner", "covered"),
    [
        (OPEN, f"{SOLD} when {{ {ONE} }}", True),
        (f"{OPEN} when {{ {FACES} }}", f"{OPEN} when {{ {ONE} }}", True),
        (f"{OPEN} when {{ {ONE} }}", f"{OPEN} when {{ {FACES} }}", False),
        (SOLD, OPEN, False),
        (f"{OPEN} when {{ {PURPOSE} }}", OPEN, True),  # looked at for audit alone
        (f"{OPEN} when {{ !({PURPOSE}) }}", OPEN, False),
        (f'{OPEN} when {{ context.purpose != Purpose::"payment" }}', OPEN, True),
        (f'{OPEN} when {{ resource.kind == Kind::"biometric" }}', f"{OPEN} when {{ {FACES} }}", False),  # no member
        (f"{OPEN} when {{ context.minor }}", f"{OPEN} when {{ context.minor && {ONE} }}", True),
        (f"{OPEN} when {{ context.minor }}", f"{OPEN} when {{ {ONE} }}", False),
        (f"{OPEN} unless {{ context.agreed }}", OPEN, False),
        (f"{OPEN} unless {{ context.agreed }}", f"{OPEN} unless {{ context.agreed }}", True),
        (f"{OPEN} unless {{ context.agreed }}", f"{OPEN} unless {{ context.agreed_separately }}", False),
        (OPEN, f"{OPEN} unless {{ context.agreed }}", True),
    ],
)
def test_a_rule_covers_another_only_where_it_surely_decides_the_same(outer, inner, covered):
    assert covers(rule(outer), rule(inner), path="context.purpose", word="audit") is covered


def test_what_permits_does_not_cover_what_forbids():
    assert not covers(rule(OPEN, "permit"), rule(OPEN), path="context.purpose", word="audit")
