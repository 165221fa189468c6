"""The owner of a folder by a CODEOWNERS file, checked against the documented rules of GitHub and GitLab."""

import re
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circleci_cost.model.allocation.codeowners import read_owners
from circleci_cost.model.allocation.codeowners_github import github_pattern, read_github
from circleci_cost.model.allocation.codeowners_gitlab import gitlab_pattern, read_gitlab
from circleci_cost.model.allocation.codeowners_patterns import Pattern, fits_file
from circleci_cost.model.allocation.definition import Dialect, VirtualTag
from circleci_cost.model.allocation.plan import Plan
from circleci_cost.model.allocation.planning import prepare

DATA = Path(__file__).parents[2] / "data"
ANY = "any/where/x.py"
# A pattern, files that it fits, files that it does not fit.
GITHUB = [
    ("*", ["a", ANY], []),
    ("/*", ["a", ".env"], ["docs/a", ANY]),
    ("**", ["a", ANY], []),
    ("*.js", ["a.js", "web/src/a.js", "x.js/b"], ["a.jsx", "js"]),
    ("docs/*", ["docs/start.md", "docs/.hidden"], ["docs/app/fix.md", "docs", "web/docs/start.md"]),
    ("/docs/*", ["docs/start.md"], ["docs/app/fix.md"]),
    ("docs/**", ["docs/a", "docs/app/fix.md"], ["docs", "web/docs/a"]),
    ("docs/*.md", ["docs/a.md"], ["docs/app/a.md", "web/docs/a.md"]),
    ("apps/", ["apps/a", "web/apps/b/c"], ["apps", "web/apps"]),
    ("/apps/", ["apps/a", "apps/b/c"], ["web/apps/a", "apps"]),
    ("apps", ["apps", "apps/a", "web/apps", "web/apps/a"], ["apps2", "my-apps/a"]),
    ("/apps", ["apps", "apps/a"], ["web/apps"]),
    ("apps/web", ["apps/web", "apps/web/a/b"], ["apps/website", "old/apps/web"]),
    ("build/logs/", ["build/logs/a", "build/logs/b/c"], ["build/logs", "x/build/logs/a"]),
    ("**/logs", ["logs", "logs/a", "build/logs/a", "deeply/nested/logs"], ["logs2"]),
    ("a/**/z", ["a/z", "a/b/z", "a/b/c/z/y"], ["z", "x/a/z", "a/bz"]),
    ("a/**/z*.c", ["a/z.c", "a/b/z1.c"], ["a/b/y.c"]),
    ("/*/src", ["web/src/a", "web/src"], ["src", "web/api/src"]),
    ("l?g", ["log", "a/lug"], ["lg", "loog", "l/g"]),
    (r"l\?g", ["l?g"], ["log"]),
    (r"l\*g", ["l*g"], ["loooog"]),
    (r"with\ space/", ["with space/a"], ["with/a"]),
    (r"/app/\[slug\]/", ["app/[slug]/page.tsx"], ["app/s/page.tsx"]),
    ("f**o", ["fo", "fxxo", "fxo/a"], ["f/o"]),
    ("Docs/", ["Docs/a"], ["docs/a"]),
    ("données/", ["données/ü"], ["donnees/ü"]),
]
GITLAB = [
    ("*", ["a", ANY], []),
    ("/*", ["a"], ["docs/a"]),
    ("/README.md", ["README.md"], ["docs/README.md"]),
    ("README.md", ["README.md", "app/lib/README.md"], ["README.md/x"]),
    ("internal/README.md", ["internal/README.md", "docs/api/internal/README.md"], ["README.md"]),
    ("/docs/", ["docs/a", "docs/b/c"], ["docs", "web/docs/a"]),
    ("docs/", ["docs/a", "web/docs/b/c"], ["docs"]),
    ("/docs", ["docs"], ["docs/a"]),
    ("/docs/*", ["docs/index.md"], ["docs/projects/index.md"]),
    ("/docs/**", ["docs/index.md"], ["docs/projects/index.md"]),
    ("/docs/**/*", ["docs/index.md", "docs/projects/index.md"], ["docs"]),
    ("/docs/*.md", ["docs/a.md"], ["docs/b/a.md"]),
    ("/docs/index.*", ["docs/index.md", "docs/index.xml"], ["docs/index"]),
    ("/docs/*spec*", ["docs/qa_specs.rb", "docs/runtime.spec"], ["docs/a/spec"]),
    ("/docs/*/README.md", ["docs/api/README.md"], ["docs/README.md", "docs/a/b/README.md"]),
    ("/docs/**/index.md", ["docs/index.md", "docs/api/index.md", "docs/api/graphql/index.md"], ["index.md"]),
    ("/a/[b-d]x", ["a/bx", "a/dx"], ["a/ex", "a/[b-d]x"]),
    ("/a/[!b-d]x", ["a/ex"], ["a/cx"]),
    ("/a[b", ["a[b"], ["ab"]),
    (r"\#file.rb", ["#file.rb"], ["file.rb"]),
    (r"path\ with\ spaces/", ["path with spaces/a"], ["path/a"]),
]


@pytest.mark.parametrize(("written", "fitting", "others"), GITHUB)
def test_a_pattern_fits_files_as_on_github(written: str, fitting: list[str], others: list[str]) -> None:
    pattern = github_pattern(written)
    assert [path for path in [*fitting, *others] if fits_file(pattern, path)] == fitting


@pytest.mark.parametrize(("written", "fitting", "others"), GITLAB)
def test_a_pattern_fits_files_as_on_gitlab(written: str, fitting: list[str], others: list[str]) -> None:
    pattern = gitlab_pattern(written)
    assert [path for path in [*fitting, *others] if fits_file(pattern, path)] == fitting


def owner(text: str, folder: str, dialect: str = "github") -> str | None:
    """The owner of a folder, with its `@`."""
    owner = (read_gitlab if dialect == "gitlab" else read_github)(text).owner(folder)
    return owner.name if owner else None


@pytest.mark.parametrize(
    ("lines", "folder", "expected"),
    [
        # The last line that fits all of the folder wins; lines about a part of it do not count.
        ("* @all\n/docs/ @docs\n/docs/* @root", "docs", "@docs"),
        ("* @all\n/services/* @direct", "services/api", "@all"),
        ("/docs/ @docs\n* @all", "docs", "@all"),
        ("* @all\n*.js @js\n/web/*.css @css", "web", "@all"),
        ("* @all\n?* @one-or-more\n?? @two", "", "@one-or-more"),
        ("/* @root", "", None),
        ("/services/api @api", "services/api", "@api"),
        ("/services/api @api", "services/api/deep", "@api"),
        ("/services/api/ @api", "services", None),
        ("services/ @any", "old/services", "@any"),
        # Nobody owns the path of a line without owners; a comment after it does not count.
        ("/apps/ @octocat\n/apps/github", "apps/github", None),
        ("/apps/ @octocat\n/apps/github", "apps", "@octocat"),
        ("/apps/ @octocat\n/apps/github # @nobody", "apps/github", None),
        ("*  @a  @b # comment\t@c\n#* @d", "x", "@a"),
        ("* docs@example.com", "x", "docs@example.com"),
        ("* @acme/web:random(2) @bob", "x", "@acme/web"),
        # Lines that GitHub cannot read are skipped as a whole.
        ("* @all\n!/docs/ @docs", "docs", "@all"),
        ("* @all\n/[ab]/ @ab", "a", "@all"),
        ("* @all\n[Docs] @docs\n^[Web] @web", "docs", "@all"),
        ("* @all\n* nobody @bob", "docs", "@all"),
        ("* @all\n* @a/b/c", "docs", "@all"),
        ("* @all\n\\#dir/ @x", "#dir", "@all"),
        ("* @all\n/ @x", "", "@all"),
        ("* @all\n/docs/*** @x", "docs", "@all"),
        ("* @all\r\n/docs/\t@docs\r\n", "docs", "@docs"),
    ],
)
def test_the_owner_of_a_folder_on_github(lines: str, folder: str, expected: str | None) -> None:
    assert owner(lines, folder) == expected


@pytest.mark.parametrize(
    ("lines", "folder", "expected"),
    [
        ("[Back End Team] @back\n/api/\n/web/ @web", "api", "@back"),
        ("[Back End Team] @back\n/api/\n/web/ @web", "web", "@web"),
        ("* @all\n[Back End]\n/api/ @api", "api", "@api"),
        ("[Approvals][2] @back @front\n/api/", "api", "@back"),
        # Sections of one name are one; each heading has its own default owners.
        ("[Docs] @a\n/x/\n[Web] @w\n/y/\n[DOCS] @b\n/x/", "x", "@b"),
        ("[Docs] @a\n/x/\n[Web] @w\n/y/\n[docs]\n/x/ @z", "y", "@w"),
        # A required section wins over an optional one; otherwise the last section wins.
        ("[Back] @back\n/api/\n^[Security] @security\n*", "api", "@back"),
        ("^[Security] @security\n*", "api", "@security"),
        ("[A] @a\n/x/\n^[B] @b\n/x/\n[b]\n/y/ @c", "x", "@b"),
        ("[A] @a\n*\n[B] @b\n*", "x", "@b"),
        # An exclusion takes a path out of its own section, wherever in the section it stands.
        ("* @all\n[Ruby] @ruby\n!/config/\n*", "config", "@all"),
        ("* @all\n!/vendor/\n/vendor/ @v", "vendor", None),
        ("* @all\n!/vendor/lib/", "vendor", "@all"),
        # Nobody owns a line without owners in a section without default owners.
        ("* @all\n/api/", "api", None),
        ("[Api]\n/api/", "api", None),
        ("* @@maintainers", "x", "@@maintainers"),
        ("* @group/sub/team", "x", "@group/sub/team"),
        ("* this is nobody jane@example.com @legal", "x", "jane@example.com"),
        ("* @@guest @legal", "x", "@legal"),
        ("* @legal # @comment", "x", "@legal"),
        ("*\n* # @comment", "x", "@comment"),
        ("/docs @docs", "docs", None),
        ("[Unclosed @x\n* @all", "x", "@all"),
    ],
)
def test_the_owner_of_a_folder_on_gitlab(lines: str, folder: str, expected: str | None) -> None:
    assert owner(lines, folder, "gitlab") == expected


def planned(folder: Path, content: str | bytes, file: str = "CODEOWNERS", **entry: Any) -> Plan:
    """The plan of a tag with this file."""
    path = folder / file
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    section = {"file": file, "project": "shop", **entry}
    return prepare([VirtualTag.model_validate({"name": "team", "codeowners": [section]})], lambda name: folder / name)


def value(plan: Plan) -> str | None:
    """The tag's value of the project."""
    rules = plan.tags[0].rules
    return rules[0].value if rules else None


@pytest.mark.parametrize(
    ("name", "path", "expected"),
    [
        ("gitlab_sections", "services/api", "@acme/backend"),
        ("gitlab_sections", "services/web", "@acme/web"),
        ("gitlab_sections", "/", "@acme/all"),
        ("gitlab_one_word_section", "/services/api/", "@acme/backend"),
        ("gitlab_one_word_section", "services/web", None),
    ],
)
def test_the_content_shows_that_a_file_is_gitlabs(tmp_path: Path, name: str, path: str, expected: str | None) -> None:
    plan = planned(tmp_path, (DATA / f"{name}.CODEOWNERS").read_bytes(), path=path)
    assert value(plan) == expected
    assert plan.readings == (f"{tmp_path / 'CODEOWNERS'} is read by the rules of GitLab",)


@pytest.mark.parametrize(
    ("content", "more", "expected"),
    [
        ("services/ @a\n[Web]\n/web/ @w", {"path": "old/services"}, "GitLab"),
        ("* @@developer", {}, "GitLab"),
        ("* @a/b/c", {}, "GitLab"),
        ("* @a", {"file": ".gitlab/CODEOWNERS"}, "GitLab"),
        ("* @a", {"file": ".github/CODEOWNERS"}, "GitHub"),
        ("* @a/b/c", {"dialect": "github"}, "GitHub"),
        ("* @a", {"dialect": "gitlab"}, "GitLab"),
        ("* @a\n[ab]*.md @docs", {}, "GitHub"),
        ("* @a # see [Web] @b/c/d\n# [Web]", {}, "GitHub"),
    ],
)
def test_key_content_and_folder_decide_whose_rules_hold(
    tmp_path: Path, content: str, more: dict[str, str], expected: str
) -> None:
    (reading,) = planned(tmp_path, content, **more).readings
    assert reading.endswith(f"is read by the rules of {expected}")


def test_a_file_that_gives_another_owner_on_gitlab_is_reported_as_ambiguous(tmp_path: Path) -> None:
    plan = planned(tmp_path, "* @all\n/services/api @api\n", path="services/api")
    assert value(plan) == "@api"
    assert plan.readings == (
        f"{tmp_path / 'CODEOWNERS'} is read by the rules of GitHub, as nothing in it shows its platform; by GitLab's "
        'rules @all (line 1) would own shop: write dialect = "github" or "gitlab" beside file',
    )


def test_skipped_lines_and_a_folder_without_owner_are_reported_with_file_and_line(tmp_path: Path) -> None:
    plan = planned(tmp_path, "/docs/* @docs\n!/docs/a @x\n/b[cd]/ @x\n/e/ nobody @x\n", path="docs", dialect="github")
    file = f"virtual tag team: {tmp_path / 'CODEOWNERS'}"
    assert value(plan) is None
    assert plan.warnings == (
        f"{file}, line 2: GitHub skips this line: ! takes nothing out there; write the path without owners instead.",
        f"{file}, line 3: GitHub skips this line: there are no ranges in [ ]; write a line for each.",
        f"{file}, line 4: GitHub skips this line: 'nobody' is no owner; write @user, @organization/team or an e-mail "
        "address.",
        f"{file} names no owner of docs (line 1 is about a part of it) for the project 'shop'; add a line for it, such "
        "as * @team.",
    )


def test_a_file_of_the_wrong_platform_is_reported_in_a_few_lines(tmp_path: Path) -> None:
    plan = planned(tmp_path, "* @all\n" + "!/x @y\n" * 900, dialect="github")
    assert value(plan) == "@all"
    assert len(plan.warnings) == 6
    assert plan.warnings[-1] == f"virtual tag team: {tmp_path / 'CODEOWNERS'}: 895 more lines like these."
    assert planned(tmp_path, "!/x @y\n" * 6, dialect="github").warnings[-2].endswith(": 1 more line like these.")


def test_words_that_are_no_owner_and_odd_headings_are_reported_on_gitlab(tmp_path: Path) -> None:
    plan = planned(tmp_path, "* mallory @a\n[Rr]eadme.md @b\n[] @c\n", dialect="gitlab")
    assert [warning.partition("CODEOWNERS, ")[2][:70] for warning in plan.warnings] == [
        "line 1: 'mallory' is no owner and is left out; write @user, @group/sub",
        "line 2: GitLab reads this as the heading of a section 'Rr'; write ? fo",
        "line 3: the section has no name; write one between the brackets.",
    ]


_NAMES = st.text("ab", min_size=1, max_size=3)
_WRITTEN = st.lists(st.sampled_from(["a", "b", "*", "?", "ab*", "*b*a", "**"]), min_size=1, max_size=4)


def _expression(pattern: list[str]) -> str:
    """The regular expression of an anchored GitHub pattern: an oracle that may be slow."""
    expression = ""
    for name in pattern:
        part = re.escape(name).replace(r"\*", "[^/]*").replace(r"\?", "[^/]")
        expression += "(?:[^/]+/)*" if name == "**" else f"{part.replace('[^/]*', '[^/]+') if name == '*' else part}/"
    if pattern[-1] == "**":
        return f"{expression.removesuffix('(?:[^/]+/)*')}(?:[^/]+/)+"
    return expression if pattern[-1] == "*" else f"{expression}(?:[^/]+/)*"


@given(pattern=_WRITTEN, path=st.lists(_NAMES, min_size=1, max_size=5))
def test_patterns_fit_what_their_regular_expression_fits(pattern: list[str], path: list[str]) -> None:
    expected = re.fullmatch(_expression(pattern), "/".join(path) + "/") is not None
    assert fits_file(github_pattern("/" + "/".join(pattern)), "/".join(path)) is expected


@given(text=st.text(st.sampled_from("*?[]!^\\/# @ab-\n\t\r\0é"), max_size=80), folder=st.text("ab/*", max_size=9))
def test_any_text_is_read_on_either_platform(text: str, folder: str) -> None:
    for read in (read_github, read_gitlab):
        owner = read(text).owner(folder.strip("/"))
        assert owner is None or "@" in owner.name


def _patterns(written: str) -> list[Pattern]:
    return [github_pattern(written), gitlab_pattern(written)]


@pytest.mark.parametrize(
    ("written", "path"),
    [
        ("*a" * 400 + "*b", "a" * 800),
        ("/" + "**/a/" * 400 + "b", "a/" * 800 + "a"),
        ("/" + "**/*a*/" * 300 + "b", "aaa/" * 300 + "a"),
        ("?" * 4000, "a" * 4000),
        ("[" * 4000, "[" * 4000),
    ],
)
def test_hostile_patterns_take_no_more_steps_than_both_lengths_multiplied(written: str, path: str) -> None:
    began = time.process_time()
    for pattern in _patterns(written):
        fits_file(pattern, path)
    # Backtracking would take longer than the age of the universe.
    assert time.process_time() - began < 5


def test_hostile_lines_of_a_file_are_read_in_linear_time() -> None:
    text = "\n".join(["\\" * 5000, "[" * 5000, "*" * 100_000, "a" * 5000 + " @" + "a.@" * 5000, "^" * 5000, " " * 9000])
    began = time.process_time()
    for read in (read_github, read_gitlab):
        assert read(text).owner("a") is None
    assert time.process_time() - began < 5


@pytest.mark.parametrize("dialect", ["github", "gitlab"])
def test_a_pattern_for_names_of_one_character_owns_no_folder(dialect: Dialect) -> None:
    text = "/web/? @one\n/web/?/ @one\n/web/?/** @one\n"
    assert read_owners(text, Path("CODEOWNERS"), dialect).file.owner("web") is None
