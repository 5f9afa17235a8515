// SPDX-License-Identifier: Apache-2.0
// Flattens protobuf descriptors into the facts a peer can notice, one a line, and compares two such
// tables.
#pragma once

#include <google/protobuf/descriptor.pb.h>

#include <map>
#include <string>
#include <vector>

namespace vortex::proto_test {

// One fact. The key says what it is about, by full name:
//   pkg.Message              a message
//   pkg.Message#3            the field with that number: name is the field's, value its label and
//   type pkg.Enum                 an enum pkg.Enum=2               the enum value with that number:
//   name is the value's pkg.Service              a service pkg.Service/Method       a method: value
//   is request, response and which of them are streams
struct WireFact {
  std::string name;
  std::string value;
};

using WireTable = std::map<std::string, WireFact>;

struct Difference {
  std::string key;
  // What differs, for a person: names both sides.
  std::string what;
};

// Adds every fact of `files` to `table`. The well-known types (package google.protobuf) and options
// for code generators (gogoproto) are left out. A message that comes twice must be the same both
// times; if not, the result names it, else it is empty.
std::string AddToTable(const google::protobuf::FileDescriptorSet& files, WireTable* table);

// Every fact of `ours` that `theirs` does not have in the same form. What only they have is no
// difference: our files are a subset on purpose.
std::vector<Difference> Compare(const WireTable& ours, const WireTable& theirs);

}  // namespace vortex::proto_test
