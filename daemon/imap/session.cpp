// What the server said: from frames to responses. What responses mean is in session_responses.cpp, what we ask in
// session_commands.cpp.
#include "imap/session.h"

#include "util/concat.h"

namespace mailmoor::imap {
namespace {

constexpr std::size_t kKeptCapacity = std::size_t{16} * 1024; // as in framer.cpp

// What follows the tag, "*" or "+" of a line.
[[nodiscard]] std::string_view after_first_word(std::string_view line) {
  const std::size_t space = line.find(' ');
  return space == std::string_view::npos ? std::string_view() : line.substr(space + 1);
}

} // namespace

Session::Session(const Limits& limits, const Quirks& quirks)
    : limits_(limits), quirks_(quirks), framer_(limits.line, quirks.bare_lf), fetch_(limits, quirks) {}

void Session::receive(std::span<const std::byte> bytes) {
  framer_.receive(bytes);
}

Event Session::next() {
  while (true) {
    if (ready_head_ != ready_.size()) {
      Event event = std::move(ready_[ready_head_++]);
      if (ready_head_ == ready_.size()) {
        ready_.clear();
        ready_head_ = 0;
      }
      return event;
    }
    if (awaiting_tls_ && framer_.has_unread_input())
      fail_with(ErrorKind::kMailbox, "plaintext_after_starttls",
                "the server, or someone on the way to it, sent more in plain text after it had agreed to start TLS");
    if (failed_) return Failed{*failed_};
    if (awaiting_compression_) return NeedInput{};
    const Framer::Frame frame = framer_.next();
    if (std::holds_alternative<Framer::NeedInput>(frame)) return NeedInput{};
    if (const auto* text = std::get_if<Framer::Text>(&frame))
      on_text(*text);
    else if (const auto* literal = std::get_if<Framer::LiteralBytes>(&frame))
      on_literal(*literal);
    else if (std::get<Framer::Violation>(frame) == Framer::Violation::kLineTooLong)
      fail_with(ErrorKind::kMailbox, "limit_exceeded", concat("a line of more than ", limits_.line, " octets"));
    else
      fail_with(ErrorKind::kMailbox, "protocol_violation", "a line that ends with LF alone");
  }
}

void Session::on_text(Framer::Text frame) {
  // RFC 9051 §9: a continuation and the text of a status response have no literals, whatever they end with.
  if (frame.literal && !in_response_ && (frame.text.starts_with('+') || is_free_text(after_first_word(frame.text)))) {
    framer_.literal_is_text();
    frame.literal.reset();
  }
  if (frame.literal && *frame.literal > limits_.body)
    return fail_with(ErrorKind::kMailbox, "limit_exceeded", concat("a literal of ", *frame.literal, " octets"));
  if (!in_response_) return on_first_text(frame);
  if (in_fetch_ && !skipping_) return on_fetch_text(frame);
  if (skipping_) {
    literal_ = LiteralUse::kDropped;
    if (!frame.literal) end_response();
    return;
  }
  if (!hold_text(frame.text)) return;
  if (frame.literal) return hold_literal(*frame.literal);
  on_response(response_);
  end_response();
}

void Session::on_first_text(Framer::Text frame) {
  in_response_ = true;
  const auto fetch = greeted_ && frame.text.starts_with("* ") ? take_fetch_start(frame.text.substr(2)) : std::nullopt;
  if (fetch) {
    in_fetch_ = true;
    reread_ = 0;
    fetch_.begin(fetch->seq);
    frame.text.remove_prefix(2 + fetch->size);
    return on_fetch_text(frame);
  }
  if (frame.literal) {
    if (hold_text(frame.text)) hold_literal(*frame.literal);
    return;
  }
  on_response(frame.text);
  end_response();
}

void Session::on_fetch_text(Framer::Text frame) {
  const bool held = !response_.empty();
  if (held && !hold_text(frame.text)) return;
  if (held) reread_ += response_.size();
  if (reread_ > limits_.reread)
    return fail_with(ErrorKind::kMailbox, "limit_exceeded", "a FETCH response with too many literals");
  std::string_view text = held ? std::string_view(response_) : frame.text;
  while (true) {
    const auto [progress, consumed] = fetch_.resume(text);
    switch (progress) {
    case FetchParser::Progress::kQuotedBody:
      emit_quoted_body();
      text.remove_prefix(consumed);
      continue;
    case FetchParser::Progress::kDone: emit(fetch_.fetched()); return end_response();
    case FetchParser::Progress::kBody: return begin_body(*frame.literal);
    case FetchParser::Progress::kLiteral:
      response_ = std::string(text.substr(consumed)); // a copy first: text may be part of response_
      return hold_literal(*frame.literal);
    case FetchParser::Progress::kMalformed: return skip_response(text, frame.literal.has_value());
    case FetchParser::Progress::kLimit:
      return fail_with(ErrorKind::kMailbox, "limit_exceeded", "a FETCH response with too many items, labels or lists");
    }
  }
}

void Session::begin_body(std::uint64_t size) {
  emit(BodyBegin{fetch_.fetched().seq, fetch_.fetched().uid, size});
  literal_ = LiteralUse::kBody;
  response_.clear();
}

void Session::emit_quoted_body() {
  quoted_body_ = unescape(fetch_.quoted_body());
  emit(BodyBegin{fetch_.fetched().seq, fetch_.fetched().uid, quoted_body_.size()});
  if (!quoted_body_.empty()) emit(BodyBytes{std::as_bytes(std::span(quoted_body_))});
  emit(BodyEnd{});
}

void Session::on_literal(const Framer::LiteralBytes& frame) {
  switch (literal_) {
  case LiteralUse::kBody:
    if (!frame.bytes.empty()) emit(BodyBytes{frame.bytes});
    if (frame.last) emit(BodyEnd{});
    break;
  case LiteralUse::kHeld:
    response_.append(reinterpret_cast<const char*>(frame.bytes.data()), frame.bytes.size());
    break;
  case LiteralUse::kDropped:
  case LiteralUse::kNone: break;
  }
  if (frame.last) literal_ = LiteralUse::kNone;
}

bool Session::hold_text(std::string_view text) {
  if (response_.size() + text.size() > limits_.response) {
    fail_with(ErrorKind::kMailbox, "limit_exceeded", concat("a response of more than ", limits_.response, " octets"));
    return false;
  }
  response_ += text;
  return true;
}

// Keeps a literal in its place: what lexers read is "{n}" CRLF octets.
void Session::hold_literal(std::uint64_t size) {
  if (size > limits_.literal || response_.size() + size > limits_.response)
    return fail_with(ErrorKind::kMailbox, "limit_exceeded",
                     concat("a literal of ", size, " octets that is not a message, in: ", loggable(response_)));
  response_ += "\r\n";
  literal_ = LiteralUse::kHeld;
}

void Session::skip_response(std::string_view text, bool literal_follows) {
  emit(Unparsed{loggable(text)});
  skipping_ = true;
  literal_ = LiteralUse::kDropped;
  if (!literal_follows) end_response();
}

void Session::end_response() {
  response_.clear();
  if (response_.capacity() > kKeptCapacity) response_.shrink_to_fit();
  literal_ = LiteralUse::kNone;
  in_response_ = in_fetch_ = skipping_ = false;
}

void Session::fail_with(ErrorKind kind, std::string code, std::string what) {
  if (!failed_) failed_.emplace(kind, std::move(code), std::move(what));
  commands_.stop();
}

} // namespace mailmoor::imap
