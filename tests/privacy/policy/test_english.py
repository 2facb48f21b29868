"""English is read from what Cedar parsed, so it must change whenever the meaning does."""

from privacy.policy.compiled import parsed
from privacy.policy.edits import edits
from privacy.policy.english import sentence
from privacy.policy.sources import PACKS, load_source


def read(cedar):
    return sentence(next(iter(parsed(cedar, "test").values())))


def test_a_rule_reads_like_a_sentence():
    (rule,) = [
        one for one in parsed(load_source("gdpr").cedar, "gdpr").values() if one["annotations"]["id"] == "gdpr-7-4"
    ]
    assert sentence(rule) == (
        "Nobody may recognise people by face images or face templates in the EU, unless people who refuse are served "
        "in another way."
    )


def test_the_sentence_column_is_not_what_is_read():
    text = load_source("gdpr").cedar.replace('@sentence("', '@sentence("Everything is allowed. ')
    assert all("Everything" not in sentence(policy) for policy in parsed(text, "gdpr").values())


def test_a_group_compared_with_equals_is_read_as_the_slip_it_is():
    right = read('@id("a")\npermit (principal, action, resource) when { resource.kind in Kind::"biometric" };')
    wrong = read('@id("a")\npermit (principal, action, resource) when { resource.kind == Kind::"biometric" };')
    assert right == "Anybody may use in any way face images or face templates."
    assert "exactly 'biometric' (not its members)" in wrong


def test_what_has_no_words_is_quoted_and_never_left_out():
    text = read(
        '@id("a")\npermit (principal == Party::"x", action, resource) when { context.minor || resource.public } '
        'unless { [Form::"dp"].contains(resource.form) };'
    )
    assert '`principal == Party::"x"`' in text
    assert "(context.minor || resource.public)" in text
    assert '"contains"' in text


def test_an_id_that_looks_like_words_of_a_rule_stays_quoted_and_typed():
    text = read('@id("a")\npermit (principal == Party::"x` or anybody, unless \\"y\\"", action, resource);')
    assert r'principal == Party::"x` or anybody, unless \"y\""' in text
    assert '`resource == Dataset::"tills"`' in read(
        '@id("a")\nforbid (principal, action, resource == Dataset::"tills");'
    )


def test_every_planted_mistake_changes_the_english():
    for pack in PACKS:
        for policy in parsed(load_source(pack).cedar, pack).values():
            for change, mutant in edits(policy):
                if mutant is not None:
                    assert sentence(mutant) != sentence(policy), (pack, policy["annotations"]["id"], change)
