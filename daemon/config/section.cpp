#include "config/section.h"

#include "util/printable.h"

#include <algorithm>
#include <cassert>

namespace mailmoor::config {
namespace {

[[nodiscard]] bool is_variable_name(std::string_view text) {
  const auto is_fine = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  };
  return std::ranges::all_of(text, is_fine) && !(text.front() >= '0' && text.front() <= '9');
}

[[nodiscard]] SecretSource read_literal(const Value& value) {
  SecretSource out;
  const std::string& text = value.node().scalar;
  if (!value.source().is_private_to_owner()) {
    value.wrong(concat("a secret stands in a file that others may open; run \"chmod 600 ",
                       printable(value.source().path()), "\", or use {credential: NAME} or {file: PATH}"));
  } else if (text.empty() || text.size() > kMaxSecretSize) {
    value.wrong("it is empty or longer than 64 KiB; write the secret, or {credential: NAME} or {file: PATH}");
  } else {
    out.kind = SecretSource::Kind::kLiteral;
    out.literal = Secret(text);
  }
  return out;
}

[[nodiscard]] std::optional<std::string> secret_file(const Value& value) {
  auto path = value.existing_file();
  if (!path || value.source().files().inspect(*path) != Files::Access::kOpenToOthers) return path;
  value.wrong(concat("others may open ", printable(*path), "; run \"chmod 600 ", printable(*path), "\""));
  return std::nullopt;
}

[[nodiscard]] std::optional<std::string> variable_name(const Value& value) {
  auto name = value.text();
  if (!name || is_variable_name(*name)) return name;
  value.wrong("it is no name of an environment variable; write one like IMAP_PASSWORD");
  return std::nullopt;
}

} // namespace

Section::Section(const Value& value, const SectionKeys& keys)
    : keys_(keys), source_(value.source()), place_(value.place()), values_(keys.keys.size()) {
  const YamlNode& node = value.node();
  is_map_ = node.kind == YamlNode::Kind::kMap;
  if (!is_map_) {
    source_.error(node.position, concat("expected ", keys.title, " here: lines of \"key: value\", indented alike"));
    return;
  }
  for (std::size_t i = 0; i + 1 < node.children.size() && source_.has_room(); i += 2)
    take(*node.children[i], *node.children[i + 1]);
}

void Section::take(const YamlNode& key, const YamlNode& value) {
  const auto known = std::ranges::find(keys_.keys, key.scalar, &Key::name);
  if (known == keys_.keys.end()) return source_.error(key.position, explain_unknown_key(keys_, key.scalar));
  const YamlNode*& slot = values_[static_cast<std::size_t>(known - keys_.keys.begin())];
  if (slot != nullptr)
    return source_.error(key.position, concat("\"", known->name, "\" is given twice; the first time in line ",
                                              slot->position.line, ": keep one"));
  slot = &value;
}

std::optional<Value> Section::find(std::string_view key) const {
  const auto known = std::ranges::find(keys_.keys, key, &Key::name);
  assert(known != keys_.keys.end());
  const YamlNode* value = values_[static_cast<std::size_t>(known - keys_.keys.begin())];
  if (value == nullptr) return std::nullopt;
  return Value(source_, *value, known->name);
}

SecretSource read_secret_source(const Value& value) {
  SecretSource out;
  if (value.node().kind == YamlNode::Kind::kScalar) {
    out = read_literal(value);
  } else if (value.node().kind != YamlNode::Kind::kMap || value.node().children.size() != 2) {
    value.wrong("expected one of {credential: NAME}, {file: PATH} and {env: NAME}");
  } else {
    const Section section(value, kSecretKeys);
    std::optional<std::string> place;
    section.with("credential",
                 [&](const Value& name) { out.kind = SecretSource::Kind::kCredential, place = name.name(); });
    section.with("file", [&](const Value& path) { out.kind = SecretSource::Kind::kFile, place = secret_file(path); });
    section.with("env",
                 [&](const Value& name) { out.kind = SecretSource::Kind::kEnvironment, place = variable_name(name); });
    if (!place) out.kind = SecretSource::Kind::kNone;
    out.name_or_path = place.value_or("");
  }
  out.where = value.place().where();
  return out;
}

} // namespace mailmoor::config
