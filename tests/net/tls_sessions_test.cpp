#include "net/tls_sessions.h"

#include "net/net_fixture.h"

#include <array>
#include <atomic>
#include <span>

namespace mailmoor::net {
namespace {

using namespace std::chrono_literals;

class TlsSessionsTest : public NetTest {
 protected:
  // Whether the peer knew us again; the error of a handshake that failed.
  [[nodiscard]] Result<bool> resumes(const std::string& host = "mail.test",
                                     Handshake handshake = Handshake::kMayResume) {
    auto tcp = connect(server_.port());
    auto stream = await(secure(tls_, trust_, std::move(tcp), host, handshake));
    if (!stream) return pass(stream.error());
    std::array<std::byte, 1> said{};
    EXPECT_EQ(await((*stream)->read_some(said)).value_or(0), 1U);
    return said[0] == std::byte{'r'};
  }
  void expect_refused(const Result<bool>& result) {
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, "tls_untrusted");
  }
  // A server with the certificate of before, that knows nobody.
  void restart_server() {
    former_.push_back(std::move(context_));
    context_ = server_context(identity_);
  }

  Identity authority_ = make_authority();
  Identity identity_ = issue({}, &authority_);
  SharedTrust trust_ = trust_in(authority_);
  TlsSessions::Time now_;
  TlsContext tls_{[this] { return now_; }};
  std::vector<ServerContext> former_;
  ServerContext context_ = server_context(identity_);
  std::atomic<bool> hangs_up_ = false;
  Server server_{[this](int socket) {
    if (hangs_up_) return;
    Peer peer(socket, context_.get());
    if (!peer.accept()) return;
    peer.write(peer.has_resumed() ? "r" : "f");
    peer.await_end();
  }};
};

TEST_F(TlsSessionsTest, PeerThatWasVerified_NeedsNoCertificate) {
  for (const int version : {TLS1_3_VERSION, TLS1_2_VERSION}) {
    restart_server();
    SSL_CTX_set_max_proto_version(context_.get(), version);
    EXPECT_FALSE(resumes().value()) << "nobody knows anybody yet";
    EXPECT_TRUE(resumes().value());
    EXPECT_TRUE(resumes().value()) << "one session is good for many";
  }
}

TEST_F(TlsSessionsTest, WhoWantsTheCertificate_GetsIt) {
  EXPECT_FALSE(resumes().value());
  EXPECT_FALSE(resumes("mail.test", Handshake::kFull).value());
  EXPECT_TRUE(resumes().value());
}

TEST_F(TlsSessionsTest, AnotherName_IsVerified) {
  EXPECT_FALSE(resumes().value());
  expect_refused(resumes("other.test"));
  EXPECT_TRUE(resumes().value());
}

TEST_F(TlsSessionsTest, AuthorityThatIsNotTrustedAnyMore_IsNot) {
  EXPECT_FALSE(resumes().value());
  trust_ = trust_in(make_authority("another"));
  expect_refused(resumes());
}

TEST_F(TlsSessionsTest, TrustReadAnew_CountsAnew) {
  EXPECT_FALSE(resumes().value());
  trust_ = trust_in(authority_);
  EXPECT_FALSE(resumes().value());
  EXPECT_TRUE(resumes().value());
}

TEST_F(TlsSessionsTest, AfterAnHour_ThePeerIsVerifiedAnew) {
  EXPECT_FALSE(resumes().value());
  now_ += 59min;
  EXPECT_TRUE(resumes().value());
  now_ += 2min;
  EXPECT_FALSE(resumes().value()) << "what is taken up again makes nothing longer";
  EXPECT_TRUE(resumes().value());
}

TEST_F(TlsSessionsTest, SessionThatIsGrantedLate_CountsFromItsHandshake) {
  auto stream = await(secure(tls_, trust_, connect(server_.port()), "mail.test", Handshake::kMayResume));
  ASSERT_TRUE(stream);
  now_ += 50min;
  std::array<std::byte, 1> said{};
  ASSERT_EQ(await((*stream)->read_some(said)).value_or(0), 1U); // what it grants comes with it (RFC 8446 §4.6.1)
  now_ += 20min;
  EXPECT_FALSE(resumes().value());
}

TEST_F(TlsSessionsTest, ServerThatForgot_ShowsItsCertificate) {
  EXPECT_FALSE(resumes().value());
  restart_server();
  EXPECT_FALSE(resumes().value());
  EXPECT_TRUE(resumes().value());
}

TEST_F(TlsSessionsTest, HandshakeThatFailed_IsFollowedByAFullOne) {
  EXPECT_FALSE(resumes().value());
  hangs_up_ = true;
  EXPECT_FALSE(resumes());
  hangs_up_ = false;
  EXPECT_FALSE(resumes().value());
}

TEST_F(TlsSessionsTest, Connection_MayEndBeforeOrAfterTheOthers) {
  auto open = [this] {
    return await(secure(tls_, trust_, connect(server_.port()), "mail.test", Handshake::kMayResume));
  };
  EXPECT_FALSE(resumes().value());
  auto first = open();
  auto second = open();
  ASSERT_TRUE(first && second);
  first->reset();
  EXPECT_TRUE(resumes().value());
  second->reset();
  EXPECT_TRUE(resumes().value());
}

} // namespace
} // namespace mailmoor::net
