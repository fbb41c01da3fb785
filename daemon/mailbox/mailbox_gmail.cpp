// The part of a mailbox's life that knows of Gmail: one message in many folders, and labels that are no folders.
#include "log/event_ids.h"
#include "log/log.h"
#include "mailbox/listing.h"
#include "mailbox/mailbox.h"
#include "mailbox/server_words.h"
#include "util/concat.h"

#include <algorithm>
#include <utility>

namespace mailmoor::mailbox {
namespace {

constexpr std::size_t kNamesTold = 10;

// What is shown in place of the folder that has all messages; no folder has this wire name.
constexpr std::string_view kAllMail = "\\All";

constexpr std::string_view kShowLabel =
    "Gmail does not show this label over IMAP: it has no folder here, its messages are in All Mail only; to have one,"
    " tick \"Show in IMAP\" for it in Gmail's settings under Labels";
constexpr std::string_view kShowAllMail =
    "Gmail does not show All Mail over IMAP: archived messages that have no label are not mirrored, and labels that it"
    " hides go unnoticed; tick \"Show in IMAP\" for All Mail in Gmail's settings under Labels";

[[nodiscard]] std::string names_text(const std::vector<sync::HiddenLabel>& labels) {
  std::string text;
  for (const sync::HiddenLabel& label : labels) {
    if (&label - labels.data() == kNamesTold) return text + concat(" and ", labels.size() - kNamesTold, " more");
    text += concat(text.empty() ? "" : ", ", label.name.utf8());
  }
  return text;
}

} // namespace

CopySettings Mailbox::copies_for(const Folder& folder) {
  CopySettings settings;
  settings.folders = &folders_;
  settings.others_settled = [this] { return wait_until_settling(0); };
  if (folder.name.wire() == gmail_.labels.all_mail())
    settings.on_labels = [this](const std::vector<std::string>& labels) { gmail_.labels.seen(labels); };
  return settings;
}

// INBOX first: that is where people wait for mail. Then the folder that has nearly everything: the others link to it.
void Mailbox::put_in_order(std::vector<std::string>& wires) const {
  auto next = wires.begin();
  for (const std::optional<std::string>& first : {std::optional<std::string>("INBOX"), gmail_.labels.all_mail()})
    if (const auto found = first ? std::find(next, wires.end(), *first) : wires.end(); found != wires.end())
      std::rotate(next++, found, std::next(found));
}

// At the end of a pass over everything.
runtime::Task<Status> Mailbox::look_for_hidden_labels(Connection& connection) {
  if (!connection.session().has_gmail_items()) co_return Status();
  // One that was made since the pass began is not hidden. Asked once for each: what is told is known already.
  if (gmail_.labels.hidden(settings_.folders) != gmail_.hidden) {
    Listing listed;
    auto listing = connection.list(/*with_status=*/false, [&listed](imap::Event& event) { listed.hear(event); });
    const Result<imap::Completed> completed = co_await listing;
    if (!completed) co_return pass(completed.error());
    if (completed->status != imap::CompletionStatus::kOk)
      co_return std::unexpected(command_refused(*completed, "LIST"));
    const Status checked = listed.check();
    if (!checked) co_return checked;
    gmail_.labels.listed(listed.folders);
  }
  tell_of_hidden_labels();
  record_hidden_labels();
  show_hidden_labels();
  co_return Status();
}

// When it begins and when it changes.
void Mailbox::tell_of_hidden_labels() {
  const bool all_mail_hidden = !gmail_.labels.all_mail();
  if (all_mail_hidden && !gmail_.all_mail_hidden)
    log::write(log::Priority::kWarning, {.mailbox = settings_.name, .catalog = &log::events::kLabelsHidden},
               kShowAllMail);
  gmail_.all_mail_hidden = all_mail_hidden;
  std::vector<sync::HiddenLabel> hidden = gmail_.labels.hidden(settings_.folders);
  constexpr auto kName = &sync::HiddenLabel::name;
  const bool more = !std::ranges::includes(gmail_.hidden, hidden, {}, kName, kName);
  gmail_.hidden = std::move(hidden);
  if (more)
    log::write(log::Priority::kWarning, {.mailbox = settings_.name, .catalog = &log::events::kLabelsHidden},
               concat("Gmail does not show some labels over IMAP, they have no folders here and their messages are in "
                      "All Mail only: ",
                      names_text(gmail_.hidden),
                      "; tick \"Show in IMAP\" for them in Gmail's settings under Labels, or exclude them"));
}

// Only new messages are asked for their labels: what was found in an earlier run is not found again, and has been told.
// After the first LIST of this run, and before any label is seen in it.
void Mailbox::remember_hidden_labels() {
  if (std::exchange(gmail_.is_remembered, true)) return;
  gmail_.labels.seen(gmail_.stored);
  gmail_.hidden = gmail_.labels.hidden(settings_.folders);
  gmail_.all_mail_hidden = std::ranges::find(gmail_.stored, kAllMail) != gmail_.stored.end();
}

void Mailbox::record_hidden_labels() {
  std::vector<std::string> labels;
  for (const sync::HiddenLabel& label : gmail_.hidden)
    labels.push_back(label.label);
  if (gmail_.all_mail_hidden) labels.emplace_back(kAllMail);
  std::ranges::sort(labels);
  if (labels == gmail_.stored) return;
  gmail_.stored = labels;
  services_.store_thread.run_detached([&state = services_.state, name = settings_.name, labels = std::move(labels)] {
    const Status saved = state.save_gmail_labels_blocking(name, labels);
    if (!saved)
      log::write(log::Priority::kErr, {.mailbox = name, .event = "state_not_recorded", .error = saved.error().code},
                 concat("which labels Gmail does not show could not be recorded: after a restart they are told again: ",
                        saved.error().what));
  });
}

// As rows of `mailmoorctl folders`.
void Mailbox::show_hidden_labels() {
  std::erase_if(folders_, [](const auto& entry) {
    return entry.second.vanished && !entry.second.hidden_why.empty() && !entry.second.recorded.validity;
  });
  for (auto& [wire, folder] : folders_)
    folder.hidden_why.clear();
  const auto show = [this](const FolderName& name, std::string_view why) {
    const auto [row, is_new] = folders_.try_emplace(name.wire(), name);
    if (!is_new && !row->second.vanished) return; // another folder that is called so
    row->second.vanished = true;
    row->second.hidden_why = row->second.why = why;
  };
  for (const sync::HiddenLabel& label : gmail_.hidden)
    show(label.name, kShowLabel);
  if (gmail_.all_mail_hidden) show(FolderName::from_wire(kAllMail, '/'), kShowAllMail);
}

} // namespace mailmoor::mailbox
