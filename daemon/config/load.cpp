#include "config/load.h"

#include "config/completion.h"
#include "config/section.h"
#include "config/web_address.h"
#include "util/concat.h"
#include "util/may_block.h"
#include "util/printable.h"

#include <algorithm>
#include <deque>
#include <filesystem>
#include <unordered_map>

namespace mailmoor::config {
namespace {

// Reads the main file, then what it includes, then puts the parts together.
class Loading final {
 public:
  Loading(const Files& files, const Environment& environment) : files_(files) {
    config_.state_dir = environment.state_directory.empty() ? "/var/lib/mailmoor" : environment.state_directory;
    config_.runtime_dir = environment.runtime_directory.empty() ? "/run/mailmoor" : environment.runtime_directory;
  }

  [[nodiscard]] LoadResult run(const SourceFile& main);

 private:
  // Null after an error, which is reported; else good as long as this object.
  [[nodiscard]] const YamlNode* open(const SourceFile& file);
  void read_main(const Section& top);
  void read_limits(const Value& value);
  void read_metrics(const Value& value);
  void read_hooks(const Value& value);
  void read_key(const Value& value);
  void read_includes(const Value& value);
  void include(const Value& value, const std::string& path);
  void read_apps(const Value& value);
  void read_mailboxes(const Value& value);

  const Files& files_;
  Findings findings_;
  std::deque<Source> sources_; // never moved: drafts point here
  std::deque<YamlTree> trees_;
  Config config_;
  Globals globals_;
  MailboxDraft defaults_;
  std::vector<MailboxDraft> drafts_;
  std::unordered_map<std::string, Place> app_places_;
  std::vector<AppDraft> app_drafts_;
};

[[nodiscard]] std::string escape_pattern(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (std::string_view("*?[]\\").contains(c)) out.push_back('\\');
    out.push_back(c);
  }
  return out;
}

const YamlNode* Loading::open(const SourceFile& file) {
  const Source& source = sources_.emplace_back(file, sources_.size(), files_, findings_);
  config_.files.push_back(file.path);
  auto tree = YamlTree::parse(file.text);
  if (!tree) {
    source.error(tree.error().position, std::move(tree.error().message));
    return nullptr;
  }
  trees_.push_back(*std::move(tree));
  return &trees_.back().root();
}

void Loading::read_limits(const Value& value) {
  const Section section(value, kLimitsKeys);
  section.with("connections", [&](const Value& v) { assign(config_.limits.connections, v.integer(1, 100'000)); });
  section.with("connections_per_host",
               [&](const Value& v) { assign(config_.limits.connections_per_host, v.integer(1, 100'000)); });
  section.with("connections_per_app",
               [&](const Value& v) { assign(config_.limits.connections_per_app, v.integer(1, 100'000)); });
  section.with("logins_per_minute",
               [&](const Value& v) { assign(config_.limits.logins_per_minute, v.integer(1, 100'000)); });
  section.with("refreshes_per_minute",
               [&](const Value& v) { assign(config_.limits.refreshes_per_minute, v.integer(1, 100'000)); });
}

void Loading::read_hooks(const Value& value) {
  const Section section(value, kHooksKeys);
  section.with("new_mail", [&](const Value& v) { assign(config_.hooks.new_mail, v.command()); });
  section.with("login_needed", [&](const Value& v) { assign(config_.hooks.login_needed, v.command()); });
}

void Loading::read_metrics(const Value& value) {
  const Section section(value, kMetricsKeys);
  section.with("listen", [&](const Value& v) {
    const auto given = v.text();
    if (!given) return;
    const auto address = parse_listen_address(*given);
    if (!address) return v.wrong("expected a numeric address and a port, such as \"127.0.0.1:9464\" or \"[::1]:9464\"");
    config_.metrics = MetricsListener{address->address, address->port, address->is_loopback};
  });
}

// The file need not be there yet: `mailmoorctl key init` makes it.
void Loading::read_key(const Value& value) {
  constexpr std::string_view kExpected = "expected {credential: NAME} or {file: PATH}";
  if (value.node().kind != YamlNode::Kind::kMap || value.node().children.size() != 2) return value.wrong(kExpected);
  const Section section(value, kSecretKeys);
  SecretSource& key = config_.key;
  key.where = value.place().where();
  section.with("credential", [&](const Value& v) {
    key.kind = SecretSource::Kind::kCredential;
    assign(key.name_or_path, v.name());
  });
  section.with("file", [&](const Value& v) {
    key.kind = SecretSource::Kind::kFile;
    assign(key.name_or_path, v.path());
    if (!key.name_or_path.empty() && files_.inspect(key.name_or_path) == Files::Access::kOpenToOthers)
      v.wrong(concat("others may open it; run \"chmod 600 ", printable(key.name_or_path), "\""));
  });
  section.with("env", [&](const Value&) { value.wrong(kExpected); });
}

void Loading::read_apps(const Value& value) {
  const YamlNode& node = value.node();
  if (node.kind != YamlNode::Kind::kMap)
    return value.wrong("expected the apps by name, each with its keys indented below it");
  for (std::size_t i = 0; i + 1 < node.children.size() && !findings_.is_full(); i += 2) {
    const YamlNode& name = *node.children[i];
    const Place place{&value.source(), name.position};
    if (!is_good_name(name.scalar)) {
      place.error(concat("app \"", printable(name.scalar.substr(0, 80)), "\": ", kNameRule));
      continue;
    }
    const auto [first, is_new] = app_places_.emplace(name.scalar, place);
    if (!is_new)
      place.error(concat("app \"", name.scalar, "\" is given twice, first at ", first->second.where(), "; keep one"));
    app_drafts_.push_back(read_app(Value(value.source(), *node.children[i + 1], name.scalar)));
  }
}

void Loading::read_mailboxes(const Value& value) {
  const auto entries = value.list();
  if (!entries) return;
  for (const Value& entry : *entries) {
    if (findings_.is_full()) return;
    drafts_.push_back(read_mailbox(entry, defaults_));
  }
}

void Loading::include(const Value& value, const std::string& path) {
  if (path == config_.files.front())
    return value.wrong("it takes in this file itself; keep the others in a directory of their own, such as conf.d/");
  if (std::ranges::find(config_.files, path) != config_.files.end()) return; // two patterns matched it
  auto file = files_.read(path);
  if (!file) return value.wrong(concat("cannot read ", printable(path), ": ", file.error().what));
  if (const YamlNode* root = open(*file); root != nullptr && root->kind != YamlNode::Kind::kNull) {
    const Section section(Value(sources_.back(), *root, {}), kIncludedKeys);
    section.with("apps", [&](const Value& v) { read_apps(v); });
    section.with("mailboxes", [&](const Value& v) { read_mailboxes(v); });
  }
  wipe_memory(file->text.data(), file->text.size());
}

void Loading::read_includes(const Value& value) {
  for (const Value& entry : value.list().value_or(std::vector<Value>())) {
    const auto pattern = entry.text();
    if (!pattern) continue;
    if (pattern->find_first_of("*?[") == std::string::npos) {
      if (const auto path = entry.existing_file()) include(entry, *path);
      continue;
    }
    const std::string directory = std::filesystem::path(entry.source().path()).parent_path().string();
    const bool is_absolute = pattern->starts_with('/');
    for (const std::string& path :
         files_.match(is_absolute ? *pattern : concat(escape_pattern(directory), "/", *pattern)))
      include(entry, entry.source().absolute(path));
  }
}

void Loading::read_main(const Section& top) {
  top.with("maildir_root", [&](const Value& v) {
    assign(globals_.maildir_root, v.path());
    globals_.root_is_given = true;
  });
  top.with("state_dir", [&](const Value& v) { assign(config_.state_dir, v.path()); });
  top.with("runtime_dir", [&](const Value& v) { assign(config_.runtime_dir, v.path()); });
  top.with("proxy", [&](const Value& v) { assign(globals_.proxy, v.proxy()); });
  top.with("limits", [&](const Value& v) { read_limits(v); });
  top.with("metrics", [&](const Value& v) { read_metrics(v); });
  top.with("hooks", [&](const Value& v) { read_hooks(v); });
  top.with("key", [&](const Value& v) { read_key(v); });
  top.with("apps", [&](const Value& v) { read_apps(v); });
  top.with("defaults", [&](const Value& v) { defaults_ = read_defaults(v); });
  top.with("mailboxes", [&](const Value& v) { read_mailboxes(v); });
  top.with("include", [&](const Value& v) { read_includes(v); });
}

LoadResult Loading::run(const SourceFile& main) {
  const YamlNode* root = open(main);
  const Source& source = sources_.front();
  if (root != nullptr && root->kind != YamlNode::Kind::kNull) read_main(Section(Value(source, *root, {}), kTopKeys));
  if (findings_.empty() && drafts_.empty())
    source.error({1, 1}, "there are no mailboxes: add one under \"mailboxes:\", starting with \"- name: …\"");
  for (AppDraft& draft : app_drafts_) {
    if (!draft.has_proxy) draft.app.proxy = globals_.proxy;
    config_.apps.push_back(std::move(draft.app));
  }
  config_.mailboxes = complete(std::move(drafts_), config_.apps, globals_);
  if (!findings_.empty()) return std::unexpected(findings_.take());
  return std::move(config_);
}

} // namespace

LoadResult parse(const SourceFile& main, const Files& files, const Environment& environment) {
  return Loading(files, environment).run(main);
}

LoadResult load_blocking(const std::string& path, const Environment& environment) {
  assert_may_block();
  const DiskFiles files;
  std::error_code error; // of the working directory; then the path stays relative and reading it says more
  const std::string absolute = std::filesystem::absolute(path, error).lexically_normal().string();
  auto main = files.read(error ? path : absolute);
  if (!main) return std::unexpected(std::vector{Diagnostic{path, 0, 0, concat("cannot read it: ", main.error().what)}});
  auto result = parse(*main, files, environment);
  wipe_memory(main->text.data(), main->text.size());
  return result;
}

} // namespace mailmoor::config
