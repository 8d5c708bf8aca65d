"""Validates LightGBM's native text before the library reads it; the library trusts its input, and crashes or hangs."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Final

from domain.errors import ModelError

_HEADER: Final = ("version", "num_class", "num_tree_per_iteration", "label_index", "max_feature_idx", "objective")
_LISTS: Final = ("feature_names", "feature_infos", "tree_sizes")
_FIXED: Final = {
    "version": "v4",
    "num_class": "1",
    "num_tree_per_iteration": "1",
    "label_index": "0",
    "objective": "binary sigmoid:1",
}
_MOST_FEATURES: Final = 100_000
_MOST_LEAVES: Final = 100_000
_LARGEST_COUNT: Final = 2**31 - 1
_LARGEST_WORD: Final = 2**32 - 1
_CATEGORICAL: Final = 1
_LARGEST_DECISION: Final = 15
"""Two bits for the kind of split, two for the handling of missing values."""

_WHOLE: Final = re.compile(r"-?[0-9]{1,10}", re.ASCII)
_REAL: Final = re.compile(r"-?[0-9]{1,400}(\.[0-9]{1,400})?(e[+-]?[0-9]{1,3})?", re.ASCII)
_THRESHOLD: Final = re.compile(rf"-?inf|{_REAL.pattern}", re.ASCII)
_OF_NODES: Final = ("split_gain", "internal_value", "internal_weight")
_OF_LEAVES: Final = ("leaf_value", "leaf_weight")
_PLAIN: Final = frozenset({"num_leaves", "num_cat", "is_linear", "shrinkage"})
_ARRAYS: Final = frozenset(
    {"split_feature", "threshold", "decision_type", "left_child", "right_child", "leaf_count", "internal_count"}
    | {*_OF_NODES, *_OF_LEAVES}
)
_SCORES: Final = ("leaf_value=", "internal_value=")
_CATEGORIES: Final = frozenset({"cat_boundaries", "cat_threshold"})


def expect_trees(text: str) -> None:
    """Check that a text holds trees as LightGBM writes them for a binary target, and nothing it would fail on.

    Every number is valid and in its bounds, every count matches what follows, and every leaf and split is reached
    exactly once from the root.

    Raises:
        ModelError: If the text is cut off, damaged, or malicious.
    """
    header, separator, rest = text.partition("\n\n")
    if not separator or "\r" in text or "\0" in text:
        raise _unfit("no LightGBM model header")
    first, *lines = header.split("\n")
    found = _pairs(lines, "the header")
    if (
        first != "tree"
        or set(found) - {*_HEADER, *_LISTS}
        or any(found.get(name) != said for name, said in _FIXED.items())
    ):
        raise _unfit("a header of another kind or version")
    features = _whole(found, "max_feature_idx", 0, _MOST_FEATURES) + 1
    for name in ("feature_names", "feature_infos"):
        if len(found.get(name, "").split(" ")) != features:
            raise _unfit(f"{name} whose number differs from max_feature_idx")
    body, start = rest.encode(), 0
    sizes = _wholes(found, "tree_sizes", None, 1, len(body))
    for number, size in enumerate(sizes):
        _expect_tree(body[start : start + size], number, features)
        start += size
    if not body[start:].startswith(b"end of trees\n"):
        raise _unfit("trees whose sizes differ from tree_sizes")


def combined_trees(texts: Sequence[str], factor: float) -> str:
    """Join the trees of several texts over the same columns, with all their scores multiplied by a factor.

    The sum of the joined trees is the factor times the sum of the scores of all texts: with 1 / len(texts), their
    average.

    Args:
        texts: Texts as LightGBM writes them.
        factor: Factor of leaf values.
    """
    header, _, _ = texts[0].partition("\n\n")
    blocks: list[str] = []
    for text in texts:
        trees = text.partition("\n\n")[2].partition("end of trees\n")[0]
        for tree in trees.split("Tree=")[1:]:
            lines = tree.rstrip("\n").split("\n")[1:]
            scaled = [_scaled(line, factor) if line.startswith(_SCORES) else line for line in lines]
            blocks.append("\n".join([f"Tree={len(blocks)}", *scaled]) + "\n\n\n")
    sizes = " ".join(str(len(block.encode())) for block in blocks)
    # signs of columns bind the growing only
    kept = (line for line in header.split("\n") if not line.startswith("monotone_constraints="))
    lines = [f"tree_sizes={sizes}" if line.startswith("tree_sizes=") else line for line in kept]
    # what follows the trees are importances and settings of one fit, which the library does without
    return "\n".join(lines) + "\n\n" + "".join(blocks) + "end of trees\n\n"


def _scaled(line: str, factor: float) -> str:
    name, _, values = line.partition("=")
    return f"{name}=" + " ".join(repr(float(value) * factor) for value in values.split())


def _expect_tree(block: bytes, number: int, features: int) -> None:
    name, *lines = block.decode(errors="replace").rstrip("\n").split("\n")
    if name != f"Tree={number}" or not block.endswith(b"\n\n"):
        raise _unfit(f"no tree {number} at the expected place")
    tree = _pairs(lines, name)
    leaves = _whole(tree, "num_leaves", 1, _MOST_LEAVES)
    categories = _whole(tree, "num_cat", 0, leaves - 1)
    expected = {*_PLAIN, *_ARRAYS} | (_CATEGORIES if categories else set())
    if set(tree) - expected or tree.get("is_linear", "0") != "0":
        raise _unfit(f"{name} has a key that our trees do not have")
    splits = leaves - 1
    for real in _OF_LEAVES:
        if real == "leaf_value" or tree.get(real):
            _reals(tree, real, leaves)
    _reals(tree, "shrinkage", 1)
    if not splits:
        return
    for real in _OF_NODES:
        _reals(tree, real, splits)
    for count, length in (("leaf_count", leaves), ("internal_count", splits)):
        _wholes(tree, count, length, 0, _LARGEST_COUNT)
    _wholes(tree, "split_feature", splits, 0, features - 1)
    # a threshold may be infinite: it separates missing values from all others
    thresholds = [float(word) for word in _words(tree, "threshold", splits, _THRESHOLD)]
    kinds = _wholes(tree, "decision_type", splits, 0, _LARGEST_DECISION)
    for threshold, kind in zip(thresholds, kinds, strict=True):
        if kind & _CATEGORICAL and threshold not in range(categories):
            raise _unfit(f"{name} splits by unknown categories")
    _expect_shape(tree, name, splits)
    if categories:
        bounds = _wholes(tree, "cat_boundaries", categories + 1, 0, _LARGEST_COUNT)
        if bounds[0] != 0 or any(later <= earlier for earlier, later in pairwise(bounds)):
            raise _unfit(f"{name} has invalid category boundaries")
        _wholes(tree, "cat_threshold", bounds[-1], 0, _LARGEST_WORD)


def _expect_shape(tree: Mapping[str, str], name: str, splits: int) -> None:
    """Check that children come after their parents, which excludes cycles, and that each has exactly one parent."""
    seen: list[int] = []
    for side in ("left_child", "right_child"):
        children = _wholes(tree, side, splits, -splits - 1, splits - 1)
        if any(0 <= child <= parent for parent, child in enumerate(children)):
            raise _unfit(f"{name} contains a cycle")
        seen += children
    if sorted(seen) != [*range(-splits - 1, 0), *range(1, splits)]:
        raise _unfit(f"{name} has leaves or splits that are not reached exactly once")


def _pairs(lines: Sequence[str], where: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in lines:
        name, separator, said = line.partition("=")
        if not separator or name in found:
            raise _unfit(f"{where} has a duplicate line, or one without a value")
        found[name] = said
    return found


def _whole(found: Mapping[str, str], name: str, least: int, most: int) -> int:
    [number] = _wholes(found, name, 1, least, most)
    return number


def _wholes(found: Mapping[str, str], name: str, length: int | None, least: int, most: int) -> list[int]:
    numbers = [int(word) for word in _words(found, name, length, _WHOLE)]
    if numbers and not least <= min(numbers) <= max(numbers) <= most:
        raise _unfit(f"{name} is not from {least} to {most}")
    return numbers


def _reals(found: Mapping[str, str], name: str, length: int) -> list[float]:
    numbers = [float(word) for word in _words(found, name, length, _REAL)]
    if any(abs(number) == float("inf") for number in numbers):
        raise _unfit(f"{name} is not finite")
    return numbers


def _words(found: Mapping[str, str], name: str, length: int | None, form: re.Pattern[str]) -> list[str]:
    said = found.get(name, "")
    words = said.split(" ") if said else []
    if length is not None and len(words) != length:
        raise _unfit(f"{name} has {len(words)} values instead of {length}")
    if not all(form.fullmatch(word) for word in words):
        raise _unfit(f"{name} holds something that is not a finite number")
    return words


def _unfit(got: str) -> ModelError:
    return ModelError(
        "a model's trees cannot be read",
        got=got,
        expected="the text that LightGBM wrote when it was trained",
        remedy="train the model again, or make an earlier version the champion",
    )
