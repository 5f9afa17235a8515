// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include "shim/actions.h"
#include "shim/bootstrap_input.h"
#include "shim/version.h"

namespace vortex::shim {
namespace {

// RuntimeInfo is two fields of strings here: written by hand, since containerd 1.6 has no such
// message and our protos are of its set. Field numbers: containerd api/types/runtime_info.proto.
void PutString(std::string* out, char tag, const std::string& value) {
  out->push_back(tag);
  for (std::size_t size = value.size();;) {
    out->push_back(static_cast<char>(size < 0x80 ? size : (size & 0x7F) | 0x80));
    if (size < 0x80) break;
    size >>= 7;
  }
  *out += value;
}

}  // namespace

int RunInfo() {
  std::string version;
  PutString(&version, 0x0A, kVersion);
  std::string info;
  PutString(&info, 0x0A, "io.containerd.vortex.v2");
  PutString(&info, 0x12, version);
  // The options go back as they came (field 3). Features stay unset: asking a runtime costs an
  // execution, and containerd then keeps to what every runtime can.
  if (const std::string options = ReadStdin(); !options.empty()) PutString(&info, 0x1A, options);
  return ::write(1, info.data(), info.size()) == static_cast<ssize_t>(info.size()) ? 0 : 1;
}

}  // namespace vortex::shim
