#include "runtime/child_process.h"

#include "runtime/fd_watcher.h"
#include "runtime/uv_handle.h"
#include "runtime/wait.h"
#include "util/concat.h"
#include "util/unique_fd.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <linux/close_range.h>
#include <memory>
#include <optional>
#include <unistd.h>
#include <utility>

namespace mailmoor::runtime {
namespace {

// From SIGTERM to SIGKILL, and from there to giving up on a process that the kernel does not let die.
constexpr Duration kGrace = std::chrono::seconds(5);

struct Pipe {
  UniqueFd read;
  UniqueFd write;
};

[[nodiscard]] std::optional<Pipe> open_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return std::nullopt;
  return Pipe{UniqueFd(ends[0]), UniqueFd(ends[1])};
}

[[nodiscard]] bool set_non_blocking(const UniqueFd& fd) {
  return ::fcntl(fd.get(), F_SETFL, O_NONBLOCK) == 0;
}

[[nodiscard]] std::unexpected<Error> not_started(const std::string& program, std::string_view why) {
  return fail(ErrorKind::kOperator, "not_started", concat("cannot run ", program, ": ", why));
}

// One running program. Destroying it kills what still runs.
class Child final {
 public:
  Child(Loop& loop, ChildCommand& command) : loop_(loop), command_(command), ended_(loop) {}
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    if (process_ == nullptr) return;
    signal(SIGKILL);
    process_->owner = nullptr;
  }

  [[nodiscard]] Status start();
  [[nodiscard]] Event& ended() noexcept { return ended_; }
  // To the whole group.
  void signal(int number) const noexcept { ::kill(-pid_, number); }
  [[nodiscard]] ChildEnd end();

  bool ran_too_long = false;

 private:
  // Lives until its exit has been told and it is closed: libuv reaps what it watches only.
  struct Process {
    uv_process_t handle{};
    Child* owner = nullptr;
  };

  static void free_closed(uv_handle_t* closed) noexcept {
    const std::unique_ptr<Process> owner(reinterpret_cast<Process*>(closed));
  }
  [[nodiscard]] int spawn(int input, int output);
  void exited(std::int64_t status, int signal) noexcept;
  void feed();
  void take_output();
  void take_line(std::string_view line);

  Loop& loop_;
  ChildCommand& command_;
  Event ended_;
  Process* process_ = nullptr;
  int pid_ = 0;
  ChildEnd end_;
  std::string partial_;
  std::size_t lines_ = 0;
  std::size_t fed_ = 0;
  UniqueFd input_;
  UniqueFd output_;
  std::optional<FdWatcher> input_watch_;
  std::optional<FdWatcher> output_watch_;
};

Status Child::start() {
  const std::string& program = command_.argv.front();
  if (command_.input.size() > kMaxChildInput) return not_started(program, "its input is too large");
  auto input = open_pipe();
  auto output = open_pipe();
  if (!input || !output || !set_non_blocking(input->write) || !set_non_blocking(output->read))
    return not_started(program, errno_text(errno));
  // Whatever a library opened without it: a child gets none of our descriptors (P6).
  ::close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
  if (const int result = spawn(input->read.get(), output->write.get()); result < 0)
    return not_started(program, uv_strerror(result));
  input_ = std::move(input->write);
  output_ = std::move(output->read);
  input_watch_.emplace(loop_, input_.get());
  output_watch_.emplace(loop_, output_.get());
  output_watch_->watch(/*read=*/true, /*write=*/false, [this](bool, bool) { take_output(); });
  input_watch_->watch(/*read=*/false, /*write=*/true, [this](bool, bool) { feed(); });
  return {};
}

int Child::spawn(int input, int output) {
  const auto pointers = [](std::vector<std::string>& texts) {
    std::vector<char*> out;
    for (std::string& text : texts)
      out.push_back(text.data());
    out.push_back(nullptr);
    return out;
  };
  std::vector<char*> argv = pointers(command_.argv);
  std::vector<char*> environment = pointers(command_.environment);
  std::array<uv_stdio_container_t, 3> stdio{};
  for (std::size_t i = 0; i < stdio.size(); ++i) {
    stdio[i].flags = UV_INHERIT_FD;
    stdio[i].data.fd = i == 0 ? input : output;
  }
  auto process = std::make_unique<Process>();
  uv_process_options_t options{};
  options.file = argv.front();
  options.args = argv.data();
  options.env = environment.data();
  options.cwd = "/";
  options.flags = UV_PROCESS_DETACHED; // setsid(2): a group of its own
  options.stdio = stdio.data();
  options.stdio_count = static_cast<int>(stdio.size());
  options.exit_cb = [](uv_process_t* handle, std::int64_t status, int signal) noexcept {
    auto* const ended = reinterpret_cast<Process*>(handle);
    if (ended->owner != nullptr) ended->owner->exited(status, signal);
    uv_close(reinterpret_cast<uv_handle_t*>(handle), &free_closed);
  };
  process->owner = this;
  const int result = uv_spawn(loop_.uv(), &process->handle, &options);
  Process* const started = process.release();
  if (result < 0) {
    uv_close(reinterpret_cast<uv_handle_t*>(started), &free_closed);
    return result;
  }
  process_ = started;
  pid_ = uv_process_get_pid(&started->handle);
  return 0;
}

void Child::exited(std::int64_t status, int signal) noexcept {
  process_ = nullptr;
  end_.exit_status = static_cast<int>(status);
  end_.signal = signal;
  ended_.set();
}

// A child that does not read, or closed its end, is no fault.
void Child::feed() {
  const std::string_view left = std::string_view(command_.input).substr(fed_);
  const ssize_t count = left.empty() ? 0 : ::write(input_.get(), left.data(), left.size());
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (count > 0) fed_ += static_cast<std::size_t>(count);
  if (count >= 0 && fed_ < command_.input.size()) return;
  input_watch_.reset();
  input_ = UniqueFd();
}

void Child::take_output() {
  std::array<char, 4096> buffer{};
  const ssize_t count = ::read(output_.get(), buffer.data(), buffer.size());
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (count <= 0) {
    output_watch_.reset();
    return;
  }
  std::string_view text(buffer.data(), static_cast<std::size_t>(count));
  while (!text.empty()) {
    const std::size_t line_end = std::min(text.find('\n'), text.size());
    const std::size_t room = kMaxChildLine - std::min(partial_.size(), kMaxChildLine);
    partial_.append(text.substr(0, std::min(line_end, room)));
    if (line_end > room) end_.dropped += line_end - room;
    if (line_end < text.size()) take_line(std::exchange(partial_, {}));
    text.remove_prefix(std::min(line_end + 1, text.size()));
  }
}

void Child::take_line(std::string_view line) {
  if (line.empty()) return;
  if (++lines_ > kMaxChildLines) {
    end_.dropped += line.size();
  } else if (command_.on_line) {
    command_.on_line(line);
  }
}

ChildEnd Child::end() {
  // What it wrote before its end lies in the pipe; others who hold the other end are not waited for.
  for (int reads = 0; output_watch_ && reads < 64; ++reads) {
    const std::size_t before = partial_.size() + lines_ + end_.dropped;
    take_output();
    if (partial_.size() + lines_ + end_.dropped == before) break;
  }
  take_line(std::exchange(partial_, {}));
  end_.ran_too_long = ran_too_long;
  return end_;
}

} // namespace

std::string describe(const ChildEnd& end) {
  std::string text = end.ran_too_long ? "it ran longer than it may, " : "";
  if (end.signal != 0) return concat(text, "killed by signal ", end.signal, " (", strsignal(end.signal), ")");
  return concat(text, "exit status ", end.exit_status);
}

Task<Result<ChildEnd>> run_child(Loop& loop, ChildCommand command) {
  Child child(loop, command);
  const Status started = child.start();
  if (!started) co_return pass(started.error());
  const bool in_time = co_await child.ended().wait_for(command.limit);
  if (in_time) co_return child.end();
  child.ran_too_long = true;
  child.signal(SIGTERM);
  co_await child.ended().wait_for(kGrace);
  child.signal(SIGKILL); // those in its group, too
  const bool ended = co_await child.ended().wait_for(kGrace);
  if (!ended)
    co_return fail(ErrorKind::kOperator, "not_ended", concat(command.argv.front(), " does not end, not even killed"));
  co_return child.end();
}

} // namespace mailmoor::runtime
