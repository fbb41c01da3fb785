// A session and its server, in memory.
#pragma once

#include "imap/trace.h"

#include <functional>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mailmoor::imap {

struct Conversation {
  explicit Conversation(const Limits& limits = {}, const Quirks& quirks = {}) : session(limits, quirks) {}

  // What the server says, and the events that it makes.
  std::vector<std::string> hear(std::string_view wire, std::size_t chunk = 0) {
    std::vector<std::string> trace;
    feed(session, wire, chunk, trace);
    return trace;
  }
  std::string said() { return take_output(session); }
  // A connection that is logged in, with `folder` open and its capabilities known.
  Conversation& open(std::string_view capabilities = "IMAP4rev1") {
    hear("* PREAUTH [CAPABILITY " + std::string(capabilities) + "] hello\r\n");
    session.examine(FolderName::inbox());
    hear("* 3 EXISTS\r\n* OK [UIDVALIDITY 9] ok\r\nA1 OK done\r\n");
    said();
    return *this;
  }

  Session session;
};

// The events of `wire` in a session that has had its greeting. Checks that they are the same however the stream is cut,
// and that no proper prefix of the last line makes an event of it.
inline std::vector<std::string> events_of(std::string_view wire, const Limits& limits = {}, const Quirks& quirks = {}) {
  const auto run = [&](std::size_t chunk) {
    Conversation conversation(limits, quirks);
    conversation.hear("* OK hello\r\n");
    return conversation.hear(wire, chunk);
  };
  auto whole = run(0);
  for (const std::size_t chunk : {1U, 2U, 3U, 7U})
    EXPECT_EQ(run(chunk), whole) << "in pieces of " << chunk << ": " << wire;
  return whole;
}

} // namespace mailmoor::imap
