// What we ask the server.
#include "imap/session.h"

#include "util/concat.h"

#include <cassert>

namespace mailmoor::imap {

void Session::pump() {
  if (!greeted_) return;
  while (const Command* const command = commands_.send_next()) {
    if (command->kind == CommandKind::kLogin || command->kind == CommandKind::kAuthenticate)
      capabilities_fresh_ = false;
  }
  if (const Command* const examine = commands_.begun_examine()) selection_.opening(*examine->folder);
}

CommandWriter Session::writer() const {
  LiteralForm form = LiteralForm::kSynchronizing;
  if (capabilities_.has("LITERAL-")) form = LiteralForm::kLiteralMinus;
  if (capabilities_.has("LITERAL+")) form = LiteralForm::kLiteralPlus;
  return {CommandQueue::tag_of(commands_.next_id()), form};
}

CommandId Session::add(CommandKind kind, CommandText text) {
  return add(Command(commands_.next_id(), kind, std::move(text)));
}

CommandId Session::add(Command command) {
  const auto refusal = command.is_known_by_its_text() ? refusals_.answer_to(command.text.for_log) : std::nullopt;
  if (!refusal) {
    const CommandId id = commands_.add(std::move(command));
    pump();
    return id;
  }
  Completed completed(commands_.skip_id(), CompletionStatus::kBad);
  completed.text = *refusal;
  completed.command = std::move(command.text.for_log);
  emit(completed);
  return completed.id;
}

CommandId Session::capability() {
  return add(CommandKind::kPlain, writer().capability());
}
CommandId Session::noop() {
  return add(CommandKind::kPlain, writer().noop());
}
CommandId Session::logout() {
  return add(CommandKind::kLogout, writer().logout());
}
CommandId Session::starttls() {
  return add(CommandKind::kStartTls, writer().starttls());
}
CommandId Session::compress() {
  return add(CommandKind::kCompress, writer().compress());
}
CommandId Session::idle() {
  return add(CommandKind::kIdle, writer().idle());
}
void Session::done() {
  commands_.done();
}

CommandId Session::id(std::span<const std::pair<std::string_view, std::string_view>> fields) {
  return add(CommandKind::kPlain, writer().id(fields));
}

void Session::tls_started() {
  assert(awaiting_tls_);
  awaiting_tls_ = false;
  if (failed_) return;
  commands_.resume();
  pump();
}

void Session::compression_started() {
  assert(awaiting_compression_);
  awaiting_compression_ = false;
  if (failed_) return;
  commands_.resume();
  pump();
}

Result<CommandId> Session::authenticate(const SaslLogin& login) {
  if (login.mechanism == SaslMechanism::kLoginCommand) return this->login(login.user, login.secret);
  auto response = sasl_initial_response(login);
  if (!response) return pass(std::move(response).error());
  Command command(commands_.next_id(), CommandKind::kAuthenticate,
                  writer().authenticate(login.mechanism, *response, capabilities_.has("SASL-IR")));
  command.mechanism = login.mechanism;
  return add(std::move(command));
}

Result<CommandId> Session::login(std::string_view user, const Secret& password) {
  if (user.empty() || !is_safe_credential(user) || !is_safe_credential(password.reveal()))
    return fail(ErrorKind::kOperator, "invalid_credentials", "user name or password has control characters",
                "correct `user` or store the password again");
  return add(CommandKind::kLogin, writer().login(user, password));
}

CommandId Session::list_all(bool with_status) {
  // RFC 6154 §2: with SPECIAL-USE and LIST-EXTENDED the attributes are sent when asked for; without, of themselves.
  std::string options = can_list_return() && capabilities_.has("SPECIAL-USE") ? "SPECIAL-USE" : "";
  if (with_status && can_list_status()) {
    if (!options.empty()) options += ' ';
    options += can_condstore() ? "STATUS (MESSAGES UIDNEXT UIDVALIDITY HIGHESTMODSEQ)"
                               : "STATUS (MESSAGES UIDNEXT UIDVALIDITY)";
  }
  Command command(commands_.next_id(), CommandKind::kPlain, writer().list_all(options));
  if (!options.empty()) command.presumed = Presumed::kListReturn;
  return add(std::move(command));
}

CommandId Session::status(const FolderName& folder) {
  return add(CommandKind::kPlain, writer().status(folder, can_condstore()));
}

bool Session::can_condstore() const {
  return capabilities_.has("CONDSTORE") || capabilities_.has("QRESYNC"); // RFC 7162 §3.2: the latter has the former
}

std::optional<CommandId> Session::enable_qresync() {
  const bool is_offered = capabilities_.has("QRESYNC") && capabilities_.has("ENABLE");
  if (!is_offered || quirks_.extensions.no_qresync || quirks_.extensions.no_enable) return std::nullopt;
  return add(CommandKind::kPlain, writer().enable_qresync());
}

bool Session::can_notify() const {
  return capabilities_.has("NOTIFY") && capabilities_.has("IDLE") && !quirks_.extensions.no_notify;
}

CommandId Session::notify_of_all(bool flag_changes) {
  assert(can_notify());
  Command command(commands_.next_id(), CommandKind::kPlain, writer().notify_of_all(flag_changes));
  command.presumed = Presumed::kNotify;
  return add(std::move(command));
}

CommandId Session::notify_of_selected(bool flag_changes) {
  Command command(commands_.next_id(), CommandKind::kPlain, writer().notify_of_selected(flag_changes));
  command.presumed = Presumed::kNotify;
  return add(std::move(command));
}

CommandId Session::examine(const FolderName& folder, std::optional<ExamineParameters::Since> since) {
  return add_examine(CommandKind::kExamine, folder, std::move(since));
}

// A command that is not sent is Completed at once: before those that are on their way.
bool Session::can_examine_ahead() const noexcept {
  return !quirks_.extensions.no_examine_ahead && refusals_.empty();
}

CommandId Session::examine_ahead(const FolderName& folder, std::optional<ExamineParameters::Since> since) {
  assert(can_examine_ahead());
  return add_examine(CommandKind::kExamineAhead, folder, std::move(since));
}

CommandId Session::add_examine(CommandKind kind, const FolderName& folder,
                               std::optional<ExamineParameters::Since> since) {
  assert(!since || qresync_enabled_);
  const ExamineParameters parameters{can_condstore(), std::move(since)};
  Command command(commands_.next_id(), kind, writer().examine(folder, parameters));
  command.folder = folder;
  return add(std::move(command));
}

CommandId Session::uid_fetch(std::string_view uids, FetchItems items, std::optional<ModSeq> changed_since) {
  assert(!uids.empty());
  return add(CommandKind::kPlain, writer().uid_fetch(uids, items, changed_since));
}

CommandId Session::uid_fetch_changes(UidRange range, ModSeq since) {
  assert(can_condstore());
  return uid_fetch(concat(range.first, ':', range.last), FetchItems::kFlags, since);
}

CommandId Session::uid_fetch_flags(const UidSet& uids) {
  return uid_fetch(uids.to_string(), FetchItems::kFlags);
}

CommandId Session::uid_fetch_flags(UidRange range) {
  return uid_fetch(concat(range.first, ':', range.last), FetchItems::kFlags);
}

CommandId Session::uid_fetch_summaries(const UidSet& uids) {
  return uid_fetch(uids.to_string(), FetchItems::kSummaries);
}

CommandId Session::uid_fetch_identities(const UidSet& uids) {
  return uid_fetch(uids.to_string(), FetchItems::kIdentities);
}

CommandId Session::uid_fetch_bodies(const UidSet& uids) {
  return uid_fetch(uids.to_string(), FetchItems::kBodies);
}

CommandId Session::uid_fetch_gmail(const UidSet& uids, FetchItems items) {
  assert(!uids.empty());
  Command command(commands_.next_id(), CommandKind::kPlain, writer().uid_fetch(uids.to_string(), items));
  command.presumed = Presumed::kGmailItems;
  return add(std::move(command));
}

CommandId Session::uid_fetch_gmail_ids(const UidSet& uids) {
  return uid_fetch_gmail(uids, FetchItems::kGmailIds);
}

CommandId Session::uid_fetch_gmail_summaries(const UidSet& uids, bool with_labels) {
  return uid_fetch_gmail(uids, with_labels ? FetchItems::kGmailLabels : FetchItems::kGmailSummaries);
}

CommandId Session::uid_fetch_from(Uid first) {
  return uid_fetch(concat(first.value(), ":*"), FetchItems::kSummaries);
}

} // namespace mailmoor::imap
