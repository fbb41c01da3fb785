#include "config/yaml_tree.h"

#include "config/yaml_text.h"
#include "util/concat.h"
#include "util/secret.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <istream>
#include <streambuf>
#include <unordered_map>
#include <utility>

namespace mailmoor::config {
namespace {

// Leaves through yaml-cpp's parser, which is made for it, and no further than YamlTree::parse.
struct Stop {
  YamlError error;
};

[[noreturn]] void stop(Position position, std::string message) {
  throw Stop{{position, std::move(message)}};
}

// Reads a view without copying it, and a line end after it: without one, yaml-cpp cannot say where an open quote began.
class ViewBuffer final : public std::streambuf {
 public:
  explicit ViewBuffer(std::string_view text) {
    char* begin = const_cast<char*>(text.data()); // NOLINT(cppcoreguidelines-pro-type-const-cast): only ever read
    setg(begin, begin, begin + text.size());
  }

 private:
  int_type underflow() override {
    if (std::exchange(ended_, true)) return traits_type::eof();
    setg(&line_end_, &line_end_, &line_end_ + 1);
    return traits_type::to_int_type(line_end_);
  }

  char line_end_ = '\n';
  bool ended_ = false;
};

} // namespace

class YamlTreeBuilder final : public YAML::EventHandler {
 public:
  YamlTreeBuilder(YamlTree& tree, std::string_view text) : tree_(tree), text_(text) {
    tree_.root_ = &tree_.nodes_.emplace_back();
  }

  [[nodiscard]] static Position at(const YAML::Mark& mark) { return {mark.line + 1, mark.column + 1}; }
  // Of the list or map that is being read.
  [[nodiscard]] Position innermost() const { return open_.empty() ? Position{1, 1} : open_.back()->position; }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (std::exchange(started_, true))
      stop(at(mark), "the configuration ended above: indent all top-level keys alike, and write one document only");
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    // The mark is wherever the scanner has come to.
    YamlNode& node = add(YamlNode::Kind::kNull, mark, anchor);
    if (!open_.empty())
      node.position = open_.back()->children.empty() || open_.back()->kind == YamlNode::Kind::kSequence
                          ? open_.back()->position
                          : open_.back()->children.back()->position;
    attach(node);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = finished_.find(anchor);
    if (found == finished_.end()) stop(at(mark), "an alias inside of what it names: write the value out");
    count(found->second.size, at(mark));
    attach(*found->second.node);
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    check_tag(mark, tag);
    if (tag == "!" && !closes_on_its_line(text_, static_cast<std::size_t>(mark.pos)))
      stop(at(mark), "this quote is not closed on its line");
    YamlNode& node = add(YamlNode::Kind::kScalar, mark, anchor);
    node.scalar = value;
    attach(node);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value /*style*/) override {
    open(YamlNode::Kind::kSequence, mark, tag, anchor);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value /*style*/) override {
    open(YamlNode::Kind::kMap, mark, tag, anchor);
  }
  void OnMapEnd() override { close(); }

 private:
  struct Anchored {
    const YamlNode* node;
    std::size_t size; // nodes, with everything below and aliases followed
  };

  static void check_tag(const YAML::Mark& mark, const std::string& tag) {
    if (!tag.empty() && tag != "?" && tag != "!")
      stop(at(mark), "tags such as \"!!str\" have no use here: take it out");
  }

  void count(std::size_t nodes, Position position) {
    count_ += nodes;
    if (count_ > YamlTree::kMaxNodes) stop(position, "too many values: a configuration holds at most 1,000,000");
  }

  YamlNode& add(YamlNode::Kind kind, const YAML::Mark& mark, YAML::anchor_t anchor) {
    count(1, at(mark));
    YamlNode& node = tree_.nodes_.emplace_back();
    node.kind = kind;
    node.position = at(mark);
    if (anchor != YAML::NullAnchor && kind != YamlNode::Kind::kSequence && kind != YamlNode::Kind::kMap)
      finished_.insert_or_assign(anchor, Anchored{&node, 1});
    return node;
  }

  void attach(const YamlNode& node) {
    if (open_.empty()) {
      tree_.root_ = &node;
      return;
    }
    YamlNode& parent = *open_.back();
    if (parent.kind == YamlNode::Kind::kMap && parent.children.size() % 2 == 0 && node.kind != YamlNode::Kind::kScalar)
      stop(node.position, "a key must be one word, as in \"key: value\"");
    parent.children.push_back(&node);
  }

  void open(YamlNode::Kind kind, const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    check_tag(mark, tag);
    if (open_.size() == YamlTree::kMaxDepth) stop(at(mark), "nested too deeply: the configuration has five levels");
    YamlNode& node = add(kind, mark, anchor);
    attach(node);
    open_.push_back(&node);
    opened_.push_back({anchor, count_ - 1});
  }

  void close() {
    const auto [anchor, before] = opened_.back();
    if (anchor != YAML::NullAnchor) finished_.insert_or_assign(anchor, Anchored{open_.back(), count_ - before});
    open_.pop_back();
    opened_.pop_back();
  }

  YamlTree& tree_;
  std::string_view text_;
  bool started_ = false;
  std::size_t count_ = 0;
  std::vector<YamlNode*> open_;
  std::vector<std::pair<YAML::anchor_t, std::size_t>> opened_; // beside open_: its anchor, count_ before it
  std::unordered_map<YAML::anchor_t, Anchored> finished_;
};

std::expected<YamlTree, YamlError> YamlTree::parse(std::string_view text) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3); // byte order mark
  if (auto error = check_yaml_text(text)) return std::unexpected(*std::move(error));
  YamlTree tree;
  YamlTreeBuilder builder(tree, text);
  try {
    ViewBuffer buffer(text);
    std::istream stream(&buffer);
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(builder)) {
    }
  } catch (Stop& stopped) {
    return std::unexpected(std::move(stopped.error));
  } catch (const YAML::Exception& error) {
    return std::unexpected(explain_yaml_error(YamlTreeBuilder::at(error.mark), builder.innermost(), error.msg));
  }
  return tree;
}

YamlTree::~YamlTree() {
  for (YamlNode& node : nodes_)
    wipe_memory(node.scalar.data(), node.scalar.size());
}

} // namespace mailmoor::config
