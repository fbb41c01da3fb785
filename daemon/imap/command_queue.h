// The commands of one session on their way: queued, sent, waiting for "+", completed. Decides what may be written when
// (RFC 9051 §5.5, §7.6); knows nothing of what the answers mean.
#pragma once

#include "imap/command_writer.h"
#include "imap/output_buffer.h"
#include "imap/response.h"
#include "imap/sasl.h"
#include "model/folder_name.h"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mailmoor::imap {

enum class CommandKind {
  kPlain,        // CAPABILITY, ID, NOOP, LIST, STATUS, NOTIFY, UID FETCH: pipelined
  kExamineAhead, // pipelined too: the server takes it in its turn (RFC 9051 §5.5)
  // The others wait for those before them, and keep back those after them.
  kLogin,
  kAuthenticate,
  kStartTls,
  kCompress,
  kExamine,
  kIdle,
  kLogout,
};

// What a command takes for granted beyond IMAP4rev1, where the answer may show that it is not there.
enum class Presumed {
  kNothing,
  kListReturn, // LIST … RETURN
  kGmailItems, // UID FETCH of X-GM-…
  kNotify,     // NOTIFY SET
};

struct Command {
  Command(CommandId id_in, CommandKind kind_in, CommandText text_in)
      : id(id_in), kind(kind_in), text(std::move(text_in)) {}
  [[nodiscard]] bool opens_folder() const noexcept {
    return kind == CommandKind::kExamine || kind == CommandKind::kExamineAhead;
  }
  [[nodiscard]] bool stands_alone() const noexcept {
    return kind != CommandKind::kPlain && kind != CommandKind::kExamineAhead;
  }
  // Logins look alike for the log and are not: whether to send one again is for their owner to decide.
  [[nodiscard]] bool is_known_by_its_text() const noexcept { return kind == CommandKind::kPlain || opens_folder(); }

  CommandId id;
  CommandKind kind;
  CommandText text;
  std::optional<FolderName> folder;                       // kExamine, kExamineAhead
  SaslMechanism mechanism = SaslMechanism::kLoginCommand; // kAuthenticate
  Presumed presumed = Presumed::kNothing;
  std::size_t parts_sent = 0;
  int challenges = 0;     // kAuthenticate: those after our own message
  std::string sasl_error; // kAuthenticate: the first of them, decoded
  bool began = false;     // kExamine, kExamineAhead: begun_examine() has given it
  bool is_void = false;   // sent behind an EXAMINE that was refused: the answer says nothing about this command
};

class CommandQueue final {
 public:
  enum class Continuation {
    kTaken,       // the next part is in output()
    kIdleStarted, // IDLE was accepted
    kUnexpected,  // nothing waits for it
    kViolation,   // a challenge after we cancelled
  };

  // The name that the next command added will have, and its tag.
  [[nodiscard]] CommandId next_id() const noexcept { return CommandId(last_id_ + 1); }
  [[nodiscard]] static std::string tag_of(CommandId id);
  // That id, for a command that is not to be sent.
  CommandId skip_id() noexcept { return CommandId(++last_id_); }
  // REQUIRES: command.id == next_id().
  CommandId add(Command command);

  // Sends one queued command if it may go now; it stays in the queue's hands. Call until it gives null.
  const Command* send_next();
  // An EXAMINE whose turn has come, as all before it are complete; each once.
  [[nodiscard]] const Command* begun_examine();
  [[nodiscard]] Continuation on_continuation(std::string_view text);
  // Those that were sent behind an EXAMINE that has just failed.
  void void_sent() noexcept;
  // The sent command with this tag, taken out.
  [[nodiscard]] std::optional<Command> complete(std::string_view tag);
  // The CommandId of the IDLE that is running.
  [[nodiscard]] std::optional<CommandId> idling() const noexcept;
  void done();
  // Sends no further command until resume().
  void stop() noexcept { stopped_ = true; }
  void resume() noexcept { stopped_ = false; }

  [[nodiscard]] std::size_t pending() const noexcept { return queued_.size() + sent_.size(); }
  [[nodiscard]] std::string_view output() const noexcept { return output_.view(); }
  void output_sent(std::size_t count) noexcept { output_.consume(count); }

 private:
  [[nodiscard]] bool is_held() const noexcept;
  void send_part(Command& command);
  [[nodiscard]] Continuation on_challenge(Command& command, std::string_view text);

  std::uint32_t last_id_ = 0;
  bool stopped_ = false;
  bool done_wanted_ = false; // DONE goes out once IDLE is accepted
  bool idle_accepted_ = false;
  std::deque<Command> queued_;
  std::vector<Command> sent_; // few at a time
  OutputBuffer output_;
};

} // namespace mailmoor::imap
