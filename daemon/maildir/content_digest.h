// Tells whether two messages are the same, whatever line endings each is kept with: the SHA-256 (FIPS 180-4) of the
// octets without the CRs that stand before an LF. So the octets of the wire have the digest of the file that they are
// delivered as. Not thread-safe.
#pragma once

#include "maildir/file_ops.h"
#include "maildir/sha256.h"

#include <cstddef>
#include <string>
#include <string_view>

namespace mailmoor::maildir {

using Digest = ContentHash;

class ContentDigest final {
 public:
  // Octets of any number.
  void append(std::string_view octets);
  // Once, last.
  [[nodiscard]] Digest finish();

 private:
  Sha256 hash_;
  std::size_t held_crs_ = 0; // the last octets seen, not added yet
};

// Of a whole regular file. Blocking.
[[nodiscard]] Result<Digest> digest_file_blocking(FileOps& ops, const std::string& path);

} // namespace mailmoor::maildir
