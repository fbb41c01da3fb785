// Events as one line of text each, so that conversations can be compared; pieces of one body joined, so that how the
// stream was cut does not show.
#pragma once

#include "imap/session.h"
#include "util/concat.h"
#include "util/time_text.h"

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

namespace mailmoor::imap {

inline std::string_view trace_status(CompletionStatus status) {
  return status == CompletionStatus::kOk ? "OK" : status == CompletionStatus::kNo ? "NO" : "BAD";
}

inline std::string trace_text(const std::optional<ResponseCode>& code, std::string_view text) {
  if (!code) return concat(' ', text);
  return concat(" [", code->atom, code->argument.empty() ? "" : " ", code->argument, "] ", text);
}

inline std::string trace_state(const FolderState& state) {
  std::string out = concat("messages=", state.messages);
  if (state.uid_validity) out += concat(" validity=", state.uid_validity->value());
  if (state.uid_next) out += concat(" next=", state.uid_next->value());
  if (state.highest_mod_seq) out += concat(" modseq=", state.highest_mod_seq->value());
  return out;
}

inline std::string trace_flags(const Flags& flags) {
  std::string out = flags.maildir_letters();
  for (const std::string& keyword : flags.keywords())
    out += concat(',', keyword);
  return out;
}

struct TraceEvent {
  std::string operator()(const NeedInput&) const { return "NeedInput"; }
  std::string operator()(const Greeting& e) const {
    return concat(e.preauthenticated ? "Preauth" : "Greeting", trace_text(e.code, e.text));
  }
  std::string operator()(const ListEntry& e) const {
    std::string out = concat("List ", e.name.utf8(), e.name.delimiter() == '\0' ? "" : " by ");
    if (e.name.delimiter() != '\0') out += e.name.delimiter();
    for (const std::string& attribute : e.attributes)
      out += concat(' ', attribute);
    return out + (e.selectable ? "" : " unselectable");
  }
  std::string operator()(const StatusEntry& e) const {
    return concat("Status ", e.name.utf8(), ' ', trace_state(e.state));
  }
  std::string operator()(const Exists& e) const { return concat("Exists ", e.count); }
  std::string operator()(const Expunged& e) const { return concat("Expunged ", e.seq.value()); }
  std::string operator()(const Vanished& e) const {
    return concat("Vanished ", e.earlier ? "earlier " : "", e.uids.to_string());
  }
  std::string operator()(const BodyBegin& e) const {
    return concat("BodyBegin ", e.seq.value(), e.uid ? concat(" uid=", e.uid->value()) : "", " size=", e.size);
  }
  std::string operator()(const BodyBytes& e) const {
    return concat("BodyBytes ", std::string_view(reinterpret_cast<const char*>(e.bytes.data()), e.bytes.size()));
  }
  std::string operator()(const BodyEnd&) const { return "BodyEnd"; }
  std::string operator()(const Fetched& e) const {
    std::string out = concat("Fetched ", e.seq.value());
    if (e.uid) out += concat(" uid=", e.uid->value());
    if (e.flags) out += concat(" flags=", trace_flags(*e.flags));
    if (e.internal_date) out += concat(" date=", to_rfc3339(*e.internal_date));
    if (e.rfc822_size) out += concat(" size=", *e.rfc822_size);
    if (e.mod_seq) out += concat(" modseq=", e.mod_seq->value());
    if (e.header) out += concat(" header=", e.header->substr(0, e.header->find_first_of("\r\n")));
    if (e.gmail_id) out += concat(" gm=", e.gmail_id->value());
    for (const std::string& label : e.gmail_labels)
      out += concat(" label=", label);
    if (e.body == Fetched::Body::kNil) out += " body=nil";
    if (e.body == Fetched::Body::kStreamed) out += " body";
    return out;
  }
  std::string operator()(const Bye& e) const { return concat("Bye", trace_text(e.code, e.text)); }
  std::string operator()(const ServerText& e) const {
    return concat("Text ", trace_status(e.kind), trace_text(e.code, e.text));
  }
  std::string operator()(const ServerId& e) const {
    std::string out = "Id";
    for (const auto& [key, value] : e.fields)
      out += concat(' ', key, '=', value);
    return out;
  }
  std::string operator()(const IdleStarted& e) const { return concat("IdleStarted A", e.id.value()); }
  std::string operator()(const Unparsed& e) const { return concat("Unparsed ", e.text); }
  std::string operator()(const Completed& e) const {
    std::string out = concat("Completed A", e.id.value(), ' ', trace_status(e.status), trace_text(e.code, e.text));
    if (e.malformed) out += " (malformed)";
    if (!e.sasl_error.empty()) out += concat(" sasl=", e.sasl_error);
    if (!e.command.empty()) out += concat(" command=", e.command);
    return out;
  }
  std::string operator()(const Failed& e) const { return concat("Failed ", e.error.code); }
};

// Adds the events of one receive() to `trace`, up to NeedInput or Failed, which is added too when it is Failed.
inline void drain(Session& session, std::vector<std::string>& trace) {
  while (true) {
    const Event event = session.next();
    if (std::holds_alternative<NeedInput>(event)) return;
    const auto* bytes = std::get_if<BodyBytes>(&event);
    if (bytes != nullptr && !trace.empty() && trace.back().starts_with("BodyBytes "))
      trace.back().append(reinterpret_cast<const char*>(bytes->bytes.data()), bytes->bytes.size());
    else
      trace.push_back(std::visit(TraceEvent(), event));
    if (std::holds_alternative<Failed>(event)) return;
  }
}

// Feeds `wire` in pieces of `chunk` octets (0: at once), each in memory of its own that is gone afterwards.
inline void feed(Session& session, std::string_view wire, std::size_t chunk, std::vector<std::string>& trace) {
  while (!wire.empty()) {
    const std::string_view piece = wire.substr(0, chunk == 0 ? wire.size() : chunk);
    const std::vector<char> copy(piece.begin(), piece.end());
    session.receive(std::as_bytes(std::span(copy)));
    drain(session, trace);
    if (!trace.empty() && trace.back().starts_with("Failed ")) return;
    wire.remove_prefix(piece.size());
  }
}

// All of output(), taken.
inline std::string take_output(Session& session) {
  std::string out(session.output());
  session.output_sent(out.size());
  return out;
}

} // namespace mailmoor::imap
