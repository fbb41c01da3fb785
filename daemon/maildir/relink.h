// Gives files that are here already the names of the messages that they are, after a server has numbered them anew.
//
//   auto strangers = list_strangers_blocking(ops, place, validity);       // ours, of another UIDVALIDITY
//   read_strangers_blocking(ops, place, part of them); …                  // what they are known by
//   relink_blocking(ops, place, validity, links);                         // renamed, durable
//
// Nothing is deleted. It may be stopped at any step and done again: what is renamed is found by a scan for the new
// UIDVALIDITY, the rest is a stranger as before. Blocking: pool threads only; nobody else may work on the folder
// meanwhile but readers, who may rename and delete as they like.
#pragma once

#include "maildir/content_digest.h"
#include "maildir/delivery.h"
#include "maildir/file_ops.h"
#include "model/uid_set.h"
#include "util/result.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace mailmoor::maildir {

struct Stranger {
  std::string name; // in new/ or cur/
  bool in_new;
  UidValidity validity;
  Uid uid;
  UnixTime internal_date;
  // Set by read_strangers_blocking(); a file that cannot be read, or that a reader renamed meanwhile, has none.
  bool is_read = false;
  // Octets with CRLF, as RFC822.SIZE counts them (RFC 9051 §2.3.4). Exact for a message without bare CR or LF: each LF
  // of the file stands for a CRLF, unless all of them have a CR before them already (`line_endings: crlf`).
  std::uint64_t wire_size = 0;
  std::uint64_t message_id = 0; // MessageIdScanner::fingerprint()
};

// In the order of their old UIDVALIDITYs, UIDs and names. Empty when the folder has no directory. A name that a power
// cut in the middle of relinking has left beside the new one is unlinked first: one file, two names.
[[nodiscard]] Result<std::vector<Stranger>> list_strangers_blocking(FileOps& ops, const FolderPlace& place,
                                                                    UidValidity validity);

// Each file is read once, from begin to end; 64 KiB of it are held. An error concerns the disk, not a file.
[[nodiscard]] Status read_strangers_blocking(FileOps& ops, const FolderPlace& place, std::span<Stranger> strangers);

// Empty when the file cannot be read any more.
[[nodiscard]] Result<std::optional<Digest>> digest_stranger_blocking(FileOps& ops, const FolderPlace& place,
                                                                     const Stranger& stranger);

struct Link {
  Stranger stranger;
  Uid uid;
  UnixTime internal_date; // the server's: of the name, and the file's time
};

struct [[nodiscard]] RelinkReport {
  std::vector<std::size_t> done; // positions in the links given; durable. The others were renamed or removed meanwhile
  std::optional<Error> error;    // then nothing is claimed to be done
};

// The file of each link gets the name of (validity, uid). Directory (new/ or cur/), flags and all else in the name
// stay. REQUIRES: no UID twice.
[[nodiscard]] RelinkReport relink_blocking(FileOps& ops, const FolderPlace& place, UidValidity validity,
                                           const std::vector<Link>& links);

} // namespace mailmoor::maildir
