// The history of a mailbox as text, one step a line: what is printed when a check fails is what a test case is made of.
//
//   server CONDSTORE LIST-STATUS    what it offers; a session has none of it without this line. X-GM-EXT-1: a message
//                                   has one number in all folders
//   flags mirror                    mirror | initial | off              (initial)
//   deletions mirror                mirror | keep                       (keep)
//   layout fs                       maildir++ | fs                      (maildir++)
//   line-endings crlf               lf | crlf                           (lf)
//   verify                          each pass from here on is one with `verify --deep --repair`
//   deliver INBOX 3 FS              three messages with these flags ("-": none)
//   expunge INBOX 2 5               five messages from the second one on, counted round
//   flag INBOX 1 R                  this message's flags are now these
//   label INBOX 1 Work FS           this message is in another folder, too, with these flags
//   move INBOX 1 Work · create Work · rename Work Sent · drop Work · renumber INBOX (another UIDVALIDITY)
//   withhold INBOX 1 · release      listed and not handed out; all that is withheld is handed out again
//   reader-flag INBOX 1 FS          a reader gives the first file these letters
//   reader-seen INBOX 1 · reader-info INBOX 1 · reader-delete INBOX 1 · reader-put INBOX · reader-damage INBOX 1
//   reader-rmdir Work               the folder's directory with all that is in it
//   pass                            a pass; with trouble: kill N | power N SEED | fail N | lie N (change number N of
//                                   disk and database: the process ends before it, with a power cut, or the disk is
//                                   full once, or does it and says that it failed, as a file server may),
//                                   cut N | die N (after N bytes of the server the line, or the process, ends),
//                                   meanwhile N STEP (a step of the server's, before its N-th answer)
//   restart · forget · older        the daemon starts anew; without its state.db; with one of an earlier pass
//   confirm · wait SECONDS
//
// Steps that have nothing to work on do nothing, so that any line may be left out.
#pragma once

#include "util/concat.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <random>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace mailmoor::testing {

using Script = std::vector<std::string>;
using Words = std::vector<std::string>;

[[nodiscard]] inline Words words_of(const std::string& line) {
  std::istringstream in(line);
  Words words;
  for (std::string word; in >> word;)
    words.push_back(std::move(word));
  return words;
}

[[nodiscard]] inline Script script_of(const std::string& text) {
  std::istringstream in(text);
  Script script;
  for (std::string line; std::getline(in, line);)
    if (!words_of(line).empty()) script.push_back(line.substr(line.find_first_not_of(' ')));
  return script;
}

[[nodiscard]] inline std::string text_of(const Script& script) {
  std::string text;
  for (const std::string& line : script)
    text += concat("  ", line, '\n');
  return text;
}

// A random history. The same seed gives the same one on every machine: no standard distribution is used.
class ScriptWriter final {
 public:
  explicit ScriptWriter(std::uint64_t seed) : random_(seed) {}

  [[nodiscard]] Script write() {
    Script script = settings();
    script.push_back(concat("deliver INBOX ", 1 + below(4), ' ', letters()));
    const std::size_t steps = 4 + below(14);
    for (std::size_t i = 0; i < steps; ++i) {
      const std::size_t what = below(20);
      if (what < 8)
        script.push_back(of_server());
      else if (what < 11)
        script.push_back(of_reader());
      else if (what < 18)
        script.push_back(pass());
      else
        script.push_back(of_operator());
    }
    return script;
  }

 private:
  [[nodiscard]] std::size_t below(std::size_t bound) { return static_cast<std::size_t>(random_() % bound); }
  template<std::size_t Size>
  [[nodiscard]] std::string one_of(const std::array<const char*, Size>& words) {
    return words[below(Size)];
  }
  [[nodiscard]] std::string folder() { return one_of(std::array{"INBOX", "INBOX", "Work", "Lists/dev", "Sent"}); }
  [[nodiscard]] std::string letters() {
    return one_of(std::array{"-", "-", "S", "S", "F", "RS", "FS", "ST", "P", "D"});
  }
  [[nodiscard]] std::size_t at() { return 1 + below(12); }

  [[nodiscard]] Script settings() {
    Script script;
    const std::string offers =
        concat(one_of(std::array{"", " CONDSTORE", " CONDSTORE ENABLE QRESYNC", " CONDSTORE ENABLE QRESYNC"}),
               one_of(std::array{"", " LIST-STATUS"}), one_of(std::array{"", "", " IDLE"}),
               one_of(std::array{"", " X-GM-EXT-1"}));
    if (!offers.empty()) script.push_back("server" + offers);
    script.push_back("flags " + one_of(std::array{"mirror", "mirror", "mirror", "initial", "off"}));
    script.push_back("deletions " + one_of(std::array{"mirror", "mirror", "keep"}));
    if (below(4) == 0) script.emplace_back("layout fs");
    if (below(4) == 0) script.emplace_back("line-endings crlf");
    return script;
  }
  [[nodiscard]] std::string of_server() {
    switch (below(16)) {
    case 0:
    case 1:
    case 2:
    case 3: return concat("deliver ", folder(), ' ', below(6) == 0 ? 24 + below(12) : 1 + below(4), ' ', letters());
    case 4:
    case 5: return concat("expunge ", folder(), ' ', at(), ' ', below(5) == 0 ? 21 + below(12) : 1 + below(3));
    case 6:
    case 7:
    case 8: return concat("flag ", folder(), ' ', at(), ' ', letters());
    case 9:
      if (below(2) == 0) return concat("label ", folder(), ' ', at(), ' ', folder(), ' ', letters());
      return concat("move ", folder(), ' ', at(), ' ', folder());
    case 10:
    case 11: return "create " + folder();
    case 12: return concat("rename ", folder(), ' ', folder());
    case 13: return below(2) == 0 ? "drop " + folder() : concat("withhold ", folder(), ' ', at());
    case 14: return "renumber " + folder();
    default: return "release";
    }
  }
  [[nodiscard]] std::string of_reader() {
    switch (below(9)) {
    case 0:
    case 1: return concat("reader-seen ", folder(), ' ', at());
    case 2:
    case 3: return concat("reader-flag ", folder(), ' ', at(), ' ', letters());
    case 4: return concat("reader-info ", folder(), ' ', at());
    case 5: return "reader-put " + folder();
    case 8: return "reader-rmdir " + folder();
    default: return concat("reader-delete ", folder(), ' ', at());
    }
  }
  [[nodiscard]] std::string of_operator() {
    switch (below(8)) {
    case 0:
    case 1: return "restart";
    case 2: return "forget";
    case 3: return "older";
    case 4: return concat("wait ", std::array<std::size_t, 4>{60, 3600, 30000, 90000}[below(4)]);
    default: return "confirm";
    }
  }
  [[nodiscard]] std::string pass() {
    switch (below(12)) {
    case 0:
    case 1: return concat("pass kill ", 1 + below(60));
    case 2:
    case 3:
    case 4: return concat("pass power ", 1 + below(60), ' ', below(1000));
    case 5: return concat(below(2) == 0 ? "pass fail " : "pass lie ", 1 + below(60));
    case 6: return concat("pass cut ", 1 + below(4000));
    case 7: return concat("pass die ", 1 + below(4000));
    case 8:
    case 9: return concat("pass meanwhile ", 1 + below(12), ' ', of_server());
    default: return "pass";
    }
  }

  std::mt19937_64 random_;
};

// The shortest script found that still fails: lines go as long as it does, then numbers become smaller. Each try costs
// one run of `fails`; there are at most `tries`.
[[nodiscard]] inline Script shrunk(Script script, const std::function<bool(const Script&)>& fails,
                                   std::size_t tries = 600) {
  const auto try_it = [&](const Script& smaller) {
    if (tries == 0) return false;
    --tries;
    if (!fails(smaller)) return false;
    script = smaller;
    return true;
  };
  const auto drop_lines = [&] {
    bool any = false;
    for (std::size_t size = std::max<std::size_t>(script.size() / 2, 1); size >= 1; size /= 2)
      for (std::size_t at = 0; at < script.size();) {
        Script smaller = script;
        const auto first = smaller.begin() + static_cast<std::ptrdiff_t>(at);
        smaller.erase(first, first + static_cast<std::ptrdiff_t>(std::min(size, script.size() - at)));
        if (try_it(smaller))
          any = true;
        else
          at += size;
      }
    return any;
  };
  // A word that counts something, and what to try instead; trouble that goes away leaves "pass".
  const auto simplify_line = [&](std::size_t at) {
    const Words words = words_of(script[at]);
    const auto with = [&script, at](const Words& changed) {
      Script smaller = script;
      smaller[at].clear();
      for (const std::string& word : changed)
        smaller[at] += concat(smaller[at].empty() ? "" : " ", word);
      return smaller;
    };
    if (words.size() > 1 && words[0] == "pass" && try_it(with({"pass"}))) return true;
    if (words.size() == 3 && words[0] == "pass" && words[1] == "power")
      if (try_it(with({"pass", "kill", words[2]}))) return true;
    for (std::size_t i = 1; i < words.size(); ++i) {
      const bool is_number = std::ranges::all_of(words[i], [](char c) { return c >= '0' && c <= '9'; });
      if (!is_number || words[i] == "1") continue;
      const unsigned long value = std::stoul(words[i]);
      for (const unsigned long smaller : {1UL, value / 2, value - 1}) {
        Words changed = words;
        changed[i] = std::to_string(smaller);
        if (smaller < value && smaller != 0 && try_it(with(changed))) return true;
      }
    }
    return false;
  };
  for (bool any = true; any && tries != 0;) {
    any = drop_lines();
    for (std::size_t at = 0; at < script.size() && tries != 0; ++at)
      while (tries != 0 && simplify_line(at))
        any = true;
  }
  return script;
}

} // namespace mailmoor::testing
