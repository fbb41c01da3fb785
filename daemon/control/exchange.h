// One request and its answer, between the transport and an endpoint. The endpoint answers once, now or later, or
// streams lines until it finishes; the transport looks at it when told to, and abandons it when the client goes away.
//   waiting → answered
//           → streaming → finished
// Loop thread only. The transport owns it; callbacks of the fleet hold a weak_ptr.
#pragma once

#include "control/problem.h"
#include "supervisor/operations.h"

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace mailmoor::control {

struct Answer {
  int status = 200; // HTTP
  std::string content_type = "application/json";
  std::string body{};
};

[[nodiscard]] Answer answer_from(const Problem& problem);

class Exchange final {
 public:
  // `wake` is called when there is something new to send and must not destroy this object at once.
  explicit Exchange(std::function<void()> wake) : wake_(std::move(wake)) {}
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  // The endpoint's side. What comes after the end is dropped.
  void answer(Answer answer);
  void answer(const Problem& problem) { this->answer(answer_from(problem)); }
  void answer_json(std::string json) { answer(Answer{.body = std::move(json)}); }
  void start_stream() noexcept { is_streaming_ = true; }
  void send_line(std::string_view line);
  void finish();
  // Keeps the operation alive for as long as the client is there.
  void hold(std::unique_ptr<supervisor::Subscription> subscription) { subscription_ = std::move(subscription); }

  // The transport's side.
  [[nodiscard]] bool is_streaming() const noexcept { return is_streaming_; }
  [[nodiscard]] const std::optional<Answer>& answered() const noexcept { return answer_; }
  [[nodiscard]] bool is_over() const noexcept { return is_finished_ || answer_.has_value(); }
  // Moves up to `size` bytes of the stream to `out`; returns how many.
  std::size_t take(char* out, std::size_t size);
  // Ends the operation that the client waits for and answers in its place. Does nothing when it is over.
  void abandon(const Problem& problem);

 private:
  std::function<void()> wake_;
  std::optional<Answer> answer_;
  std::string pending_; // not sent yet; a login has a handful of lines
  bool is_streaming_ = false;
  bool is_finished_ = false;
  std::unique_ptr<supervisor::Subscription> subscription_;
};

} // namespace mailmoor::control
