"""From a rule of the table to a policy in Cedar."""

from __future__ import annotations

from collections.abc import Iterable

from privacy.policy.rule import CONDITIONS, RELATIONS, Choice, Rule
from privacy.policy.vocabulary import KIND_GROUPS, PURPOSE_GROUPS, ROLE_GROUPS


def compile_rules(rules: Iterable[Rule], *, pack: str) -> str:
    """Write rules as Cedar text, one policy each, in their order.

    Args:
        rules: what `read_rules` returned. Their cells come from closed lists; free text (article, sentence) only ever
            lands inside escaped annotations.
        pack: name of the pack, for the annotation.
    """
    return "\n".join(_policy(rule, pack) for rule in rules)


def _policy(rule: Rule, pack: str) -> str:
    annotations = {"id": rule.id, "law": rule.article, "pack": pack, "sentence": rule.sentence}
    lines = [f"@{name}({_quoted(text)})" for name, text in annotations.items() if text]
    action, tests = _action(rule.action)
    when = _entity("context.jurisdiction", "Jurisdiction", rule.jurisdiction) + tests
    when += _entity("principal.role", "Role", rule.who, groups=ROLE_GROUPS)
    when += _owner(rule)
    when += _entity("resource.kind", "Kind", rule.kind, groups=KIND_GROUPS)
    when += _entity("resource.form", "Form", rule.form)
    when += _entity("context.purpose", "Purpose", rule.purpose, groups=PURPOSE_GROUPS)
    when += [CONDITIONS[word] for word in rule.when]
    lines.append(f"{'permit' if rule.permits else 'forbid'} (principal, {action}, resource)")
    # Place first (see `slices`), then cheap tests: Cedar stops at the first that fails, and a list costs more.
    when.sort(key=lambda test: ("context.jurisdiction" not in test, (" in [" in test) + (" in " in test)))
    if when:
        lines.append("when { " + " && ".join(when) + " }")
    if rule.unless:
        lines.append("unless { " + " && ".join(CONDITIONS[word] for word in rule.unless) + " }")
    return "\n".join(lines) + ";\n"


def _action(choice: Choice) -> tuple[str, list[str]]:
    """Return the scope of the action, and conditions for what a scope cannot say."""
    if not choice.words:
        return "action", []
    if choice.excluded:
        return "action", [f"!({_in('action', 'Action', choice.words)})"]
    return _in("action", "Action", choice.words), []


def _owner(rule: Rule) -> list[str]:
    if not rule.whose:
        return []
    if rule.whose in RELATIONS:
        return [RELATIONS[rule.whose]]
    tests = _entity("resource.owner.role", "Role", Choice((rule.whose,)), groups=ROLE_GROUPS)
    return [*tests, RELATIONS["another's"]] if rule.another else tests


def _entity(term: str, kind: str, choice: Choice, *, groups: Iterable[str] = ()) -> list[str]:
    if not choice.words:
        return []
    if len(choice.words) == 1 and choice.words[0] not in groups:
        sign = "!=" if choice.excluded else "=="
        return [f'{term} {sign} {kind}::"{choice.words[0]}"']
    test = _in(term, kind, choice.words)
    return [f"!({test})"] if choice.excluded else [test]


def _in(term: str, kind: str, words: tuple[str, ...]) -> str:
    named = [f'{kind}::"{word}"' for word in words]
    if len(named) > 1:
        return f"{term} in [{', '.join(named)}]"
    return f"{term} == {named[0]}" if kind == "Action" else f"{term} in {named[0]}"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
