"""C++ source as the checks see it: tokens without comments, the comments, and the include lines.

This is a tokenizer, no preprocessor: directives are taken out, both branches of an #if are looked at.
"""

import re
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Token:
    kind: str  # "name", "number", "string", "char" or "punct"
    text: str  # a string's text is its content, without quotes and prefix; escapes as written
    line: int


@dataclass(frozen=True)
class Include:
    path: str
    system: bool  # <...>
    line: int


@dataclass
class Source:
    tokens: list[Token] = field(default_factory=list)
    comments: list[tuple[int, str]] = field(default_factory=list)
    includes: list[Include] = field(default_factory=list)
    directives: list[tuple[int, str]] = field(default_factory=list)


_TOKEN = re.compile(
    r"""
    (?P<space>[ \t\r\n\v\f]+|\\\n)
  | (?P<line_comment>//(?:[^\n\\]|\\.|\\\n)*)
  | (?P<block_comment>/\*.*?\*/)
  | (?P<raw>(?:u8|[uUL])?R"(?P<delimiter>[^()\\ \t\n]{0,16})\((?P<raw_text>.*?)\)(?P=delimiter)")
  | (?P<string>(?:u8|[uUL])?"(?P<string_text>(?:[^"\\\n]|\\.)*)")
  | (?P<char>(?:u8|[uUL])?'(?:[^'\\\n]|\\.)+')
  | (?P<number>\.?[0-9](?:[eEpP][+-]|'(?=[0-9A-Za-z_])|[0-9A-Za-z_.])*)
  | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
  | (?P<punct>::|->\*?|<=>|\.\.\.|&&|\|\||[=!]=|\+\+|--|[-+*/%&|^]=|.)
    """,
    re.VERBOSE | re.DOTALL,
)
_DIRECTIVE = re.compile(r"[ \t]*#(?:[^\n\\]|\\\n|\\.)*")
_INCLUDE = re.compile(r'[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]')


def read(text: str) -> Source:
    source = Source()
    at, line, line_start = 0, 1, True
    while at < len(text):
        directive = _DIRECTIVE.match(text, at) if line_start else None
        if directive:
            # A comment may follow on the same line; it stays part of the directive.
            body = directive.group()
            include = _INCLUDE.match(body)
            if include:
                source.includes.append(Include(include.group(2), include.group(1) == "<", line))
            source.directives.append((line, body.strip()))
            at, line, line_start = directive.end(), line + body.count("\n"), False
            continue
        match = _TOKEN.match(text, at)
        kind, piece = match.lastgroup, match.group()
        if match.group("raw") is not None:
            source.tokens.append(Token("string", match.group("raw_text"), line))
        elif match.group("string") is not None:
            source.tokens.append(Token("string", match.group("string_text"), line))
        elif kind in ("line_comment", "block_comment"):
            source.comments.append((line, piece))
        elif kind != "space":
            source.tokens.append(Token(kind, piece, line))
        if kind == "space":
            line_start = line_start or "\n" in piece
        elif kind != "block_comment":
            line_start = False
        line += piece.count("\n")
        at = match.end()
    return source
