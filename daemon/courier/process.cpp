#include "courier/process.h"

#include "courier/service.h"
#include "log/log.h"
#include "net/curl_multi.h"
#include "util/concat.h"
#include "util/may_block.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace mailmoor::courier {
namespace {

constexpr int kSocket = 3;
constexpr int kJournal = 4;
constexpr const char* kProgram = "/proc/self/exe";

// What the courier may know of our environment, which may hold secrets (`{env: …}` in the configuration).
constexpr std::array<std::string_view, 15> kInherited = {
    "JOURNAL_STREAM",  "SSL_CERT_FILE", "SSL_CERT_DIR", "OPENSSL_CONF", "RES_OPTIONS", "LOCALDOMAIN",
    "HOSTALIASES",     "LANG",          "LC_ALL",       "TZ",           "PATH",        "LD_PRELOAD",
    "LD_LIBRARY_PATH", "ASAN_OPTIONS",  "UBSAN_OPTIONS"};

[[nodiscard]] std::vector<char*> inherited_environment() {
  std::vector<char*> out;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view variable(*entry);
    if (std::ranges::find(kInherited, variable.substr(0, variable.find('='))) != kInherited.end())
      out.push_back(*entry);
  }
  out.push_back(nullptr);
  return out;
}

[[nodiscard]] std::unexpected<Error> not_started(std::string_view doing, int cause) {
  return fail(ErrorKind::kHost, "courier_unavailable",
              concat("the courier cannot be started: ", doing, ": ", errno_text(cause)));
}

class SpawnActions final {
 public:
  SpawnActions() { posix_spawn_file_actions_init(&actions); }
  SpawnActions(const SpawnActions&) = delete;
  SpawnActions& operator=(const SpawnActions&) = delete;
  ~SpawnActions() { posix_spawn_file_actions_destroy(&actions); }
  posix_spawn_file_actions_t actions{};
};

class SpawnAttributes final {
 public:
  SpawnAttributes() {
    posix_spawnattr_init(&attributes);
    sigset_t all;
    sigfillset(&all);
    posix_spawnattr_setsigdefault(&attributes, &all);
    sigset_t blocked;
    sigemptyset(&blocked);
    for (const int number : {SIGTERM, SIGINT, SIGHUP})
      sigaddset(&blocked, number);
    posix_spawnattr_setsigmask(&attributes, &blocked);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
  }
  SpawnAttributes(const SpawnAttributes&) = delete;
  SpawnAttributes& operator=(const SpawnAttributes&) = delete;
  ~SpawnAttributes() { posix_spawnattr_destroy(&attributes); }
  posix_spawnattr_t attributes{};
};

[[nodiscard]] bool is_kind(int fd, mode_t kind) {
  struct stat file{};
  return ::fstat(fd, &file) == 0 && (file.st_mode & S_IFMT) == kind;
}

} // namespace

Result<Spawned> spawn_blocking(int journal, const std::string& log_level) {
  assert_may_block();
  std::array<int, 2> pair{-1, -1};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair.data()) != 0)
    return not_started("socketpair", errno);
  UniqueFd ours(pair[0]);
  const UniqueFd theirs(pair[1]);
  // Above the numbers that they get in the courier, or one would overwrite the other.
  const UniqueFd socket_source(::fcntl(theirs.get(), F_DUPFD_CLOEXEC, kJournal + 1));
  const UniqueFd journal_source(::fcntl(journal, F_DUPFD_CLOEXEC, kJournal + 1));
  if (!socket_source.is_open() || !journal_source.is_open()) return not_started("fcntl", errno);
  SpawnActions files;
  posix_spawn_file_actions_addopen(&files.actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&files.actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_adddup2(&files.actions, socket_source.get(), kSocket);
  posix_spawn_file_actions_adddup2(&files.actions, journal_source.get(), kJournal);
  posix_spawn_file_actions_addclosefrom_np(&files.actions, kJournal + 1);
  const SpawnAttributes how;
  std::string name = "mailmoord";
  std::string argument(kArgument);
  std::string level = log_level;
  const std::array<char*, 4> arguments = {name.data(), argument.data(), level.data(), nullptr};
  const std::vector<char*> environment = inherited_environment();
  Spawned spawned;
  const int error =
      ::posix_spawn(&spawned.pid, kProgram, &files.actions, &how.attributes, arguments.data(), environment.data());
  if (error != 0) return not_started(concat("executing ", kProgram), error);
  spawned.socket = std::move(ours);
  return spawned;
}

int run_process() {
  if (!is_kind(kSocket, S_IFSOCK) || !is_kind(kJournal, S_IFREG)) {
    log::write(log::Priority::kErr, {.event = "not_started"}, "a courier is started by mailmoord, by nobody else");
    return 2;
  }
  std::signal(SIGPIPE, SIG_IGN);
  net::initialise_curl();
  const runtime::SystemClock clock;
  runtime::Loop loop(clock);
  runtime::BlockingPool disk(loop, 1, "journal");
  net::CurlMulti curl(loop);
  net::HttpClient http(curl);
  Service service(loop, disk, http, UniqueFd(kSocket), store::ReplyJournal(UniqueFd(kJournal), "courier.journal"));
  service.start([&loop] { loop.stop(); });
  loop.run();
  return 0;
}

} // namespace mailmoor::courier
