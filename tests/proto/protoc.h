// SPDX-License-Identifier: Apache-2.0
// Descriptors from .proto files, by running the protoc of the build (VORTEX_PROTOC).
#pragma once

#include <google/protobuf/descriptor.pb.h>

#include <string>
#include <vector>

namespace vortex::proto_test {

struct Descriptors {
  google::protobuf::FileDescriptorSet files;
  std::string error;  // what protoc printed when it failed; else empty
};

// Compiles `file` (below one of `import_dirs`, which are searched in order) with all its imports.
// One file a run: containerd 1.6 imports gogo.proto under two names, which one run refuses.
Descriptors RunProtoc(const std::vector<std::string>& import_dirs, const std::string& file);

}  // namespace vortex::proto_test
