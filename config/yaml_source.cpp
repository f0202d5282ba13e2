// SPDX-License-Identifier: Apache-2.0
#include "config/yaml_source.h"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <sstream>
#include <unordered_map>
#include <utility>

#include "config/yaml_hint.h"
#include "config/yaml_text.h"

namespace gatewhy {
namespace {

// Ends parsing from inside a yaml-cpp callback.
struct Refused {
  Position at;
  std::string message;
};

// Builds the tree from yaml-cpp's events. Events come before yaml-cpp
// descends into a collection, so the depth limit here also bounds its
// recursion.
class TreeBuilder : public YAML::EventHandler {
 public:
  TreeBuilder(const YamlText& text, YamlDocument& document) : text_(text), document_(document) {}

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (started_) {
      throw Refused{at(mark), "text after the end of the document; a configuration is one YAML document"};
    }
    started_ = true;
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    refuseAnchor(mark, anchor);
    attach(leaf(mark, YamlNode::Kind::Null));
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t /*anchor*/) override {
    problem(at(mark), "YAML aliases (*name) are not accepted; write the value out");
    attach(leaf(mark, YamlNode::Kind::Invalid));
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    refuseAnchor(mark, anchor);
    refuseTag(mark, tag);
    YamlNode node = leaf(mark, YamlNode::Kind::Scalar);
    node.quoted = tag == "!";
    if (node.quoted && text_.unclosedQuoteAt(mark.line, mark.column)) {
      throw Refused{node.at, "this quote is never closed"};
    }
    node.text = value;
    attach(std::move(node));
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value style) override {
    open(mark, tag, anchor, style, YamlNode::Kind::Sequence);
  }
  void OnSequenceEnd() override { close(); }

  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value style) override {
    open(mark, tag, anchor, style, YamlNode::Kind::Map);
  }
  void OnMapEnd() override { close(); }

  // Where the innermost [ or { that is still open stands.
  [[nodiscard]] std::optional<Position> openBracket() const {
    for (auto frame = frames_.rbegin(); frame != frames_.rend(); ++frame) {
      if (frame->flow) {
        return frame->node.at;
      }
    }
    return std::nullopt;
  }

  [[nodiscard]] YamlNode takeRoot() { return std::move(root_); }

 private:
  struct Frame {
    YamlNode node;
    bool flow = false;
    bool expects_key = true;  // maps only
    bool key_usable = false;
    std::string key;
    Position key_at;
    std::unordered_map<std::string, int> lines;  // of the keys so far
  };

  [[nodiscard]] Position at(const YAML::Mark& mark) const { return text_.position(mark.line, mark.column); }

  void problem(Position where, std::string message) { document_.problems.push_back({where, std::move(message)}); }

  void refuseAnchor(const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (anchor != YAML::NullAnchor) {
      problem(at(mark), "YAML anchors (&name) are not accepted");
    }
  }

  void refuseTag(const YAML::Mark& mark, const std::string& tag) {
    if (!tag.empty() && tag != "?" && tag != "!") {
      problem(at(mark), fmt::format("YAML tags are not accepted ('{}')", tag));
    }
  }

  void count(const YAML::Mark& mark) {
    if (++nodes_ > kMaxYamlNodes) {
      throw Refused{at(mark), fmt::format("more than {} values in one file", kMaxYamlNodes)};
    }
  }

  YamlNode leaf(const YAML::Mark& mark, YamlNode::Kind kind) {
    count(mark);
    YamlNode node;
    node.kind = kind;
    node.at = at(mark);
    return node;
  }

  void open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, YAML::EmitterStyle::value style,
            YamlNode::Kind kind) {
    refuseAnchor(mark, anchor);
    refuseTag(mark, tag);
    Frame frame;
    frame.node = leaf(mark, kind);
    frame.flow = style == YAML::EmitterStyle::Flow;
    if (frames_.size() >= kMaxYamlDepth) {
      throw Refused{frame.node.at, fmt::format("nested more than {} levels deep", kMaxYamlDepth)};
    }
    frames_.push_back(std::move(frame));
  }

  void close() {
    YamlNode node = std::move(frames_.back().node);
    frames_.pop_back();
    attach(std::move(node));
  }

  void attach(YamlNode node) {
    if (frames_.empty()) {
      root_ = std::move(node);
      return;
    }
    Frame& frame = frames_.back();
    if (frame.node.kind == YamlNode::Kind::Sequence) {
      frame.node.items.push_back(std::move(node));
    } else if (frame.expects_key) {
      takeKey(frame, std::move(node));
    } else {
      frame.expects_key = true;
      if (frame.key_usable) {
        // An absent value has no place of its own.
        if (node.kind == YamlNode::Kind::Null) {
          node.at = frame.key_at;
        }
        frame.node.entries.push_back({std::move(frame.key), frame.key_at, std::move(node)});
      }
    }
  }

  void takeKey(Frame& frame, YamlNode node) {
    frame.expects_key = false;
    frame.key_usable = false;
    frame.key_at = node.at;
    if (!frame.flow && text_.tabBefore(node.at.line)) {
      throw Refused{{node.at.line, 1}, std::string(kTabMessage)};
    }
    if (node.kind == YamlNode::Kind::Invalid) {
      return;
    }
    if (node.kind != YamlNode::Kind::Scalar) {
      problem(node.at, "a key must be a word");
      return;
    }
    const auto [known, added] = frame.lines.emplace(node.text, node.at.line);
    if (!added) {
      problem(node.at, fmt::format("duplicate key '{}' (first on line {})", node.text, known->second));
      return;
    }
    frame.key_usable = true;
    frame.key = std::move(node.text);
  }

  const YamlText& text_;
  YamlDocument& document_;
  std::vector<Frame> frames_;
  YamlNode root_;
  std::size_t nodes_ = 0;
  bool started_ = false;
};

// yaml-cpp reports an unclosed bracket at the start of the file.
YamlProblem syntaxProblem(const YAML::Exception& error, std::string_view source, const YamlText& text,
                          const TreeBuilder& builder) {
  if (error.msg.find("flow not found") != std::string::npos) {
    if (const auto bracket = builder.openBracket()) {
      return {*bracket, "not valid YAML: this bracket is not closed, or a comma is missing inside it"};
    }
  }
  if (auto hint = explainSyntaxError(source, error.mark.line + 1)) {
    return *std::move(hint);
  }
  return {text.position(error.mark.line, error.mark.column), fmt::format("not valid YAML: {}", error.msg)};
}

}  // namespace

YamlDocument parseYaml(std::string_view source) {
  YamlDocument document;
  if (source.size() > kMaxYamlBytes) {
    document.problems.push_back({{}, fmt::format("the file is larger than {} KiB", kMaxYamlBytes / 1024)});
    return document;
  }
  const YamlText text(source);
  if (auto forbidden = text.firstForbidden()) {
    document.problems.push_back(std::move(*forbidden));
    return document;
  }
  TreeBuilder builder(text, document);
  try {
    std::istringstream stream{std::string(source)};
    YAML::Parser parser(stream);
    bool any = false;
    // A second round finds what follows the first document; the builder refuses it.
    while (parser.HandleNextDocument(builder)) {
      any = true;
    }
    if (!any) {
      document.problems.push_back({{1, 1}, "the file is empty"});
      return document;
    }
    document.root = builder.takeRoot();
  } catch (const Refused& refused) {
    document.problems.push_back({refused.at, refused.message});
  } catch (const YAML::Exception& error) {
    document.problems.push_back(syntaxProblem(error, source, text, builder));
  }
  return document;
}

}  // namespace gatewhy
