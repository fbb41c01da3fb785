#include "courier/messages.h"

#include "courier/octets.h"
#include "util/concat.h"

namespace mailmoor::courier {
namespace {

constexpr std::size_t kMaxText = 16UL * 1024;
constexpr std::size_t kMaxHeaders = 64;
constexpr std::size_t kKeySize = 32;

// Part of the frame: the alternatives of Message, in their order.
enum class Type : std::uint8_t {
  kHello = 1,
  kExchange = 2,
  kSettled = 3,
  kPing = 4,
  kPong = 5,
  kAnswered = 6,
  kFailed = 7,
};

[[nodiscard]] std::uint64_t number(std::chrono::milliseconds time) {
  return static_cast<std::uint64_t>(time.count());
}

[[nodiscard]] std::chrono::milliseconds take_time(OctetReader& in) {
  return std::chrono::milliseconds(in.take_number(4));
}

// Name and value of each, as net/ takes and gives them.
template<class Headers>
void put_headers(OctetWriter& out, const Headers& headers) {
  out.put_number(headers.size(), 2);
  for (const auto& [name, value] : headers) {
    out.put_text(name);
    out.put_text(value);
  }
}

[[nodiscard]] std::vector<std::pair<std::string, std::string>> take_headers(OctetReader& in) {
  std::vector<std::pair<std::string, std::string>> headers;
  const std::size_t count = in.take_number(2);
  for (std::size_t i = 0; i < count && i <= kMaxHeaders && in.is_good(); ++i) {
    std::string name(in.take_text(kMaxText));
    headers.emplace_back(std::move(name), in.take_text(kMaxText));
  }
  return headers;
}

class FrameWriter final {
 public:
  void operator()(const Hello& hello) {
    begin(Type::kHello);
    out.put_text(hello.journal_key.reveal());
  }
  void operator()(const Exchange& exchange) {
    begin(Type::kExchange);
    out.put_number(exchange.id, 8);
    out.put_text(exchange.token_id);
    out.put_text(exchange.sent_digest);
    out.put_number(static_cast<std::uint64_t>(exchange.asked_at), 8);
    out.put_text(exchange.url);
    put_headers(out, exchange.headers);
    out.put_text(exchange.body.reveal());
    out.put_text(exchange.authorities);
    out.put_text(exchange.proxy);
    out.put_number(number(exchange.connect_timeout), 4);
    out.put_number(number(exchange.total_timeout), 4);
  }
  void operator()(const Settled& settled) {
    begin(Type::kSettled);
    out.put_number(settled.id, 8);
  }
  void operator()(const Ping&) { begin(Type::kPing); }
  void operator()(const Pong&) { begin(Type::kPong); }
  void operator()(const Answered& answered) {
    begin(Type::kAnswered);
    out.put_number(answered.id, 8);
    out.put_number(answered.is_durable ? 1 : 0, 1);
    out.put_number(static_cast<std::uint64_t>(answered.answer.status), 2);
    put_headers(out, answered.answer.headers);
    out.put_text(answered.answer.body.reveal());
  }
  void operator()(const Failed& failed) {
    begin(Type::kFailed);
    out.put_number(failed.id, 8);
    out.put_number(static_cast<std::uint64_t>(failed.error.kind), 1);
    out.put_text(failed.error.code);
    out.put_text(failed.error.what);
    out.put_text(failed.error.remedy);
  }

  OctetWriter out;

 private:
  void begin(Type type) { out.put_number(static_cast<std::uint8_t>(type), 1); }
};

[[nodiscard]] Message read_hello(OctetReader& in) {
  Hello hello;
  hello.journal_key = Secret(in.take_text(kKeySize));
  return hello;
}

[[nodiscard]] Message read_exchange(OctetReader& in) {
  Exchange exchange;
  exchange.id = in.take_number(8);
  exchange.token_id = in.take_text(kMaxText);
  exchange.sent_digest = in.take_text(kDigestSize);
  exchange.asked_at = static_cast<std::int64_t>(in.take_number(8));
  exchange.url = in.take_text(kMaxText);
  exchange.headers = take_headers(in);
  exchange.body = Secret(in.take_text(kMaxAnswerBody));
  exchange.authorities = in.take_text(kMaxFrame);
  exchange.proxy = in.take_text(kMaxText);
  exchange.connect_timeout = take_time(in);
  exchange.total_timeout = take_time(in);
  return exchange;
}

[[nodiscard]] Message read_answered(OctetReader& in) {
  Answered answered;
  answered.id = in.take_number(8);
  answered.is_durable = in.take_number(1) == 1;
  answered.answer.status = static_cast<int>(in.take_number(2));
  for (auto& [name, value] : take_headers(in))
    answered.answer.headers[std::move(name)] = std::move(value);
  answered.answer.body = Secret(in.take_text(kMaxAnswerBody));
  return answered;
}

[[nodiscard]] Message read_failed(OctetReader& in) {
  Failed failed;
  failed.id = in.take_number(8);
  const auto kind = in.take_number(1);
  failed.error.kind =
      kind <= static_cast<std::uint64_t>(ErrorKind::kBug) ? static_cast<ErrorKind>(kind) : ErrorKind::kBug;
  failed.error.code = in.take_text(kMaxText);
  failed.error.what = in.take_text(kMaxText);
  failed.error.remedy = in.take_text(kMaxText);
  return failed;
}

[[nodiscard]] std::optional<Message> read_message(OctetReader& in) {
  switch (static_cast<Type>(in.take_number(1))) {
  case Type::kHello: return read_hello(in);
  case Type::kExchange: return read_exchange(in);
  case Type::kSettled: return Settled{in.take_number(8)};
  case Type::kPing: return Ping();
  case Type::kPong: return Pong();
  case Type::kAnswered: return read_answered(in);
  case Type::kFailed: return read_failed(in);
  }
  return std::nullopt;
}

// What the fields alone do not say.
[[nodiscard]] bool is_sound(const Message& message) {
  if (const auto* const hello = std::get_if<Hello>(&message)) return hello->journal_key.size() == kKeySize;
  if (const auto* const exchange = std::get_if<Exchange>(&message))
    return exchange->sent_digest.size() == kDigestSize && exchange->headers.size() <= kMaxHeaders &&
           exchange->total_timeout > std::chrono::milliseconds::zero();
  return true;
}

} // namespace

Secret encode(const Message& message) {
  FrameWriter writer;
  std::visit(writer, message);
  const Secret frame = writer.out.take();
  OctetWriter whole;
  whole.put_text(frame.reveal());
  return whole.take();
}

Result<Message> decode(std::string_view frame) {
  OctetReader in(frame);
  auto message = read_message(in);
  if (message && in.is_at_end() && is_sound(*message)) return *std::move(message);
  return fail(ErrorKind::kBug, "courier_protocol",
              concat("a frame of ", frame.size(), " bytes between mailmoord and its courier makes no sense"));
}

Result<std::optional<Secret>> FrameReader::next() {
  OctetReader in(pending_.reveal());
  const std::size_t size = in.take_number(4);
  if (!in.is_good()) return std::nullopt;
  if (size > kMaxFrame)
    return fail(ErrorKind::kBug, "courier_protocol",
                concat("a frame of ", size, " bytes between mailmoord and its courier is too long"));
  const std::string_view bytes = pending_.reveal();
  if (bytes.size() - 4 < size) return std::nullopt;
  Secret frame(bytes.substr(4, size));
  pending_ = Secret(bytes.substr(4 + size));
  return frame;
}

} // namespace mailmoor::courier
