#include "courier/adoption.h"

#include "courier/answer.h"
#include "store/derived_key.h"

#include <utility>

namespace mailmoor::courier {
namespace {

enum class Fate { kAdopted, kDropped };

[[nodiscard]] Result<Fate> adopt(const std::string& token_id, KeptAnswer kept, const Secret& journal_key,
                                 store::TokenVault& vault, const TokenAfter& token_after) {
  auto before = vault.load_token_blocking(token_id);
  if (!before && before.error().code == "sealed_value_damaged") return Fate::kDropped; // nobody can use that row
  if (!before) return pass(std::move(before).error());
  if (!*before) return Fate::kDropped;
  const auto held = store::keyed_digest(journal_key, (*before)->refresh_token);
  if (!held) return pass(held.error());
  if (*held != kept.sent_digest) return Fate::kDropped;
  const UnixTime asked_at{std::chrono::seconds(kept.asked_at)};
  const auto after = token_after(**before, std::move(kept.answer), asked_at);
  if (!after) return Fate::kDropped;
  if (auto saved = vault.save_token_blocking(token_id, *after); !saved) return pass(std::move(saved).error());
  return Fate::kAdopted;
}

} // namespace

Result<Adoption> adopt_blocking(std::string_view bytes, const Secret& journal_key, store::TokenVault& vault,
                                const TokenAfter& token_after, std::optional<std::uint64_t> only) {
  const auto sealer = make_sealer(journal_key);
  if (!sealer) return pass(sealer.error());
  Adoption adoption;
  for (const store::JournalEntry& entry : store::decode_journal(bytes).entries) {
    if (only && entry.id != *only) continue;
    auto kept = open_answer(*sealer, entry.token_id, entry.sealed);
    if (!kept) {
      ++adoption.unreadable;
      continue;
    }
    std::string digest = kept->sent_digest;
    const auto fate = adopt(entry.token_id, *std::move(kept), journal_key, vault, token_after);
    if (!fate) return pass(fate.error());
    if (*fate == Fate::kAdopted)
      adoption.digests.insert(std::move(digest));
    else
      ++adoption.dropped;
  }
  return adoption;
}

} // namespace mailmoor::courier
