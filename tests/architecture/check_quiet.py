#!/usr/bin/env python3
"""The quiet rooms know no socket, clock, thread, environment, database or log sink; and nothing that the daemon sends
can change a mailbox on the server (P3)."""

import re
import unittest

import checking
import cpp_text
import house

# What a quiet room does not include. Libraries are check_edges.py's matter.
LOUD_HEADERS = re.compile(
    r"(sys|netinet|arpa|linux|net)/.*|(unistd|fcntl|poll|netdb|signal|pthread|dirent|syslog|termios)\.h|csignal"
    r"|thread|mutex|shared_mutex|condition_variable|future|atomic|semaphore|latch|barrier|stop_token"
    r"|random|fstream|iostream|filesystem")
# Names of the clock, the environment and the system that need no header of their own, when called.
LOUD_CALLS = {"now", "time", "gettimeofday", "clock_gettime", "getenv", "secure_getenv", "setenv", "socket", "connect", "getaddrinfo",
              "fopen", "open", "system", "popen", "fork", "rand", "getrandom", "sleep", "usleep", "nanosleep", "printf", "fprintf",
              "puts"}

# P3: IMAP commands that change something, and SELECT, which opens a folder for writing and clears \Recent.
WRITING = re.compile(r"(?<![A-Za-z-])(STORE|EXPUNGE|MOVE|COPY|APPEND|DELETE|RENAME|SELECT|CREATE|SETACL|SETMETADATA|REPLACE)(?![A-Za-z-])")
WRITING_ROOMS = {"imap", "mailbox", "sync"}
# (file, literal) → why it is no command.
HEARD: dict[tuple[str, str], str] = {
    ("daemon/imap/response_parser.cpp", "EXPUNGE"): "the server's word: * 3 EXPUNGE",
}


def loud(path: str, text: str) -> list[str]:
    if house.room_of(path) not in house.QUIET or path in house.PORTS:
        return []
    source = cpp_text.read(text)
    out = []
    for include in source.includes:
        if include.system and LOUD_HEADERS.fullmatch(include.path):
            out.append(f"{path}:{include.line}: <{include.path}> in a quiet room")
    for before, token, after in zip([None, *source.tokens], source.tokens, source.tokens[1:]):
        if token.kind != "name" or token.text not in LOUD_CALLS or after.text != "(":
            continue
        # x.open(…), x->time(…) and declarations such as "UnixTime time(" are other things; std::chrono::…::now( is not.
        declares = before and (before.kind == "name" and before.text not in ("return", "co_return", "else", "do") or before.text in ("*", "&", ">"))
        if before and before.text in (".", "->") or declares:
            continue
        out.append(f"{path}:{token.line}: {token.text}() in a quiet room; pass the value in")
    return out


def writing(path: str, text: str, heard: set[tuple[str, str]]) -> list[str]:
    if house.room_of(path) not in WRITING_ROOMS:
        return []
    out = []
    for token in cpp_text.read(text).tokens:
        word = WRITING.search(token.text) if token.kind == "string" else None
        if word and (path, token.text) in HEARD:
            heard.add((path, token.text))
        elif word:
            out.append(f'{path}:{token.line}: "{token.text}": Mailmoor never sends {word.group()} (P3)')
    return out


class SelfTest(unittest.TestCase):
    def test_quiet_code_passes(self) -> None:
        text = ('#include <string>\n#include "util/result.h"\n// std::thread, now()\n'
                'UnixTime time(int x); auto t = clock_.now(); int now = 1; auto s = "getenv(";')
        self.assertEqual(loud("daemon/sync/a.cpp", text), [])
        self.assertEqual(loud("daemon/net/a.cpp", "#include <thread>\nint x = ::time(nullptr);"), [])

    def test_noise_is_heard(self) -> None:
        for text in ["#include <thread>\n", "#include <sys/socket.h>\n", "#include <mutex>\n", "#include <random>\n",
                     "auto t = std::chrono::system_clock::now();", "auto t = time(nullptr);", "auto t = ::time(nullptr);",
                     'auto e = std::getenv("HOME");', "if (x) return socket(1, 2, 3);", 'std::printf("x");']:
            self.assertEqual(len(loud("daemon/sync/a.cpp", text)), 1, text)

    def test_ports_exist(self) -> None:
        for path in house.PORTS:
            self.assertTrue((checking.ROOT / path).exists(), path)

    def test_reading_commands_pass(self) -> None:
        for literal in ["EXAMINE ", "UID FETCH ", "STATUS", "\\\\Noselect", "RESTORE", "the store is full", "COPYUID", "COMPRESS DEFLATE"]:
            self.assertEqual(writing("daemon/imap/a.cpp", f'auto s = "{literal}"; // STORE', set()), [], literal)
        self.assertEqual(writing("daemon/store/a.cpp", 'auto s = "DELETE FROM folder";', set()), [])

    def test_writing_commands_are_found(self) -> None:
        for literal in ["UID STORE ", "EXPUNGE", "A1 MOVE 1 x", "UID COPY", "APPEND ", "DELETE ", "RENAME ", "SELECT ", "SELECT", " SELECT"]:
            self.assertEqual(len(writing("daemon/mailbox/a.cpp", f'auto s = "{literal}";', set())), 1, literal)
        self.assertEqual(len(writing("daemon/imap/a.cpp", 'auto s = R"x(UID STORE)x";', set())), 1)


def tree() -> list[str]:
    out, heard = [], set()
    for path in checking.daemon_files():
        name, text = checking.relative(path), path.read_text()
        out += loud(name, text) + writing(name, text, heard)
    return out + [f'{path}: "{literal}" is excused in check_quiet.py but is not there' for path, literal in HEARD.keys() - heard]


if __name__ == "__main__":
    checking.run(SelfTest, tree)
