// An order whose answer is a stream of lines, of which the last one says how it ended: doctor, verify. And the
// mailboxes that such orders go to, one after the other, so that the lines of one stay together.
#pragma once

#include "cli/commands.h"

#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace mailmoor::cli {

class StreamedOrder {
 public:
  // `path`: what to post. `what`: for people, e.g. "the examination".
  StreamedOrder(const Context& context, std::string path, std::string_view what)
      : context_(context), path_(std::move(path)), what_(what) {}
  StreamedOrder(const StreamedOrder&) = delete;
  StreamedOrder& operator=(const StreamedOrder&) = delete;
  virtual ~StreamedOrder() = default;

  // Returns when it has ended.
  [[nodiscard]] Exit run();

 protected:
  // Not called any more after end().
  virtual void on_line(std::string_view line) = 0;
  // Before anything is said of an end that no line has told.
  virtual void on_broken_off() {}
  void end(Exit exit);
  void worsen(Exit exit) { worst_ = worse(worst_, exit); }
  [[nodiscard]] const Context& context() const noexcept { return context_; }

 private:
  void on_end(const Answer& answer);

  const Context& context_;
  std::string path_;
  std::string_view what_;
  bool ended_ = false;
  Exit worst_ = Exit::kDone;
};

// Those that were named, or all.
[[nodiscard]] std::expected<std::vector<std::string>, control::Problem> named_mailboxes(const Context& context);

} // namespace mailmoor::cli
