// A message that another folder of the mailbox has already is not fetched: that folder's file gets a second name, a
// hard link, with this folder's own flags in it. From tmp/ on it goes the way of every delivery:
//
//   auto staged = stage_twins_blocking(ops, directory_of_the_other, its_validity, twins, folder);
//   CommitReport report = folder.commit_blocking(*std::move(staged));
//
// Blocking: pool threads only. The other folder may change meanwhile as it likes.
#pragma once

#include "maildir/delivery.h"
#include "maildir/file_ops.h"

#include <cstdint>
#include <string>
#include <vector>

namespace mailmoor::maildir {

struct Twin {
  Uid there;                // in the other folder
  std::uint64_t wire_size;  // RFC822.SIZE
  MessageIdentity identity; // here
};

// Those that can be had, in tmp/ of `here`. Not among them, and to be fetched: files that readers removed or are
// renaming, or made copies of, and those with another date or size than this message would have as a file here;
// and where the file systems do not let a file have one more name. An error is one of writing here.
[[nodiscard]] Result<std::vector<StagedMessage>> stage_twins_blocking(FileOps& ops, const std::string& directory,
                                                                      UidValidity validity,
                                                                      const std::vector<Twin>& twins,
                                                                      FolderDelivery& here);

} // namespace mailmoor::maildir
