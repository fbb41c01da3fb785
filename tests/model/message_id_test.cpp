#include "model/message_id.h"

#include <gtest/gtest.h>

namespace mailmoor {
namespace {

[[nodiscard]] std::uint64_t of(std::string_view message) {
  MessageIdScanner scanner;
  scanner.append(message);
  return scanner.fingerprint();
}

TEST(MessageId, HoweverItIsWritten_IsTheSame) {
  const std::uint64_t id = of("Message-ID: <a.1@example.org>\r\n\r\n");
  EXPECT_NE(0U, id);
  for (const std::string_view message : {
           "Message-ID: <a.1@example.org>\n\nbody",
           "message-id:<a.1@example.org>\r\n",
           "MESSAGE-ID :  <a.1@example.org>  \r\n\r\n",
           "Subject: x\r\n y\r\nMessage-Id:\r\n <a.1@example.org>\r\nTo: z\r\n\r\nMessage-ID: <no>\r\n",
           "Message-ID: <a.1@\r\n\texample.org>\r\n\r\n",
           "Message-ID: <a.1@example.org>\r\nMessage-ID: <second>\r\n\r\n",
           "no colon\nMessage-ID: <a.1@example.org>",
       })
    EXPECT_EQ(id, of(message)) << message;
}

TEST(MessageId, WhereThereIsNone_IsZero) {
  for (const std::string_view message : {
           "",
           "\r\n\r\n",
           "\n\nMessage-ID: <body>\n",
           "Subject: Message-ID: <x>\r\n\r\n",
           "Message-ID:\r\n\r\n",
           "Message-ID: \t \r\n \r\n\r\n",
           "X-Message-ID: <x>\r\n\r\n",
           "Message-IDs: <x>\r\n\r\n",
           "Subject: x\r\n Message-ID: <folded>\r\n\r\n",
       })
    EXPECT_EQ(0U, of(message)) << message;
}

TEST(MessageId, InAnyPieces_IsTheSame) {
  const std::string_view message = "Subject: x\r\n y\r\nMessage-ID:\r\n <a@b>\r\n\r\nbody";
  for (std::size_t size = 1; size < message.size(); ++size) {
    MessageIdScanner scanner;
    for (std::size_t i = 0; i < message.size(); i += size)
      scanner.append(message.substr(i, size));
    EXPECT_EQ(of("Message-ID: <a@b>\n"), scanner.fingerprint()) << size;
    EXPECT_TRUE(scanner.is_done());
  }
}

TEST(MessageId, OtherIds_AreOthers) {
  EXPECT_NE(of("Message-ID: <a@b>\n"), of("Message-ID: <a@c>\n"));
}

} // namespace
} // namespace mailmoor
