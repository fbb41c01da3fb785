#include "config/mailbox_reader.h"

#include "config/section.h"
#include "util/ascii.h"

#include <array>

namespace mailmoor::config {
namespace {

using namespace std::chrono_literals;

[[nodiscard]] std::optional<Tls> read_tls(const Value& value) {
  static constexpr auto kNone = std::to_array<std::string_view>({"none", "no", "off", "false", "plain", "insecure"});
  const auto given = value.text();
  if (!given) return std::nullopt;
  if (std::ranges::find(kNone, to_lower_ascii(*given)) == kNone.end())
    return value.choice<Tls>({{"implicit", Tls::kImplicit}, {"starttls", Tls::kStartTls}});
  value.wrong("mail and secrets never cross a network in the clear; write implicit or starttls");
  return std::nullopt;
}

[[nodiscard]] std::optional<Glob> read_glob(const Value& value) {
  const auto pattern = value.text();
  if (!pattern) return std::nullopt;
  // As a set of letters this is never meant.
  if (pattern->starts_with("[Gmail]") || pattern->starts_with("[Google Mail]")) {
    value.wrong("\"[…]\" is a set of characters in a pattern; write '\\[Gmail\\]/…' in single quotes");
    return std::nullopt;
  }
  auto glob = Glob::parse(*pattern);
  if (glob) return *std::move(glob);
  value.wrong(concat("not a pattern: ", glob.error()));
  return std::nullopt;
}

[[nodiscard]] std::optional<std::vector<Glob>> read_globs(const Value& value) {
  const auto entries = value.list();
  if (!entries) return std::nullopt;
  std::vector<Glob> out;
  for (const Value& entry : *entries)
    if (auto glob = read_glob(entry)) out.push_back(*std::move(glob));
  return out;
}

void read_folders(const Value& value, FolderPatterns& folders) {
  const Section section(value, kFoldersKeys);
  section.with("include", [&](const Value& v) {
    assign(folders.include, read_globs(v));
    if (v.node().kind == YamlNode::Kind::kSequence && v.node().children.empty())
      v.wrong("it is empty; leave the key out for every mail folder");
  });
  section.with("exclude", [&](const Value& v) { assign(folders.exclude, read_globs(v)); });
}

// "none" lifts what the defaults say.
[[nodiscard]] bool is_none(const Value& value) {
  return value.node().kind == YamlNode::Kind::kScalar && value.node().scalar == "none";
}

void read_filters(const Section& section, Filters& filters) {
  const auto since = section.find("since");
  const auto max_age = section.find("max_age");
  if (since && max_age) max_age->wrong("there is \"since\" already, and both say how old messages may be; keep one");
  // A mailbox's own takes the place of the default one, whichever that is.
  if (since || max_age) {
    filters.since.reset();
    filters.max_age.reset();
  }
  if (since && !is_none(*since)) filters.since = since->date();
  // Days are what it is counted in.
  if (max_age && !is_none(*max_age))
    filters.max_age = max_age->duration(std::chrono::days(1), std::chrono::days(36500));
  section.with("max_size", [&](const Value& v) {
    filters.max_size = is_none(v) ? std::nullopt : v.size();
    if (filters.max_size == 0) v.wrong("nothing is so small; write a size such as 150MiB, or none for no limit");
  });
}

void read_timeouts(const Value& value, Timeouts& timeouts) {
  const Section section(value, kTimeoutsKeys);
  section.with("connect", [&](const Value& v) { assign(timeouts.connect, v.duration(1s, 10min)); });
  section.with("io", [&](const Value& v) { assign(timeouts.io, v.duration(1s, 1h)); });
}

// Whose mailbox, and how to sign in to it.
void read_identity(const Section& section, MailboxDraft& draft) {
  Mailbox& mailbox = draft.mailbox;
  // A mailbox's own way to sign in takes the place of the default one.
  if (section.find("app") && !section.find("password")) {
    mailbox.password = {};
    draft.password = {};
  } else if (section.find("password") && !section.find("app")) {
    mailbox.app.clear();
    draft.app = {};
  }
  section.with("app", [&](const Value& v) { draft.app = v.place(), assign(mailbox.app, v.name()); });
  section.with("user", [&](const Value& v) { draft.user = v.place(), assign(mailbox.user, v.text()); });
  section.with("login_user",
               [&](const Value& v) { draft.login_user = v.place(), assign(mailbox.login_user, v.text()); });
  section.with("password",
               [&](const Value& v) { draft.password = v.place(), mailbox.password = read_secret_source(v); });
  if (draft.app.is_set() && draft.password.is_set())
    draft.password.error("\"password\": a mailbox signs in with its app or with a password; keep one of the two");
}

void read_server(const Section& section, MailboxDraft& draft) {
  Mailbox& mailbox = draft.mailbox;
  section.with("host", [&](const Value& v) { draft.host = v.place(), assign(mailbox.host, v.host()); });
  section.with("port", [&](const Value& v) {
    if (const auto port = v.integer(1, 65535)) draft.port = static_cast<std::uint16_t>(*port);
  });
  section.with("tls", [&](const Value& v) { assign(mailbox.tls, read_tls(v)); });
  section.with("ca_file", [&](const Value& v) { assign(mailbox.ca_file, v.existing_file()); });
  section.with("proxy", [&](const Value& v) { assign(draft.proxy, v.proxy()); });
  // Exchange allows 16 a mailbox, Gmail 15.
  section.with("connections", [&](const Value& v) { assign(mailbox.connections, v.integer(1, 15)); });
  section.with("timeouts", [&](const Value& v) { read_timeouts(v, mailbox.timeouts); });
  section.with("compress", [&](const Value& v) {
    assign(mailbox.compress,
           v.choice<Compress>({{"auto", Compress::kAuto}, {"off", Compress::kOff}, {"on", Compress::kOn}}));
  });
  section.with("push", [&](const Value& v) {
    assign(mailbox.push, v.choice<Push>({{"auto", Push::kAuto}, {"off", Push::kOff}}));
  });
  section.with("poll", [&](const Value& v) { assign(mailbox.poll, v.duration(1s, std::chrono::days(30))); });
  section.with("daily_bytes", [&](const Value& v) {
    if (const auto cap = v.size()) draft.daily_bytes = *cap;
  });
}

void read_copy(const Section& section, MailboxDraft& draft) {
  Mailbox& mailbox = draft.mailbox;
  section.with("folders", [&](const Value& v) { read_folders(v, mailbox.folders); });
  read_filters(section, mailbox.filters);
  section.with("flags", [&](const Value& v) {
    assign(
        mailbox.flags,
        v.choice<FlagMode>({{"mirror", FlagMode::kMirror}, {"initial", FlagMode::kInitial}, {"off", FlagMode::kOff}}));
  });
  section.with("deletions", [&](const Value& v) {
    assign(mailbox.deletions, v.choice<Deletions>({{"keep", Deletions::kKeep}, {"mirror", Deletions::kMirror}}));
  });
  section.with("layout", [&](const Value& v) {
    assign(mailbox.layout, v.choice<Layout>({{"maildir++", Layout::kMaildirPlusPlus}, {"fs", Layout::kFs}}));
  });
  section.with("line_endings", [&](const Value& v) {
    assign(mailbox.line_endings, v.choice<LineEndings>({{"lf", LineEndings::kLf}, {"crlf", LineEndings::kCrlf}}));
  });
  section.with("maildir", [&](const Value& v) { draft.maildir = v.place(), assign(mailbox.maildir, v.path()); });
}

void read_keys(const Section& section, MailboxDraft& draft) {
  read_identity(section, draft);
  read_server(section, draft);
  read_copy(section, draft);
}

} // namespace

MailboxDraft read_defaults(const Value& value) {
  MailboxDraft draft;
  const Section section(value, kDefaultsKeys);
  if (section.is_map()) read_keys(section, draft);
  return draft;
}

MailboxDraft read_mailbox(const Value& value, const MailboxDraft& defaults) {
  MailboxDraft draft = defaults;
  const Section section(value, kMailboxKeys);
  draft.place = section.place();
  if (!section.is_map()) return draft;
  if (const auto name = section.find("name")) {
    assign(draft.mailbox.name, name->name());
    if (!draft.mailbox.name.empty()) draft.name = name->place();
  } else {
    draft.place.error("a mailbox has no \"name\": write one, such as \"name: alice\"");
  }
  read_keys(section, draft);
  return draft;
}

} // namespace mailmoor::config
