#!/usr/bin/env python3
"""Include lines and link lines against the architecture table in house.py."""

import re
import unittest

import checking
import cpp_text
import house

# The C and POSIX headers in use; the C++ ones have neither "." nor "/".
SYSTEM = re.compile(r"(sys|netinet|arpa|linux|net)/\w+\.h|\w+\.h")
CPP = re.compile(r"[a-z_0-9]+")


def complaints_in(path: str, text: str) -> list[str]:
    room = house.room_of(path)
    if room not in house.ROOMS:
        return [f"{path}: daemon/{room} is not a room of the table"]
    out = []
    for include in cpp_text.read(text).includes:
        where = f"{path}:{include.line}: "
        if not include.system:
            target = include.path.split("/")[0]
            if "/" not in include.path or include.path.startswith("."):
                out.append(where + f'"{include.path}": include from daemon/, as "room/file.h"')
            elif target != room and target not in house.ROOMS[room]:
                out.append(where + f"{room} may not include {target} ({include.path})")
            elif include.path not in house.FACES.get((room, target), {include.path}):
                out.append(where + f"{room} sees {sorted(house.FACES[room, target])} of {target} only, not {include.path}")
            continue
        library = house.library_of(include.path)
        if library:
            if room not in house.LIBRARIES[library]:
                out.append(where + f"<{include.path}> belongs to {sorted(house.LIBRARIES[library])}, not to {room}")
        elif not CPP.fullmatch(include.path) and not SYSTEM.fullmatch(include.path):
            out.append(where + f"<{include.path}>: no library of the table; a new one is a decision (house.py)")
    return out


def room_lines(cmake: str) -> dict[str, tuple[set[str], set[str]]]:
    """Room → (rooms, libraries) as mailmoor_room(...) links them."""
    cmake = re.sub(r"#.*", "", cmake)
    out = {}
    for body in re.findall(r"^mailmoor_room\(([^)]*)\)", cmake, re.MULTILINE):
        words, lists, into = body.split(), {"ROOMS": set(), "LIBRARIES": set()}, None
        for word in words[1:]:
            if word in lists:
                into = lists[word]
            else:
                into.add(word)
        out[words[0]] = (lists["ROOMS"], lists["LIBRARIES"])
    return out


def link_complaints(cmake: str) -> list[str]:
    out = []
    lines = room_lines(cmake)
    table = {room: edges for room, edges in house.ROOMS.items() if room != "main"}
    for room in lines.keys() ^ table.keys():
        out.append(f"daemon/CMakeLists.txt: {room} is not both in mailmoor_room() lines and in the table")
    for room in sorted(lines.keys() & table.keys()):
        rooms, libraries = lines[room]
        for other in sorted(rooms - table[room]):
            out.append(f"daemon/CMakeLists.txt: {room} links {other}; the table has no such edge")
        for other in sorted(table[room] - rooms):
            out.append(f"daemon/CMakeLists.txt: {room} does not link {other}, which the table allows")
        for library in sorted(libraries):
            if library not in house.LINKED:
                out.append(f"daemon/CMakeLists.txt: {room} links {library}, a library that the table does not know")
            elif house.LINKED[library] and not any(room in house.LIBRARIES[header] for header in house.LINKED[library]):
                out.append(f"daemon/CMakeLists.txt: {room} links {library}, whose headers it may not include")
    return out


class SelfTest(unittest.TestCase):
    def test_allowed_edges_pass(self) -> None:
        text = '#include "net/stream.h"\n#include "runtime/task.h"\n#include <curl/curl.h>\n#include <span>\n#include <sys/un.h>\n'
        self.assertEqual(complaints_in("daemon/net/a.h", text), [])
        self.assertEqual(complaints_in("daemon/main.cpp", '#include "supervisor/fleet.h"\n#include <CLI/CLI.hpp>\n'), [])
        self.assertEqual(complaints_in("daemon/imap/a.h", '// #include "net/x.h"\n'), [])

    def test_other_edges_fail(self) -> None:
        for path, line, reason in [
            ("daemon/imap/a.cpp", '#include "net/stream.h"', "may not include"),
            ("daemon/util/a.h", ' #  include "model/uid.h"', "may not include"),
            ("daemon/net/a.h", '#include "stream.h"', "from daemon/"),
            ("daemon/net/a.h", '#include "../imap/framer.h"', "from daemon/"),
            ("daemon/imap/a.h", "#include <sqlite3.h>", "belongs to"),
            ("daemon/store/a.h", "#include <curl/easy.h>", "belongs to"),
            ("daemon/net/a.h", "#include <boost/asio.hpp>", "no library"),
            ("daemon/cli/a.h", '#include "control/server.h"', "only"),
            ("daemon/control/a.h", '#include "supervisor/fleet.h"', "only"),
            ("daemon/attic/a.h", "", "not a room"),
        ]:
            found = complaints_in(path, line + "\n")
            self.assertEqual(len(found), 1, (path, line, found))
            self.assertIn(reason, found[0])

    def test_link_lines_are_held_against_the_table(self) -> None:
        good = "\n".join(f"mailmoor_room({room} ROOMS {' '.join(sorted(to))})" for room, to in house.ROOMS.items() if room != "main")
        self.assertEqual(link_complaints(good), [])
        for damage, reason in [
            (("(net ROOMS", "(net ROOMS imap"), "no such edge"),
            (("(model ROOMS util)", "(model)"), "does not link"),
            (("(model ROOMS util)", "(model ROOMS util LIBRARIES PkgConfig::SQLITE)"), "may not include"),
            (("(model ROOMS util)", "(model ROOMS util LIBRARIES Qt::Core)"), "does not know"),
            (("mailmoor_room(model ROOMS util)", ""), "not both"),
        ]:
            bad = good.replace(*damage)
            self.assertNotEqual(bad, good)
            self.assertIn(reason, "".join(link_complaints(bad)))


def tree() -> list[str]:
    out = link_complaints((checking.ROOT / "daemon/CMakeLists.txt").read_text())
    for path in checking.daemon_files():
        out += complaints_in(checking.relative(path), path.read_text())
    return out


if __name__ == "__main__":
    checking.run(SelfTest, tree)
