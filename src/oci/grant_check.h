// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "absl/status/status.h"
#include "oci/job.h"

namespace vortex::oci {

// Capabilities, mounts, devices and annotations of a job: the fields that open the sandbox.
// InvalidArgument names field and value.
absl::Status CheckGrants(const JobConfig& job);

// A device node that may be granted at all, by itself.
absl::Status CheckDevice(const DeviceGrant& device);

// A host directory that may be mounted into a sandbox at all, whoever grants it.
absl::Status CheckMountSource(std::string_view field, std::string_view path);

}  // namespace vortex::oci
