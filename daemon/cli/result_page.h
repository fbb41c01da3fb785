// The one page that a person sees in the browser after a sign-in. Pure.
#pragma once

#include <string>

namespace mailmoor::cli {

struct ResultPage {
  enum class Mood { kGood, kBad, kNeutral };
  Mood mood = Mood::kNeutral;
  std::string heading; // a few words
  std::string text;    // what happened
  std::string remedy;  // what to do now; may be empty
};

// A whole HTML document without scripts, pictures or anything else from elsewhere. Texts may hold anything.
[[nodiscard]] std::string render(const ResultPage& page);

// For the header Content-Security-Policy: nothing may be loaded, run, sent or framed.
inline constexpr const char* kPagePolicy =
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

} // namespace mailmoor::cli
