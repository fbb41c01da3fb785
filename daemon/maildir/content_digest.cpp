#include "maildir/content_digest.h"

namespace mailmoor::maildir {

void ContentDigest::append(std::string_view octets) {
  while (!octets.empty()) {
    const std::size_t cr = octets.find('\r');
    const std::string_view plain = octets.substr(0, cr);
    if (!plain.empty()) {
      // CRs before anything but an LF are the message's own.
      if (plain.front() == '\n') held_crs_ = 0;
      for (; held_crs_ != 0; --held_crs_)
        hash_.add("\r");
      hash_.add(plain);
    }
    octets.remove_prefix(plain.size());
    if (octets.empty()) return;
    ++held_crs_;
    octets.remove_prefix(1);
  }
}

Digest ContentDigest::finish() {
  for (; held_crs_ != 0; --held_crs_)
    hash_.add("\r");
  return hash_.take();
}

Result<Digest> digest_file_blocking(FileOps& ops, const std::string& path) {
  ContentDigest digest;
  Status read = ops.read_blocking(path, [&digest](std::string_view octets) { digest.append(octets); });
  if (!read) return pass(std::move(read).error());
  return digest.finish();
}

} // namespace mailmoor::maildir
