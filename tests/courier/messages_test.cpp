#include "courier/messages.h"

#include <gtest/gtest.h>

namespace mailmoor::courier {
namespace {

[[nodiscard]] Exchange exchange() {
  Exchange made;
  made.id = 7;
  made.token_id = "app/alice";
  made.sent_digest = std::string(32, 'd');
  made.asked_at = 1'800'000'000;
  made.url = "https://id.example/token";
  made.headers = {{"Accept", "application/json"}, {"Content-Type", "x"}};
  made.body = Secret("refresh_token=R1");
  made.authorities = "-----BEGIN CERTIFICATE-----";
  made.proxy = "http://proxy.example:3128";
  made.connect_timeout = std::chrono::seconds(30);
  made.total_timeout = std::chrono::seconds(60);
  return made;
}
[[nodiscard]] std::vector<Secret> one_of_each() {
  Hello hello;
  hello.journal_key = Secret(std::string(32, 'k'));
  Answered answered;
  answered.id = 8;
  answered.is_durable = true;
  answered.answer.status = 200;
  answered.answer.headers = {{"date", "now"}, {"retry-after", "5"}};
  answered.answer.body = Secret("{}");
  Failed failed;
  failed.id = 9;
  failed.error = Error(ErrorKind::kOperator, "code", "what", "remedy");
  std::vector<Secret> frames;
  frames.push_back(encode(std::move(hello)));
  frames.push_back(encode(exchange()));
  frames.push_back(encode(Settled{10}));
  frames.push_back(encode(Ping()));
  frames.push_back(encode(Pong()));
  frames.push_back(encode(std::move(answered)));
  frames.push_back(encode(std::move(failed)));
  return frames;
}
[[nodiscard]] Result<Message> decoded(const Secret& frame) {
  return decode(frame.reveal().substr(4));
}

TEST(MessagesTest, Exchange_TravelsWhole) {
  const auto message = decoded(encode(exchange()));
  ASSERT_TRUE(message);
  const auto& came = std::get<Exchange>(*message);
  const Exchange sent = exchange();
  EXPECT_EQ(sent.id, came.id);
  EXPECT_EQ(sent.token_id, came.token_id);
  EXPECT_EQ(sent.sent_digest, came.sent_digest);
  EXPECT_EQ(sent.asked_at, came.asked_at);
  EXPECT_EQ(sent.url, came.url);
  EXPECT_EQ(sent.headers, came.headers);
  EXPECT_TRUE(sent.body == came.body);
  EXPECT_EQ(sent.authorities, came.authorities);
  EXPECT_EQ(sent.proxy, came.proxy);
  EXPECT_EQ(sent.connect_timeout, came.connect_timeout);
  EXPECT_EQ(sent.total_timeout, came.total_timeout);
}

TEST(MessagesTest, Answers_TravelWhole) {
  const auto frames = one_of_each();
  const auto answered_message = decoded(frames[5]);
  ASSERT_TRUE(answered_message);
  const auto& answered = std::get<Answered>(*answered_message);
  EXPECT_EQ(8U, answered.id);
  EXPECT_TRUE(answered.is_durable);
  EXPECT_EQ(200, answered.answer.status);
  EXPECT_EQ("5", answered.answer.headers.at("retry-after"));
  EXPECT_EQ("{}", answered.answer.body.reveal());
  const auto failed_message = decoded(frames[6]);
  ASSERT_TRUE(failed_message);
  const auto& failed = std::get<Failed>(*failed_message);
  EXPECT_EQ(ErrorKind::kOperator, failed.error.kind);
  EXPECT_EQ("code what remedy", failed.error.code + " " + failed.error.what + " " + failed.error.remedy);
}

TEST(MessagesTest, EveryPrefixAndEveryLongerFrame_IsRefused) {
  for (const Secret& frame : one_of_each()) {
    const std::string whole(frame.reveal().substr(4));
    ASSERT_TRUE(decode(whole));
    for (std::size_t size = 0; size < whole.size(); ++size)
      EXPECT_FALSE(decode(std::string_view(whole).substr(0, size))) << static_cast<int>(whole[0]) << ' ' << size;
    EXPECT_FALSE(decode(whole + '\0'));
  }
}

TEST(MessagesTest, UnsoundFields_AreRefused) {
  Exchange without_limit = exchange();
  without_limit.total_timeout = std::chrono::milliseconds(0);
  EXPECT_FALSE(decoded(encode(std::move(without_limit))));
  Exchange short_digest = exchange();
  short_digest.sent_digest = "d";
  EXPECT_FALSE(decoded(encode(std::move(short_digest))));
  Exchange many_headers = exchange();
  many_headers.headers.resize(100);
  EXPECT_FALSE(decoded(encode(std::move(many_headers))));
  Hello short_key;
  short_key.journal_key = Secret("k");
  EXPECT_FALSE(decoded(encode(std::move(short_key))));
  EXPECT_FALSE(decode("\xFF"));
}

TEST(FrameReaderTest, ByteByByte_GivesEveryFrameOnce) {
  std::string bytes;
  const auto frames = one_of_each();
  for (const Secret& frame : frames)
    bytes += frame.reveal();
  FrameReader reader;
  std::size_t found = 0;
  for (const char byte : bytes) {
    reader.append({&byte, 1});
    auto next = reader.next();
    ASSERT_TRUE(next);
    if (!*next) continue;
    ASSERT_LT(found, frames.size());
    EXPECT_EQ(frames[found++].reveal().substr(4), (*next)->reveal());
  }
  EXPECT_EQ(frames.size(), found);
}

TEST(FrameReaderTest, TooLongAFrame_IsRefusedBeforeItIsRead) {
  FrameReader reader;
  reader.append(std::string_view("\x00\x10\x00\x01", 4)); // 1 MiB and one byte
  const auto next = reader.next();
  ASSERT_FALSE(next);
  EXPECT_EQ("courier_protocol", next.error().code);
}

} // namespace
} // namespace mailmoor::courier
