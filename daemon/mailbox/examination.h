// Examines one mailbox for `doctor`: the clock, the way to its server, its token, the login, its folders, the disk. One
// result a check, in a fixed order, each within a time limit of its own; what an earlier failure makes meaningless is
// skipped and says so.
//   clock  names  connect  tls  greeting  token_endpoint  token…  login  inbox  folders  maildir  state_dir  key
// It has a connection of its own, so the mailbox's session goes on undisturbed, and changes nothing on the server. It
// sends nothing inside a pause that a server imposed; one that it meets itself is handed to the mailbox and to the
// token's keeper (P9).
// Owned by the fleet; destroying it closes its connection. Outlived by the mailbox, the client and the keeper.
// Loop thread only.
#pragma once

#include "mailbox/connection.h"
#include "mailbox/mailbox.h"
#include "mailbox/oauth_client.h"
#include "mailbox/services.h"
#include "mailbox/token_keeper.h"
#include "model/check_result.h"
#include "oauth/token_diagnosis.h"
#include "runtime/task.h"
#include "sync/folder_choice.h"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace mailmoor::mailbox {

struct ExaminationSettings {
  std::string mailbox; // its name
  std::string user;
  ConnectionSettings connection;
  std::function<Result<Secret>()> read_password_blocking; // as in MailboxSettings
  sync::FolderRules folders;
  std::string maildir;   // absolute
  std::string state_dir; // absolute
  std::string key_source;
  oauth::TokenExpectations token; // not used with a password
};

class Examination final {
 public:
  using Sink = std::function<void(const CheckResult&)>;
  // `client`, `keeper`: null with a password. `admit`: the fleet's turn-taking before each login.
  Examination(const Services& services, ExaminationSettings settings, Mailbox& life, OauthClient* client,
              TokenKeeper* keeper, Mailbox::Admission admit, Sink sink);
  Examination(const Examination&) = delete;
  Examination& operator=(const Examination&) = delete;

  // Tells every result, in a later turn of the loop each.
  [[nodiscard]] runtime::Task<void> run();

 private:
  // The way to the server: each true when the next one makes sense.
  [[nodiscard]] runtime::Task<bool> look_up_names();
  [[nodiscard]] runtime::Task<bool> connect();
  [[nodiscard]] runtime::Task<bool> shake_hands();
  [[nodiscard]] runtime::Task<bool> greet();
  [[nodiscard]] runtime::Task<bool> reach_server();
  void tell_tls();
  void tell_capabilities();
  // The token.
  [[nodiscard]] runtime::Task<void> ask_token_endpoint();
  [[nodiscard]] runtime::Task<void> get_token();
  void tell_clock();
  void tell_token_endpoint();
  void tell_token();
  // Behind the login.
  [[nodiscard]] runtime::Task<void> examine_account();
  [[nodiscard]] runtime::Task<Result<Login>> credentials();
  [[nodiscard]] runtime::Task<bool> log_in();
  [[nodiscard]] runtime::Task<bool> open_inbox();
  [[nodiscard]] runtime::Task<bool> list_folders();
  [[nodiscard]] runtime::Task<void> examine_disk();

  [[nodiscard]] runtime::Task<Status> admitted();
  [[nodiscard]] bool is_paused(const char* check);
  void tell(std::string check, CheckResult::Outcome outcome, std::string found, std::string remedy = {});
  void good(std::string check, std::string found) { tell(std::move(check), CheckResult::Outcome::kGood, found); }
  void skip(std::string check, std::string why) { tell(std::move(check), CheckResult::Outcome::kSkipped, why); }
  void fail_with(std::string check, const Error& error);
  // A refusal behind a good connection: what the token itself shows wins over what may be behind the words.
  void refused(std::string check, Error error);

  const Services& services_;
  ExaminationSettings settings_;
  Mailbox& life_;
  OauthClient* client_;
  TokenKeeper* keeper_;
  Mailbox::Admission admit_;
  Sink sink_;

  std::optional<Connection> connection_;
  std::optional<Result<oauth::HttpReply>> endpoint_; // the token endpoint's answer to a plain GET
  UnixTime endpoint_asked_at_{};
  std::optional<Result<AccessToken>> token_;
  std::optional<oauth::TokenFacts> facts_;
  std::vector<oauth::TokenFinding> findings_;
};

} // namespace mailmoor::mailbox
