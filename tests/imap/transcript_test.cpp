// Runs tests/transcripts/*.txt; the form is told in the README there.
#include "imap/conversation.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace mailmoor::imap {
namespace {

std::string read_escapes(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      out.push_back(text[i]);
      continue;
    }
    ++i;
    out.push_back(text[i] == 'r' ? '\r' : text[i] == 'n' ? '\n' : text[i]);
  }
  return out;
}

std::string show_line_ends(std::string_view text) {
  std::string out;
  for (const char c : text)
    c == '\r' ? out.append("\\r") : c == '\n' ? out.append("\\n") : out.append(1, c);
  return out;
}

class Player {
 public:
  explicit Player(std::size_t chunk) : chunk_(chunk) {}

  void play(std::istream& script) {
    std::string line;
    while (std::getline(script, line) && !::testing::Test::HasFailure()) {
      SCOPED_TRACE(line);
      if (line.empty() || line.starts_with('#')) continue;
      ASSERT_GE(line.size(), 2U);
      const std::string_view rest = std::string_view(line).substr(std::min<std::size_t>(3, line.size()));
      if (!line.starts_with('S')) deliver();
      if (line.starts_with('>'))
        act(std::string_view(line).substr(2));
      else if (line.starts_with("C:"))
        expect_said(concat(rest, "\r\n"));
      else if (line.starts_with("S:"))
        incoming_ += concat(rest, "\r\n");
      else if (line.starts_with("S|"))
        incoming_ += read_escapes(rest);
      else if (line.starts_with("E:"))
        expect_event(rest);
      else
        FAIL() << "what is this line?";
    }
    deliver();
    EXPECT_EQ(take_output(session_), "") << "not in the script";
    EXPECT_THAT(events_, testing::IsEmpty()) << "not in the script";
  }

 private:
  void deliver() {
    std::vector<std::string> trace;
    feed(session_, incoming_, chunk_, trace);
    incoming_.clear();
    for (const std::string& event : trace)
      events_.push_back(show_line_ends(event));
  }
  void expect_said(const std::string& expected) {
    ASSERT_EQ(session_.output().substr(0, expected.size()), expected);
    session_.output_sent(expected.size());
  }
  void expect_event(std::string_view expected) {
    ASSERT_FALSE(events_.empty()) << "nothing was told";
    EXPECT_EQ(events_.front(), expected);
    events_.erase(events_.begin());
  }

  void act(std::string_view action) {
    const std::size_t space = action.find(' ');
    const std::string_view verb = action.substr(0, space);
    const std::string rest(space == std::string_view::npos ? "" : action.substr(space + 1));
    if (verb == "capability")
      session_.capability();
    else if (verb == "noop")
      session_.noop();
    else if (verb == "logout")
      session_.logout();
    else if (verb == "starttls")
      session_.starttls();
    else if (verb == "tls_started")
      session_.tls_started();
    else if (verb == "idle")
      session_.idle();
    else if (verb == "done")
      session_.done();
    else if (verb == "list")
      session_.list_all();
    else if (verb == "list_status")
      session_.list_all(/*with_status=*/true);
    else if (verb == "status")
      session_.status(FolderName::from_wire(rest, '/'));
    else if (verb == "examine")
      session_.examine(FolderName::from_wire(rest, '/'));
    else if (verb == "flags")
      session_.uid_fetch_flags(*UidSet::parse(rest));
    else if (verb == "bodies")
      session_.uid_fetch_bodies(*UidSet::parse(rest));
    else if (verb == "from")
      session_.uid_fetch_from(*UidSet::parse(rest)->max());
    else if (verb == "selected")
      EXPECT_EQ(trace_state(session_.selected().value().state), rest);
    else
      act_with_words(verb, rest);
  }

  void act_with_words(std::string_view verb, const std::string& rest) {
    std::istringstream words(rest);
    std::string first, second, host = "host";
    std::uint16_t port = 993;
    words >> first >> second >> host >> port;
    const Secret secret(second);
    if (verb == "id") {
      const std::vector<std::pair<std::string_view, std::string_view>> fields = {{first, second}};
      session_.id(fields);
    } else if (verb == "login") {
      ASSERT_TRUE(session_.login(first, secret));
    } else {
      const auto mechanism = verb == "xoauth2"       ? SaslMechanism::kXoauth2
                             : verb == "oauthbearer" ? SaslMechanism::kOauthbearer
                                                     : SaslMechanism::kPlain;
      ASSERT_TRUE(verb == "plain" || mechanism != SaslMechanism::kPlain) << "what is this verb?";
      ASSERT_TRUE(session_.authenticate({mechanism, first, secret, host, port}));
    }
  }

  std::size_t chunk_;
  Session session_;
  std::string incoming_;
  std::vector<std::string> events_;
};

std::vector<std::string> transcripts() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(TEST_SOURCE_DIR "/tests/transcripts"))
    if (entry.path().extension() == ".txt") names.push_back(entry.path().stem());
  std::ranges::sort(names);
  return names;
}

class Transcript : public testing::TestWithParam<std::string> {};

TEST_P(Transcript, RunsWhole_HoweverTheStreamIsCut) {
  for (const std::size_t chunk : {0U, 1U, 2U, 3U, 7U}) {
    SCOPED_TRACE(concat("in pieces of ", chunk));
    std::ifstream script(concat(TEST_SOURCE_DIR "/tests/transcripts/", GetParam(), ".txt"));
    ASSERT_TRUE(script);
    Player(chunk).play(script);
  }
}

INSTANTIATE_TEST_SUITE_P(All, Transcript, testing::ValuesIn(transcripts()),
                         [](const auto& name) { return name.param; });

} // namespace
} // namespace mailmoor::imap
