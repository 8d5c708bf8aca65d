import csv
import json
import os
import stat
from datetime import timedelta

import pytest

from serving.delivery.files import ContactFile, forget_in_files
from serving.delivery.states import State
from tests.records.build import accept, told
from tests.serving.build import AS_OF
from tests.serving.delivery.build import AGREE, NIGHT, NOW, Post


@pytest.fixture
def post(tmp_path):
    post = Post(tmp_path)
    yield post
    post.database.close()


def customers(folder, night=NIGHT):
    with (folder / f"email-{night}.csv").open(newline="") as file:
        return [row["customer_id"] for row in csv.DictReader(file)]


def test_the_file_of_a_night_grows_and_is_whole_at_any_moment(post, tmp_path):
    folder = tmp_path / "drop" / "email"
    target = ContactFile(post.outbox, folder, "csv", batch=2)
    post.gather("c04", "c02", "c07")
    post.gather("c08", run="later", at=NOW + timedelta(hours=1))
    assert post.deliver(target).delivered == 3
    assert customers(folder) == ["c02", "c04", "c07"]
    assert post.deliver(target, NOW + timedelta(hours=2)).delivered == 1
    assert customers(folder) == ["c02", "c04", "c07", "c08"]
    assert [file.name for file in folder.iterdir()] == [f"email-{NIGHT}.csv"]


def test_every_night_has_a_file_of_its_own(post, tmp_path):
    post.gather("c02")
    post.gather("c04", run="next", night="2026-03-03", at=AS_OF)
    assert post.deliver(ContactFile(post.outbox, tmp_path, "csv")).delivered == 2
    assert (customers(tmp_path), customers(tmp_path, "2026-03-03")) == (["c02"], ["c04"])


def test_lines_of_json_say_the_same(post, tmp_path):
    post.gather(*AGREE)
    post.deliver(ContactFile(post.outbox, tmp_path, "jsonl"))
    lines = (tmp_path / f"email-{NIGHT}.jsonl").read_text().splitlines()
    assert [json.loads(line)["customer_id"] for line in lines] == list(AGREE)
    assert json.loads(lines[0])["slot"] is None


def test_a_file_that_was_written_and_not_noted_is_written_the_same_again(post, tmp_path, monkeypatch):
    target = ContactFile(post.outbox, tmp_path, "csv")
    post.gather("c02", "c04")

    def ends(*arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(type(post.outbox), "settle_within", staticmethod(ends))
        with pytest.raises(KeyboardInterrupt):
            post.deliver(target)
    before = (tmp_path / f"email-{NIGHT}.csv").read_text()
    assert post.states() == {State.WAITING: 2}
    assert post.deliver(target, NOW + target.lease).delivered == 2
    assert (tmp_path / f"email-{NIGHT}.csv").read_text() == before


def test_a_folder_that_cannot_be_written_to_loses_nothing(post, tmp_path):
    (tmp_path / "taken").write_text("a file")
    post.gather("c02")
    target = ContactFile(post.outbox, tmp_path / "taken", "csv")
    report = post.deliver(target)
    assert (report.failed, report.dead) == (1, 0)
    (tmp_path / "taken").unlink()
    assert post.deliver(target, NOW + timedelta(hours=1)).delivered == 1


def test_who_refuses_after_the_file_was_written_is_in_it_no_more_and_named_beside_it(post, tmp_path):
    folder = tmp_path / "drop"
    target = ContactFile(post.outbox, folder, "csv")
    post.gather("c02", "c04", "c07")
    post.deliver(target)
    accept(post.database, told("w", "c04", "customer_attributes", at=NOW, properties={"consent_email": "false"}))
    report = post.deliver(target, NOW + timedelta(hours=1))
    assert (report.delivered, report.withdrawn) == (0, 1)
    assert customers(folder) == ["c02", "c07"]
    withdrawn = folder / f"email-{NIGHT}.withdrawn"
    assert withdrawn.read_text() == "run-c04\n"
    assert post.states() == {State.DELIVERED: 3}, "the channel may have made it already"
    post.gather("c08", run="later", at=NOW + timedelta(hours=1))
    report = post.deliver(target, NOW + timedelta(hours=2))
    assert (report.delivered, report.withdrawn, customers(folder)) == (1, 0, ["c02", "c07", "c08"])
    assert withdrawn.read_text() == "run-c04\n"


def test_a_file_that_was_fetched_does_not_come_back_for_who_refused(post, tmp_path):
    target = ContactFile(post.outbox, tmp_path, "jsonl")
    post.gather("c02", "c04")
    post.deliver(target)
    (tmp_path / f"email-{NIGHT}.jsonl").unlink()
    accept(post.database, told("w", "c04", "customer_attributes", at=NOW, properties={"consent_email": "false"}))
    assert post.deliver(target, NOW + timedelta(hours=1)).withdrawn == 1
    assert [file.name for file in tmp_path.glob("email-*")] == [f"email-{NIGHT}.withdrawn"]


def test_what_is_too_old_to_be_made_is_not_asked_about_again(post, tmp_path):
    target = ContactFile(post.outbox, tmp_path, "csv")
    post.gather("c02")
    post.deliver(target)
    accept(post.database, told("w", "c02", "customer_attributes", at=NOW, properties={"consent_email": "false"}))
    assert post.deliver(target, NOW + timedelta(days=2)).withdrawn == 0


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_an_erased_customer_is_in_no_file_any_more(post, tmp_path, form):
    post.gather("c02", "c04", "c07")
    folder = tmp_path / "deliveries" / "email"
    post.deliver(ContactFile(post.outbox, folder, form))
    [file] = folder.iterdir()
    whole = file.read_text().splitlines(keepends=True)
    assert forget_in_files([file], "c04") == 1
    assert file.read_text() == "".join(line for line in whole if "c04" not in line)
    assert file.with_suffix(".withdrawn").read_text() == "run-c04\n", "whoever fetched it before is told"
    assert forget_in_files([file], "c04") == 0


def test_no_cell_of_a_table_is_a_formula_and_lines_of_json_are_as_they_are(post, tmp_path):
    for form, customer in (("csv", "c02"), ("jsonl", "c04")):
        post.gather(customer, run=form, treatment="=HYPERLINK(0)", slot="-9:00")
        assert post.deliver(ContactFile(post.outbox, tmp_path, form)).delivered == 1
    with (tmp_path / f"email-{NIGHT}.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    said = json.loads((tmp_path / f"email-{NIGHT}.jsonl").read_text().splitlines()[0])
    assert (row["message"], said["message"]) == ("'=HYPERLINK(0)", "=HYPERLINK(0)")
    assert (row["slot"], said["slot"]) == ("'-9:00", "-9:00")


def test_an_erased_customer_whose_id_looks_like_a_formula_is_found(tmp_path):
    file = tmp_path / "email.csv"
    file.write_text("customer_id,offer\n'-7,a\n7,b\n'=7,c\n")
    assert forget_in_files([file], "-7") == 1
    assert file.read_text() == "customer_id,offer\n7,b\n'=7,c\n"


def test_who_may_read_the_folder_may_read_its_files_whatever_the_umask(post, tmp_path):
    folder = tmp_path / "drop"
    folder.mkdir()
    folder.chmod(0o2750)
    target = ContactFile(post.outbox, folder, "csv")
    before = os.umask(0o077)
    try:
        post.gather("c02", "c04")
        post.deliver(target)
        file = folder / f"email-{NIGHT}.csv"
        assert stat.S_IMODE(file.stat().st_mode) == 0o640
        assert forget_in_files([file], "c02") == 1
        assert stat.S_IMODE(file.stat().st_mode) == 0o640
    finally:
        os.umask(before)
