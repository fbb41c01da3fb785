// Authenticated encryption of one database value, AES-256-GCM by OpenSSL.
//
// Format of a sealed value, pinned by a test:
//   version (1 byte, 1) ‖ nonce (12 random bytes) ‖ ciphertext (as long as the plain text) ‖ tag (16 bytes)
// Additional data: the version byte, then database purpose, table, row key and column name, each after its length as
// 4 bytes, big endian. So a value opens only in the cell that it was sealed for.
// Random nonces allow 2^32 values under one key (NIST SP 800-38D §8.3); a vault sees a few per token and hour.
#pragma once

#include "store/master_key.h"
#include "util/result.h"
#include "util/secret.h"

#include <cstddef>
#include <string>
#include <string_view>

namespace mailmoor::store {

// Where a sealed value lives.
struct Cell {
  std::string_view table;
  std::string_view row; // the primary key
  std::string_view column;
};

class Sealer final {
 public:
  // `max_plain`: bytes; the largest access tokens have about 10 KiB.
  Sealer(MasterKey key, std::string purpose, std::size_t max_plain = 64UL * 1024)
      : key_(std::move(key)), purpose_(std::move(purpose)), max_plain_(max_plain) {}

  [[nodiscard]] Result<std::string> seal(const Secret& plain, const Cell& cell) const;
  // kOperator "sealed_value_damaged" when the value was changed, moved, or sealed with another key.
  [[nodiscard]] Result<Secret> open(std::string_view sealed, const Cell& cell) const;

  [[nodiscard]] const MasterKey& key() const noexcept { return key_; }

 private:
  [[nodiscard]] std::string additional_data(const Cell& cell) const;

  MasterKey key_;
  std::string purpose_;
  std::size_t max_plain_;
};

} // namespace mailmoor::store
