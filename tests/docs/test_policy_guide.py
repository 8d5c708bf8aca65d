import re
from pathlib import Path

import pytest

from config.document import read_document
from config.files import FILE_KINDS
from config.validation import validate

GUIDES = Path(__file__).parents[2] / "docs" / "guides"
GUIDE = GUIDES / "policies.md"
BLOCKS = [
    block
    for guide in sorted(GUIDES.glob("*.md"))
    for block in re.findall(r"```yaml\n# (\S+\.yaml)\n(.*?)```", guide.read_text(encoding="utf-8"), re.DOTALL)
]


@pytest.mark.parametrize(("name", "content"), BLOCKS)
def test_what_the_guide_shows_can_be_said_in_a_banks_folder(tmp_path, name, content):
    (tmp_path / name).write_text(content, encoding="utf-8")
    document = read_document(tmp_path / name)
    assert not document.problems
    _, mistakes = validate(document.content, FILE_KINDS[name].shape, name)
    assert not list(mistakes)


def test_the_guide_names_the_kinds_of_rules_in_the_order_in_which_they_are_asked():
    listed = re.findall(r"^\d\. \*\*(.+?)\*\*", GUIDE.read_text(encoding="utf-8"), re.MULTILINE)
    asked = ("consent", "eligibility", "applicability", "suitability", "service first", "contact limits")
    assert tuple(listed) == (*asked, "score", "budget")
