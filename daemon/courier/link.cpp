#include "courier/link.h"

#include <array>
#include <utility>

namespace mailmoor::courier {

Link::Link(runtime::Loop& loop, UniqueFd socket, std::function<void(Message)> on_message)
    : loop_(loop), stream_(loop, std::move(socket), "the courier's socket"), on_message_(std::move(on_message)),
      last_heard_(loop.now()), ended_(loop), has_mail_(loop) {}

void Link::start() {
  reader_.start(read(), [] {});
  writer_.start(write(), [] {});
}

void Link::send(const Message& message) {
  if (ended_.is_set()) return;
  outbox_.push_back(encode(message));
  has_mail_.set();
}

Status Link::hear(std::span<const std::byte> bytes) {
  last_heard_ = loop_.now();
  frames_.append({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  while (true) {
    auto frame = frames_.next();
    if (!frame) return pass(std::move(frame).error());
    if (!*frame) return {};
    auto message = decode((*frame)->reveal());
    if (!message) return pass(std::move(message).error());
    on_message_(*std::move(message));
  }
}

// Without a time limit of its own: the daemon's pings find a courier that is silent, and the courier waits for as long
// as its daemon lives.
runtime::Task<void> Link::read() {
  std::array<std::byte, 16384> buffer{};
  end_reason_ = "the other end is gone";
  while (true) {
    auto reading = stream_.read_some(buffer);
    const Result<std::size_t> count = co_await reading;
    if (!count || *count == 0) break;
    const Status heard = hear(std::span(buffer).first(*count));
    wipe_memory(buffer.data(), *count);
    if (heard) continue;
    end_reason_ = heard.error().what;
    break;
  }
  ended_.set();
}

runtime::Task<void> Link::write() {
  while (true) {
    co_await has_mail_.wait_until(runtime::MonoTime::max());
    has_mail_.reset();
    while (!outbox_.empty()) {
      const Secret frame = std::move(outbox_.front());
      outbox_.pop_front();
      auto writing = stream_.write_all(std::as_bytes(std::span(frame.reveal())));
      const Status written = co_await writing;
      if (!written) co_return; // the reader sees the end, too
    }
  }
}

} // namespace mailmoor::courier
