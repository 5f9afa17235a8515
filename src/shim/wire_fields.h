// SPDX-License-Identifier: Apache-2.0
// Reads fields of messages that have no .proto of ours: those of containerd versions newer than the
// set in proto/.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

namespace vortex::shim {

// Calls `field` with each length-delimited field's number and bytes; others are skipped. False for
// bytes that are no protobuf message.
bool EachField(std::string_view bytes,
               const std::function<void(std::uint64_t, std::string_view)>& field);

}  // namespace vortex::shim
