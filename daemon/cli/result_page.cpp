#include "cli/result_page.h"

#include "util/concat.h"

#include <string_view>

namespace mailmoor::cli {

namespace {

constexpr std::string_view kStyle = R"(
:root { color-scheme: light dark; --ink: #1c2733; --quiet: #5b6875; --paper: #ffffff; --ground: #eef1f4; --line: #d5dbe1; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6ebf0; --quiet: #a3afba; --paper: #1d242c; --ground: #12171c; --line: #333d47; }
}
body { margin: 0; min-height: 100vh; display: grid; place-items: center; background: var(--ground); color: var(--ink);
       font: 1rem/1.55 system-ui, sans-serif; }
main { box-sizing: border-box; width: min(34rem, 100vw); padding: 2rem 2.25rem; background: var(--paper);
       border: 1px solid var(--line); border-radius: .75rem; overflow-wrap: anywhere; }
h1 { margin: 0 0 .75rem; font-size: 1.4rem; line-height: 1.3; display: flex; gap: .65rem; align-items: center; }
h1 span { flex: none; width: 1.9rem; height: 1.9rem; border-radius: 50%; display: grid; place-items: center;
          color: #fff; font-size: 1.05rem; }
.good { background: #1d7a46; } .bad { background: #b3261e; } .neutral { background: #4a6076; }
p { margin: .5rem 0 0; }
footer { margin-top: 1.5rem; padding-top: .9rem; border-top: 1px solid var(--line); color: var(--quiet);
         font-size: .875rem; }
)";

struct Look {
  std::string_view style, sign;
};

Look look_of(ResultPage::Mood mood) {
  switch (mood) {
  case ResultPage::Mood::kGood: return {"good", "✓"};
  case ResultPage::Mood::kBad: return {"bad", "!"};
  case ResultPage::Mood::kNeutral: break;
  }
  return {"neutral", "i"};
}

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
    case '&': out += "&amp;"; break;
    case '<': out += "&lt;"; break;
    case '>': out += "&gt;"; break;
    case '"': out += "&quot;"; break;
    case '\'': out += "&#39;"; break;
    default: out += c;
    }
  }
  return out;
}

} // namespace

std::string render(const ResultPage& page) {
  const Look look = look_of(page.mood);
  const std::string heading = escaped(page.heading);
  return concat("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>",
                heading, " – Mailmoor</title>\n<style>", kStyle,
                "</style>\n</head>\n<body>\n<main>\n<h1><span class=\"", look.style, "\" aria-hidden=\"true\">",
                look.sign, "</span>", heading, "</h1>\n<p>", escaped(page.text), "</p>\n",
                page.remedy.empty() ? "" : concat("<p>", escaped(page.remedy), "</p>\n"),
                "<footer>Mailmoor, answering from this computer.</footer>\n</main>\n</body>\n</html>\n");
}

} // namespace mailmoor::cli
