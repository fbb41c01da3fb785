#!/usr/bin/env python3
"""How co_await may be written. g++ 12 destroys twice what is built with braces, captured by a lambda or chosen by ?: in
the statement of a co_await; and a lambda's captures die before its coroutine does (C++ Core Guidelines CP.51)."""

import unittest

import checking
import cpp_blocks
import cpp_text


def complaints_in(name: str, text: str) -> list[str]:
    blocks = cpp_blocks.parse(cpp_text.read(text).tokens)
    out = []
    for statement in blocks.statements:
        awaits = [token.line for token in statement.tokens if token.kind == "name" and token.text in ("co_await", "co_yield")]
        if not awaits:
            continue
        where = f"{name}:{awaits[0]}: "
        if len(awaits) > 1:
            out.append(where + "two co_await in one statement; give the first result a name")
        if statement.init_braces:
            out.append(where + "braces in a statement with co_await; name the object and std::move it")
        if statement.capturing_lambdas:
            out.append(where + "a capturing lambda in a statement with co_await; name it on a line of its own")
        if statement.count("?"):
            out.append(where + "?: in a statement with co_await; choose on a line of its own")
    for found in blocks.lambdas:
        if found.captures and found.is_coroutine:
            out.append(f"{name}:{found.line}: a coroutine in a capturing lambda; write a function with parameters by value")
    return out


GOOD = [
    "Task<int> f() { auto reply = co_await session.fetch(request); co_return reply; }",
    "Task<void> f() { Request request{1, 2}; co_await send(std::move(request)); }",
    "Task<void> f() { co_await g(); co_await h(); }",
    "Task<void> f() { if (co_await g()) { co_await h(); } else { co_await i(); } }",
    "Task<void> f() { if (auto r = co_await g(); !r) co_return Agg{1}; }",
    "Task<void> f() { while (co_await more()) { Agg a{1}; use(a ? b : c); } }",
    "Task<void> f() { for (const auto& x : list) co_await g(x); }",
    "auto f(int x) -> Task<void> { co_await g(x); }",
    "Task<void> C::f() const { co_await g(); }",
    "Task<void> C::f() noexcept { co_await g(); }",
    "struct A : B { int a{0}; Task<void> f() { co_await g(); } };",
    "namespace a::b { class C final : public D<E> { Task<void> f() { co_await g(); } }; }",
    "C::C() : a_(1), b_{2} { run(); } Task<void> f() { co_await g(); }",
    "Task<void> f() { const auto pick = [&x](int y) { return x ? y : 0; }; const int z = pick(1); co_await g(z); }",
    "Task<void> f() { co_await g([](int y) { return y; }); }",  # captures nothing
    "auto l = [](Owner& owner) -> Task<void> { co_await owner.g(); };",
    "void f() { pool.post([this] { run({1, 2}); }); }",
    '// co_await f({1}, co_await g())\nauto s = "co_await f({1}) ? co_await g()"; auto r = R"x(co_await f({}))x";',
    "Task<void> f() { switch (x) { case A: co_await g(); break; case B: { co_await h(); break; } } }",
    "Task<void> f() { do { co_await g(); } while (a ? b : c); }",
    "Task<void> f() { try { co_await g(); } catch (const E& e) { h(Agg{1}); } }",
    "enum class E { kA, kB }; Task<void> f() { co_await g(); }",
    "template <class T> requires C<T> Task<T> f(T t) { co_return co_await g(std::move(t)); }",
    "Task<void> f() { int n = 1'000'000; co_await g(n); }",
]
BAD = [
    ("Task<void> f() { co_await g(Agg{1}); }", "braces"),
    ("Task<void> f() { co_await g({1, 2}); }", "braces"),
    ("Task<void> f() { auto a = Agg{X{}, co_await g()}; }", "braces"),
    ("Task<void> f() { auto a{co_await g()}; }", "braces"),
    ("Task<void> f() { auto r = co_await g(\n    x,\n    Agg{.a = 1});\n}", "braces"),
    ("Task<void> f() { if (co_await g(Agg{1})) { h(); } }", "braces"),
    ("Task<void> f() { for (auto x : {co_await g()}) h(); }", "braces"),
    ("Task<void> f() { co_return Reply{co_await g()}; }", "braces"),
    ("Task<void> f() { h(co_await g(), co_await i()); }", "two"),
    ("Task<void> f() { auto x = co_await g() + co_await i(); }", "two"),
    ("Task<void> f() { co_await g(a ? *b : c()); }", "?:"),
    ("Task<void> f() { auto x = a ? co_await g() : h(); }", "?:"),
    ("Task<void> f() { co_await g([&x] { return x; }); }", "capturing lambda in"),
    ("Task<void> f() { co_await g([this](int y) mutable -> int { return y; }); }", "capturing lambda in"),
    ("Task<void> f() { co_await g([x = std::move(y)] { h(); }); }", "capturing lambda in"),
    ("auto l = [this]() -> Task<void> { co_await g(); };", "coroutine in"),
    ("void f() { start([&] { if (x) { for (;;) { co_return; } } }); }", "coroutine in"),
    ("auto l = [=]<class T>(T t) mutable -> Task<std::pair<int, T>> { co_yield t; };", "coroutine in"),
]


class SelfTest(unittest.TestCase):
    def test_good_snippets_pass(self) -> None:
        for text in GOOD:
            self.assertEqual(complaints_in("x", text), [], text)

    def test_bad_snippets_fail_for_their_reason(self) -> None:
        for text, reason in BAD:
            found = complaints_in("x", text)
            self.assertEqual(len(found), 1, (text, found))
            self.assertIn(reason, found[0], text)

    def test_line_is_that_of_the_await(self) -> None:
        self.assertTrue(complaints_in("x", "\n\nTask<void> f() {\n  co_await g({1});\n}")[0].startswith("x:4:"))

    def test_probe_is_caught(self) -> None:
        probe = checking.ROOT / "tests/architecture/coroutine_probe.cc"
        self.assertEqual(len(complaints_in("probe", probe.read_text())), 4)

    def test_function_lengths(self) -> None:
        text = "namespace a {\nclass C {\n void f() {\n  if (x) {\n  }\n }\n};\nvoid g() {}\n}"
        functions = cpp_blocks.parse(cpp_text.read(text).tokens).functions
        self.assertEqual([(f.first_line, f.last_line) for f in functions], [(3, 6), (8, 8)])


def tree() -> list[str]:
    files = checking.daemon_files() + [path for path in checking.test_files() if path.name != "coroutine_probe.cc"]
    return [c for path in files for c in complaints_in(checking.relative(path), path.read_text())]


if __name__ == "__main__":
    checking.run(SelfTest, tree)
