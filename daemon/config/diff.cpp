#include "config/diff.h"

#include <algorithm>
#include <unordered_map>

namespace mailmoor::config {
namespace {

template<class T>
[[nodiscard]] std::unordered_map<std::string_view, const T*> by_name(const std::vector<T>& items) {
  std::unordered_map<std::string_view, const T*> out;
  for (const T& item : items)
    out.emplace(item.name, &item);
  return out;
}

// What `map` has under this name; null when nothing.
template<class T>
[[nodiscard]] const T* find(const std::unordered_map<std::string_view, const T*>& map, std::string_view name) {
  const auto found = map.find(name);
  return found == map.end() ? nullptr : found->second;
}

template<class T>
[[nodiscard]] const T* find(const std::vector<T>& items, std::string_view name) noexcept {
  const auto found = std::ranges::find(items, name, &T::name);
  return found == items.end() ? nullptr : &*found;
}

} // namespace

const App* Config::find_app(std::string_view name) const noexcept {
  return find(apps, name);
}
const Mailbox* Config::find_mailbox(std::string_view name) const noexcept {
  return find(mailboxes, name);
}

Diff diff(const Config& old, const Config& next) {
  Diff out;
  const auto old_apps = by_name(old.apps);
  const auto next_apps = by_name(next.apps);
  const auto old_mailboxes = by_name(old.mailboxes);
  const auto next_mailboxes = by_name(next.mailboxes);
  for (const Mailbox& mailbox : next.mailboxes) {
    const Mailbox* before = find(old_mailboxes, mailbox.name);
    if (before == nullptr) {
      out.added.push_back(mailbox.name);
      continue;
    }
    // A mailbox with a password has no app: two null pointers.
    const App* old_app = find(old_apps, before->app);
    const App* next_app = find(next_apps, mailbox.app);
    const bool is_same_app =
        old_app == next_app || (old_app != nullptr && next_app != nullptr && *old_app == *next_app);
    if (*before != mailbox || !is_same_app) out.changed.push_back(mailbox.name);
  }
  for (const Mailbox& mailbox : old.mailboxes)
    if (find(next_mailboxes, mailbox.name) == nullptr) out.removed.push_back(mailbox.name);
  if (old.state_dir != next.state_dir) out.global_changed.emplace_back("state_dir");
  if (old.runtime_dir != next.runtime_dir) out.global_changed.emplace_back("runtime_dir");
  if (old.key != next.key) out.global_changed.emplace_back("key");
  if (old.limits != next.limits) out.global_changed.emplace_back("limits");
  if (old.metrics != next.metrics) out.global_changed.emplace_back("metrics");
  return out;
}

} // namespace mailmoor::config
