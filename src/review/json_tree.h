// SPDX-License-Identifier: Apache-2.0
// A JSON document with the place of every value. For texts that nobody vouches for: strict RFC
// 8259, with limits on size, depth and number of values; a key that an object holds twice is
// refused, because runtimes disagree on which one counts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace vortex::review {

inline constexpr std::size_t kMaxSpecBytes = 4 << 20;
inline constexpr int kMaxDepth = 64;
inline constexpr std::size_t kMaxValues = 200'000;

// 1-based; columns count code points.
struct Position {
  int line = 1;
  int column = 1;
};

enum class Kind { kNull, kBool, kNumber, kString, kArray, kObject };

struct Member;

struct Value {
  Kind kind = Kind::kNull;
  Position at;
  bool boolean = false;
  std::string text;  // the string, decoded; or the number as it was written
  std::vector<Value> items;
  std::vector<Member> members;  // in the order of the text

  const Value* Find(std::string_view key) const;
  // Integers only; what does not fit in 64 bits is clamped.
  std::optional<std::int64_t> Int() const;
  std::optional<std::uint64_t> Uint() const;
};

struct Member {
  std::string key;
  Position key_at;
  Value value;
};

// InvalidArgument "line 3, column 5: …".
absl::StatusOr<Value> ParseJson(std::string_view text);

// Keys sorted, no white space: equal values give equal texts.
std::string Compact(const Value& value);

// A value, or the place where it would be, with its path from the root: "mounts[2].options".
// JSON null counts as absent, as it does for runtimes.
class Node {
 public:
  explicit Node(const Value& root) : value_(&root), at_(root.at) {}

  explicit operator bool() const { return value_ != nullptr; }
  const Value* value() const { return value_; }
  const std::string& path() const { return path_; }
  // Of the value, or of the nearest thing around it that exists.
  Position at() const { return at_; }

  Node operator[](std::string_view key) const;
  // Elements of an array, members of an object; nothing for other values.
  std::vector<Node> Items() const;
  std::vector<std::pair<std::string, Node>> Members() const;

  bool Is(Kind kind) const { return value_ != nullptr && value_->kind == kind; }
  bool IsTrue() const { return Is(Kind::kBool) && value_->boolean; }
  // "" when absent or no string.
  const std::string& Text() const;
  std::optional<std::int64_t> Int() const;
  std::vector<std::string> Texts() const;

 private:
  Node(const Value* value, std::string path, Position at);

  const Value* value_;
  std::string path_;
  Position at_;
};

}  // namespace vortex::review
