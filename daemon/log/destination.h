// Where stderr leads.
#pragma once

#include <string_view>

namespace mailmoor::log {

// Whether `fd` is the stream to the journal that systemd named in $JOURNAL_STREAM ("device:inode", decimal; see
// systemd.exec(5)). A child that redirected its stderr keeps the variable, so the descriptor itself is asked.
[[nodiscard]] bool is_journal_stream(std::string_view journal_stream, int fd) noexcept;

} // namespace mailmoor::log
