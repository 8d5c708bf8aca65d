import re
import shlex
from pathlib import Path
from shutil import copytree

import pytest
from typer.main import get_command

from config.reading import load_bank
from nbo.commands import app
from tests.docs.pages import ROOT, anchors, blocks, commands, pages

PAGES = pages()
COMMANDS = [(page.name, command) for page in PAGES for command in commands(page)]
TARGETS = sorted(
    {name for page in PAGES for name in re.findall(r"(?:`|^)make ([a-z-]+)", page.read_text(), re.MULTILINE)}
)
LINK = re.compile(r"\]\(([^)\s]+)\)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for link in LINK.findall(text):
        if re.match(r"[a-z]+:", link):
            continue
        target, _, anchor = link.partition("#")
        file = (page.parent / target).resolve() if target else page
        assert file.exists(), link
        assert not anchor or anchor in anchors(file), link


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_no_page_names_a_folder_of_somebodys_machine(page: Path) -> None:
    assert not re.search(r"(/home/|/Users/|/root/|/work/|/tmp/)", page.read_text(encoding="utf-8"))


def test_the_pages_show_commands() -> None:
    assert {"README.md", "CONTRIBUTING.md", "commands.md"} <= {page for page, _ in COMMANDS}


@pytest.mark.parametrize(("page", "line"), COMMANDS)
def test_every_command_that_is_shown_is_understood(page: str, line: str) -> None:
    words = shlex.split(re.sub(r"<bank>|DIR", "demo", line))
    group = get_command(app)
    context = group.make_context("nbo", [word for word in words if word != "..."], resilient_parsing=True)
    name = next((word for word in words if word in group.commands), None)
    if name is None:
        assert not [word for word in words if not word.startswith("-") and "/" not in word and word != "demo"], line
        return
    options = words[words.index(name) + 1 :]
    # in running text a command may be only named
    group.commands[name].make_context(name, options, parent=context, resilient_parsing=not options)


@pytest.mark.parametrize("target", TARGETS)
def test_every_make_target_that_is_shown_exists(target: str) -> None:
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE)


def test_the_recipe_for_a_feature_is_valid_in_a_bank(tmp_path: Path) -> None:
    (recipe,) = blocks(ROOT / "CONTRIBUTING.md", "yaml")
    bank = tmp_path / "demo"
    copytree(ROOT / "banks" / "demo", bank)
    declared = (bank / "features.yaml").read_text(encoding="utf-8")
    for part in re.split(r"^(?=\w)", recipe, flags=re.MULTILINE)[1:]:
        heading, lines = part.split("\n", 1)
        declared = declared.replace(f"{heading}\n", f"{heading}\n{lines}")
    (bank / "features.yaml").write_text(declared, encoding="utf-8")
    features = load_bank(bank).features.features
    assert {"card_spend_30d", "card_spend_90d", "card_spend_trend"} <= set(features)
