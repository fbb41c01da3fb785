#include "courier/answer.h"

#include "courier/messages.h"
#include "courier/octets.h"
#include "store/reply_journal.h"
#include "util/base64.h"

#include <array>
#include <utility>

namespace mailmoor::courier {
namespace {

constexpr unsigned kVersion = 1;
constexpr std::size_t kMaxHeader = 16UL * 1024;
constexpr std::string_view kPurpose = "mailmoor courier.journal"; // part of the format: see store/sealer.h
constexpr std::array<std::string_view, 3> kKeptHeaders = {"retry-after", "content-type", "date"};

[[nodiscard]] store::Cell cell_of(std::string_view token_id) {
  return {"answer", token_id, "sealed"};
}

} // namespace

net::HttpAnswer without_other_headers(net::HttpAnswer answer) {
  std::map<std::string, std::string> kept;
  for (const std::string_view name : kKeptHeaders)
    if (const auto header = answer.headers.find(std::string(name)); header != answer.headers.end())
      kept.emplace(name, header->second.substr(0, kMaxHeader));
  answer.headers = std::move(kept);
  return answer;
}

Result<store::Sealer> make_sealer(const Secret& journal_key) {
  const Secret text = base64_encode_secret(journal_key.reveal());
  auto key = store::MasterKey::parse(text, store::KeySource::kFile, "courier.journal");
  if (!key) return pass(std::move(key).error());
  return store::Sealer(*std::move(key), std::string(kPurpose), kMaxAnswerBody + 4 * kMaxHeader);
}

Result<std::string> seal_answer(const store::Sealer& sealer, std::string_view token_id, const KeptAnswer& kept) {
  OctetWriter out;
  out.put_number(kVersion, 1);
  out.put_text(kept.sent_digest);
  out.put_number(static_cast<std::uint64_t>(kept.asked_at), 8);
  out.put_number(static_cast<std::uint64_t>(kept.answer.status), 2);
  for (const std::string_view name : kKeptHeaders) {
    const auto header = kept.answer.headers.find(std::string(name));
    out.put_text(header != kept.answer.headers.end() ? header->second : "");
  }
  out.put_text(kept.answer.body.reveal());
  const Secret plain = out.take();
  return sealer.seal(plain, cell_of(token_id));
}

Result<KeptAnswer> open_answer(const store::Sealer& sealer, std::string_view token_id, std::string_view sealed) {
  const auto plain = sealer.open(sealed, cell_of(token_id));
  if (!plain) return pass(plain.error());
  OctetReader in(plain->reveal());
  const auto version = in.take_number(1);
  KeptAnswer kept;
  kept.sent_digest = in.take_text(kDigestSize);
  kept.asked_at = static_cast<std::int64_t>(in.take_number(8));
  kept.answer.status = static_cast<int>(in.take_number(2));
  for (const std::string_view name : kKeptHeaders)
    if (const std::string_view value = in.take_text(kMaxHeader); !value.empty())
      kept.answer.headers.emplace(name, value);
  kept.answer.body = Secret(in.take_text(kMaxAnswerBody));
  if (version == kVersion && in.is_at_end()) return kept;
  return fail(ErrorKind::kOperator, "sealed_value_damaged", "an answer in courier.journal has another format");
}

} // namespace mailmoor::courier
