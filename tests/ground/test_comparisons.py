"""What must not be guessed is compared in constant time: `hmac.compare_digest`, by way of `hub.plugin.same_secret`."""

import ast
import re
from collections.abc import Iterator

import pytest

from .repository import modules

SECRET = re.compile(r"token|signature|secret|digest|hmac|password|passwd|mac\b|api_key|nonce", re.IGNORECASE)
PLACES = ("hub/web", "hub/plugin", "hub/store/links.py", "plugins")

# Compared with a constant of ours, which tells nothing of the secret.
PLAIN = (ast.Constant, ast.List, ast.Tuple, ast.Set, ast.Dict)

# Nobody outside gave either side.
OURS = {"self._token != refused": "both are our own: was it this one that the shop refused?"}


def column(node: ast.expr) -> bool:
    """`table.c.name`: the database compares, and what it is asked for is a hash."""
    return isinstance(node, ast.Attribute) and isinstance(node.value, ast.Attribute) and node.value.attr == "c"


def named(node: ast.expr) -> str:
    """The name that a value goes by, or nothing."""
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case ast.Call(func=function):
            return named(function)
        case ast.Subscript(value=ast.expr(), slice=ast.Constant(value=str(key))):
            return key
        case ast.Subscript(value=value) | ast.Await(value=value):
            return named(value)
    return ""


def leaking(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and text of every comparison that takes longer the more of a secret is right."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Compare):
            continue
        sides = [node.left, *node.comparators]
        exact = any(isinstance(each, ast.Eq | ast.NotEq) for each in node.ops)
        harmless = any(isinstance(each, PLAIN) or column(each) for each in sides)
        if exact and not harmless and any(SECRET.search(named(each)) for each in sides):
            yield node.lineno, ast.unparse(node)


def test_no_secret_is_compared_bit_by_bit() -> None:
    for path, tree in modules(*PLACES):
        if "sandbox" not in path.name:  # a fake guards nothing
            found = [each for each in leaking(tree) if each[1] not in OURS]
            assert not found, f"{path}:{found[0][0]}: {found[0][1]}; use hub.plugin.same_secret"


@pytest.mark.parametrize(
    "text", ["token == given", "request.signature != made", "digest(body) == claimed", "a == headers['x-hmac']"]
)
def test_such_a_comparison_is_found(text: str) -> None:
    assert list(leaking(ast.parse(text)))


@pytest.mark.parametrize(
    "text", ["token == ''", "same_secret(token, given)", "kind == 'token'", "links.c.token_hash == made"]
)
def test_others_are_let_be(text: str) -> None:
    assert not list(leaking(ast.parse(text)))
