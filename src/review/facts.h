// SPDX-License-Identifier: Apache-2.0
// The normal form behind the diff: a spec as a list of single statements, each with the direction
// in which a change of it goes. Between the files of the diff only.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "review/json_tree.h"

namespace vortex::review {

enum class FactKind {
  kGrant,    // something that the container has: more of it loosens
  kGuard,    // something that holds it back: less of it loosens
  kCeiling,  // a number: higher loosens; none at all is the highest
  kFloor,    // a number: lower loosens; none at all is the lowest
  kNeutral,  // says nothing about isolation
  kUnknown,  // who knows
};

struct Fact {
  FactKind kind = FactKind::kUnknown;
  std::string value;  // for people and for kUnknown's and kNeutral's comparison
  double number = 0;  // of kCeiling and kFloor
  bool run_field = false;
  // Compared only when both specs have the fact with this key: a detail of a mount says nothing
  // once the mount is gone.
  std::string parent;
  std::string path;
  Position at;
};

Fact MakeFact(FactKind kind, const Node& where, const std::string& value);

class Facts {
 public:
  explicit Facts(const Value& root);

  const std::map<std::string, Fact>& all() const { return all_; }
  // Where something that has no fact would be.
  const Node& root() const { return root_; }

 private:
  friend class FactWriter;
  Node root_;
  std::map<std::string, Fact> all_;
};

// Adds facts; the key is what two specs are compared by.
class FactWriter {
 public:
  explicit FactWriter(std::map<std::string, Fact>& out) : out_(out) {}

  // Facts put from now on are details of this one; "" ends that.
  void Under(std::string parent);

  void Grant(const std::string& key, const Node& where, const std::string& value = "yes");
  void Guard(const std::string& key, const Node& where, const std::string& value = "yes");
  void Ceiling(const std::string& key, const Node& where, double number, const std::string& value);
  void Floor(const std::string& key, const Node& where, double number, const std::string& value);
  void Neutral(const std::string& key, const Node& where, bool run_field = false);
  void Unknown(const std::string& key, const Node& where, bool run_field = false);
  // Unknown, but only when it is there before and after.
  void Detail(const std::string& key, const Node& where, bool run_field = false);
  void Put(const std::string& key, Fact fact);
  // A limit of the spec: negative is none; so is 0 when `zero_is_none`.
  void Limit(const std::string& key, const Node& where, bool zero_is_none);
  // A grant for each bit of a mode.
  void Mode(const std::string& key, const Node& where, std::int64_t mode, std::int64_t bits);

 private:
  std::map<std::string, Fact>& out_;
  std::string parent_;
};

void MountFacts(const Node& mount, const std::string& key, FactWriter& facts);
void LinuxFacts(const Node& root, FactWriter& facts);
void SeccompFacts(const Node& seccomp, FactWriter& facts);

}  // namespace vortex::review
