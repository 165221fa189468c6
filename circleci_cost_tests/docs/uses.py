"""What a function, a class or a file uses by name, and from where: so that a guide can be held against the code.

Which names a guide writes, and what they must come to, is `test_architecture`'s.
"""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
_WORD = re.compile(r"[\w/]+")
_Documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


@cache
def uses(path: str, name: str) -> frozenset[tuple[str, str]]:
    """The names that `name` in a file uses, or the whole file; each with the file or folder that it is imported from.

    That is the file itself for a name of its own, and empty for what only its owner tells: attributes, and words of
    texts such as SQL, also where a constant of the file holds them. Docstrings and comments use nothing.
    """
    text = (ROOT / path).read_text("utf-8")
    if not path.endswith(".py"):
        return frozenset(_words(text))
    module = ast.parse(text)
    imported = dict(_imports(module))
    texts = dict(_texts(module))
    found: set[tuple[str, str]] = set()
    for node in ast.walk(_defined(module, name) if name else module):
        match node:
            case ast.Constant(value=str(words)):
                found |= _words(words)
            case ast.Name(id=used):
                found.add(imported.get(used, (used, path)))
                found |= texts.get(used, set())
            case ast.Attribute(attr=used):
                found.add((used, ""))
            case ast.FunctionDef(name=used) | ast.AsyncFunctionDef(name=used) | ast.ClassDef(name=used):
                found.add((used, path))
            case ast.ImportFrom():
                found |= {imported[alias.asname or alias.name] for alias in node.names if node.module}
    return frozenset(found)


def _imports(module: ast.Module) -> Iterator[tuple[str, tuple[str, str]]]:
    for node in ast.walk(module):
        if isinstance(node, ast.ImportFrom) and node.module:
            origin = node.module.replace(".", "/")
            for alias in node.names:
                yield alias.asname or alias.name, (alias.name, origin if (ROOT / origin).is_dir() else f"{origin}.py")


def _texts(module: ast.Module) -> Iterator[tuple[str, set[tuple[str, str]]]]:
    """The constants of a file that are texts, with the words in them."""
    for node in module.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant | ast.Tuple):
            constants = [each.value for each in ast.walk(node.value) if isinstance(each, ast.Constant)]
            words = " ".join(each for each in constants if isinstance(each, str))
            yield from ((name, _words(words)) for name in _names(node))


def _words(text: str) -> set[tuple[str, str]]:
    return {(word, "") for word in _WORD.findall(text)}


def _defined(module: ast.Module, qualified: str) -> ast.AST:
    """The definition or the assignment of a name; without docstrings."""
    found: ast.AST = module
    for part in qualified.split("."):
        there = next((node for node in _below(found) if part in _names(node)), None)
        if there is None:
            raise LookupError(f"no {qualified} is defined there")
        found = there
    for node in ast.walk(found):
        if isinstance(node, _Documented) and ast.get_docstring(node) is not None:
            node.body = node.body[1:] or [ast.Pass()]
    return found


def _below(node: ast.AST) -> Iterator[ast.AST]:
    """What is defined directly in a node, also under an `if` or a `with`."""
    for each in ast.iter_child_nodes(node):
        if _names(each):
            yield each
        else:
            yield from _below(each)


def _names(node: ast.AST) -> set[str]:
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return {name}
        case ast.Assign(targets=targets):
            return {each.id for target in targets for each in ast.walk(target) if isinstance(each, ast.Name)}
        case ast.AnnAssign(target=ast.Name(id=name)):
            return {name}
    return set()
