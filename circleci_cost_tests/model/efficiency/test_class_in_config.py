from pathlib import Path

import pytest

from circleci_cost.errors import ConfigurationError
from circleci_cost.model.efficiency.circleci_yaml import read_circleci_config
from circleci_cost.model.efficiency.class_in_config import Move, edits, patch

CONFIG = """\
version: 2.1
parameters:
  size:
    type: string
    default: large
executors:
  default:
    docker: [{image: cimg/base:2026.11}]
    resource_class: large
  plain:
    docker: [{image: cimg/base:2026.11}]
shared: &shared
  docker:
    - image: cimg/base:2026.11
  resource_class: &size large
jobs:
  test:
    docker:
      - image: cimg/base:2026.11
    resource_class: large  # since the tests run in parallel
    steps: [checkout]
  quoted:
    machine: true
    resource_class: 'large'
    steps: [checkout]
  bare:
    # the default
    docker:
      - image: cimg/base:2026.11
    steps: [checkout]
  of-anchor:
    <<: *shared
    steps: [checkout]
  of-alias:
    machine: true
    resource_class: *size
  of-executor:
    executor: default
    steps: [checkout]
  of-executor-too:
    executor: {name: default}
  of-plain:
    executor: plain
  of-orb:
    executor: node/default
  of-parameter:
    parameters:
      size: {type: string, default: large}
    resource_class: << parameters.size >>
  of-pipeline:
    resource_class: << pipeline.parameters.size >>
  of-expression:
    resource_class: << pipeline.git.branch == "main" and "large" or "medium" >>
  flow: {docker: [{image: cimg/base}], steps: [checkout]}
workflows:
  build:
    jobs:
      - test
      - test:
          name: test-nightly
      - node/lint
"""


def made(tmp_path: Path, *moves: Move, text: str = CONFIG) -> tuple[str, list[str]]:
    """The patch and the sentences."""
    file = tmp_path / "config.yml"
    file.write_bytes(text.encode())
    config = read_circleci_config(file)
    found, sentences = edits(config, moves)
    return patch(config, found).replace(str(tmp_path), ""), sentences


def to_medium(job: str) -> Move:
    return Move(job, "large", "medium")


def test_the_line_of_the_class_is_a_unified_diff_and_comments_stay(tmp_path: Path) -> None:
    diff, sentences = made(tmp_path, to_medium("test"))
    assert diff.splitlines() == [
        "--- /config.yml",
        "+++ /config.yml",
        "@@ -17,7 +17,7 @@",
        "   test:",
        "     docker:",
        "       - image: cimg/base:2026.11",
        "-    resource_class: large  # since the tests run in parallel",
        "+    resource_class: medium  # since the tests run in parallel",
        "     steps: [checkout]",
        "   quoted:",
        "     machine: true",
    ]
    assert sentences == []


def test_several_jobs_are_one_diff_and_quotes_stay(tmp_path: Path) -> None:
    diff, _ = made(tmp_path, to_medium("quoted"), to_medium("test"))
    assert diff.count("--- ") == 1
    assert "+    resource_class: 'medium'" in diff
    assert "+    resource_class: medium  # since" in diff


def test_a_job_without_a_class_gets_a_line(tmp_path: Path) -> None:
    diff, sentences = made(tmp_path, to_medium("bare"))
    assert [line for line in diff.splitlines() if line[:1] in "+-"][2:] == ["+    resource_class: medium"]
    assert sentences == []


@pytest.mark.parametrize(
    ("job", "why"),
    [
        ("of-anchor", "its class comes from an anchor, line 15, which others may share"),
        ("of-alias", "its class is an alias of line 15, which others may share"),
        (
            "of-executor",
            "its class comes from the executor default, line 9, which of-executor, of-executor-too use",
        ),
        ("of-plain", "its executor plain, line 11, names no class, so it is the default one"),
        ("of-orb", "its class comes from the executor node/default of an orb, line 45"),
        ("of-parameter", "its class comes from the parameter parameters.size, line 49"),
        ("of-pipeline", "its class comes from the parameter pipeline.parameters.size, line 51"),
        (
            "of-expression",
            'its class comes from the expression pipeline.git.branch == "main" and "large" or "medium", line 53',
        ),
        ("flow", "it names no class; add resource_class: medium to line 54"),
        ("test-nightly", "that is how a workflow, line 59, names the job test"),
        ("node/lint", "it is a job of an orb, line 61"),
        ("test-3.12", "no job of this file has that name; a matrix or an orb may have made it"),
    ],
)
def test_what_one_line_does_not_change_is_named_and_not_guessed(tmp_path: Path, job: str, why: str) -> None:
    assert made(tmp_path, to_medium(job)) == ("", [f"{job} (large to medium): {why}."])


def test_a_file_of_another_branch_is_not_changed(tmp_path: Path) -> None:
    diff, (sentence,) = made(tmp_path, Move("test", "xlarge", "large"))
    assert diff == ""
    assert "line 20 says large, and its runs had xlarge" in sentence


def test_line_ends_of_windows_and_a_missing_last_one_stay(tmp_path: Path) -> None:
    text = "version: 2.1\r\njobs:\r\n  test:\r\n    steps: [checkout]\r\n    resource_class: large"
    diff, _ = made(tmp_path, to_medium("test"), text=text)
    assert diff.endswith(
        "     steps: [checkout]\r\n-    resource_class: large\n\\ No newline at end of file\n"
        "+    resource_class: medium\n\\ No newline at end of file\n"
    )
    bare = "version: 2.1\r\njobs:\r\n  test:\r\n    steps: [checkout]\r\n"
    assert "+    resource_class: medium\r\n" in made(tmp_path, to_medium("test"), text=bare)[0]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("version: 2\njobs: {}", r"is of version 2; only 2\.1 is understood"),
        ("jobs: {}", r"is of version \(none\)"),
        ("- a list", "is no configuration of CircleCI"),
        ("", "is no configuration of CircleCI"),
        ("version: 2.1\njobs: {a: [}", r"line 2, is not valid YAML"),
        ("version: 2.1\n---\nversion: 2.1", "is not valid YAML"),
        ("version: 2.1\njobs: *nothing", "line 2, is not valid YAML"),
        ("version: 2.1\nx: " + "[" * 20_000, "nested too deeply|not valid YAML"),
    ],
)
def test_another_file_is_refused_with_a_sentence(tmp_path: Path, text: str, why: str) -> None:
    with pytest.raises(ConfigurationError, match=why):
        made(tmp_path, to_medium("test"), text=text)


def test_a_missing_file_is_refused_with_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"is not there; name your \.circleci/config\.yml"):
        read_circleci_config(tmp_path / "config.yml")


def test_objects_of_python_are_not_built(tmp_path: Path) -> None:
    text = (
        "version: 2.1\nx: !!python/object/apply:os.system ['touch made']\njobs:\n  test:\n    resource_class: large\n"
    )
    assert "+    resource_class: medium" in made(tmp_path, to_medium("test"), text=text)[0]
    assert list(tmp_path.iterdir()) == [tmp_path / "config.yml"]


def test_a_line_that_other_jobs_use_by_an_anchor_is_named_and_not_changed(tmp_path: Path) -> None:
    text = (
        "version: 2.1\nbase: &base\n  executor: big\nfurther: &further\n  <<: *base\n"
        "executors:\n  big:\n    resource_class: large\n"
        "jobs:\n  build: &build\n    resource_class: large\n  same: *build\n"
        "  sized:\n    resource_class: &size large\n  sized-too:\n    resource_class: *size\n"
        "  nested:\n    <<: *further\n    steps: []\n"
    )
    diff, sentences = made(tmp_path, *map(to_medium, ("build", "same", "sized", "nested")), text=text)
    assert (diff, sentences) == (
        "",
        [
            "build (large to medium): its description, line 10, has an anchor that others use, too.",
            "same (large to medium): its description, line 10, has an anchor that others use, too.",
            "sized (large to medium): its class, line 14, has an anchor that others use, too.",
            "nested (large to medium): its class comes from the executor big, line 8, which nested uses.",
        ],
    )


def test_of_several_anchors_the_first_one_counts_with_what_it_merges(tmp_path: Path) -> None:
    text = (
        "version: 2.1\na: &a\n  resource_class: large\nb: &b\n  <<: *a\nc: &c\n  resource_class: small\n"
        "jobs:\n  test:\n    <<: [*b, *c]\n    steps: []\n"
    )
    (sentence,) = made(tmp_path, to_medium("test"), text=text)[1]
    assert "its class comes from an anchor, line 3, which others may share" in sentence


def test_two_classes_for_one_line_are_named_and_not_mixed(tmp_path: Path) -> None:
    moves = (Move("test", "large", "medium"), Move("test", "large", "medium+"), Move("bare", "large", "medium"))
    diff, sentences = made(tmp_path, *moves, Move("bare", "medium", "small"))
    assert diff == ""
    assert len(sentences) == len(moves) + 1
    assert sentences[0] == (
        "test (large to medium): its runs want several classes, and line 20 gives them one; decide which."
    )


def test_a_class_that_is_written_with_escapes_is_named(tmp_path: Path) -> None:
    text = 'version: 2.1\njobs:\n  test:\n    resource_class: "l\\x61rge"\n'
    assert made(tmp_path, to_medium("test"), text=text) == (
        "",
        ["test (large to medium): line 4 writes the class with escapes."],
    )
