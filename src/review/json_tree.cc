// SPDX-License-Identifier: Apache-2.0
#include "review/json_tree.h"

#include <algorithm>
#include <limits>

namespace vortex::review {
namespace {

const std::string& Empty() {
  static const std::string empty;
  return empty;
}

bool IsPlainKey(std::string_view key) {
  return !key.empty() && std::all_of(key.begin(), key.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  });
}

void Quote(std::string_view text, std::string& out) {
  static constexpr char kHex[] = "0123456789abcdef";
  out += '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20) {
      out += "\\u00";
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    } else {
      out += c;
    }
  }
  out += '"';
}

void Write(const Value& value, std::string& out) {
  switch (value.kind) {
    case Kind::kNull:
      out += "null";
      return;
    case Kind::kBool:
      out += value.boolean ? "true" : "false";
      return;
    case Kind::kNumber:
      out += value.text;
      return;
    case Kind::kString:
      Quote(value.text, out);
      return;
    case Kind::kArray:
      out += '[';
      for (const Value& item : value.items) {
        if (&item != value.items.data()) out += ',';
        Write(item, out);
      }
      out += ']';
      return;
    case Kind::kObject: {
      std::vector<const Member*> sorted;
      for (const Member& member : value.members) sorted.push_back(&member);
      std::sort(sorted.begin(), sorted.end(),
                [](const Member* a, const Member* b) { return a->key < b->key; });
      out += '{';
      for (std::size_t i = 0; i < sorted.size(); ++i) {
        if (i > 0) out += ',';
        Quote(sorted[i]->key, out);
        out += ':';
        Write(sorted[i]->value, out);
      }
      out += '}';
    }
  }
}

// The digits of an integer with its sign; nothing for fractions and exponents.
struct Digits {
  bool negative;
  bool overflow;
  std::uint64_t magnitude;
};

std::optional<Digits> ParseDigits(const Value& value) {
  if (value.kind != Kind::kNumber) return std::nullopt;
  std::string_view text = value.text;
  Digits out{text.starts_with('-'), false, 0};
  if (out.negative) text.remove_prefix(1);
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    const auto digit = static_cast<std::uint64_t>(c - '0');
    if (out.magnitude > (std::numeric_limits<std::uint64_t>::max() - digit) / 10) {
      out.overflow = true;
      out.magnitude = std::numeric_limits<std::uint64_t>::max();
    } else if (!out.overflow) {
      out.magnitude = out.magnitude * 10 + digit;
    }
  }
  return out;
}

}  // namespace

const Value* Value::Find(std::string_view key) const {
  for (const Member& member : members) {
    if (member.key == key) return &member.value;
  }
  return nullptr;
}

std::optional<std::int64_t> Value::Int() const {
  const auto digits = ParseDigits(*this);
  if (!digits) return std::nullopt;
  constexpr std::uint64_t kMax = std::numeric_limits<std::int64_t>::max();
  const auto clamped = static_cast<std::int64_t>(std::min(digits->magnitude, kMax));
  return digits->negative ? -clamped : clamped;
}

std::optional<std::uint64_t> Value::Uint() const {
  const auto digits = ParseDigits(*this);
  if (!digits || digits->negative) return std::nullopt;
  return digits->magnitude;
}

std::string Compact(const Value& value) {
  std::string out;
  Write(value, out);
  return out;
}

Node::Node(const Value* value, std::string path, Position at)
    : value_(value), path_(std::move(path)), at_(at) {
  if (value_ == nullptr) return;
  at_ = value_->at;
  if (value_->kind == Kind::kNull) value_ = nullptr;
}

Node Node::operator[](std::string_view key) const {
  const Value* found = Is(Kind::kObject) ? value_->Find(key) : nullptr;
  std::string path = path_;
  if (IsPlainKey(key)) {
    path += path.empty() ? "" : ".";
    path += key;
  } else {
    path += "[";
    Quote(key, path);
    path += "]";
  }
  return {found, std::move(path), at_};
}

std::vector<Node> Node::Items() const {
  std::vector<Node> out;
  if (!Is(Kind::kArray)) return out;
  out.reserve(value_->items.size());
  for (std::size_t i = 0; i < value_->items.size(); ++i) {
    out.push_back(Node(&value_->items[i], path_ + "[" + std::to_string(i) + "]", at_));
  }
  return out;
}

std::vector<std::pair<std::string, Node>> Node::Members() const {
  std::vector<std::pair<std::string, Node>> out;
  if (!Is(Kind::kObject)) return out;
  for (const Member& member : value_->members) out.emplace_back(member.key, (*this)[member.key]);
  return out;
}

const std::string& Node::Text() const { return Is(Kind::kString) ? value_->text : Empty(); }

std::optional<std::int64_t> Node::Int() const {
  return value_ == nullptr ? std::nullopt : value_->Int();
}

std::vector<std::string> Node::Texts() const {
  std::vector<std::string> out;
  for (const Node& item : Items()) {
    if (item.Is(Kind::kString)) out.push_back(item.Text());
  }
  return out;
}

}  // namespace vortex::review
