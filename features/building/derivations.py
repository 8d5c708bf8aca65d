"""Derive formulas, stages and steps, in an order in which each comes after what it reads."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from domain.errors import DataError, ExpressionError, NboError, Problem, nearest
from expressions.expression import compile_expression
from expressions.types import Boolean, Schema
from features.building.draft import FILES, MOMENT_INPUTS, RENAME, Draft, Origin
from features.building.formulas import Formula, Part, names_read
from features.building.journeys import stage_formulas, step_formulas
from features.definitions import DerivedFeature, Dimension, Feature, FeatureFile
from features.journey.settings import Journey


def derive(draft: Draft, common: Sequence[DerivedFeature], own: FeatureFile, journey: Journey) -> None:
    """Add derived features, stage features and steps to the draft; report what cannot be computed."""
    bank = [
        *_declared(draft, own.derived, "own"),
        *stage_formulas(journey),
        *step_formulas(draft.vocabulary.products, journey),
    ]
    pending: dict[str, Formula] = {}
    _take(draft, pending, _declared(draft, common, "common", own.exclude))
    # common formulas that do not apply are dropped first: a bank may have its own with the same name
    _leave_out_not_applicable(draft, pending, {name for formula in bank for name in formula.makes})
    _take(draft, pending, bank)
    _report_unknown_names(draft, pending)
    for formula in _ordered(draft, pending):
        _make(draft, formula)


def _take(draft: Draft, pending: dict[str, Formula], formulas: Sequence[Formula]) -> None:
    for formula in formulas:
        for name in formula.makes:
            if name in pending:
                _report(draft, formula, DataError(f"the feature '{name}' is declared twice", remedy=RENAME))
            elif draft.name_is_free(name, formula.file, formula.name_path):
                pending[name] = formula


def _declared(
    draft: Draft, declarations: Sequence[DerivedFeature], origin: Origin, excluded: Sequence[str] = ()
) -> list[Formula]:
    formulas = []
    for position, declaration in enumerate(declarations):
        title = declaration.name if declaration.per is None else f"{{{declaration.per}}}_{declaration.name}"
        if declaration.name in excluded:
            draft.not_applicable.setdefault(title, "excluded by the bank")
            continue
        lacking = [dimension for dimension in _dimensions(declaration) if not draft.members(dimension)]
        if lacking and origin == "common":
            draft.not_applicable[title] = f"the bank has no {lacking[0]}"
        elif lacking:
            field = "per" if lacking[0] == declaration.per else "expression"
            what = f"the bank has no {lacking[0]}"
            draft.add(Problem(file=FILES[origin], path=("derived", position, field), what=what))
        else:
            place = _Place(origin, position, title)
            formulas += [_derived(draft, declaration, member, place) for member in draft.members(declaration.per)]
    return formulas


def _dimensions(declaration: DerivedFeature) -> tuple[Dimension, ...]:
    """List the dimensions that a declaration uses, by `per` or in its expression."""
    known: tuple[Dimension, ...] = ("channel", "product")
    return tuple(
        dimension for dimension in known if dimension == declaration.per or f"{{{dimension}}}" in declaration.expression
    )


def _of_all_members(draft: Draft, text: str) -> str:
    """Replace each name that still has a dimension in it with the names of all members."""
    for dimension in ("channel", "product"):
        members = draft.members(dimension)
        parts = re.split(rf"(\w*){{{dimension}}}(\w*)", text)
        for position in range(1, len(parts), 3):
            before, after = parts[position : position + 2]
            parts[position : position + 2] = ["", ", ".join(f"{before}{member}{after}" for member in members)]
        text = "".join(parts)
    return text


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a formula was declared, and its title if it does not apply."""

    origin: Origin
    position: int
    title: str


def _derived(draft: Draft, declaration: DerivedFeature, member: str | None, place: _Place) -> Formula:
    text, name = declaration.expression, declaration.name
    if declaration.per is not None and member is not None:
        text, name = text.replace(f"{{{declaration.per}}}", member), f"{member}_{name}"
    text = _of_all_members(draft, text)

    def build(schema: Schema) -> tuple[Feature, ...]:
        feature = Feature(
            name=name,
            type=compile_expression(text, schema).type,
            unit=draft.unit(declaration.unit),
            description=declaration.description,
            topic=declaration.topic,
            owner=declaration.owner,
            expression=text,
            template=None if member is None else declaration.name,
            member=member,
        )
        return (feature,)

    return Formula(
        title=place.title,
        makes=(name,),
        file=FILES[place.origin],
        name_path=("derived", place.position, "name"),
        parts=(Part(text, ("derived", place.position, "expression")),),
        build=build,
        of_product=declaration.per == "product",
    )


def _leave_out_not_applicable(draft: Draft, pending: dict[str, Formula], later: set[str]) -> None:
    """Drop common formulas that read what this bank does not have, and the formulas that read these."""
    while True:
        known = draft.features.keys() | pending.keys() | MOMENT_INPUTS.keys() | draft.broken | later
        lacking = {name: min(formula.reads - known) for name, formula in pending.items() if not formula.reads <= known}
        if not lacking:
            return
        for name, missing in lacking.items():
            draft.not_applicable[pending.pop(name).title] = f"it reads {missing}, which this bank does not have"


def _report_unknown_names(draft: Draft, pending: dict[str, Formula]) -> None:
    known = draft.features.keys() | pending.keys() | MOMENT_INPUTS.keys()
    for formula in dict.fromkeys(pending.values()):
        for part in formula.parts:
            unknown = names_read(part.text) - known
            for name in sorted(unknown - draft.broken):
                _report(draft, formula, DataError("unknown name", got=f"'{name}'", expected=nearest(name, known)), part)
            if unknown:
                _break(draft, formula)


def _break(draft: Draft, formula: Formula) -> None:
    """Mark a formula as broken, so that formulas that read it are not reported too."""
    if not formula.survives_errors:
        draft.broken.update(formula.makes)


def _ordered(draft: Draft, pending: dict[str, Formula]) -> list[Formula]:
    """Order formulas as declared, but each after what it reads; report cycles and leave out their members."""
    done: dict[Formula, None] = {}
    in_cycles: set[Formula] = set()

    def visit(formula: Formula, path: tuple[Formula, ...]) -> None:
        if formula in done or formula in in_cycles:
            return
        if formula in path:
            cycle = path[path.index(formula) :]
            names = " <- ".join(other.makes[0] for other in (*cycle, formula))
            mistake = "features are computed from each other"
            _report(draft, formula, DataError(mistake, got=names, expected="an order to compute them in"))
            in_cycles.update(cycle)
            for other in cycle:
                draft.broken.update(other.makes)
            return
        for name in sorted(formula.reads):
            if name in pending:
                visit(pending[name], (*path, formula))
        done[formula] = None

    for formula in pending.values():
        visit(formula, ())
    return [formula for formula in done if formula not in in_cycles]


def _make(draft: Draft, formula: Formula) -> None:
    schema = MOMENT_INPUTS | {name: feature.type for name, feature in draft.features.items()}
    for part in formula.parts:
        if names_read(part.text) <= schema.keys():
            _check(draft, formula, part, schema)
        else:
            _break(draft, formula)
    if draft.broken.intersection(formula.makes):
        return
    personal = any(draft.features[name].personal for name in formula.reads if name in draft.features)
    for feature in formula.build(schema):
        draft.features[feature.name] = replace(feature, personal=personal)
        if formula.of_product:
            draft.of_products.add(feature.name)


def _check(draft: Draft, formula: Formula, part: Part, schema: Schema) -> None:
    try:
        compiled = compile_expression(part.text, schema)
    except ExpressionError as error:
        _report(draft, formula, error, part)
        _break(draft, formula)
        return
    if part.is_condition and not isinstance(compiled.type, Boolean):
        got, remedy = f"`{part.text}`", "compare it with something"
        _report(draft, formula, DataError("not a condition", got=got, expected="yes or no", remedy=remedy), part)
        _break(draft, formula)


def _report(draft: Draft, formula: Formula, mistake: NboError, part: Part | None = None) -> None:
    path = formula.name_path if part is None else part.path
    what, got, expected = mistake.what, mistake.got, mistake.expected
    draft.add(Problem(file=formula.file, path=path, what=what, got=got, expected=expected, remedy=mistake.remedy))
