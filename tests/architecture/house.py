"""The architecture table: the rooms, who may include whom, and which library's headers belong where. A new edge is a
decision, made here and in daemon/CMakeLists.txt."""

# A room may include itself and these.
ROOMS: dict[str, set[str]] = {
    "util": set(),
    "model": {"util"},
    "imap": {"model", "util"},
    "oauth": {"model", "util"},
    "sync": {"model", "util"},
    "maildir": {"model", "util"},
    "runtime": {"util"},
    "net": {"runtime", "util"},
    "store": {"model", "util"},
    "log": {"util"},
    "config": {"model", "util"},
    "courier": {"net", "store", "runtime", "log", "util"},
    "mailbox": {"courier", "sync", "imap", "oauth", "maildir", "net", "store", "runtime", "log", "model", "util"},
    "supervisor": {"mailbox", "courier", "store", "config", "net", "oauth", "runtime", "log", "model", "util"},
    "control": {"supervisor", "runtime", "log", "model", "util"},
    "cli": {"control", "config", "store", "model", "util"},
    "main": {"cli", "control", "supervisor", "mailbox", "courier", "sync", "imap", "oauth", "maildir", "net", "store", "runtime", "log",
             "config", "model", "util"},
}

# Some rooms show one face only: (from, to) → the headers that may cross.
FACES: dict[tuple[str, str], set[str]] = {
    ("control", "supervisor"): {"supervisor/operations.h"},
    ("cli", "control"): {"control/wire.h", "control/problem.h"},
    ("cli", "store"): {"store/key_rotation.h"},  # offline: no daemon is there to do it
}

# Bytes and values in, values and bytes out.
QUIET = {"imap", "oauth", "sync", "maildir", "model", "util"}

# Files of quiet rooms that touch the system all the same, and why.
PORTS: dict[str, str] = {
    "daemon/maildir/posix_file_ops.cpp": "the one port of maildir: FileOps over POSIX",
    "daemon/maildir/posix_file_ops.h": "its header: what several threads share of a file system",
    "daemon/maildir/gate.h": "one thread may end what another one delivers",
    "daemon/util/unique_fd.h": "owns a descriptor: close()",
    "daemon/util/durable.cpp": "blocking file calls that store, log and cli share",
    "daemon/util/secret_file.cpp": "blocking file calls that config, store and cli share",
    "daemon/util/key_file.cpp": "blocking file calls that store and cli share",
    "daemon/util/secret_memory.cpp": "maps and locks the pages of Secret, for all threads",
}

# Header prefix → the rooms that may include it. A library that is not here is not used.
LIBRARIES: dict[str, set[str]] = {
    "sqlite3.h": {"store"},
    "uv.h": {"runtime"},
    "curl/": {"net", "cli"},
    "openssl/": {"net", "store", "oauth", "maildir"},
    "zlib.h": {"net"},
    "spdlog/": {"log"},
    "fmt/": {"log"},
    "systemd/sd-journal.h": {"log"},
    "systemd/sd-daemon.h": {"supervisor", "main"},
    "yaml-cpp/": {"config"},
    "microhttpd.h": {"cli", "control"},
    "CLI/": {"cli", "main"},
    "nlohmann/": {"oauth", "supervisor", "control", "cli"},
}

# CMake target → the header prefixes that it stands for.
LINKED: dict[str, set[str]] = {
    "nlohmann_json::nlohmann_json": {"nlohmann/"},
    "PkgConfig::LIBUV": {"uv.h"},
    "Threads::Threads": set(),
    "CURL::libcurl": {"curl/"},
    "OpenSSL::SSL": {"openssl/"},
    "OpenSSL::Crypto": {"openssl/"},
    "ZLIB::ZLIB": {"zlib.h"},
    "PkgConfig::SQLITE": {"sqlite3.h"},
    "PkgConfig::SYSTEMD": {"systemd/sd-journal.h", "systemd/sd-daemon.h"},
    "spdlog::spdlog": {"spdlog/", "fmt/"},
    "yaml-cpp": {"yaml-cpp/"},
    "PkgConfig::MICROHTTPD": {"microhttpd.h"},
    "CLI11::CLI11": {"CLI/"},
}


def room_of(path: str) -> str:
    """The room of "daemon/net/dialer.h"; "main" for the composition root."""
    parts = path.split("/")
    return parts[1] if len(parts) > 2 else "main"


def library_of(header: str) -> str | None:
    """The key of LIBRARIES that covers <header>; None for the standard library and the system."""
    return next((prefix for prefix in LIBRARIES if header == prefix or prefix.endswith("/") and header.startswith(prefix)), None)
