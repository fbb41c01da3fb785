// What a mailbox may fetch now: the pace that its server puts up with, and the bytes that its configuration grants for
// a day. The fetch pipeline asks it before each command. Owned by the mailbox. Loop thread only.
#pragma once

#include "mailbox/byte_budget.h"
#include "mailbox/pace.h"
#include "mailbox/services.h"
#include "model/downloads.h"

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>

namespace mailmoor::mailbox {

class FetchAllowance final {
 public:
  FetchAllowance(const Services& services, std::uint64_t daily_bytes) : services_(services), budget_(daily_bytes) {}
  FetchAllowance(const FetchAllowance&) = delete;
  FetchAllowance& operator=(const FetchAllowance&) = delete;

  // What was remembered; what came since the start is not forgotten for it.
  void remember(const Downloads& before);
  [[nodiscard]] Downloads remembered() const;
  // Whether so much has changed since the last time that it should be recorded. Says so once.
  [[nodiscard]] bool is_to_be_recorded();

  // How many messages one command may ask for now, while so many are on their way; 0: none.
  [[nodiscard]] std::uint64_t room(FetchKind kind, std::uint64_t in_flight);
  // How long until the pace lets one through; empty: the pace does not hinder it, or the day's bytes do as well.
  [[nodiscard]] std::optional<runtime::Duration> wait(FetchKind kind);
  void asked(std::uint64_t messages) noexcept { pace_.asked(messages); }
  // Whether the day's bytes let something of the kind through.
  [[nodiscard]] bool grants(FetchKind kind) const { return budget_.room(services_.now(), kind) != 0; }

  void message_arrived(std::uint64_t octets);
  void octets_received(std::uint64_t octets) { budget_.received(services_.now(), octets); }
  // The server said that it was too much: with an error, or with success. What the limit was and is, when it changed.
  struct Change {
    std::optional<double> before;
    double now = 0;
  };
  Change throttled();
  std::optional<Change> slowed_down();

  [[nodiscard]] const Pace& pace() const noexcept { return pace_; }
  [[nodiscard]] const ByteBudget& budget() const noexcept { return budget_; }
  // Messages of the last minute.
  [[nodiscard]] std::size_t recent_arrivals() const;

 private:
  // Messages a second in the last minute; empty: too few to tell.
  [[nodiscard]] std::optional<double> measured() const;
  [[nodiscard]] std::uint64_t typical_size() const noexcept;

  const Services& services_;
  Pace pace_;
  ByteBudget budget_;
  std::deque<runtime::MonoTime> arrivals_; // of the last minute
  std::uint64_t messages_ = 0;             // in this run
  std::uint64_t octets_ = 0;               // of their bodies
  bool limit_changed_ = false;
  std::uint64_t recorded_octets_ = 0;
  runtime::MonoTime recorded_at_{};
};

} // namespace mailmoor::mailbox
