"""Syntax: text in, syntax tree out; lexer, LALR tables, parser, error recovery and its messages."""
