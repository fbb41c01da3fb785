// What daemon and courier say to each other over their socket pair. Frame: size of the rest (4 bytes, big endian) ‖
// type (1 byte) ‖ fields (octets.h). Both ends are the same program, so there is no versioning; every limit is checked
// all the same. Quiet: bytes in, values out. Any thread.
//
//   daemon → courier: Hello, first of all · Exchange · Settled · Ping
//   courier → daemon: Answered or Failed, once for each Exchange · Pong
#pragma once

#include "net/http_client.h"
#include "util/result.h"
#include "util/secret.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace mailmoor::courier {

inline constexpr std::size_t kDigestSize = 32; // SHA-256, in octets

inline constexpr std::size_t kMaxFrame = 1024UL * 1024; // bytes, without the size: a CA bundle may be in it
inline constexpr std::size_t kMaxAnswerBody = 256UL * 1024;

// The key that answers are sealed with; also while running, when no answer is in the journal.
struct Hello {
  Secret journal_key; // 32 bytes
};

struct Exchange {
  std::uint64_t id = 0;
  std::string token_id;
  std::string sent_digest;   // of the refresh token in the body, under the journal key
  std::int64_t asked_at = 0; // seconds since 1970
  // A POST. `trust` does not travel:
  std::string url;
  std::vector<std::pair<std::string, std::string>> headers;
  Secret body;
  std::string authorities; // PEM; trusted in addition to the system's
  std::string proxy;
  std::chrono::milliseconds connect_timeout{};
  std::chrono::milliseconds total_timeout{};
};

// The daemon has done with the answer whatever it had to do.
struct Settled {
  std::uint64_t id = 0;
};

struct Ping {};
struct Pong {};

// The server answered, whatever it said. `is_durable`: the answer is in the journal.
struct Answered {
  std::uint64_t id = 0;
  bool is_durable = false;
  net::HttpAnswer answer; // of the headers only those that oauth/ reads
};

// There is no answer.
struct Failed {
  std::uint64_t id = 0;
  Error error{ErrorKind::kHost, "courier_lost", ""};
};

using Message = std::variant<Hello, Exchange, Settled, Ping, Pong, Answered, Failed>;

// The whole frame.
[[nodiscard]] Secret encode(const Message& message);
// `frame`: without its size. kBug "courier_protocol".
[[nodiscard]] Result<Message> decode(std::string_view frame);

// Cuts a stream of bytes into frames.
class FrameReader final {
 public:
  void append(std::string_view bytes) { pending_.append(bytes); }
  // A frame without its size; empty when it is not whole yet. kBug "courier_protocol": a frame above kMaxFrame; nothing
  // is read after that.
  [[nodiscard]] Result<std::optional<Secret>> next();

 private:
  Secret pending_;
};

} // namespace mailmoor::courier
