// `status` and `folders` for people. Pure: text that came from servers is made safe for a terminal here.
#pragma once

#include "model/fleet_status.h"

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace mailmoor::cli {

// One row a mailbox, and below it what is wrong and what to do.
[[nodiscard]] std::string render_fleet(const FleetStatus& fleet, UnixTime now, std::optional<std::size_t> width);
// One mailbox in detail, with its chosen folders and the messages that could not be fetched.
[[nodiscard]] std::string render_mailbox(const MailboxStatus& mailbox, UnixTime now, std::optional<std::size_t> width);
// Every folder, chosen or not, and why.
[[nodiscard]] std::string render_folders(const std::vector<FolderStatus>& folders, UnixTime now,
                                         std::optional<std::size_t> width);

} // namespace mailmoor::cli
