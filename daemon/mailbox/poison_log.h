// Tells the log which messages of a folder do not come: when that starts, when its reason changes and when it ends, not
// at every try. Loop thread only.
#pragma once

#include "mailbox/folder_record.h"
#include "mailbox/services.h"

#include <string>

namespace mailmoor::mailbox {

// After each pass over the folder. A message that is to be asked for again at once is not told of yet: a connection
// that was lost has many causes.
void tell_poison(const Services& services, const std::string& mailbox, Folder& folder);

} // namespace mailmoor::mailbox
