// One line of what `doctor` finds out about a mailbox. The daemon tells it, mailmoorctl shows it. Plain values; texts
// are UTF-8 and for people.
#pragma once

#include <string>

namespace mailmoor {

struct CheckResult {
  enum class Outcome {
    kGood,
    kDoubtful, // works, but someone may want to know
    kFailed,
    kSkipped, // could not be, or must not be, looked at
  };
  std::string mailbox;
  std::string check; // a stable word: "clock", "names", "tls", … (mailmoorctl(1))
  Outcome outcome = Outcome::kGood;
  std::string found;        // what was seen, or why nothing was looked at; never empty
  std::string remedy;       // one line, where something should be done
  bool needs_login = false; // kFailed, and a login would mend it
};

} // namespace mailmoor
