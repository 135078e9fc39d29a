"""A child of another kind than the grammar has is an error that says which."""

import pytest
from lark import Token, Tree

from resnetc.compiler.syntax.parse_tree import as_token, as_tree, children, rule_of


def test_trees_and_tokens_are_what_the_grammar_has() -> None:
    token = Token("NAME", "conv")
    tree: Tree[Token] = Tree("name", [token])
    assert as_token(token) is token and as_tree(tree) is tree
    assert list(children(tree)) == [token] and rule_of(tree) == "name"


@pytest.mark.parametrize("child", [None, Token("NAME", "conv")])
def test_what_is_no_tree_is_refused(child: Token | None) -> None:
    with pytest.raises(TypeError, match="^the grammar has a tree here, not "):
        as_tree(child)


@pytest.mark.parametrize("child", [None, Tree[Token]("name", [])])
def test_what_is_no_token_is_refused(child: "Tree[Token] | None") -> None:
    with pytest.raises(TypeError, match="^the grammar has a token here, not "):
        as_token(child)
