// SPDX-License-Identifier: Apache-2.0
#include "sandbox/runtime_options.h"

#include "containerd/runc/v1/options.pb.h"

namespace vortex::sandbox {

client::Any RuncOptions(const std::string& binary, const std::string& root,
                        std::uint32_t host_uid) {
  containerd::runc::v1::Options options;
  options.set_binary_name(binary);
  options.set_root(root);
  options.set_io_uid(host_uid);
  options.set_io_gid(host_uid);
  return {"containerd.runc.v1.Options", options.SerializeAsString()};
}

}  // namespace vortex::sandbox
