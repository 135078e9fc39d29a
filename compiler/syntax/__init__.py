"""Text in, syntax tree out: lexer, LALR tables, parser, recovery from errors and their words."""
