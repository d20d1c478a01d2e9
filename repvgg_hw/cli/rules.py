"""Which options of a command make one another void, as a table: a void option is refused, never ignored.

A condition is an option's name, which holds where it was typed, or its name and a value ("--target hls"),
which holds where it has that value, by default or typed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import click
from click.core import ParameterSource


@dataclass(frozen=True)
class Rule:
    """`option` means nothing beside any of `beside`, and nothing unless one of `needs` holds.

    why     what is said of it, where the names alone do not say enough
    unless  where one of these holds, the rule does not
    """

    option: str
    beside: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    why: str = ""
    unless: tuple[str, ...] = ()
    mutual: bool = False  # beside this option, those in `beside` mean nothing either


def needs(option: str, *conditions: str, why: str = "") -> Rule:
    """option is void unless one of these holds."""
    return Rule(option, needs=conditions, why=why)


def void(option: str, *beside: str, why: str = "", unless: tuple[str, ...] = ()) -> Rule:
    """option is void where one of these holds, unless one of others does."""
    return Rule(option, beside=beside, why=why, unless=unless)


def excludes(*options: str, why: str = "") -> tuple[Rule, ...]:
    """No two of these options go together."""
    return tuple(
        Rule(second, beside=(first,), why=why, mutual=True) for first, second in combinations(options, 2)
    )


def check(rules: Sequence[Rule], context: click.Context) -> None:
    """Raise click.UsageError for the first rule that what was typed breaks; the line names both options."""
    for rule in rules:
        if not given(rule.option, context) or any(holds(other, context) for other in rule.unless):
            continue
        option, why = shown(rule.option, context), f": {rule.why}" if rule.why else ""
        for other in rule.beside:
            if holds(other, context):
                named = shown(other, context)
                said = f"{named} and {option} exclude each other" if rule.mutual else None
                raise click.UsageError(f"{said or f'{option} means nothing beside {named}'}{why}", context)
        if rule.needs and not any(holds(other, context) for other in rule.needs):
            others = " or ".join(shown(other, context) for other in rule.needs)
            raise click.UsageError(f"{option} belongs to {others}{why}", context)


def given(option: str, context: click.Context) -> bool:
    """Whether an option was typed, or set in the environment, whatever its value."""
    name = _parameter(option, context).name
    assert name is not None
    return context.get_parameter_source(name) in (ParameterSource.COMMANDLINE, ParameterSource.ENVIRONMENT)


def holds(condition: str, context: click.Context) -> bool:
    """Whether a condition holds."""
    option, _, value = condition.partition(" ")
    if not value:
        return given(option, context)
    return str(context.params[str(_parameter(option, context).name)]) == value


def shown(condition: str, context: click.Context) -> str:
    """A condition as people read it; of a flag with two names both."""
    option, _, value = condition.partition(" ")
    names = "/".join(name for name in option_names(_parameter(option, context)) if name.startswith("--"))
    default = " (the default)" if value and holds(condition, context) and not given(option, context) else ""
    return f"{names or option} {value}{default}".strip()


def option_names(parameter: click.Parameter) -> tuple[str, ...]:
    """Every spelling of an option."""
    return (*parameter.opts, *parameter.secondary_opts)


def _parameter(option: str, context: click.Context) -> click.Parameter:
    return next(p for p in context.command.params if option in option_names(p))
