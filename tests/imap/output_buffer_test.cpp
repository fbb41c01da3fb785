#include "imap/output_buffer.h"

#include <gtest/gtest.h>
#include <string>

namespace mailmoor::imap {
namespace {

TEST(OutputBuffer, BytesLeaveInTheOrderTheyCame) {
  OutputBuffer buffer;
  EXPECT_EQ(buffer.view(), "");
  std::string expected;
  std::string sent;
  for (int i = 0; i < 1000; ++i) {
    const std::string piece = std::to_string(i) + ' ';
    expected += piece;
    buffer.append(piece);
    const std::size_t count = std::min<std::size_t>(buffer.view().size(), static_cast<std::size_t>(i % 7));
    sent += buffer.view().substr(0, count);
    buffer.consume(count);
  }
  sent += buffer.view();
  EXPECT_EQ(sent, expected);
}

TEST(OutputBuffer, SentBytes_AreWipedInPlace) {
  OutputBuffer buffer;
  buffer.append("secret");
  const char* const where = buffer.view().data();
  buffer.append(""); // keeps the room
  buffer.consume(4);
  EXPECT_EQ(std::string(where, 6), std::string("\0\0\0\0et", 6));
}

} // namespace
} // namespace mailmoor::imap
