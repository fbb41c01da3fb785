// What a person sees of a verification. Pure: text that came from servers is made safe for a terminal here.
#pragma once

#include "model/verification.h"

#include <cstddef>
#include <optional>
#include <string>

namespace mailmoor::cli {

// "  INBOX: 2 missing (UIDs 4, 9); 1 flag changed here"; empty when there is nothing to say of the folder.
[[nodiscard]] std::string render_findings(const FolderFindings& findings, std::optional<std::size_t> width);
// "alice: complete: 1204 messages in 3 folders", and what to do where it is not.
[[nodiscard]] std::string render_verdict(const std::string& mailbox, const VerifySummary& summary,
                                         const VerifyRequest& request, bool has_removed);
// "Archive: comparing contents, 120 of 4000"; at most `width` columns.
[[nodiscard]] std::string render_progress(const VerifyProgress& progress, std::size_t width);

} // namespace mailmoor::cli
