// SPDX-License-Identifier: Apache-2.0
#include "google/protobuf/empty.pb.h"
#include "shim/service.h"

namespace vortex::shim {

void Service::WriteReport(const Container&) {}

}  // namespace vortex::shim
