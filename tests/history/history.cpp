#include "history/history.h"

namespace mailmoor::testing {
namespace {

using std::chrono::seconds;

// Each message is one of a kind: CRLF, bare CR and LF, NUL, none at all at the end; a few have no octets at all.
[[nodiscard]] std::string body_of(std::size_t number) {
  if (number % 13 == 0) return {};
  std::string body = concat("Subject: message ", number, "\r\nMessage-ID: <", number, "@model>\r\n\r\n");
  if (number % 3 == 0) body += concat(std::string(number % 200, 'x'), "\r\n");
  if (number % 5 == 0) body += std::string("bare\rand\nand\0\r\n", 15);
  if (number % 7 == 0) body += "no end";
  if (number % 11 == 0) body += '\r';
  return body;
}

[[nodiscard]] std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream all; // databases: by the byte that would be a quarter of these tests' time
  if (in.peek() != std::ifstream::traits_type::eof()) all << in.rdbuf();
  return std::move(all).str();
}

// The at-th of them, counted round.
template<class Container>
[[nodiscard]] auto pick(Container& items, std::size_t at) {
  return std::next(items.begin(), static_cast<std::ptrdiff_t>((at - 1) % items.size()));
}

[[nodiscard]] std::unexpected<Error> pass_on(const Error& error) {
  return std::unexpected(error);
}

[[nodiscard]] runtime::Task<void> at_once() {
  co_return;
}

} // namespace

std::string History::step(const Words& words) {
  const std::string& verb = words[0];
  if (verb == "server")
    for (std::size_t i = 1; i < words.size(); ++i)
      server_.capabilities += concat(server_.capabilities.empty() ? "" : " ", words[i]);
  else if (verb == "flags")
    policy_.flags = word(words, 1) == "mirror" ? FlagPolicy::kMirror
                    : word(words, 1) == "off"  ? FlagPolicy::kOff
                                               : FlagPolicy::kInitial;
  else if (verb == "deletions")
    policy_.deletions = word(words, 1) == "mirror";
  else if (verb == "layout")
    policy_.layout = word(words, 1) == "fs" ? maildir::Layout::kFs : maildir::Layout::kMaildirPlusPlus;
  else if (verb == "verify")
    policy_.repairs = true;
  else if (verb == "line-endings")
    policy_.line_endings = word(words, 1) == "crlf" ? maildir::LineEndings::kCrlf : maildir::LineEndings::kLf;
  else if (!ledger_)
    ledger_.emplace(policy_, server_);
  if (!ledger_) return {};
  if (verb == "pass") return pass(Words(words.begin() + 1, words.end()));
  if (verb == "restart" || verb == "forget" || verb == "older") {
    if (mailbox_) end_process({}, 0);
    if (verb == "forget") {
      replace_database({});
      ledger_->recall({});
      forgot_ = true;
    }
    if (verb == "older" && !earlier_.empty()) {
      replace_database(earlier_.front());
      ledger_->recall(earlier_.front().memory);
    }
  } else if (verb == "confirm") {
    confirm();
  } else if (verb == "wait") {
    rig_.world.clock.advance(seconds(number(words, 1)));
  } else if (verb.starts_with("reader-")) {
    reader_step(words);
  } else {
    server_step(words);
  }
  return {};
}

void History::server_step(const Words& words) {
  const std::string& verb = words[0];
  const std::string name = word(words, 1);
  const std::size_t at = number(words, 2);
  if (verb == "create" || (verb == "deliver" && !name.empty())) server_.create(name);
  const auto folder = server_.folders.find(name);
  const bool has_messages = folder != server_.folders.end() && !folder->second->messages.empty();
  if (verb == "deliver" && folder != server_.folders.end()) {
    for (std::size_t i = 0; i < at; ++i, ++next_message_)
      server_.deliver(name, body_of(next_message_), UnixTime(seconds(1'600'000'000 + 60 * next_message_)),
                      FlagLetters::parse(word(words, 3)));
  } else if (verb == "expunge" && has_messages) {
    for (std::size_t i = 0; i < number(words, 3) && !folder->second->messages.empty(); ++i)
      server_.expunge(name, pick(folder->second->messages, at)->first);
  } else if (verb == "flag" && has_messages) {
    server_.flag(name, pick(folder->second->messages, at)->first, FlagLetters::parse(word(words, 3)));
  } else if (verb == "move" && has_messages && server_.folders.contains(word(words, 3))) {
    const auto [uid, message] = *pick(folder->second->messages, at);
    server_.put(word(words, 3), message);
    server_.expunge(name, uid);
  } else if (verb == "label" && has_messages && word(words, 3) != name && server_.folders.contains(word(words, 3))) {
    ModelServer::Message message = pick(folder->second->messages, at)->second;
    message.flags = FlagLetters::parse(word(words, 4));
    server_.put(word(words, 3), std::move(message));
  } else if (verb == "rename" && name != "INBOX" && folder != server_.folders.end() && words.size() > 2 &&
             !server_.folders.contains(words[2])) {
    server_.folders[words[2]] = folder->second;
    server_.folders.erase(name);
    ledger_->renamed(name, words[2]);
  } else if (verb == "drop" && name != "INBOX") {
    server_.folders.erase(name);
  } else if (verb == "renumber" && folder != server_.folders.end()) {
    server_.renumber(name);
  } else if (verb == "withhold" && has_messages) {
    pick(folder->second->messages, at)->second.withheld = true;
  } else if (verb == "release") {
    for (auto& [each, of_it] : server_.folders)
      for (auto& [uid, message] : of_it->messages)
        message.withheld = false;
  }
  ledger_->note();
}

void History::reader_step(const Words& words) {
  const std::string directory = ledger_->directory_of(word(words, 1));
  const std::string path = directory.empty() ? settings_.maildir : concat(settings_.maildir, '/', directory);
  if (words[0] == "reader-put" && disk_.exists(path + "/cur")) {
    disk_.put(concat(path, "/cur/", ++next_message_, kForeign, ":2,S"), "hello\n");
    return;
  }
  std::vector<std::pair<Key, LocalFile>> files;
  for (const auto& [key, of_it] : local().folders)
    for (const LocalFile& file : of_it)
      if (std::get<0>(key) == directory) files.emplace_back(key, file);
  if (words[0] == "reader-rmdir" && !directory.empty() && disk_.exists(path)) {
    for (const auto& [key, file] : files)
      ledger_->deleted_here(key);
    disk_.remove(path);
    return;
  }
  if (files.empty()) return;
  const auto& [key, file] = *pick(files, number(words, 2));
  if (words[0] == "reader-damage") {
    const std::string left = file.bytes.substr(0, file.bytes.size() / 2);
    disk_.remove(file.path);
    disk_.put(file.path, left);
    ledger_->damaged(key, left);
    return;
  }
  const std::string base = file.name.substr(0, file.name.find(":2,"));
  std::string to = concat(path, "/cur/");
  if (words[0] == "reader-seen" && file.in_new)
    to += base + ":2,S";
  else if (words[0] == "reader-flag")
    to += concat(base, ":2,", FlagLetters::parse(word(words, 3)).to_string(), file.own_letters());
  else if (words[0] == "reader-info" && !file.in_new && !base.contains(",W="))
    to += concat(base, ",W=14:2,", file.letters(), 'a');
  else if (words[0] == "reader-delete")
    to.clear();
  else
    return;
  if (to.empty()) {
    disk_.remove(file.path);
    if (!local().folders.contains(key)) ledger_->deleted_here(key);
  } else if (!disk_.exists(to)) {
    disk_.move(file.path, to);
  }
}

void History::start_process() {
  line_cut_ = false;
  HistoryRig::disk = &disk_;
  state_.emplace(store::StateRepository::open_blocking(state_path(), rig_.world.now()).value().repository);
  World& world = rig_.world;
  services_.emplace(mailbox::Services{.loop = world.loop,
                                      .files_pool = rig_.thread,
                                      .store_thread = rig_.thread,
                                      .dialer = world.dialer,
                                      .tls = world.tls,
                                      .http = world.http,
                                      .vault = world.vault,
                                      .state = *state_,
                                      .files = disk_,
                                      .committer = committer_.emplace(world.loop, rig_.thread, disk_),
                                      .pieces = pieces_,
                                      .faults = world.faults,
                                      .counters = world.counters,
                                      .connections = world.connections,
                                      .random = world.random,
                                      .host_name = "test.example",
                                      .run_id = concat("run", ++runs_),
                                      .version = "0"});
  settings_.keep_flags = policy_.flags != FlagPolicy::kOff;
  settings_.wants.flags = policy_.flags == FlagPolicy::kMirror;
  settings_.wants.deletions = policy_.deletions;
  settings_.layout = policy_.layout;
  settings_.line_endings = policy_.line_endings;
  mailbox_.emplace(*services_, settings_, nullptr, at_once);
  mailbox_->start();
}

// What is recorded is recorded, unless the process was stopped before.
void History::end_process(std::optional<unsigned> power_cut, unsigned) {
  rig_.drain();
  mailbox_.reset();
  rig_.drain();
  HistoryRig::disk = nullptr;
  committer_.reset();
  rig_.drain();
  services_.reset();
  state_.reset();
  if (power_cut)
    disk_.cut_power(*power_cut);
  else
    disk_.kill();
}

History::Database History::read_database() const {
  return {read_file(state_path()), read_file(state_path() + "-wal"), ledger_->memory()};
}

void History::replace_database(const Database& with) {
  for (const auto& [suffix, bytes] : {std::pair("", &with.main), std::pair("-wal", &with.wal)}) {
    ::unlink(concat(state_path(), suffix).c_str());
    if (!bytes->empty()) std::ofstream(concat(state_path(), suffix), std::ios::binary) << *bytes;
  }
}

void History::cause(const Words& trouble) {
  const std::string kind = word(trouble, 0);
  const std::size_t at = number(trouble, 1);
  if (kind == "kill" || kind == "power") disk_.crash_at(at);
  if (kind == "fail") disk_.fail_at(at);
  if (kind == "lie") disk_.lie_at(at);
  if (kind == "cut" || kind == "die") server_.limit_bytes(at, /*closes=*/kind == "cut");
  if (kind != "meanwhile" || trouble.size() < 3) return;
  server_.before_command = [this, due = server_.commands.size() + at,
                            words = Words(trouble.begin() + 2, trouble.end())](std::size_t command) {
    if (command == due) server_step(words);
  };
}

Status History::ask_for_a_pass() {
  outcome_.reset();
  if (!policy_.repairs) {
    static_cast<void>(mailbox_->sync_now([this](Status status) { outcome_ = std::move(status); }));
    return {};
  }
  VerifyRequest request;
  request.deep = request.repair = true;
  VerificationListener listener;
  listener.on_end = [this](const Result<VerifySummary>& end) { outcome_ = end ? Status() : pass_on(end.error()); };
  const auto ticket = mailbox_->verify_now(request, std::move(listener));
  return ticket ? Status() : pass_on(ticket.error());
}

std::string History::pass(const Words& trouble) {
  const std::string kind = word(trouble, 0);
  if (!mailbox_) start_process();
  ledger_->begin(local());
  if (Status asked = ask_for_a_pass(); !asked) return concat("no pass is to be had: ", asked.error().what);
  cause(trouble);
  const bool ended =
      rig_.drive([&] { return outcome_ || disk_.is_crashed() || (kind == "die" && server_.limit_reached()); });
  server_.before_command = {};
  if (!ended) return concat("the pass stands still; state ", mailbox_state_name(mailbox_->state()));
  rig_.drain(); // what the end of a pass records, it records after it
  const bool is_dead = disk_.is_crashed() || (kind == "die" && server_.limit_reached());
  if (is_dead && !disk_.is_crashed()) {
    rig_.come_to_rest();
    disk_.crash_at(0);
  }
  ++rig_.tally[concat("passes ", is_dead || !outcome_->has_value() ? "ended by " : "complete in spite of ",
                      kind.empty() ? "nothing" : kind)];
  // A line may be cut when the pass is over, too: then the next one finds out.
  if (kind == "cut" && *outcome_) rig_.come_to_rest();
  const bool was_cut = std::exchange(line_cut_, kind == "cut" && outcome_->has_value() && server_.limit_reached());
  server_.lift_limit();
  if (!server_.strange.empty()) return concat("the server was asked: ", server_.strange.front());
  if (is_dead) {
    end_process(kind == "power" ? std::optional(static_cast<unsigned>(number(trouble, 2))) : std::nullopt, 0);
    return settle_pass(kind == "power" ? PassEnd::kPowerCut : PassEnd::kBroken);
  }
  disk_.crash_at(maildir::ForgetfulFileOps::kNever);
  disk_.fail_at(maildir::ForgetfulFileOps::kNever - disk_.steps());
  if (!*outcome_ && was_cut) {
    const std::string wrong = settle_pass(PassEnd::kBroken);
    return wrong.empty() ? pass(trouble) : wrong;
  }
  const bool is_disk = kind == "fail" || kind == "lie";
  // It was listed, and gone when it was to be opened.
  const bool lost_folder = kind == "meanwhile" && (word(trouble, 2) == "drop" || word(trouble, 2) == "rename") &&
                           !*outcome_ && outcome_->error().code == "folders_failed";
  if (!*outcome_ && !is_disk && !lost_folder && kind != "cut")
    return concat("the pass failed: ", outcome_->error().what);
  if (!*outcome_) return settle_pass(PassEnd::kBroken);
  // A commit that failed is told to the log only, and made good by the next pass.
  const bool is_whole = kind != "meanwhile" && !is_disk;
  return settle_pass(is_whole ? PassEnd::kWhole : PassEnd::kEnded);
}

std::string History::settle_pass(PassEnd end) {
  ledger_->note();
  const LocalTree after = local();
  if (std::string wrong = ledger_->judge(after, end); !wrong.empty()) return wrong;
  ledger_->tally(after, rig_.tally);
  ledger_->settle(after, end);
  if (end != PassEnd::kWhole && end != PassEnd::kEnded) return {};
  earlier_.push_back(read_database());
  if (earlier_.size() > 2) earlier_.pop_front();
  return {};
}

std::set<Key> History::held() const {
  std::set<Key> keys;
  if (!mailbox_) return keys;
  for (const auto& [wire, folder] : mailbox_->folders())
    folder.recorded.held.for_each(
        [&](Uid uid) { keys.emplace(ledger_->directory_of(wire), folder.recorded.validity->value(), uid.value()); });
  return keys;
}

void History::confirm() {
  if (!mailbox_) return;
  for (const Key& key : held())
    ledger_->confirmed(key);
  static_cast<void>(mailbox_->confirm());
  rig_.drain();
}

// A pass, and further ones where a message is to be asked for again later.
std::string History::pass_until_nothing_is_due() {
  for (int passes = 0; passes < 6; ++passes) {
    if (std::string wrong = pass({}); !wrong.empty()) return wrong;
    UnixTime latest{};
    for (const auto& [wire, folder] : mailbox_->folders())
      for (const sync::RetryRecord& retry : folder.recorded.retries)
        if (folder.chosen && !folder.vanished) latest = std::max(latest, retry.next_try);
    if (latest == UnixTime() && !std::exchange(forgot_, false)) return {};
    if (latest > rig_.world.now()) rig_.world.clock.advance(latest - rig_.world.now() + seconds(1));
  }
  return "messages are still to be asked for again";
}

std::string History::changes_nothing(const char* when) {
  const auto before = tree();
  const std::size_t asked = server_.commands.size();
  if (std::string wrong = pass({}); !wrong.empty()) return concat(when, ": ", wrong);
  if (tree() != before) return concat(when, ": the Maildir changed");
  for (std::size_t at = asked; at < server_.commands.size() && !policy_.repairs; ++at) // which compares contents
    if (server_.commands[at].contains("BODY.PEEK[]"))
      return concat(when, ": it was fetched again: ", server_.commands[at]);
  return {};
}

std::string History::come_to_the_end() {
  if (!ledger_) ledger_.emplace(policy_, server_);
  server_step({"release"});
  if (std::string wrong = pass_until_nothing_is_due(); !wrong.empty()) return wrong;
  if (std::string wrong = ledger_->judge_whole(local(), held(), /*deletes=*/true); !wrong.empty()) return wrong;
  if (!held().empty()) {
    ++rig_.tally["holds"];
    confirm();
    if (std::string wrong = pass_until_nothing_is_due(); !wrong.empty()) return concat("confirmed: ", wrong);
    if (std::string wrong = ledger_->judge_whole(local(), {}, /*deletes=*/true); !wrong.empty())
      return concat("confirmed: ", wrong);
  }
  rig_.world.clock.advance(seconds(1));
  if (std::string wrong = changes_nothing("a second pass"); !wrong.empty()) return wrong;
  end_process({}, 0);
  return changes_nothing("a pass after a restart");
}

} // namespace mailmoor::testing
