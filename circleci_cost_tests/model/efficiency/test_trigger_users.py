"""The file of users' names: what it may hold, and the sentence about each mistake."""

import re
from pathlib import Path

import pytest

from circleci_cost.errors import ConfigurationError
from circleci_cost.model.efficiency.trigger_users import read_user_names

ANN, BOB = "0a5b9e49-c23d-443b-9764-7ecbe86dec5a", "1a5b9e49-c23d-443b-9764-7ecbe86dec5a"


def test_ids_are_read_in_any_case_and_may_share_a_name(tmp_path: Path) -> None:
    path = tmp_path / "users.csv"
    path.write_text(f'name,id\nAnn Lee,{ANN.upper()}\n"Lee, Ann", {BOB} \n', encoding="utf-8-sig")
    assert read_user_names(path) == {ANN: "Ann Lee", BOB: "Lee, Ann"}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "is empty; its first line names the columns: id, name."),
        ("id,login\n", "line 1: 'login' is no column of such a file"),
        ("id\n", "line 1: the column 'name' is missing; add it."),
        (f"id,name\n{ANN},\n", "line 2: name is empty; write a value."),
        (f"id,name\n{ANN},Ann\n,Bob\n", "line 3: id is empty; write a value."),
        (f"id,name\n{ANN},Ann\nbob,Bob\n", "line 3: id = bob: write the user's id as CircleCI has it, a UUID;"),
        (f"id,name\n{ANN},Ann\n{BOB},Bob\n{ANN.upper()},A\n", f"line 4: the id {ANN} is there twice; leave one"),
        (
            f"id,name\n{ANN},Ann\n{BOB},(none)\n",
            "line 3: the name (none) stands for costs without a user; write another",
        ),
        (f"id,name\n{ANN},Ann,Lee\n", "line 2: 3 cells where the first line names 2;"),
    ],
)
def test_a_mistake_is_one_sentence_with_file_and_line(tmp_path: Path, text: str, sentence: str) -> None:
    path = tmp_path / "users.csv"
    path.write_text(text)
    with pytest.raises(ConfigurationError, match=re.escape(sentence)) as refused:
        read_user_names(path)
    assert str(refused.value).startswith(str(path))
    assert "\n" not in str(refused.value)
