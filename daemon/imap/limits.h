// How much a server may make us hold. Each limit passed is terminal for the connection: after it nothing that the
// server says can be trusted to start where we think it starts. All sizes are octets.
#pragma once

#include <cstddef>
#include <cstdint>

namespace mailmoor::imap {

struct Limits {
  // One line, or one stretch of a line between literals. 1 MiB holds a VANISHED line of 100,000 scattered UIDs.
  std::size_t line = std::size_t{1024} * 1024;
  // One literal that is not a message body: folder names, strings of FETCH items that we did not ask for.
  std::size_t literal = std::size_t{64} * 1024;
  // All that is held of one response: its lines and literals, message bodies excepted, which are never held.
  std::size_t response = std::size_t{2} * 1024 * 1024;
  // Nesting of parenthesised lists.
  std::size_t depth = 64;
  // Items of one FETCH response. We ask for five.
  std::size_t fetch_items = 64;
  // Labels of one message. Gmail has 10,000 in a mailbox at most.
  std::size_t labels = 10'000;
  // What of one FETCH response is read again, as a literal of an item that was begun has come: each reads that item
  // from its start, and without a limit a few hundred kilobytes of small literals would keep a processor busy for
  // minutes.
  std::size_t reread = std::size_t{16} * 1024 * 1024;
  // One message body. Exchange Online ends at 150 MB, Gmail at 50 MB.
  std::uint64_t body = std::uint64_t{2} * 1024 * 1024 * 1024;
};

} // namespace mailmoor::imap
