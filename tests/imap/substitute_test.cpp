#include "imap/substitute.h"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace mailmoor::imap {
namespace {

// Exchange 2010, 2016 (OfflineIMAP/offlineimap#62); names replaced.
const std::string kSeen = "MIME-Version: 1.0\r\n"
                          "Content-Type: text/plain; charset=\"us-ascii\"\r\n"
                          "From: Microsoft Exchange Server 2010\r\n"
                          "To: User <user@example.com>\r\n"
                          "Subject: Retrieval using the IMAP4 protocol failed for the following\r\n"
                          " message: 20004\r\n"
                          "Content-Transfer-Encoding: quoted-printable\r\n"
                          "\r\n"
                          "The server couldn't retrieve the following message:\r\n"
                          "\r\n"
                          "Subject: \"Canceled: Meeting title\"\r\n"
                          "From: \"User\" (\"XXX\")\r\n"
                          "\r\n"
                          "The message hasn't been deleted. You might be able to view it using either =\r\n"
                          "Outlook or Outlook Web App.\r\n";

[[nodiscard]] std::string with(std::string_view old, std::string_view now) {
  std::string text = kSeen;
  return text.replace(text.find(old), old.size(), now);
}

TEST(Substitute, WhatExchangeWasSeenToSend_IsOne) {
  EXPECT_TRUE(is_substitute(kSeen));
  EXPECT_TRUE(is_substitute(with("the following\r\n message: 20004", "the following message:\r\n 522")));
  EXPECT_TRUE(is_substitute(with("Microsoft Exchange Server 2010", "Microsoft Exchange Server")));
  EXPECT_TRUE(is_substitute(with("Microsoft Exchange Server 2010", "\"Microsoft Exchange Server\" <>")));
  EXPECT_TRUE(
      is_substitute(with("Microsoft Exchange Server 2010", "\"Microsoft Exchange Server\" <@.MISSING-HOST-NAME.>")));
}

TEST(Substitute, WhatOnlyLooksLikeOne_IsAMessage) {
  const auto messages = std::to_array<std::string>({
      "",
      "\r\n",
      with("Subject: ", "Subject: Fwd: "),
      with("message: 20004", "message: 20004 again"),
      with("message: 20004", "message: "),
      with("From: Microsoft Exchange Server 2010", "From: Microsoft Exchange Server 2010 <postmaster@example.com>"),
      with("From: Microsoft Exchange Server 2010", "From: Alice <alice@example.com>"),
      with("From: Microsoft Exchange Server 2010", "From: Microsoft Exchange Servers"),
      with("From: Microsoft Exchange Server 2010", "X-From: Microsoft Exchange Server 2010"),
      with("To: User", "Message-ID: <1@example.com>\r\nTo: User"),
      with("MIME-Version", "received: from mx.example.com\r\nMIME-Version"),
      with("The server couldn't", "He said that the server couldn't"),
      with("\r\n\r\nThe server", "\r\nThe server"),
  });
  for (const std::string& message : messages)
    EXPECT_FALSE(is_substitute(message)) << message;
}

TEST(Substitute, EveryBeginning_IsReadWithoutHarm) {
  const std::size_t enough = kSeen.find("following message:\r\n\r\n") + std::string_view("following message:").size();
  for (std::size_t size = 0; size < kSeen.size(); ++size)
    EXPECT_EQ(is_substitute(std::string_view(kSeen).substr(0, size)), size >= enough) << size;
}

TEST(Substitute, OnlyExchange_MakesThem) {
  EXPECT_TRUE(makes_substitutes("The Microsoft Exchange IMAP4 service is ready. [TQBX]"));
  EXPECT_TRUE(makes_substitutes("Microsoft Exchange IMAP4 service ready. 1c2f (tcpproxy/15.21.0406.000)"));
  EXPECT_FALSE(makes_substitutes("[CAPABILITY IMAP4rev1] Dovecot ready."));
  EXPECT_FALSE(makes_substitutes(""));
}

} // namespace
} // namespace mailmoor::imap
