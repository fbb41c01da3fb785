"""Statements and braces: which tokens make one statement, which braces are blocks, which initialise, which are lambdas.

A heuristic that knows the house style (clang-format, no macros with braces), not a C++ parser. Its self-test is in
check_coroutines.py.
"""

from dataclasses import dataclass, field

from cpp_text import Token

_CLOSERS = {")": "(", "]": "[", "}": "{"}
_HEADS = {"if", "while", "for", "switch", "constexpr", "catch"}
_BEFORE_BLOCK = {";", "}", "else", "do", "try", "noexcept", "const", "override", "final", "mutable"}
_TYPE_WORDS = {"namespace", "class", "struct", "union", "enum", "extern"}


@dataclass
class Lambda:
    line: int
    captures: bool
    is_coroutine: bool = False


@dataclass
class Statement:
    tokens: list[Token] = field(default_factory=list)
    init_braces: int = 0
    capturing_lambdas: int = 0

    def count(self, text: str) -> int:
        return sum(1 for token in self.tokens if token.kind != "string" and token.text == text)


@dataclass
class Function:
    first_line: int
    last_line: int


@dataclass
class Blocks:
    statements: list[Statement] = field(default_factory=list)
    lambdas: list[Lambda] = field(default_factory=list)
    functions: list[Function] = field(default_factory=list)  # outermost bodies only


@dataclass
class _Frame:
    kind: str  # "(", "[", "init", "block", "lambda", "type"
    open_at: int
    statement: Statement | None = None  # of the text inside a block
    lambda_: Lambda | None = None
    ends_statement: bool = False  # a "(" after if, while, …


def _match_brackets(tokens: list[Token]) -> dict[int, int]:
    """Index of each closing bracket to the index of its opening one."""
    stack, pairs = [], {}
    for index, token in enumerate(tokens):
        if token.kind != "punct":
            continue
        if token.text in "([{":
            stack.append(index)
        elif token.text in _CLOSERS and stack:
            pairs[index] = stack.pop()
    return pairs


def _lambda_intro(tokens: list[Token], pairs: dict[int, int], brace: int) -> tuple[int, int] | None:
    """The [ and ] of the lambda whose body opens at `brace`, or None."""
    at = brace - 1
    while at >= 0 and tokens[at].text in ("mutable", "noexcept", "constexpr", "static"):
        at -= 1
    if tokens[at].text != ")" and tokens[at].text != "]":  # perhaps a trailing return type
        arrow = at
        while arrow >= 0 and (tokens[arrow].kind == "name" or tokens[arrow].text in ("::", "<", ">", ",", "*", "&", "&&")):
            arrow -= 1
        if arrow < 1 or tokens[arrow].text != "->":
            return None
        at = arrow - 1
        while at >= 0 and tokens[at].text in ("mutable", "noexcept"):
            at -= 1
    if tokens[at].text == ")":
        at = pairs.get(at, 0) - 1
        if at >= 0 and tokens[at].text == ">":  # []<class T>(...)
            while at >= 0 and tokens[at].text != "<":
                at -= 1
            at -= 1
    if at < 0 or tokens[at].text != "]" or at not in pairs:
        return None
    opening = pairs[at]
    before = tokens[opening - 1] if opening > 0 else None
    if before and (before.kind in ("name", "string") and before.text not in ("return", "co_return", "co_await", "co_yield")
                   or before.text in (")", "]")):
        return None  # a subscript
    return opening, at


def _has_trailing_return(tokens: list[Token], brace: int) -> bool:
    at = brace - 1
    while at >= 0 and (tokens[at].kind == "name" or tokens[at].text in ("::", "<", ">", ",", "*", "&")):
        at -= 1
    return at >= 1 and tokens[at].text == "->" and tokens[at - 1].text in (")", "noexcept", "const")


def _brace_kind(tokens: list[Token], pairs: dict[int, int], brace: int, outer: str, statement: Statement) -> str:
    before = tokens[brace - 1] if brace > 0 else None
    if outer in ("(", "[", "init"):
        return "init"
    if any(token.text in _TYPE_WORDS for token in statement.tokens) and "(" not in (t.text for t in statement.tokens):
        if not any(token.text == "=" for token in statement.tokens):
            return "type"
    if before is None or before.text in _BEFORE_BLOCK or before.text in ("{", ":", ")"):
        return "block"
    return "block" if _has_trailing_return(tokens, brace) else "init"


def parse(tokens: list[Token]) -> Blocks:
    blocks = Blocks()
    pairs = _match_brackets(tokens)

    def fresh() -> Statement:
        statement = Statement()
        blocks.statements.append(statement)
        return statement

    stack = [_Frame("block", -1, fresh())]

    def current() -> Statement:
        return next(frame.statement for frame in reversed(stack) if frame.statement is not None)

    def renew() -> None:
        for frame in reversed(stack):
            if frame.statement is not None:
                frame.statement = fresh()
                return

    for index, token in enumerate(tokens):
        text = token.text if token.kind in ("punct", "name") else ""
        if text == "{":
            intro = _lambda_intro(tokens, pairs, index)
            kind = "lambda" if intro else _brace_kind(tokens, pairs, index, stack[-1].kind, current())
            if kind == "init":
                current().init_braces += 1
                stack.append(_Frame("init", index))
            elif kind == "lambda":
                captures = intro[1] > intro[0] + 1
                current().capturing_lambdas += captures
                found = Lambda(token.line, captures)
                blocks.lambdas.append(found)
                stack.append(_Frame("lambda", index, fresh(), found))
            else:
                stack.append(_Frame(kind, index, fresh()))
        elif text in ("(", "["):
            before = tokens[index - 1].text if index > 0 else ""
            stack.append(_Frame(text, index, ends_statement=text == "(" and before in _HEADS))
        elif text in _CLOSERS:
            current().tokens.append(token)
            frame = stack.pop() if len(stack) > 1 else stack[-1]
            if frame.kind in ("block", "type"):
                if frame.kind == "block" and all(outer.kind == "type" for outer in stack[1:]):
                    blocks.functions.append(Function(tokens[frame.open_at].line, token.line))
                renew()
            elif frame.ends_statement:
                renew()
            continue
        elif text == ";" and stack[-1].kind not in ("(", "[", "init"):
            current().tokens.append(token)
            renew()
            continue
        elif text in ("co_await", "co_return", "co_yield"):
            inner = next((frame for frame in reversed(stack) if frame.kind in ("lambda", "type")), None)
            if inner and inner.lambda_:
                inner.lambda_.is_coroutine = True
        current().tokens.append(token)
    return blocks
