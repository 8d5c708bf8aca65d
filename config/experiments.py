"""Changed settings of a bank's models, for an experiment."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, Final

from ruamel.yaml.error import YAMLError

from config.bank import Bank
from config.content import shallow_yaml
from config.document import read_document
from config.problems import ConfigurationErrors
from config.reading import bank_of, read_folder
from domain.errors import DataError
from models.learners import DEFAULT
from models.settings import ChurnLabel, Learning

FILE: Final = "models.yaml"
_MODELS: Final = ("churn", "propensity")
_LEARNING: Final = "learning"
_PARAMETERS: Final = "parameters"
_STEP: Final = re.compile(r"[A-Za-z_]\w*")
_WHOLE: Final = frozenset({"monotone"})
"""Mappings that are replaced, not merged."""


def changed_models(folder: Path, changes: Sequence[str]) -> Bank:
    """Read a bank's folder as it would be with other settings in models.yaml.

    `models.training.folds=5` is a setting of models.yaml by its path. For `models.propensity` and `models.churn` the
    setting may also be one of `learning`, such as `models.churn.learner=lightgbm`, or else a parameter of the learner,
    such as `models.propensity.num_leaves=31`. Values are YAML. Another learner starts without the parameters of the one
    before.

    Args:
        folder: The bank's folder.
        changes: Paths and values.

    Raises:
        DataError: A change is not a path and a value.
        ConfigurationErrors: The changed bank is not valid.

    Example:
        >>> bank = changed_models(Path("banks/demo"), ["models.propensity.num_leaves=31"])
        >>> bank.models.learning.propensity.parameters
        {'num_leaves': 31}
    """
    documents = read_folder(folder)
    document = documents[FILE]
    content: Any = deepcopy(document.content)
    if not document.problems and isinstance(content, dict):
        for change in changes:
            path, value = _parsed(change)
            _leave_parameters_of_another_learner(content, path, value)
            _put(content, path, value, change)
        documents[FILE] = replace(document, content=content)
    return bank_of(folder, documents)


def overlay_changes(overlay: Path) -> list[str]:
    """Return the settings in the models.yaml of an overlay, a folder with nothing else, as changes.

    Raises:
        DataError: There is no such folder, or it has other files.
        ConfigurationErrors: The file is missing, unreadable or not YAML.
    """
    if not overlay.is_dir():
        raise DataError("the overlay is not a folder", got=str(overlay), expected=f"a folder with a {FILE}")
    others = sorted(one.name for one in overlay.iterdir() if one.name != FILE and not one.name.startswith("."))
    if others:
        raise DataError(
            f"an experiment changes {FILE} alone",
            got=", ".join(str(overlay / name) for name in others),
            remedy="make a copy of the bank's folder to change other files",
        )
    document = read_document(overlay / FILE)
    if document.problems:
        raise ConfigurationErrors(overlay, document.problems)
    return [f"{'.'.join(path)}={json.dumps(value)}" for path, value in _leaves(("models",), document.content)]


def _leaves(path: tuple[str, ...], content: Any) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield the settings of nested mappings; one whose keys are patterns or columns is a setting as a whole."""
    if isinstance(content, dict) and all(_STEP.fullmatch(str(key)) for key in content) and path[-1] not in _WHOLE:
        for key, value in content.items():
            yield from _leaves((*path, str(key)), value)
    else:
        yield path, content


def _parsed(change: str) -> tuple[tuple[str, ...], Any]:
    path, is_there, text = change.partition("=")
    first, *rest = path.strip().split(".")
    if not is_there or first != "models" or not all(rest) or not rest:
        raise _unfit(change)
    try:
        return _place(tuple(rest)), shallow_yaml().load(text)
    except YAMLError as error:
        raise _unfit(change) from error


def _place(path: tuple[str, ...]) -> tuple[str, ...]:
    """Return the place in models.yaml of a setting of a model, or of a parameter of its learner."""
    model, *rest = path
    if model not in _MODELS or not rest or (model == "churn" and rest[0] in _names(ChurnLabel)):
        return path
    within = rest if rest[0] in _names(Learning) else [_PARAMETERS, *rest]
    return (_LEARNING, model, *within)


def _put(content: dict[str, Any], path: tuple[str, ...], value: Any, change: str) -> None:
    for step in path[:-1]:
        content = content.setdefault(step, {})
        if not isinstance(content, dict):
            raise _unfit(change)
    content[path[-1]] = value


def _leave_parameters_of_another_learner(content: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    match path:
        case (first, model, "learner") if first == _LEARNING:
            learning = (content.get(_LEARNING) or {}).get(model)
            if isinstance(learning, dict) and learning.get("learner", DEFAULT[model]) != value:
                learning.pop(_PARAMETERS, None)


def _names(shape: type[Any]) -> set[str]:
    return {one.name for one in fields(shape)}


def _unfit(change: str) -> DataError:
    return DataError(
        "not a setting of the models",
        got=f"'{change}'",
        expected="a path below `models` and a value, such as models.propensity.num_leaves=31",
    )
