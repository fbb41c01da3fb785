// What a server says about a folder: from EXAMINE, STATUS or LIST-STATUS (RFC 9051 §6.3.3, §6.3.11).
#pragma once

#include "model/uid.h"

#include <cstdint>
#include <optional>

namespace mailmoor {

struct FolderState {
  std::optional<UidValidity> uid_validity; // empty: the server does not keep UIDs; such a folder is not mirrored
  std::optional<Uid> uid_next;
  std::uint32_t messages = 0;
  std::optional<ModSeq> highest_mod_seq; // empty: NOMODSEQ or no CONDSTORE

  friend bool operator==(const FolderState&, const FolderState&) = default;
};

} // namespace mailmoor
