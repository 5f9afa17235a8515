// SPDX-License-Identifier: Apache-2.0
// The differences between our .proto files and the packaged ones that are meant to be. Nothing else
// may differ.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "proto/wire_table.h"

namespace vortex::proto_test {

// Where a definition comes from; each is packaged, and versioned, by itself.
enum class Component { kContainerd, kCgroups, kTtrpc, kOurs };

// Component that owns a key of the wire table.
Component ComponentOf(std::string_view key);

struct Version {
  int major = 0;
  int minor = 0;
  friend auto operator<=>(const Version&, const Version&) = default;
};

// A fact of ours that older packages lack.
struct Newer {
  std::string_view key;  // of the wire table; a message stands for its fields too
  Version since;         // of the component
};

// A fact that both have, in two forms. `ours` and `theirs` are "name value", as the table has them.
struct Different {
  std::string_view key;
  std::string_view ours;
  std::string_view theirs;
  std::string_view why;
};

const std::vector<Newer>& NewerFacts();
const std::vector<Different>& DifferentFacts();

// What remains of `differences` once the meant ones are taken out. `packaged` is the version of
// the component that was compared: what it should have already is not excused.
std::vector<Difference> Unexpected(const std::vector<Difference>& differences,
                                   const WireTable& ours, const WireTable& theirs,
                                   Version packaged);

}  // namespace vortex::proto_test
