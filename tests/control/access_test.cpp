// Who may use the socket, and how its file comes and goes.
#include "control/listen_socket.h"
#include "control/peer.h"
#include "control/server_fixture.h"

#include <fcntl.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

namespace mailmoor::control {
namespace {

TEST(AccessPolicy, RootOwnerAndGroup_AreAllowedOthersNot) {
  const AccessPolicy policy{.owner = 500, .group = 77};
  EXPECT_TRUE(policy.allows({.uid = 0, .gid = 1}));
  EXPECT_TRUE(policy.allows({.uid = 500, .gid = 1}));
  EXPECT_TRUE(policy.allows({.uid = 1000, .gid = 77}));
  EXPECT_TRUE(policy.allows({.uid = 1000, .gid = 1, .groups = {5, 77}}));
  EXPECT_FALSE(policy.allows({.uid = 1000, .gid = 1000, .groups = {5, 6}}));
}

TEST(AccessPolicy, WithoutTheGroup_NoGroupIsAllowed) {
  const AccessPolicy policy{.owner = 500};
  EXPECT_FALSE(policy.allows({.uid = 1000, .gid = 0, .groups = {0}}));
}

TEST(AccessPolicy, GroupThatDoesNotExist_IsNone) {
  EXPECT_EQ(access_policy_blocking("no-such-group-here").group, std::nullopt);
  EXPECT_EQ(access_policy_blocking("root").group, gid_t{0});
  EXPECT_EQ(access_policy_blocking("root").owner, ::geteuid());
}

TEST(Peer, OfASocketPair_IsThisProcess) {
  int ends[2] = {-1, -1};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  const UniqueFd one(ends[0]);
  const UniqueFd two(ends[1]);
  const auto peer = peer_of(one.get());
  ASSERT_TRUE(peer) << peer.error().what;
  EXPECT_EQ(peer->uid, ::geteuid());
  EXPECT_EQ(peer->gid, ::getegid());
  EXPECT_EQ(peer->pid, ::getpid());
  const int count = ::getgroups(0, nullptr);
  EXPECT_EQ(peer->groups.size(), static_cast<std::size_t>(count));
}

TEST(Peer, OfAFile_IsAnError) {
  const UniqueFd file(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  EXPECT_FALSE(peer_of(file.get()));
}

struct ForeignUser : ServerTest {};

// The kernel gives the child another user id, so this needs root; the rules themselves are tested above.
TEST_F(ForeignUser, ThatReachesTheSocket_GetsForbidden) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can act as another user";
  ASSERT_EQ(::chmod((scratch_ / ".").c_str(), 0755), 0);
  ASSERT_EQ(::chmod(path_.c_str(), 0666), 0);
  int pipe_ends[2] = {-1, -1};
  ASSERT_EQ(::pipe2(pipe_ends, O_CLOEXEC | O_NONBLOCK), 0);
  const UniqueFd out(pipe_ends[0]);
  const pid_t child = ::fork();
  if (child == 0) {
    if (::setgroups(0, nullptr) != 0 || ::setgid(65534) != 0 || ::setuid(65534) != 0) ::_exit(1);
    UnixClient stranger(path_);
    stranger.request("POST", "/v1/mailboxes/alice/pause");
    while (!stranger.has_answer() && !stranger.is_ended())
      ::sched_yield();
    const std::string& answer = stranger.received();
    ::_exit(::write(pipe_ends[1], answer.data(), answer.size()) > 0 ? 0 : 1);
  }
  ::close(pipe_ends[1]);
  int state = -1;
  ASSERT_TRUE(loop_.run_until([child, &state] { return ::waitpid(child, &state, WNOHANG) == child; }));
  EXPECT_EQ(state, 0);
  std::string answer(4096, '\0');
  answer.resize(static_cast<std::size_t>(std::max<ssize_t>(::read(out.get(), answer.data(), answer.size()), 0)));
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 403 ")) << answer;
  EXPECT_NE(answer.find("urn:mailmoor:problem:not_allowed"), std::string::npos) << answer;
  EXPECT_TRUE(operations_.calls.empty());
}

class SocketFile : public testing::Test {
 protected:
  [[nodiscard]] bool exists() const {
    struct stat status{};
    return ::lstat(path_.c_str(), &status) == 0;
  }

  ScratchDirectory scratch_;
  std::string path_ = scratch_ / "control.sock";
};

TEST_F(SocketFile, New_HasMode0660WhateverTheUmask_AndGoesWithItsOwner) {
  const mode_t before = ::umask(0077);
  {
    const auto socket = ListenSocket::create_blocking(path_, std::nullopt);
    ::umask(before);
    ASSERT_TRUE(socket) << socket.error().what;
    struct stat status{};
    ASSERT_EQ(::lstat(path_.c_str(), &status), 0);
    EXPECT_TRUE(S_ISSOCK(status.st_mode));
    EXPECT_EQ(status.st_mode & 07777, 0660U);
  }
  EXPECT_FALSE(exists());
}

TEST_F(SocketFile, Group_IsGivenTheFile) {
  const auto socket = ListenSocket::create_blocking(path_, ::getegid());
  ASSERT_TRUE(socket);
  struct stat status{};
  ASSERT_EQ(::lstat(path_.c_str(), &status), 0);
  EXPECT_EQ(status.st_gid, ::getegid());
}

TEST_F(SocketFile, MissingDirectory_IsMade) {
  const auto socket = ListenSocket::create_blocking(scratch_ / "run/control.sock", std::nullopt);
  EXPECT_TRUE(socket) << socket.error().what;
  EXPECT_FALSE(ListenSocket::create_blocking(scratch_ / "a/b/control.sock", std::nullopt));
}

TEST_F(SocketFile, LeftByADeadDaemon_IsReplaced) {
  {
    const UniqueFd dead(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path_.c_str(), sizeof address.sun_path - 1);
    ASSERT_EQ(::bind(dead.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  }
  ASSERT_TRUE(exists());
  const auto socket = ListenSocket::create_blocking(path_, std::nullopt);
  ASSERT_TRUE(socket) << socket.error().what;
  EXPECT_TRUE(UnixClient(path_).is_connected());
}

TEST_F(SocketFile, OfALivingDaemon_IsLeftAlone) {
  const auto living = ListenSocket::create_blocking(path_, std::nullopt);
  ASSERT_TRUE(living);
  const auto second = ListenSocket::create_blocking(path_, std::nullopt);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, "control_socket_in_use");
  EXPECT_TRUE(UnixClient(path_).is_connected());
}

TEST_F(SocketFile, AnotherFileInItsPlace_IsLeftAlone) {
  std::ofstream(path_) << "precious";
  EXPECT_FALSE(ListenSocket::create_blocking(path_, std::nullopt));
  EXPECT_EQ(std::filesystem::file_size(path_), 8U);
}

TEST_F(SocketFile, ReplacedMeanwhile_IsNotRemoved) {
  {
    const auto socket = ListenSocket::create_blocking(path_, std::nullopt);
    ASSERT_TRUE(socket);
    ::unlink(path_.c_str());
    std::ofstream(path_) << "someone else's";
  }
  EXPECT_TRUE(exists());
}

TEST_F(SocketFile, PathLongerThanASocketAddress_IsRefusedWithARemedy) {
  const auto socket = ListenSocket::create_blocking("/tmp/" + std::string(120, 'x'), std::nullopt);
  ASSERT_FALSE(socket);
  EXPECT_NE(socket.error().remedy, "");
}

TEST_F(SocketFile, HandedOver_IsServedAndStays) {
  auto made = ListenSocket::create_blocking(path_, std::nullopt);
  ASSERT_TRUE(made);
  PollLoop loop;
  FakeOperations operations;
  {
    auto server = Server::open_blocking(loop, operations, {.handed_over = UniqueFd(made->release_descriptor())});
    ASSERT_TRUE(server) << server.error().what;
    UnixClient client(path_);
    client.request("GET", "/health");
    ASSERT_TRUE(loop.run_until([&client] { return client.has_answer(); }));
    EXPECT_EQ(client.status(), 200);
  }
  EXPECT_TRUE(exists());
}

TEST_F(SocketFile, HandedOverButNotListening_IsRefused) {
  EXPECT_FALSE(ListenSocket::adopt(UniqueFd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0))));
  EXPECT_FALSE(ListenSocket::adopt(UniqueFd(::open("/dev/null", O_RDONLY | O_CLOEXEC))));
}

} // namespace
} // namespace mailmoor::control
