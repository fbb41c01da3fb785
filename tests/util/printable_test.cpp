#include "util/printable.h"

#include <gtest/gtest.h>

namespace mailmoor {
namespace {

TEST(Printable, OrdinaryText_IsUnchanged) {
  EXPECT_EQ(printable(""), "");
  EXPECT_EQ(printable("Gelöschte Objekte \\ 日本 \xf0\x9f\x93\xab"), "Gelöschte Objekte \\ 日本 \xf0\x9f\x93\xab");
}

TEST(Printable, ControlCharacters_AreEscaped) {
  EXPECT_EQ(printable("a\r\n\tb\x1b[2J\x7f"), "a\\r\\n\\tb\\x1b[2J\\x7f");
  EXPECT_EQ(printable(std::string_view("\0", 1)), "\\x00");
  EXPECT_EQ(printable("\xc2\x9b"), "\\x9b"); // C1: an escape sequence starts here on old terminals
}

TEST(Printable, MarksThatReorderText_AreEscaped) {
  EXPECT_EQ(printable("a\xe2\x80\xae"
                      "b\xe2\x81\xa9"),
            "a\\u202eb\\u2069");
}

TEST(Printable, BytesThatAreNotUtf8_AreEscapedOneByOne) {
  EXPECT_EQ(printable("\xff\xe2\x80"), "\\xff\\xe2\\x80");
}

} // namespace
} // namespace mailmoor
