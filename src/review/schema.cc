// SPDX-License-Identifier: Apache-2.0
#include "review/schema.h"

#include <algorithm>
#include <map>
#include <string_view>

#include "review/schema_table.h"

namespace vortex::review {
namespace {

struct Field {
  char type = 'o';
  std::map<std::string, Field, std::less<>> inner;
};

Field ParseSchema() {
  Field root;
  std::vector<Field*> open = {&root};  // open[d]: what depth d is inside of
  std::string_view rest = kSchema;
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    if (line.empty()) continue;
    const std::size_t depth = line.find_first_not_of(' ');
    const std::string name(line.substr(depth, line.size() - depth - 2));
    Field& field = open[depth]->inner[name];
    field.type = line.back();
    open.resize(depth + 1);
    open.push_back(&field);
  }
  return root;
}

std::string Lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
  }
  return out;
}

bool TypeFits(char type, const Value& value) {
  switch (type) {
    case 'o':
    case 'm':
      return value.kind == Kind::kObject;
    case 'a':
      return value.kind == Kind::kArray;
    case 's':
      return value.kind == Kind::kString;
    case 'b':
      return value.kind == Kind::kBool;
    default:
      return value.Int().has_value();
  }
}

std::string TypeName(char type) {
  switch (type) {
    case 'o':
    case 'm':
      return "an object";
    case 'a':
      return "a list";
    case 's':
      return "a string";
    case 'b':
      return "true or false";
    default:
      return "an integer";
  }
}

class Walker {
 public:
  explicit Walker(const std::function<void(Oddity, const Node&, const std::string&)>& report)
      : report_(report) {}

  void Walk(const Field& field, const Node& node) {
    if (!node) return;
    if (!TypeFits(field.type, *node.value())) {
      return report_(Oddity::kType, node, TypeName(field.type));
    }
    if (node.Is(Kind::kString) && node.Text().find('\0') != std::string::npos)
      report_(Oddity::kNul, node, "");
    for (const Node& item : node.Items()) Walk(field.inner.at("[]"), item);
    for (const auto& [key, member] : node.Members()) WalkMember(field, key, member);
  }

 private:
  void WalkMember(const Field& field, const std::string& key, const Node& member) {
    if (field.type == 'm') {
      if (key.find('\0') != std::string::npos) report_(Oddity::kNul, member, "");
      return Walk(field.inner.at("*"), member);
    }
    if (const auto found = field.inner.find(key); found != field.inner.end())
      return Walk(found->second, member);
    static constexpr std::string_view kForeign[] = {"windows", "solaris", "vm", "zos", "freebsd"};
    if (member.path() == key &&
        std::find(std::begin(kForeign), std::end(kForeign), key) != std::end(kForeign)) {
      return report_(Oddity::kForeign, member, "");
    }
    for (const auto& [name, inner] : field.inner) {
      if (Lower(name) == Lower(key)) return report_(Oddity::kCase, member, name);
    }
    report_(Oddity::kUnknown, member, "");
  }

  const std::function<void(Oddity, const Node&, const std::string&)>& report_;
};

}  // namespace

void CheckShape(const Value& root,
                const std::function<void(Oddity, const Node&, const std::string&)>& report) {
  static const Field& schema = *new Field(ParseSchema());
  Walker(report).Walk(schema, Node(root));
}

}  // namespace vortex::review
