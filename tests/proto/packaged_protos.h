// SPDX-License-Identifier: Apache-2.0
// The .proto files that Debian packages for containerd, containerd/cgroups and containerd/ttrpc, in
// the layouts of Debian 12 (containerd 1.6) and Debian 13 (containerd 1.7).
#pragma once

#include <string>

#include "proto/known_differences.h"
#include "proto/wire_table.h"

namespace vortex::proto_test {

struct Packaged {
  WireTable table;
  Version version;
  std::string missing;  // why there is nothing to compare with, naming the package; else empty
  std::string error;    // it is there but could not be read; else empty
};

// Below /usr/share/gocode/src, or $VORTEX_GOCODE: another release's package, unpacked.
// For kTtrpc the version stays 0.0: there is nothing newer to tell apart.
Packaged LoadPackaged(Component component);

// Our own, all of proto/.
struct Ours {
  WireTable table;
  std::vector<google::protobuf::FileDescriptorProto> files;
  std::string error;
};
const Ours& LoadOurs();

}  // namespace vortex::proto_test
