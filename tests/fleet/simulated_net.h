// A network without sockets, for a whole fleet on a clock that is moved by hand. This program links
// tests/fleet/simulated_net.cpp in place of net/dialer.cpp, net/tls_stream.cpp and net/http_client.cpp, and
// tests/history/one_thread_pool.cpp in place of the threads: all that happens, happens on the loop and in one order,
// and an hour of a thousand mailboxes takes seconds. There is one network at a time, and no TLS: whoever dials is let
// in.
//
//   SimulatedNet net(loop);
//   net.accept = [&](const SharedLine& line) { line->on_input = …; line->say("* OK ready\r\n"); };
//   net.answer = [&](const net::HttpRequest& request) -> net::HttpAnswer {…};
//   net.fall_silent();        // every open line is dead without a word, and nothing new gets through
//   net.is_up = true;         // new lines get through again
#pragma once

#include "net/http_client.h"
#include "runtime/loop.h"
#include "runtime/wait.h"
#include "util/result.h"

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace mailmoor::testing {

// One connection, as the server holds it. What the server says arrives half a round trip later.
class Line final {
 public:
  Line(runtime::Loop& loop, runtime::Duration latency)
      : readable_(loop), latency_(latency), arrival_(loop, [this] { arrive(); }) {}

  std::function<void(std::string_view)> on_input; // bytes from the client
  std::function<void()> on_gone;                  // the client closed it, and the server sees that

  // `thinking`: how long the server takes for it, unless it is at work on something already.
  void say(std::string_view text, runtime::Duration thinking = {}) {
    if (closing_ || is_dead_) return;
    on_the_way_ += text;
    if (!arrival_.is_running()) arrival_.start_after(latency_ + thinking);
  }
  // After all that was said.
  void close() {
    closing_ = true;
    if (!is_dead_ && !arrival_.is_running()) arrival_.start_after(latency_);
  }
  [[nodiscard]] bool is_dead() const noexcept { return is_dead_; }
  // Nothing gets through any more, and neither end is told.
  void die() {
    is_dead_ = true;
    arrival_.stop();
  }

 private:
  friend class LineEnd;
  void arrive() {
    arrived_ += on_the_way_;
    on_the_way_.clear();
    is_closed_ = closing_;
    readable_.set();
  }

  std::string on_the_way_, arrived_; // to the client
  bool closing_ = false, is_closed_ = false, is_dead_ = false;
  runtime::Event readable_;
  runtime::Duration latency_;
  runtime::Timer arrival_;
};
using SharedLine = std::shared_ptr<Line>; // the client's stream and the server's session

class SimulatedNet final {
 public:
  explicit SimulatedNet(runtime::Loop& loop_in) : loop(loop_in) { current = this; }
  SimulatedNet(const SimulatedNet&) = delete;
  SimulatedNet& operator=(const SimulatedNet&) = delete;
  ~SimulatedNet() { current = nullptr; }

  std::function<void(const SharedLine&)> accept;
  std::function<net::HttpAnswer(const net::HttpRequest&)> answer;
  runtime::Duration latency = std::chrono::milliseconds(20); // one way
  bool is_up = true;                                         // false: no name is found
  std::size_t dials = 0;                                     // those in vain included

  void fall_silent() {
    is_up = false;
    for (const std::weak_ptr<Line>& line : lines)
      if (const SharedLine alive = line.lock()) alive->die();
    lines.clear();
  }

  runtime::Loop& loop;
  std::vector<std::weak_ptr<Line>> lines;
  inline static SimulatedNet* current = nullptr;
};

} // namespace mailmoor::testing
